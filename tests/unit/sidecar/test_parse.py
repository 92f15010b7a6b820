from __future__ import annotations

from ipaddress import ip_address

import pytest

from pytest_lucid.errors import EngineError
from pytest_lucid.sidecar import listeners, mounts, processes
from pytest_lucid.sidecar.runtime import Runtime, addresses_of_names
from pytest_lucid.sidecar.session import PLAIN
from pytest_lucid.sidecar.writable import Writable

HEAD = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"


def row(local: str, state: str, inode: int = 7) -> str:
    return f"   0: {local} 00000000:0000 {state} 00000000:00000000 00:00000000 00000000 65532        0 {inode} 1 0\n"


@pytest.mark.parametrize(
    ("word", "address", "reachable"),
    [
        ("00000000", "0.0.0.0", True),
        ("0100007F", "127.0.0.1", False),
        ("0B00007F", "127.0.0.11", False),
        ("020011AC", "172.17.0.2", True),
        ("00000000000000000000000000000000", "::", True),
        ("00000000000000000000000001000000", "::1", False),
        ("0000000000000000FFFF00000100007F", "::ffff:127.0.0.1", False),
        ("B80D0120000000000000000001000000", "2001:db8::1", True),
    ],
)
def test_an_address_is_read_as_the_kernel_prints_it(word: str, address: str, *, reachable: bool) -> None:
    ((inode, listener),) = listeners.parse("tcp", HEAD + row(f"{word}:1F90", "0A"))
    assert (inode, listener.address, listener.port) == (7, ip_address(address), 8080)
    assert listener.is_reachable is reachable


@pytest.mark.parametrize("state", ["01", "02", "03", "06", "07", "08"])
def test_a_connection_is_no_listener(state: str) -> None:
    assert listeners.parse("tcp", HEAD + row("00000000:1F90", state)) == []


def test_a_connected_socket_of_udp_is_no_listener() -> None:
    table = HEAD + row("00000000:1F90", "07") + row("00000000:1F91", "01")
    assert [listener.port for _, listener in listeners.parse("udp", table)] == [8080]


STATUS = """Name:\tpython
State:\tS (sleeping)
PPid:\t0
Uid:\t65532\t65532\t0\t65532
Gid:\t65532\t65532\t65532\t65532
Groups:\t65532 7
CapInh:\t0000000000000000
CapPrm:\t0000000000000400
CapEff:\t0000000000000400
CapBnd:\t00000000a80425fb
CapAmb:\t0000000000000000
NoNewPrivs:\t1
Seccomp:\t2
"""


def test_a_process_is_read() -> None:
    process = processes.parse(9, STATUS.encode(), b"/usr/bin/python\0-c\0a b\0\0")
    assert process.argv == ("/usr/bin/python", "-c", "a b", "")
    assert (process.uids, process.groups) == ((65532, 65532, 0, 65532), (65532, 7))
    assert process.capabilities == {"Inh": 0, "Prm": 0x400, "Eff": 0x400, "Amb": 0}
    assert process.no_new_privileges
    assert process.is_filtered
    assert not process.is_entering
    assert processes.parse(9, STATUS.encode(), b"").argv == ("python",)
    assert processes.parse(9, STATUS.encode(), b"runc\0init\0").is_entering
    assert not process.is_defunct
    assert processes.parse(9, STATUS.replace("S (sleeping)", "Z (zombie)").encode(), b"").is_defunct


MOUNTINFO = r"""
1 0 0:40 / / ro,relatime master:1 - overlay overlay ro,lowerdir=/a
2 1 0:41 / /data rw,relatime - ext4 /dev/vda rw,discard
3 1 0:42 /volumes/x /data/in\040side rw,relatime shared:2 master:3 - ext4 /dev/vda ro,discard
4 1 0:43 / /tmp rw,nosuid - tmpfs tmpfs rw,size=1k
5 1 0:44 / /proc rw,nosuid - proc proc rw
6 1 0:45 / /data ro,relatime - ext4 /dev/vdb rw
""".strip()


def test_mounts_are_read_and_later_ones_hide_earlier_ones() -> None:
    found = {mount.path: mount for mount in mounts.parse(MOUNTINFO)}
    assert set(found) == {"/", "/data", "/data/in side", "/tmp", "/proc"}
    assert [path for path, mount in found.items() if mount.writable] == ["/tmp", "/proc"]
    assert [path for path, mount in found.items() if mount.is_memory] == ["/tmp"]
    assert [path for path, mount in found.items() if mount.is_pseudo] == ["/proc"]
    assert found["/data/in side"].root == "/volumes/x"


@pytest.mark.parametrize(
    ("path", "place"),
    [("/data/in side/x", "/data/in side"), ("/data/inside", "/data"), ("/database", "/"), ("/", "/"), ("/tmp", "/tmp")],
)
def test_a_path_lies_on_the_deepest_mount(path: str, place: str) -> None:
    assert mounts.holder(mounts.parse(MOUNTINFO), path).path == place


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("/app/x", ("/app",)),
        ("/app", ("/app",)),
        ("/data", ("/data/blocks",)),
        ("/application", ()),
        ("/data/blocks2", ()),
    ],
)
def test_what_is_writable_at_a_path(path: str, found: tuple[str, ...]) -> None:
    inside = Runtime((), (), "", {}, (), {}, (), Writable(("/app", "/data/blocks"), ()), (), {})
    assert inside.writable_at(path) == found


@pytest.mark.parametrize("command", ["test -e /a", "stat -Lc %U '/a b'", "cat -- '$(x)'", "ls", "grep -qs -- 'a;b' /c"])
def test_words_without_meaning_to_a_shell_are_plain(command: str) -> None:
    assert PLAIN.fullmatch(command)


@pytest.mark.parametrize(
    "command",
    ["cat 'a", "cat a;b", "cat $a", "cat `a`", "cat a|b", "cat a\nb", "cat *", 'cat "a"', "cat \\a", "cat <a", "(cat)",
     "a=b cat", "cat ~", "cat a &", "", "cat a #b", "cat {a,b}", "cat é", "'cat' a", "cat 'a'\"'\"'b'", "! cat"],
)  # fmt: skip
def test_anything_else_is_not(command: str) -> None:
    assert not PLAIN.fullmatch(command)


def test_a_name_without_addresses_is_no_name_that_nobody_answered_for() -> None:
    answer = "name a\n172.20.0.3 STREAM a\ncode 0\nname b\ncode 1\n"
    with pytest.raises(EngineError, match="no name server answered for c inside x"):
        addresses_of_names("x", answer + "name c\ncode 3\n")
    assert addresses_of_names("x", answer) == {"a": {"172.20.0.3"}, "b": frozenset()}


def test_capabilities_are_told_by_name() -> None:
    bits = processes.capability_bits(["CAP_NET_RAW", "chown"])
    assert processes.capability_names(bits | 1 << 60) == ["CHOWN", "NET_RAW", "number 60"]
    assert processes.capability_names(0) == []
