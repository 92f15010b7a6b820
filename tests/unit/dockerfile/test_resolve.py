"""What a Dockerfile comes to: scopes, inheritance, the final stage. Compared with real engines while it was written."""

from __future__ import annotations

import pytest

from pytest_lucid.dockerfile.facts import DockerfileFacts, Located, StageFacts
from pytest_lucid.dockerfile.parse import parse
from pytest_lucid.dockerfile.resolve import resolve


def final(text: str, **build_args: str) -> StageFacts:
    facts = resolve(parse(text), build_args)
    assert facts.problems == ()
    assert facts.final is not None
    return facts.final


def label(text: str, **build_args: str) -> Located[str]:
    return final(text, **build_args).labels["l"]


@pytest.mark.parametrize(
    ("text", "expected", "unset"),
    [
        ("ARG V=1\nFROM a\nLABEL l=$V", "", ("V",)),
        ("ARG V=1\nFROM a\nARG V\nLABEL l=$V", "1", ()),
        ("ARG V=1\nFROM a\nARG V=2\nLABEL l=$V", "2", ()),
        ("ARG V=1\nARG W=$V-w\nFROM a\nARG W\nLABEL l=$W", "1-w", ()),
        ("FROM a\nLABEL l=$V\nARG V=1", "", ("V",)),
        ("FROM a\nARG V\nLABEL l=$V", "", ("V",)),
        ("FROM a\nARG V=1\nENV V=2\nLABEL l=$V", "2", ()),
        ("FROM a\nENV V=2\nARG V=1\nLABEL l=$V", "2", ()),
        ("FROM a\nENV A=1\nENV A=2 B=$A\nLABEL l=$B", "1", ()),
        ("FROM a AS x\nARG V=1\nFROM a\nLABEL l=$V", "", ("V",)),
        ("FROM a AS x\nARG V=1\nFROM x\nLABEL l=$V", "1", ()),
        ("FROM a AS x\nENV V=1\nFROM X\nLABEL l=$V", "1", ()),
        ("FROM a AS x\nENV V=1\nFROM b\nLABEL l=$V", "", ("V",)),
        ("FROM a\nARG TARGETARCH\nLABEL l=$TARGETARCH", "amd64", ()),
        ("FROM a\nLABEL l=$TARGETARCH", "", ("TARGETARCH",)),
        ("FROM a\nLABEL l='$V'", "$V", ()),
        ('FROM a\nLABEL l="x y"', "x y", ()),
    ],
)
def test_scopes(text: str, expected: str, unset: tuple[str, ...]) -> None:
    found = label(text)
    assert (found.value, found.unset) == (expected, unset)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ARG V=1\nFROM a\nARG V\nLABEL l=$V", "given"),
        ("FROM a\nARG V=2\nLABEL l=$V", "given"),
        ("FROM a\nLABEL l=x$V", "x"),
        ("FROM a\nARG V=2\nENV V=3\nLABEL l=$V", "3"),
    ],
)
def test_build_arguments_need_a_declaration(text: str, expected: str) -> None:
    assert label(text, V="given").value == expected


def test_the_classic_builder_does_not_inherit_args() -> None:
    facts = resolve(parse("FROM a AS x\nARG V=1\nFROM x\nLABEL l=$V"), classic=True)
    assert facts.final is not None
    assert facts.final.labels["l"].unset == ("V",)


def bases(text: str, **build_args: str) -> DockerfileFacts:
    return resolve(parse(text), build_args)


def test_bases_and_images() -> None:
    facts = bases(
        "ARG V=12\nARG BASE=gcr.io/distroless/python3-debian${V}\n"
        "FROM --platform=$BUILDPLATFORM python:${P:-3.11} AS build\n"
        "FROM scratch AS empty\nCOPY --from=busybox:1 /x /x\nRUN --mount=type=bind,from=tools,target=/t y\n"
        "FROM ${BASE}\nCOPY --from=Build /a /a\nCOPY --from=1 /a /a\n"
    )
    assert facts.problems == ()
    assert [image.value for image in facts.images] == [
        "python:3.11",
        "busybox:1",
        "tools",
        "gcr.io/distroless/python3-debian12",
    ]
    assert facts.stages[0].platform == "linux/amd64"
    assert facts.final is not None
    assert [copy.origin.stage for copy in facts.final.copies] == [0, 1]
    assert [stage.index for stage in facts.needed()] == [0, 1, 2]


@pytest.mark.parametrize(
    "text", ["FROM x AS x", "FROM a AS b\nFROM a AS c", "FROM a AS X\nFROM b AS Y\nFROM x", "FROM a AS s\nFROM s AS s"]
)
def test_a_name_means_an_earlier_stage_only(text: str) -> None:
    facts = bases(text)
    written = [line.split()[1].lower() for line in text.split("\n")]
    names = [(stage.name or "").lower() for stage in facts.stages]
    for stage, base in zip(facts.stages, written, strict=True):
        assert (stage.parent is not None) is (base in names[: stage.index])


@pytest.mark.parametrize("source", ["1", "7", "me"])
def test_copy_from_itself_or_from_nowhere_is_a_problem(source: str) -> None:
    facts = bases(f"FROM a\nFROM b AS me\nCOPY --from={source} x y\n")
    assert [(problem.code, problem.line) for problem in facts.problems] == [("from", 3)]


@pytest.mark.parametrize(
    ("text", "entrypoint", "cmd"),
    [
        ('FROM a\nENTRYPOINT ["e"]\nCMD ["c"]', ("e",), ("c",)),
        ('FROM a\nCMD ["c"]\nENTRYPOINT ["e"]', ("e",), ("c",)),
        ('FROM a AS x\nCMD ["c"]\nFROM x\nENTRYPOINT ["e"]', ("e",), None),
        ('FROM a AS x\nENTRYPOINT ["e"]\nFROM x\nCMD ["c"]', ("e",), ("c",)),
        ("FROM a\nCMD c $X", None, ("/bin/sh", "-c", "c $X")),
        ('FROM a\nSHELL ["/b"]\nCMD c', None, ("/b", "c")),
        ("FROM a\nENTRYPOINT []", (), None),
        ('FROM a\nCMD ["a"]\nCMD ["b"]', None, ("b",)),
    ],
)
def test_start(text: str, entrypoint: tuple[str, ...] | None, cmd: tuple[str, ...] | None) -> None:
    stage = final(text)
    assert (stage.entrypoint and stage.entrypoint.argv, stage.cmd and stage.cmd.argv) == (entrypoint, cmd)


def test_healthcheck() -> None:
    check = final(
        'FROM a\nHEALTHCHECK --interval=1m30s --timeout=500ms --start-period=0 --retries=3 CMD ["/p", "$X"]'
    ).healthcheck
    assert check is not None
    assert check.command is not None
    assert (check.command.form, check.command.argv, check.line) == ("exec", ("/p", "$X"), 2)
    assert (check.interval, check.timeout, check.start_period, check.start_interval, check.retries) == (
        90.0,
        0.5,
        0.0,
        None,
        3,
    )


@pytest.mark.parametrize("flag", ["interval=30", "interval=-1s", "timeout=1x", "retries=x", "retries=-1", "interval=s"])
def test_healthcheck_refuses(flag: str) -> None:
    assert [item.code for item in bases(f"FROM a\nHEALTHCHECK --{flag} CMD x").problems] == ["healthcheck"]


def test_healthcheck_none_replaces_the_inherited_one() -> None:
    check = final("FROM a AS x\nHEALTHCHECK CMD x\nFROM x\nHEALTHCHECK NONE").healthcheck
    assert check is not None
    assert check.command is None


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("8080", [(8080, "tcp")]),
        ("53/UDP 53/tcp", [(53, "udp"), (53, "tcp")]),
        ("9000-9002", [(9000, "tcp"), (9001, "tcp"), (9002, "tcp")]),
        ("$P", [(80, "tcp"), (81, "udp")]),
        ("127.0.0.1:8080:80", [(80, "tcp")]),
    ],
)
def test_ports(written: str, expected: list[tuple[int, str]]) -> None:
    stage = final(f'FROM a\nENV P="80 81/udp"\nEXPOSE {written}')
    assert [(port.number, port.protocol) for port in stage.ports] == expected


@pytest.mark.parametrize("written", ["0", "65536", "http", "80/http", "90-80", "-1", "80-"])
def test_ports_refused(written: str) -> None:
    assert [item.code for item in bases(f"FROM a\nEXPOSE {written}").problems] == ["expose"]


def test_folders_users_and_copies() -> None:
    stage = final(
        "FROM a AS base\nWORKDIR /w\nUSER 1:2\nCOPY one /x/\nFROM base\nARG U=65532\nWORKDIR sub/../in\n"
        'COPY --chown=$U:$U --chmod=0640 a.py "b" ./c/\nADD https://e.org/x.tgz ../y\n'
        'RUN make\nUSER $U:$U\nVOLUME ["/d", "/e"]\n'
    )
    assert stage.workdir == Located("/w/in", 7)
    assert stage.user == Located("65532:65532", 11)
    assert [(copy.sources, copy.target, copy.chown, copy.stage) for copy in stage.copies] == [
        (("one",), "/x/", None, 0),
        (("a.py", "b"), "/w/in/c/", "65532:65532", 1),
        (("https://e.org/x.tgz",), "/w/y", None, 1),
    ]
    (run,) = stage.runs
    assert (run.user and run.user.value, run.workdir) == ("1:2", "/w/in")
    assert [volume.value for volume in stage.volumes] == ["/d", "/e"]


def test_heredoc_sources_are_no_files() -> None:
    (copy,) = final("FROM a\nCOPY <<EOF real.txt /x/\nhi\nEOF").copies
    assert (copy.sources, [item.content for item in copy.heredocs]) == (("real.txt",), ["hi\n"])


def test_every_pair_of_a_long_env_has_its_own_line() -> None:
    env = final("FROM a\nENV A=1 \\\n    B=$A \\\n    # c\n    C=3\n").env
    assert {name: (item.value, item.line) for name, item in env.items()} == {"A": ("1", 2), "B": ("", 3), "C": ("3", 5)}


def test_onbuild_runs_in_the_stage_built_from_it_only() -> None:
    facts = bases("FROM a AS x\nONBUILD ENV V=1\nFROM x AS y\nFROM y\n")
    assert [list(stage.env) for stage in facts.stages] == [[], ["V"], ["V"]]
    assert [len(stage.own_env) for stage in facts.stages] == [0, 1, 0]


def test_a_base_that_the_build_has_to_name_is_unknown_and_no_problem() -> None:
    facts = bases("ARG B\nFROM ${B}\n")
    assert not facts.problems
    assert not facts.images
    assert facts.final is not None
    assert facts.final.base.unset == ("B",)


def test_an_empty_base_is_a_problem() -> None:
    assert [(item.code, item.line) for item in bases('ARG B=""\nFROM ${B}\n').problems] == [("base", 2)]


def test_no_stage_at_all() -> None:
    facts = bases("ARG A=1\n")
    assert facts.final is None
    assert list(facts.needed()) == []
