"""What was left behind: secrets and litter, in any layer, for what a later layer deletes is still there to be read."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from pytest_lucid.content.secrets import find_secrets, find_variables, is_secret_path

if TYPE_CHECKING:
    from pytest_lucid.image.config import Image
    from pytest_lucid.image.inventory import Inventory
    from pytest_lucid.image.packages import Distribution

# Versioning, caches of tools and package managers, and folders of tests.
LITTER = re.compile(
    r"(?:^|/)(?:\.git|\.hg|\.svn|\.pytest_cache|\.mypy_cache|\.ruff_cache|\.tox|\.nox|\.venv|node_modules|\.coverage|"
    r"\.dockerignore|Dockerfile[^/]*)$|^var/(?:cache/apt|lib/apt/lists)/.|(?:^|/)\.cache/(?:pip|uv)(?:/|$)"
)
TESTS = re.compile(r"(?:^|/)(?:tests?|conftest\.py|test_[^/]+\.py)$")
REMEDY = "Mount it at run time, change it at its issuer, and build anew without the layer that has it."


@pytest.mark.lucid("IMG-SECRET-FILE", demand="content.no_secrets", severity="critical", remedy=REMEDY)
def test_no_secret_files(lucid_texts: Inventory) -> None:
    """No layer has a file of a kind that holds secrets: keys, .env, credentials."""
    assert not [where for where, entry in lucid_texts.everywhere if entry.kind == "file" and is_secret_path(entry.path)]


@pytest.mark.lucid("IMG-SECRET", demand="content.no_secrets", severity="critical", remedy=REMEDY)
def test_no_secrets_in_files(lucid_texts: Inventory) -> None:
    """No file of any layer contains a key, token or password, judged by its format or by the name of its variable."""
    assert not [f"{where}: {secret}" for where, entry in lucid_texts.everywhere for secret in entry.content.secrets]


@pytest.mark.lucid("IMG-SECRET-CONFIG", demand="content.no_secrets", severity="critical", remedy=REMEDY)
def test_no_secrets_in_configuration(lucid_image: Image) -> None:
    """History, labels, variables and command hold no secret: everybody who has the image can read them."""
    assert lucid_image.history, "the image has no history that could be read"
    answer = [
        *lucid_image.history,
        *(f"{name}={value}" for name, value in lucid_image.labels.items()),
        *lucid_image.argv,
    ]
    answer += [f"{name}={value}" for name, value in lucid_image.environment.items()]
    found = [secret for line in answer for secret in find_secrets(line.encode(), code=False)]
    assert not [*found, *find_variables(lucid_image.environment)]


@pytest.mark.lucid(
    "IMG-LITTER",
    demand="content.no_litter",
    severity="low",
    remedy="Name what the build needs in .dockerignore, and nothing else.",
)
def test_no_litter(
    lucid_image: Image,
    lucid_inventory: Inventory,
    lucid_base_files: frozenset[str],
    lucid_python_packages: tuple[Distribution, ...],
) -> None:
    """No version history, cache or test was copied; only a package's own files may look like one."""
    shipped = lucid_base_files | {path for package in lucid_python_packages for path in package.record or ()}
    shipped |= {path.rpartition("/")[0] for path in shipped}
    cache = lucid_image.environment.get("PYTHONPYCACHEPREFIX", "").strip("/")

    def is_shipped(path: str) -> bool:
        # Bytecode is reported under the path of its source.
        return path in shipped or bool(cache and path.removeprefix(f"{cache}/") in shipped)

    found = [
        where
        for where, entry in lucid_inventory.everywhere
        if (LITTER.search(entry.path) or TESTS.search(entry.path)) and not is_shipped(entry.path)
    ]
    assert not found
