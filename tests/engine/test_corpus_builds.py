"""Whether the trees of the corpus build and start on a real engine, against the findings that expect.toml has.

A build takes about a second: a run takes a sample, another one each time that a tree is added; `nox -s corpus` all.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from corpus_builds import BUILD_FAILS, OWN, REFERENCES, START_FAILS, TAG, make_bases, rewrite, run, start, undecidable

from pytest_lucid import standin

AUDIT = Path(__file__).parents[1] / "unit" / "audit"
sys.path.insert(0, str(AUDIT))

from case_files import Case, read_corpus  # noqa: E402 - the unit tests' own reader of the trees

if TYPE_CHECKING:
    from collections.abc import Iterator

    import docker

TREES = read_corpus(AUDIT / "corpus")
SAMPLE = TREES if os.environ.get("LUCID_WHOLE_CORPUS") else TREES[len(TREES) % 9 :: 9]


@pytest.fixture(autouse=True)
def nothing_left() -> None:
    """These tests start no run, and remove what they build."""


@pytest.fixture(scope="module", autouse=True)
def bases(client: docker.DockerClient, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    standin.ensure(client, REFERENCES, print)
    make_bases(tmp_path_factory.mktemp("bases"))
    yield
    for name in (TAG, *OWN):
        client.images.remove(name, force=True)


@pytest.mark.engine
@pytest.mark.parametrize("case", [pytest.param(case, id=case.name) for case in SAMPLE])
def test_tree_builds_and_starts_as_judged(case: Case, tmp_path: Path) -> None:
    case.write(tmp_path)
    _, subject = case.subject(tmp_path, needs_row=False)
    subject = subject.variants[0]
    if why := undecidable(subject):
        pytest.skip(why)
    root = subject.context.root
    built = run("build", "-q", "-f", rewrite(subject), "-t", TAG, ".", folder=root)
    assert (built.returncode == 0) is not any(text.startswith(BUILD_FAILS) for text in case.findings), built.stderr
    final = subject.final
    if built.returncode or final is None or not (final.cmd or final.entrypoint):
        return
    why = start(root)
    if "exec format error" in why:
        return  # an empty file stands for a program
    assert bool(why) is any(text.startswith(START_FAILS) and "HEALTHCHECK" not in text for text in case.findings), why
