"""Input that nobody writes by accident: the parser and the resolver neither raise nor slow down."""

from __future__ import annotations

import random
import time

import pytest

from pytest_lucid.dockerfile.parse import parse
from pytest_lucid.dockerfile.resolve import resolve

_MILLION = 1_000_000
_ATOMS = [
    *(
        "FROM a",
        "FROM b AS c",
        "FROM c",
        "FROM ${V:-",
        "from --platform=$P x",
        "ARG V",
        "ARG V=1",
        "ENV A=1 B=$A",
        "ENV A b",
    ),
    *("ENV A=$A$A$A$A", "ENV =", "LABEL a=${X#*", "LABEL a=${X/x/y}", "RUN <<EOF", "RUN x", "EOF", "COPY --from=c a b"),
    *(
        "COPY <<A <<B /x",
        'COPY ["a"',
        'COPY ["a","b"]',
        "CMD [1]",
        "CMD [[[[",
        "ONBUILD ONBUILD RUN x",
        "ONBUILD",
        "EXPOSE",
    ),
    *(
        "EXPOSE 1-99999 -1/x",
        "HEALTHCHECK --interval=1e9 CMD",
        "HEALTHCHECK",
        "SHELL x",
        "USER",
        "WORKDIR ../..",
        "# escape=`",
    ),
    *(
        "\\\n",
        "`\n",
        "\n",
        "\r\n",
        " ",
        "\t",
        "\0",
        "\ufeff",
        '"',
        "'",
        "$",
        "${",
        "}",
        "{",
        "\\",
        "#",
        "<<",
        "--x",
        "é",
        "\x85",
    ),
    *("\u2028", "\udc80", "\x0b", "9" * 30, "RUN --mount=from=9,x=", "VOLUME [", "STOPSIGNAL $", "ADD a", "\U0001f600"),
]


def _random_dockerfile(rng: random.Random) -> str:
    return "".join(rng.choice(_ATOMS) + rng.choice(["", " ", "\n", "\n"]) for _ in range(rng.randint(1, 30)))


def test_random_text_never_raises() -> None:
    rng = random.Random(20_260_401)  # noqa: S311 - a reproducible sequence, no secret
    for _ in range(4_000):
        text = _random_dockerfile(rng)
        dockerfile = parse(text)
        lines = text.count("\n") + 1
        assert all(1 <= item.line <= item.end <= lines for item in dockerfile.instructions), text
        assert all(1 <= problem.line <= lines for problem in resolve(dockerfile).problems), text


def test_random_bytes_never_raise() -> None:
    rng = random.Random(7)  # noqa: S311 - a reproducible sequence, no secret
    for _ in range(1_000):
        resolve(parse(b"FROM a\n" + rng.randbytes(rng.randint(0, 300))))


@pytest.mark.parametrize("line", ["RUN " + "x" * _MILLION, "ENV A=" + "$" * _MILLION, 'CMD ["' + "a" * _MILLION])
def test_a_line_of_a_megabyte_is_a_problem(line: str) -> None:
    start = time.process_time()
    facts = resolve(parse(f"FROM a\n{line}\nUSER 1\n"))
    assert time.process_time() - start < 5
    assert "line-length" in {problem.code for problem in facts.problems}
    assert facts.final is not None
    assert facts.final.user is not None


def test_ten_thousand_instructions() -> None:
    start = time.process_time()
    facts = resolve(parse("FROM a\n" + "RUN echo hi\n" * 10_000))
    assert time.process_time() - start < 5
    assert facts.final is not None
    assert len(facts.final.runs) == 10_000


def test_five_thousand_stages_each_on_the_one_before() -> None:
    stages = "".join(f"FROM s{index} AS s{index + 1}\nENV V{index}=x\n" for index in range(5_000))
    start = time.process_time()
    facts = resolve(parse("FROM a AS s0\n" + stages))
    assert time.process_time() - start < 5
    assert facts.final is not None
    assert len(facts.final.env) == 5_000


def test_a_variable_that_doubles_on_every_line_is_a_problem() -> None:
    facts = resolve(parse("FROM a\nENV A=aa\n" + "ENV A=$A$A\n" * 100))
    assert {problem.code for problem in facts.problems} == {"expansion"}
    assert facts.final is not None
    assert len(facts.final.env["A"].value) <= 32_768


def test_invalid_utf8_is_a_problem_at_its_line() -> None:
    dockerfile = parse(b"FROM a\nRUN echo \xff\nUSER 1\n")
    assert [(problem.code, problem.line) for problem in dockerfile.problems] == [("encoding", 2)]
    assert [item.name for item in dockerfile.instructions] == ["FROM", "RUN", "USER"]
