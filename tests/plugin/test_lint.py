"""`python -m pytest_lucid lint`, as people and editors run it."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from pytest_lucid.dockerfile.find import is_dockerfile

ROOT = Path(__file__).parents[2]
BAD = "FROM gcr.io/distroless/static-debian13\nRUN make\nENV DB_PASSWORD=a1b2c3\nUSER 1000\n"
GOOD = "FROM example.org/base:1\nUSER 1000\n"


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "Dockerfile").write_text(BAD, "utf-8")
    (tmp_path / "good.dockerfile").write_text(GOOD, "utf-8")
    # What would stop a run of pytest here.
    (tmp_path / "pytest.ini").write_text("[pytest]\naddopts = --never-heard-of\npython_files = nothing\n", "utf-8")
    (tmp_path / "conftest.py").write_text("raise SystemExit('of the tree')\n", "utf-8")
    monkeypatch.setenv("PYTEST_ADDOPTS", "--never-heard-of")
    monkeypatch.setenv("LUCID_UP", "1")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def lint(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pytest_lucid", "lint", *arguments]
    return subprocess.run(command, check=False, capture_output=True, text=True, timeout=120)


@pytest.mark.usefixtures("tree")
def test_one_line_for_each_finding() -> None:
    done = lint()
    assert done.returncode == 1
    lines = done.stdout.splitlines()
    told = [line.partition(" which ")[0] for line in lines if "HADOLINT" not in line]
    assert told == [
        "a/Dockerfile:2:1: error DKF-SHELL This RUN needs a shell,",
        "a/Dockerfile:3:1: error DKF-SECRET ENV DB_PASSWORD holds a secret.",
    ]
    assert all(re.fullmatch(r"[^:]+:\d+:\d+: (?:error|warning|info|note) [A-Z]+-[A-Z]+ .+", line) for line in lines)
    assert re.fullmatch(r"\d+ findings \(2 critical.*\)\n", done.stderr)


@pytest.mark.usefixtures("tree")
def test_a_clean_file_by_any_name() -> None:
    done = lint("good.dockerfile")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "no findings\n")


def test_a_folder_from_elsewhere(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tree / "a")
    done = lint("..", "--fail-on=critical", "--quiet")
    assert done.returncode == 1
    assert "\nDockerfile:2:1: error DKF-SHELL" in f"\n{done.stdout}"
    assert done.stderr == ""


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("nowhere",), "ERROR: nowhere: no such file or folder; expected a Dockerfile, or a folder that holds some\n"),
        (("--by", "colour"), "argument --by: invalid choice"),
    ],
)
def test_wrong_usage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], told: str) -> None:
    monkeypatch.chdir(tmp_path)
    done = lint(*arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert told in done.stderr


@pytest.mark.usefixtures("tree")
def test_json() -> None:
    done = lint("--format=json", "a")
    found = json.loads(done.stdout)
    secret = next(item for item in found if item["check"] == "DKF-SECRET")
    assert secret == {
        "file": "a/Dockerfile",
        "line": 3,
        "column": 1,
        "severity": "critical",
        "level": "error",
        "check": "DKF-SECRET",
        "message": "ENV DB_PASSWORD holds a secret.",
    }


@pytest.mark.usefixtures("tree")
def test_groups_begin_with_the_worst() -> None:
    lines = lint("--by", "severity").stdout.splitlines()
    assert lines[0] == "critical: 2 findings in 1 file, the worst critical"
    assert lines[1].startswith("  a/Dockerfile:2:1: error DKF-SHELL")


def test_what_is_ignored(tree: Path) -> None:
    text = BAD.replace("ENV", "# lucid: ignore=DKF-SECRET of the demonstration\nENV")
    (tree / "a" / "Dockerfile").write_text(text, "utf-8")
    (tree / "lucid.toml").write_text(
        '[[ignore]]\ncheck = "DKF-SHELL"\npath = "a/**"\nreason = "Of somebody else."\n', "utf-8"
    )
    output = lint("a").stdout
    assert "DKF-SECRET" not in output
    assert "DKF-SHELL" not in output
    assert "DKF-EXCUSES" not in output
    # Whoever says no to a finding promises no services of Lucid.
    assert "DKF-FILE" not in output


def test_the_hook_for_pre_commit(tree: Path) -> None:
    (hook,) = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text("utf-8"))
    for name in (
        "Dockerfile",
        "a/Dockerfile.web",
        "x.dockerfile",
        "Containerfile",
        "Dockerfile.md",
        "a/Dockerfile.test.js",
    ):
        wanted = re.search(hook["files"], name) and not re.search(hook["exclude"], name)
        assert bool(wanted) is is_dockerfile(Path(name).name), name
    program, *arguments = shlex.split(hook["entry"])
    assert program == "python"
    command = [sys.executable, *arguments, "a/Dockerfile", "good.dockerfile"]
    assert subprocess.run(command, check=False, capture_output=True, cwd=tree, timeout=120).returncode == 1
