"""Processes as the sidecar reads them from /proc: which are shown, and their columns, without an engine."""

from __future__ import annotations

import pytest

from pytest_lucid.errors import EngineError
from pytest_lucid.sidecar import processes
from pytest_lucid.sidecar.modules.process import Machine, Row
from pytest_lucid.sidecar.sidecar import BOUNDING_SET


def status(bounding: int) -> bytes:
    return b"Name:\tx\nCapBnd:\t%016x\nNoNewPrivs:\t1\n" % bounding


def table(**of: tuple[int, bytes]) -> dict[str, bytes]:
    found = {}
    for name, (bounding, group) in of.items():
        found[f"/proc/{name[1:]}/status"] = status(bounding)
        found[f"/proc/{name[1:]}/cgroup"] = group
    return found


ALL = (1 << 41) - 1


def test_only_a_sidecars_processes_are_hidden() -> None:
    ours = table(p1=(0, b"0::/docker/me"), p5=(BOUNDING_SET, b"0::/docker/other"), p6=(0, b"0::/elsewhere"))
    assert list(processes.records("x", "me", ours)) == [1, 6]
    able = table(p1=(ALL, b"0::/docker/me"), p5=(BOUNDING_SET, b"0::/docker/other"), p6=(BOUNDING_SET, b"0::/me/sub"))
    assert list(processes.records("x", "me", able)) == [1, 6]
    with pytest.raises(EngineError, match="expected at least its first one"):
        processes.records("x", "me", table(p5=(0, b"")))


STAT = b"7 (a) b(c) S 1 7 7 34817 7 4194304 1 0 0 0 250 50 0 0 20 0 3 0 1000 8192 100 0"

STATUS = (
    b"Name:\ta\nState:\tS\nPPid:\t1\nUid:\t1\t7\t3\t4\nGid:\t5\t6\t7\t8\n"
    b"VmSize:\t8 kB\nVmRSS:\t16384 kB\nVmLck:\t0 kB\n"
)


def row(stat: bytes = STAT, cmdline: bytes = b"/a\0b c\0\0") -> Row:
    return Row(
        7,
        {"stat": stat, "status": STATUS, "cmdline": cmdline},
        Machine(1_700_000_000, 110.0, 1_048_576),
        {7: "ann"},
        {},
    )


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("pid", 7),
        ("ppid", 1),
        ("comm", "a) b(c"),
        ("args", "/a b c"),
        ("stat", "Ssl+"),
        ("state", "S"),
        ("user", "ann"),
        ("euid", 7),
        ("ruid", 1),
        ("suid", 3),
        ("group", 6),
        ("nlwp", 3),
        ("ni", 0),
        ("vsz", 8),
        ("rss", 16384),
        ("pmem", 1.6),
        ("pcpu", 3.0),
        ("time", "00:00:03"),
        ("etimes", 100),
        ("etime", "01:40"),
        ("tty", "pts/1"),
        ("lstart", "Tue Nov 14 22:13:30 2023"),
    ],
)
def test_columns_are_those_of_procps(column: str, value: object) -> None:
    assert row().column(column) == value


def test_a_defunct_process_is_marked() -> None:
    defunct = row(STAT.replace(b" S ", b" Z "), b"")
    assert {name: defunct.column(name) for name in ("args", "stat")} == {"args": "[a) b(c] <defunct>", "stat": "Zsl+"}
    assert row(cmdline=b"").column("args") == "[a) b(c]"


def test_a_process_that_calls_itself_a_sidecar_is_none() -> None:
    status = b"Name:\tCapBnd: c0004\nState:\tS (sleeping)\nCapBnd:\t%016x\n"
    assert processes.bounding_set(status % 5) == 5
    named = {"/proc/1/status": status % 0, "/proc/7/status": status % 0, "/proc/8/status": status % BOUNDING_SET}
    assert list(processes.records("box", "a", named)) == [1, 7]
