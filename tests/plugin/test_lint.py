"""`python -m pytest_lucid lint`, as people and editors run it."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
import xml.etree.ElementTree as ET
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
    done = lint("--by", "line")
    assert done.returncode == 1
    lines = done.stdout.splitlines()
    answer = [line.partition(" which ")[0] for line in lines if "HADOLINT" not in line]
    assert answer == [
        "a/Dockerfile:2:1: error DKF-SHELL This RUN needs a shell,",
        "a/Dockerfile:3:5: error DKF-SECRET ENV DB_PASSWORD holds a secret.",
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
    ("arguments", "answer"),
    [
        (("nowhere",), "ERROR: nowhere: no such file or folder; expected a Dockerfile, or a folder that holds some\n"),
        (("--by", "colour"), "argument --by: invalid choice"),
    ],
)
def test_wrong_usage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], answer: str) -> None:
    monkeypatch.chdir(tmp_path)
    done = lint(*arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert answer in done.stderr


@pytest.mark.usefixtures("tree")
def test_json() -> None:
    done = lint("--format=json", "a")
    found = json.loads(done.stdout)
    secret = next(item for item in found if item["check"] == "DKF-SECRET")
    assert secret == {
        "file": "a/Dockerfile",
        "line": 3,
        "column": 5,
        "severity": "critical",
        "level": "error",
        "check": "DKF-SECRET",
        "message": "ENV DB_PASSWORD holds a secret.",
        "cause": "",
    }


COPIES = "FROM gcr.io/distroless/static-debian13\nCOPY --chown=5 x.py /a/\n  COPY --chown=5 y.py /b/\nUSER 5\n"


def test_one_cause_is_told_once(tree: Path) -> None:
    for folder in ("b", "c"):
        (tree / folder).mkdir()
        (tree / folder / "Dockerfile").write_text(COPIES, "utf-8")
        for name in ("x.py", "y.py"):
            (tree / folder / name).touch()
    lines = lint("b", "c").stdout.splitlines()
    start = next(number for number, line in enumerate(lines) if "DKF-CODE" in line)
    assert lines[start].startswith("b/Dockerfile:2:6: error DKF-CODE The code in /a/x.py belongs to 5")
    assert lines[start].endswith("(4 places)")
    assert lines[start + 1 : start + 3] == ["    also b/Dockerfile: 3", "    also c/Dockerfile: 2, 3"]
    assert sum("DKF-CODE" in line for line in lines) == 1
    found = [item for item in json.loads(lint("--format=json", "b", "c").stdout) if item["check"] == "DKF-CODE"]
    assert [(item["file"], item["line"], item["column"]) for item in found] == [
        *[("b/Dockerfile", 2, 6), ("b/Dockerfile", 3, 8), ("c/Dockerfile", 2, 6), ("c/Dockerfile", 3, 8)]
    ]


@pytest.mark.usefixtures("tree")
def test_formats_that_other_programs_read() -> None:
    found = json.loads(lint("--format=json").stdout)
    places = {(item["file"], item["line"], item["column"]) for item in found}
    result = json.loads(lint("--format=sarif").stdout)["runs"][0]["results"]
    located = [item["locations"][0]["physicalLocation"] for item in result]
    regions = [(item["artifactLocation"]["uri"], item["region"]) for item in located]
    assert {(uri, region["startLine"], region["startColumn"]) for uri, region in regions} == places
    root = ET.fromstring(lint("--format=checkstyle").stdout)  # noqa: S314 - our own
    answer = {(f.get("name"), int(e.get("line", "")), int(e.get("column", ""))) for f in root for e in f}
    assert answer == places
    quality = json.loads(lint("--format=code-quality").stdout)
    assert {(item["location"]["path"], item["location"]["lines"]["begin"]) for item in quality} == {
        place[:2] for place in places
    }


@pytest.mark.usefixtures("tree")
def test_a_clean_file_in_formats_of_others() -> None:
    done = lint("--format=checkstyle", "good.dockerfile")
    assert done.returncode == 0
    assert list(ET.fromstring(done.stdout)) == []  # noqa: S314 - our own


@pytest.mark.usefixtures("tree")
def test_problem_matcher_reads_every_line() -> None:
    matchers = json.loads((ROOT / "docs" / "ci" / "lucid-problem-matcher.json").read_text("utf-8"))["problemMatcher"]
    patterns = [(re.compile(pattern["regexp"]), pattern) for matcher in matchers for pattern in matcher["pattern"]]
    lines = lint("--by", "line").stdout.splitlines()
    found = json.loads(lint("--format=json").stdout)
    assert len(lines) == len(found) > 2
    for line, item in zip(lines, found, strict=True):
        (match, pattern), *others = [(read, pattern) for form, pattern in patterns if (read := form.match(line))]
        assert not others
        assert match is not None
        names = {"file": "file", "line": "line", "column": "column", "code": "check", "message": "message"}
        assert {name: match[pattern[name]] for name in names} == {name: str(item[key]) for name, key in names.items()}
        if "severity" in pattern:
            assert match[pattern["severity"]] == item["level"]


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


IGNORE = '[[ignore]]\ncheck = "{}"\npath = "{}"\nreason = "Of somebody else."\n'


@pytest.mark.parametrize(
    ("check", "path", "answer"),
    [
        ("DKF-SHELL", "a/**", ""),
        ("DKF-S*", "**", ""),
        ("DKF-SHELL", "b/**", "Nothing needs the ignore of DKF-SHELL for b/**: delete it."),
        ("DKF-TAG", "a", "Nothing needs the ignore of DKF-TAG for a: delete it."),
        ("DKF-NONE", "a", "There is no check DKF-NONE on Dockerfiles, so this ignore does nothing."),
    ],
)
def test_an_ignore_of_a_path_that_nothing_needs(tree: Path, check: str, path: str, answer: str) -> None:
    needed = IGNORE.format("DKF-SECRET", "a/Dockerfile")
    (tree / "lucid.toml").write_text(f"{needed}\n# more\n{IGNORE.format(check, path)}", "utf-8")
    lines = [line for line in lint("--by=line").stdout.splitlines() if "WVR-" in line]
    assert lines == ([f"lucid.toml:7:1: info WVR-IGNORE {answer}"] if answer else [])


def test_an_ignore_is_not_judged_by_some_files_alone(tree: Path) -> None:
    (tree / "lucid.toml").write_text(IGNORE.format("DKF-SHELL", "a/**"), "utf-8")
    assert "WVR-IGNORE" not in lint("good.dockerfile").stdout


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
