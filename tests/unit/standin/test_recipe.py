from __future__ import annotations

import pytest

from pytest_lucid.standin.ensure import normalise
from pytest_lucid.standin.pull import registry_of
from pytest_lucid.standin.recipe import load, parse

ENTRY = """
[[base]]
repository = "example/thing"
kind = "distroless"
suite = "bookworm"
packages = ["base-files"]
[base.tags]
latest = { user = "0" }
nonroot = { user = "65532", workdir = "/home/nonroot" }
"""


def test_each_tag_is_a_recipe_that_overrides_its_entry() -> None:
    latest, nonroot = parse(ENTRY)
    assert (latest.reference, latest.user, latest.workdir) == ("example/thing:latest", "0", "/")
    assert (nonroot.reference, nonroot.user, nonroot.workdir) == ("example/thing:nonroot", "65532", "/home/nonroot")
    assert latest.packages == nonroot.packages


@pytest.mark.parametrize(
    ("line", "changed"),
    [
        ('kind = "distroless"', 'kind = "scratch"'),
        ('suite = "bookworm"', 'suite = "../bookworm"'),
        ('packages = ["base-files"]', "packages = []"),
        ('repository = "example/thing"', 'repository = "Example/Thing"'),
        ('suite = "bookworm"', 'suite = "bookworm"\nentrypiont = ["sh"]'),
        ('workdir = "/home/nonroot"', 'workdir = "home"'),
    ],
)
def test_a_wrong_recipe_is_refused(line: str, changed: str) -> None:
    with pytest.raises(ValueError, match="validation error"):
        parse(ENTRY.replace(line, changed))


def test_two_recipes_for_one_reference_are_refused() -> None:
    with pytest.raises(ValueError, match="example/thing:nonroot"):
        parse(ENTRY + ENTRY)


def test_a_fingerprint_changes_with_the_recipe_and_with_nothing_else() -> None:
    (first, _), (again, _) = parse(ENTRY), parse(ENTRY)
    (other, _) = parse(ENTRY.replace('["base-files"]', '["base-files", "netbase"]'))
    assert first.fingerprint == again.fingerprint != other.fingerprint


def test_the_packaged_recipes_cover_the_bases_of_phase_2() -> None:
    references = {recipe.reference for recipe in load()}
    assert references >= {
        "gcr.io/distroless/python3-debian12:latest",
        "gcr.io/distroless/python3-debian12:nonroot",
        "gcr.io/distroless/python3-debian13:nonroot",
        "debian:12-slim",
        "debian:13-slim",
        "hashicorp/consul:1.20.6",
        "busybox:1.36.1",
    }


@pytest.mark.parametrize(
    ("written", "listed"),
    [
        ("debian", "debian:latest"),
        ("debian:12-slim", "debian:12-slim"),
        ("docker.io/library/debian:12-slim", "debian:12-slim"),
        ("docker.io/hashicorp/consul:1.20.6", "hashicorp/consul:1.20.6"),
        ("gcr.io/distroless/python3-debian12", "gcr.io/distroless/python3-debian12:latest"),
        ("localhost:5000/thing", "localhost:5000/thing:latest"),
        ("debian@sha256:0a", "debian@sha256:0a"),
    ],
)
def test_a_reference_is_read_as_the_engine_lists_it(written: str, listed: str) -> None:
    assert normalise(written) == listed


@pytest.mark.parametrize(
    ("reference", "registry"),
    [
        ("debian:12-slim", "docker.io"),
        ("hashicorp/consul:1.20.6", "docker.io"),
        ("gcr.io/distroless/python3-debian12:nonroot", "gcr.io"),
        ("localhost/thing", "localhost"),
        ("127.0.0.1:9/thing", "127.0.0.1:9"),
    ],
)
def test_the_registry_of_a_reference(reference: str, registry: str) -> None:
    assert registry_of(reference) == registry
