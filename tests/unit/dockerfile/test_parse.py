"""Text to instructions: what BuildKit's own parser makes of the same text."""

from __future__ import annotations

import pytest

from pytest_lucid.dockerfile.parse import parse

Lines = list[tuple[str, int, int]]


def lines(text: str | bytes) -> Lines:
    return [(item.name, item.line, item.end) for item in parse(text).instructions]


def codes(text: str | bytes) -> list[tuple[str, int]]:
    return [(problem.code, problem.line) for problem in parse(text).problems]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("FROM a\r\nRUN x \\\r\n  y\r\nUSER 1\r\n", [("FROM", 1, 1), ("RUN", 2, 3), ("USER", 4, 4)]),
        ("FROM a\nRUN <<EOF\nFROM b\nUSER root\nEOF\nUSER 1\n", [("FROM", 1, 1), ("RUN", 2, 5), ("USER", 6, 6)]),
        ("FROM a\nRUN <<EOF\r\nx\r\nEOF\r\nUSER 1\n", [("FROM", 1, 1), ("RUN", 2, 4), ("USER", 5, 5)]),
        (
            'FROM a\nCOPY <<-"X" <<Y /d/\n\tUSER r\n\tX\nCMD b\nY\nUSER 1\n',
            [("FROM", 1, 1), ("COPY", 2, 6), ("USER", 7, 7)],
        ),
        ("FROM a\nRUN x \\\n# c\n  # d \\\n\n  y\nUSER 1\n", [("FROM", 1, 1), ("RUN", 2, 6), ("USER", 7, 7)]),
        (
            "# escape=`\nFROM a\nRUN x `\n y\nWORKDIR C:\\\nUSER 1",
            [("FROM", 2, 2), ("RUN", 3, 4), ("WORKDIR", 5, 5), ("USER", 6, 6)],
        ),
        ("FROM a\nONBUILD RUN <<E\nUSER q\nE\nUSER 1\n", [("FROM", 1, 1), ("ONBUILD", 2, 4), ("USER", 5, 5)]),
        ("\ufefffrom a as x\nrun q\n", [("FROM", 1, 1), ("RUN", 2, 2)]),
        (b"\xef\xbb\xbfFROM a\nUSER 1\n", [("FROM", 1, 1), ("USER", 2, 2)]),
        ("FROM a\nUSER 1 \\", [("FROM", 1, 1), ("USER", 2, 2)]),
        ("\\\nFROM a", [("FROM", 1, 2)]),
        ("\n\n  FROM a  \n\t# c\n\tUSER 1", [("FROM", 3, 3), ("USER", 5, 5)]),
        ("FROM a\nRUN x \\  \n y", [("FROM", 1, 1), ("RUN", 2, 3)]),
    ],
)
def test_lines_of_instructions(text: str | bytes, expected: Lines) -> None:
    assert lines(text) == expected
    assert codes(text) == []


@pytest.mark.parametrize(
    "text",
    [
        'FROM a\nRUN echo "<<EOF"\nUSER 1',  # quoted
        "FROM a\nRUN echo a<<EOF\nUSER 1",  # not a word of its own
        "FROM a\nRUN cat <<<word\nUSER 1",  # a here-string
        "FROM a\nRUN echo $((1<<2))\nUSER 1",
        "FROM a\nRUN echo \"it's <<EOF\nUSER 1",  # a quote that is never closed
        'FROM a\nRUN ["cat", "<<EOF"]\nUSER 1',  # exec form knows none
        "FROM a\nCMD cat <<EOF\nUSER 1",  # CMD knows none
        "FROM a\nRUN echo \\\\\nUSER 1",  # an escaped escape continues nothing
        "FROM a\nRUN x # no comment \\ here\nUSER 1",
    ],
)
def test_what_is_no_heredoc_and_no_continuation(text: str) -> None:
    assert lines(text) == [("FROM", 1, 1), ("CMD" if "\nCMD" in text else "RUN", 2, 2), ("USER", 3, 3)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("# syntax=docker/dockerfile:1\n# escape=`\nFROM a", {"syntax": "docker/dockerfile:1", "escape": "`"}),
        ("#Syntax = x y \nFROM a", {"syntax": "x y"}),
        ("# a comment\n# escape=`\nFROM a", {}),
        ("\n# escape=`\nFROM a", {}),
        ("FROM a\n# escape=`", {}),
        ("# unknown=1\n# escape=`\nFROM a", {}),
    ],
)
def test_directives(text: str, expected: dict[str, str]) -> None:
    assert {item.name: item.value for item in parse(text).directives} == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", [("empty", 1)]),
        ("# only a comment\n", [("empty", 1)]),
        ("FROM a\nBOGUS x", [("unknown-instruction", 2)]),
        ("RUN x\nFROM a", [("before-from", 1)]),
        ("FROM a\nRUN <<E\nUSER 1\n", [("heredoc", 2)]),
        ("FROM a b", [("arguments", 1)]),
        ("FROM a AS 1x", [("arguments", 1)]),
        ("FROM a\nENV X", [("arguments", 2)]),
        ("FROM a\nENV X=1 Y", [("arguments", 2)]),
        ("FROM a\nCOPY a", [("arguments", 2)]),
        ("FROM a\nSHELL sh -c", [("arguments", 2)]),
        ("FROM a\nHEALTHCHECK curl x", [("arguments", 2)]),
        ("FROM a\nUSER", [("arguments", 2)]),
        ("FROM a\nCMD [1]", [("json", 2)]),
        ("FROM a\nCOPY --form=b x y", [("flag", 2)]),
        ("FROM a\nONBUILD ONBUILD RUN x", [("onbuild", 2)]),
        ("FROM a\nONBUILD FROM b", [("onbuild", 2)]),
        ("# escape=x\nFROM a", [("directive", 1)]),
        ("# escape=`\n# escape=`\nFROM a", [("directive", 2)]),
        ("FROM a\nRUN \0", [("nul", 2)]),
        ("FROM a\n\\\n", [("arguments", 2)]),
    ],
)
def test_problems_carry_their_line(text: str, expected: list[tuple[str, int]]) -> None:
    assert codes(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "FROM a\nCMD",
        "FROM a\nENTRYPOINT []",
        "FROM a\nCMD []",
        "FROM a\nENV X=",
        "FROM a\nENV X 1",
        "FROM a\nLABEL a.b-c=d",
        "FROM a\nMAINTAINER me",
        "ARG A B=2\nFROM a",
        "FROM --platform=$BUILDPLATFORM a:${V:-3.11} AS my.Stage_1-x",
        "FROM a\nHEALTHCHECK NONE",
        "FROM a\nHEALTHCHECK --start-interval=5s CMD x",
        "FROM a\nRUN --mount=type=cache,target=/x --network=none y",
        "FROM a\nADD --checksum=sha256:1 --keep-git-dir=true --unpack b c",
        "FROM a\nONBUILD COPY . /x",
    ],
)
def test_valid_text_has_no_problem(text: str) -> None:
    assert codes(text) == []


def test_flags_arrays_and_stages() -> None:
    text = (
        "ARG V=1\nFROM --platform=linux/arm64 a AS One\nFROM a\n"
        'COPY --link --chown=1:2 --chmod=755 --from=One ["a b", "/c/"]\nCMD ["x"] # no\n'
    )
    dockerfile = parse(text)
    copy, cmd = dockerfile.stages[1].instructions
    assert [(stage.name, stage.base, stage.platform, stage.line) for stage in dockerfile.stages] == [
        ("One", "a", "linux/arm64", 2),
        (None, "a", None, 3),
    ]
    assert [item.arguments for item in dockerfile.global_args] == ["V=1"]
    assert (copy.flag("link"), copy.flag("chown"), copy.flag("from"), copy.flag("parents")) == (
        "true",
        "1:2",
        "One",
        None,
    )
    assert (copy.array, cmd.array) == (("a b", "/c/"), None)


def test_heredoc_contents() -> None:
    dockerfile = parse("FROM a\nCOPY <<'A' <<-B /x/\n\tone $X\nA\n\ttwo\n\tB\n")
    one, two = dockerfile.instructions[1].heredocs
    assert (one.name, one.content, one.expand, one.strip_tabs, one.line) == ("A", "\tone $X\n", False, False, 3)
    assert (two.name, two.content, two.expand, two.strip_tabs, two.line) == ("B", "\ttwo\n", True, True, 5)


def test_each_character_knows_its_line() -> None:
    env = parse("FROM a\nENV A=1 \\\n # c\n B=2 \\\n\n C=3\n").instructions[1]
    assert [env.line_at(env.arguments.index(name)) for name in "ABC"] == [2, 4, 6]


def test_onbuild_holds_its_trigger() -> None:
    trigger = parse("FROM a\nONBUILD COPY --from=x a b\n").instructions[1].trigger
    assert trigger is not None
    assert (trigger.name, trigger.arguments, trigger.flag("from"), trigger.line) == ("COPY", "a b", "x", 2)


def test_an_escape_at_the_end_of_a_flag_is_dropped() -> None:
    assert parse("# escape=`\nFROM a\nRUN --network=none\\\n").instructions[1].flag("network") == "none"


def test_a_line_with_an_open_substitution_opens_no_heredoc() -> None:
    # BuildKit's reader gives such a line up, and takes what follows for instructions.
    source = parse("FROM a:1\nONBUILD COPY b${A <<E /c/\nUSER x\nE\n")
    assert [instruction.name for instruction in source.instructions][:3] == ["FROM", "ONBUILD", "USER"]


def test_a_backslash_between_double_quotes_belongs_to_the_heredocs_name() -> None:
    source = parse('FROM a:1\nCOPY <<"\\B" /c/\nB\n\\B\nUSER x\n')
    assert [instruction.name for instruction in source.instructions] == ["FROM", "COPY", "USER"]
