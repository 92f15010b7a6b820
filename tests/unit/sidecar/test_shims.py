"""The shims without an engine: each awk program and some functions, with what they print for known input."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from importlib.resources import files

import pytest

from pytest_lucid.sidecar.session import SHIMS, definitions

SHIM_FOLDER = files("pytest_lucid.sidecar") / "shims"
pytestmark = pytest.mark.skipif(not (shutil.which("awk") and shutil.which("sh")), reason="needs awk and a POSIX shell")


def awk(program: str, text: str, *arguments: str, **environment: str) -> tuple[int, str]:
    source = (SHIM_FOLDER / f"{program}.awk").read_text("utf-8")
    done = subprocess.run(
        ["awk", *arguments, source],
        input=text,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=10,
        check=False,
    )
    assert not done.stderr
    return done.returncode, done.stdout


def sh(shims: tuple[str, ...], line: str) -> tuple[int, str, str]:
    source = "".join((SHIM_FOLDER / f"{name}.sh").read_text("utf-8") for name in shims)
    done = subprocess.run(["sh", "-c", f"{source}\n{line}"], capture_output=True, text=True, timeout=10, check=False)
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("127.0.0.1", "127.0.0.1"),
        ("127.1", "127.0.0.1"),
        ("1.65535", "1.0.255.255"),
        ("0x7f.1", "127.0.0.1"),
        ("010.0.0.1", "8.0.0.1"),
        ("16909060", "1.2.3.4"),
        ("::1", "::1"),
        ("fe80::1%eth0", "fe80::1%eth0"),
    ],
)
def test_an_address_is_read_as_glibc_reads_it(text: str, address: str) -> None:
    assert awk("literal", f"{text}\n") == (0, f"{address}\n")


@pytest.mark.parametrize(
    "text", ["999.999.999.999", "256.1", "1.2.3.4.5", "face", "a.b", "1.2.3.", "08.1", "localhost"]
)
def test_what_is_no_address_is_a_name(text: str) -> None:
    assert awk("literal", f"{text}\n") == (1, "")


HOSTS = "127.0.0.1 localhost\n::1 LocalHost ip6 # other\n#10.0.0.1 localhost\n10.0.0.2 a.b\n"


@pytest.mark.parametrize(
    ("name", "found"),
    [("LOCALHOST", "127.0.0.1\n::1\n"), ("a.b", "10.0.0.2\n"), ("axb", ""), ("other", ""), ("10.0.0.2", "")],
)
def test_hosts_are_the_same_in_any_case(name: str, found: str) -> None:
    assert awk("hosts", HOSTS, _key=name) == (int(not found), found)


ACCOUNTS = "root:x:0:0:root:/root:/bin/sh\n7:x:9:9::/:\nnine:x:7:7::/:\nd\\tm:x:3:3::/:\n"


@pytest.mark.parametrize(
    ("key", "found"),
    [("root", 0), ("7", 1), ("0", 0), ("3", 3), ("d\\tm", 3), ("", None), ("00", None), ("toor", None)],
)
def test_an_entry_is_found_by_name_or_number(key: str, found: int | None) -> None:
    line = "" if found is None else f"{ACCOUNTS.splitlines()[found]}\n"
    code, printed = awk("entry", ACCOUNTS, "-F:", _key=key, _database="passwd")
    assert (code, printed) == (int(found is None), line)


MOUNTINFO = """1 0 0:1 / / ro,relatime - overlay overlay ro
2 1 0:2 / /tmp rw,noexec - tmpfs tmpfs rw
3 1 0:3 / /tmp/in rw - tmpfs tmpfs rw
"""


@pytest.mark.parametrize(
    ("path", "option", "holds"),
    [("/etc", "ro", True), ("/tmp", "noexec", True), ("/tmp/in/x", "noexec", False), ("/tmpx", "noexec", False)],
)
def test_the_deepest_mount_has_the_option(path: str, option: str, *, holds: bool) -> None:
    assert awk("mounted", MOUNTINFO, "-v", f"path={path}/", "-v", f"option={option}") == (int(not holds), "")


@pytest.mark.skipif(sys.platform != "linux", reason="reads the kernel's tables")
def test_sockets_are_the_kernels_lines() -> None:
    code, printed = awk("sockets", "", "-v", "kinds=tcp udp unix")
    assert code == 0
    assert {line.partition(" ")[0] for line in printed.splitlines()} <= {"tcp", "tcp6", "udp", "udp6", "unix"}


IDS = "_uid=7 _gid=8 _ruid=9 _rgid=10 _groups='8 8 11';"


@pytest.mark.parametrize(
    ("command", "printed"),
    [("_id -u", "7"), ("_id -g", "8"), ("_id -ru", "9"), ("_id -G", "8 11"), ("_own_groups", "8 11")],
)
def test_ids_are_those_of_the_first_process(command: str, printed: str) -> None:
    assert sh(("users",), f"{IDS} {command}") == (0, f"{printed}\n", "")


@pytest.mark.parametrize(
    ("command", "asks"),
    [("_ps aux", "host.process"), ("_ss -tn", "host.socket"), ("_df /", "host.mount_point"), ("_pip list", "host.pip")],
)
def test_a_refusal_is_no_no_and_names_what_to_ask(command: str, asks: str) -> None:
    code, printed, said = sh(("refusals",), command)
    assert (code, printed) == (126, "")
    assert asks in said
    assert command.split()[1] in said


REFUSALS = ("refusals", "files", "programs", "users")


@pytest.mark.parametrize(
    ("command", "who"),
    [
        ("_find / -maxdepth 0 -exec id -u ';'", "find"),
        ("_find / -maxdepth 0 -exec /bin/sh -c 'echo; id' ';'", "find"),
        ("_starting nice -n 5 id -u", "nice"),
        ("_starting xargs env", "xargs"),
        ("_env A=b id", "env"),
        ("_command id -u", "command"),
        ("_busybox timeout 5 id -u", "timeout"),
        ("_starting timeout 5 sh -c 'cd /proc; cat self/comm'", "timeout"),
        ("_starting nohup sh", "nohup"),
        ("_starting nohup sh /etc/profile", "nohup"),
        ("_find /proc -maxdepth 1", "find"),
        ("_ls /proc", "ls"),
        ("_ls -la /proc/", "ls"),
        ("_cd /proc; echo on", "cd"),
        ("_cd /; _cd proc; echo on", "cd"),
        ("cd /proc; _ls", "ls"),
        ("echo 'id -u' | _sh", "sh"),
        ("_sh -s </dev/null", "sh"),
        ("_sh /etc/profile", "sh"),
        ("_sh -c", "sh"),
    ],
)
@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_what_would_tell_about_the_sidecar_is_refused(command: str, who: str) -> None:
    code, printed, said = sh(REFUSALS, command)
    assert (code, printed) == (126, "")
    assert said.startswith(f"{who}: the sidecar does not support ")
    assert "; ask " in said


@pytest.mark.parametrize(
    ("command", "printed"),
    [
        ("_sh -ec 'false; echo no' || echo ended", "ended\n"),
        ("_sh -c 'set -e; false; echo no' || echo ended", "ended\n"),
        ("_sh -e -c 'echo $- | grep -c e'", "1\n"),
        ("_sh -uec 'echo $1 $#' name a b", "a 2\n"),
        ("_sh -ce 'exit 3'; echo $?", "3\n"),
        ("_sh +e -c 'false; echo on'", "on\n"),
        ("echo in | _sh -c 'cat'", "in\n"),
        ("_sh -o errexit -c 'false; echo no' || echo ended", "ended\n"),
        ("_find /etc -maxdepth 0 -exec echo {} ';'", "/etc\n"),
        ("_find /etc/passwd -name passwd -o -name id", "/etc/passwd\n"),
        ("_starting nice -n 5 echo a", "a\n"),
        ("_command echo a", "a\n"),
        ("_starting timeout 5 sh -c 'id=5; echo $id /proc/1/mounts valid'", "5 /proc/1/mounts valid\n"),
        ("_find /etc/passwd -exec sh -c 'echo $1' x {} ';'", "/etc/passwd\n"),
        ("_cd /etc && pwd", "/etc\n"),
        ("_cd /proc/1/.. || true; _ls -d /etc", ""),
    ],
)
@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_what_is_about_the_container_is_answered(command: str, printed: str) -> None:
    assert sh(REFUSALS, command)[1] == printed


@pytest.mark.parametrize("shell", ["sh", "bash"])
def test_a_shell_can_read_all_of_them(shell: str) -> None:
    if not shutil.which(shell):
        pytest.skip(f"no {shell}")
    done = subprocess.run([shell, "-n"], input=definitions(), capture_output=True, text=True, timeout=10, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_every_file_is_sent() -> None:
    names = {entry.name for entry in SHIM_FOLDER.iterdir()} - {".shellcheckrc"}
    assert {name.removesuffix(".sh") for name in names if name.endswith(".sh")} == set(SHIMS)
    sent = definitions()
    assert all(f"_awk_{name.removesuffix('.awk')}=" in sent for name in names if name.endswith(".awk"))
    assert all(f'$_awk_{name.removesuffix(".awk")}"' in sent for name in names if name.endswith(".awk"))
