"""What the testinfra modules read from files, without an engine."""

from __future__ import annotations

import platform
import re
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from pytest_lucid.engine.shell_protocol import Result
from pytest_lucid.errors import EngineError
from pytest_lucid.sidecar import processes, subreaper
from pytest_lucid.sidecar.modules.databases import Account, find, names_of
from pytest_lucid.sidecar.modules.file import by_bytes, needs_characters, shown
from pytest_lucid.sidecar.modules.package import installed, paragraphs
from pytest_lucid.sidecar.modules.process import Machine, Row
from pytest_lucid.sidecar.placement import Placement
from pytest_lucid.sidecar.reading import Reading
from pytest_lucid.sidecar.sidecar import BOUNDING_SET

if TYPE_CHECKING:
    from pathlib import Path

PASSWD = b"root:x:0:0:root:/root:/bin/sh\nann:x:7:8:Ann:/home/ann:\n"
GROUP = b"root:x:0:\nown:x:8:\nmore:x:9:bob,ann\nlast:x:10:annette\nback:x:8:\n"


def test_a_user_has_the_own_group_first() -> None:
    account = Account.of("ann", PASSWD, GROUP)
    assert account
    assert account.gids == (8, 9)
    assert account == Account.of("7", PASSWD, GROUP) == Account.of("+7", PASSWD, GROUP)
    assert names_of(GROUP)[8] == "own"


@pytest.mark.parametrize("name", ["", "8", "an", "ann:x", "-7"])
def test_no_user_is_no_account(name: str) -> None:
    assert Account.of(name, PASSWD, GROUP) is None
    assert find(PASSWD, name) is None


def answer(reading: Reading, files: dict[str, bytes]) -> Result:
    prefix = reading.command.split("'")[1].removesuffix("/proc/*/x")
    parts = (b"==> %s%s <==\n%s" % (prefix.encode(), path.encode(), content) for path, content in files.items())
    return Result(0, b"\n".join(parts), b"")


def test_lines_that_are_no_entries_are_left_out() -> None:
    account = Account.of("ann", b"ann:x\nann:x:7:8:Ann\n", b"broken:x\nodd:x:n:ann\nmore:x:9:ann\n")
    assert account
    assert (account.entry, account.gids) == (["ann", "x", "7", "8", "Ann", "", ""], (8, 9))
    assert Account.of("ann", b"ann:x:none:8:::\n", b"") is None


def test_a_package_is_installed_where_an_entry_says_so() -> None:
    entries = [
        "Package: a\nStatus: deinstall ok config-files\nArchitecture: amd64\nVersion: 1",
        "Package: a\nArchitecture: arm64\nVersion: 2",
        "Package: a\nStatus: hold ok installed\nArchitecture: all\nVersion: 3",
    ]
    assert installed(entries, "") == installed(entries, "arm64") == "2"
    assert installed(entries, "amd64") == "3"
    assert installed(entries[:1], "") is None


def test_files_are_told_apart_whatever_they_hold() -> None:
    files = {"/proc/1/x": b"a\n==> /proc/2/x <==\nb", "/proc/2/x": b"", "/proc/3/x": b"\n\n", "/proc/4/x": b"\xff\x00"}
    reading = Reading(["/proc/*/x"])
    assert reading.files(answer(reading, files)) == files
    assert reading.files(Result(0, b"", b"")) == {}


@pytest.mark.parametrize("pattern", ["relative", "/a b", "/a;b", "/a\n", "/$x", ""])
def test_what_is_no_pattern_is_not_asked(pattern: str) -> None:
    with pytest.raises(ValueError, match="no pattern of paths"):
        Reading([pattern])


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


@pytest.mark.parametrize(
    ("name", "written"), [(b"a", "a"), ("é".encode(), "é"), (b"a\nb\x07", "a?b?"), (b"\xff\xfe", "??"), (b"a b", "a b")]
)
def test_names_are_written_as_ls_does(name: bytes, written: str) -> None:
    assert shown(name) == written


def test_a_dot_is_one_character() -> None:
    pattern = by_bytes("^caf.$").encode("utf-8", "surrogateescape")
    grep = subprocess.run(["grep", "-q", pattern], input="café\n".encode(), env={"LC_ALL": "C"}, check=False)
    assert grep.returncode == 0
    assert by_bytes(r"[.]\.a") == r"[.]\.a"
    assert not needs_characters("café")
    assert not needs_characters(r"a\.b")
    assert needs_characters("a.b")


@pytest.mark.parametrize("pattern", ["[^a].", "[é].", "é*.", r"\(.\)\1"])
def test_what_bytes_cannot_express_is_an_error(pattern: str) -> None:
    with pytest.raises(EngineError, match="content_string"):
        by_bytes(pattern)


def placement(**host: object) -> Placement:
    return Placement.of(
        "box",
        {
            "Id": "a" * 64,
            "HostConfig": {"IpcMode": "private", **host},
            "State": {"Pid": 7, "StartedAt": ""},
            "Config": {"WorkingDir": "", "Env": None},
        },
    )


@pytest.mark.parametrize(
    ("asked", "seen"),
    [
        ("cat /proc/self/status", "cat /proc/1/status"),
        ("cat /proc/thread-self/status", "cat /proc/1/status"),
        ("grep x /proc/mounts /etc/mtab", "grep x /proc/1/mounts /proc/1/mounts"),
        ("cat /proc/selfish /proc/12/mounts /x/etc/mtab", "cat /proc/selfish /proc/12/mounts /x/etc/mtab"),
        ("cat /proc//self/status /proc/./self/status", "cat /proc/1/status /proc/1/status"),
        (
            "cat /proc/1/task/*/stat /proc/[1-9]x",
            "_refuse /proc 'wildcards for processes, where its own are, too' host.process",
        ),
        ("cat /proc/1/task/*/stat", "cat /proc/1/task/*/stat"),
        ("exec 3</etc/passwd; cat <&3", "exec 3</etc/passwd; cat <&3"),
        ("uname -s", "uname -s"),
        ("ls /dev/fd /dev/fd/3 /x/dev/fd /dev/fd0", "ls /proc/1/fd /proc/1/fd/3 /x/dev/fd /dev/fd0"),
        ("echo $PATH ${PATH%%:*} $PATHS \\$PATH", "echo $_target_path ${_target_path%%:*} $PATHS \\$PATH"),
        ("test -L /etc/mtab && cat /etc/mtab", "test -L /etc/mtab && cat /proc/1/mounts"),
        ("[ -h '/proc/self' ]; readlink /dev/fd", "[ -h '/proc/self' ]; readlink /dev/fd"),
        ("readlink /proc/self/exe; readlink -f /etc/mtab", "readlink /proc/1/exe; readlink -f /proc/1/mounts"),
        ("set -e; export A=b; [[ -e a && -d w ]]", "set -e; export A=b; [[ -e a && -d w ]]"),
        ("[[ -e /tmp && a = b ]] && test -w /tmp", "[[ -e /tmp && a = b ]] && test -w /tmp"),
    ],
)
def test_the_asking_process_is_the_first_one(asked: str, seen: str) -> None:
    assert placement().seen(asked) == seen


@pytest.mark.parametrize(
    ("asked", "host", "message"),
    [
        ("sysctl -n kernel.msgmax", {}, "--ipc shareable"),
        ("cat /proc/sys/fs/mqueue/msg_max", {}, "--ipc shareable"),
        ("cat /proc/self/cgroup", {}, "--cgroupns host"),
        ("hostname", {"Privileged": True}, "UTS"),
        ("uname -n", {"CapAdd": ["CAP_SYS_ADMIN"]}, "UTS"),
        ("cat 'a\0b'", {}, "NUL"),
    ],
)
def test_what_cannot_be_seen_is_an_error(asked: str, host: dict[str, object], message: str) -> None:
    with pytest.raises(EngineError, match=re.escape(message)):
        placement(**host).seen(asked)


@pytest.mark.parametrize(
    "asked",
    [
        "ls -d /proc/[0-9]*",
        "cat /proc/*/comm",
        "cat /proc/$$/status",
        "cat /proc/${PPID}/comm",
        "true; exec id -u",
        "set",
        "true; export",
        "export -p | cat",
        "[[ -w /tmp ]]",
        "[[ -e a || ! -x b ]]",
    ],
)
def test_the_sidecars_own_processes_are_not_asked(asked: str) -> None:
    assert placement().seen(asked).startswith("_refuse ")


@pytest.mark.parametrize(
    ("profile", "security"),
    [
        (None, ()),
        ("", ()),
        ("docker-default", ()),
        ("unconfined", ("apparmor=unconfined",)),
        ("own", ("apparmor=own",)),
    ],
)
def test_a_sidecar_is_under_the_profile_of_its_target(profile: str | None, security: tuple[str, ...]) -> None:
    document = {"HostConfig": {}, "Id": "a", "State": {"Pid": 7, "StartedAt": ""}, "Config": {}}
    if profile is not None:
        document["AppArmorProfile"] = profile
    assert Placement.of("box", document).security == security


def test_namespaces_are_joined_where_that_can_be() -> None:
    assert placement(IpcMode="shareable").options == {"ipc_mode": f"container:{'a' * 64}"}
    assert placement(IpcMode="host", UTSMode="host", CgroupnsMode="host", UsernsMode="host").options == {
        "ipc_mode": "host",
        "uts_mode": "host",
        "cgroupns": "host",
        "userns_mode": "host",
    }
    assert placement(IpcMode="shareable").seen("sysctl kernel.shmmni") == "sysctl kernel.shmmni"
    for mode in ("host", "container:other"):
        with pytest.raises(EngineError, match="without --pid"):
            placement(PidMode=mode)


@pytest.mark.skipif(
    sys.platform != "linux" or platform.machine() != "x86_64", reason="runs a program for Linux on x86-64"
)
def test_what_a_subreaper_starts_does_not_run_away(tmp_path: Path) -> None:
    program = tmp_path / "subreaper"
    program.write_bytes(subreaper.program("amd64") or b"")
    program.chmod(0o700)
    script = (
        "(sleep 5 & echo $! >pid); read -r pid <pid; read -r left </proc/$$/task/$$/children; kill $pid; echo $left"
    )
    done = subprocess.run([program, "/bin/sh", "-c", script], cwd=tmp_path, capture_output=True, check=True, text=True)
    assert done.stdout.split() == (tmp_path / "pid").read_text().split()
    assert subprocess.run([program, "/nowhere"], check=False).returncode == 127


def test_a_subreaper_is_a_small_static_program() -> None:
    for architecture, machine in (("amd64", 62), ("arm64", 183)):
        program = subreaper.program(architecture)
        assert program
        assert (program[:4], program[18]) == (b"\x7fELF", machine)
        assert int.from_bytes(program[96:104], "little") == len(program) < 256
    assert subreaper.program("riscv64") is None


DATABASE = "Package: b\nStatus: x\nVersion: 2\n\nPackage: c\n--\nPackage: b\nVersion: 3\n"


def test_paragraphs_end_at_an_empty_line_or_with_greps_context() -> None:
    assert paragraphs("Package: b", DATABASE) == ["Package: b\nStatus: x\nVersion: 2", "Package: b\nVersion: 3"]
    assert paragraphs("Package: a", "") == []


def test_a_process_that_calls_itself_a_sidecar_is_none() -> None:
    status = b"Name:\tCapBnd: c0004\nState:\tS (sleeping)\nCapBnd:\t%016x\n"
    assert processes.bounding_set(status % 5) == 5
    named = {"/proc/1/status": status % 0, "/proc/7/status": status % 0, "/proc/8/status": status % BOUNDING_SET}
    assert list(processes.records("box", "a", named)) == [1, 7]
