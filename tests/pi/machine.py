"""A second machine on this one: own network, processes and root, own sshd, own dockerd. Linux, Debian, root.

`python tests/pi/machine.py up` makes it and says how to reach it, `down` removes it with all that it left; as a context
manager, `running()` does both. Its root is made once from distribution packages and kept in the user's cache. What is
tested against it belongs to the tests.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from contextlib import closing, contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import docker
from docker.errors import DockerException
from root import MachineError, cache, install, root_archive, run, why_not
from wiring import NETWORK, THERE, connect, disconnect

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

NAME = "pi.local"
USER = "pi"
CGROUP = "lucidpi"
DEADLINE_SECONDS = 60
UNABLE = 77
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
# The first process: it becomes the machine's init, starts the two servers, and waits for orphans ever after.
# /var/lib/docker is a file system of its own, so that a test can fill it.
INIT = """
set -e
root=$1
mount --bind "$root" "$root"; cd "$root"
mount -t proc proc proc; mount -t sysfs sys sys; mount --rbind /sys/fs/cgroup sys/fs/cgroup; mount --rbind /dev dev
mkdir -p var/lib/docker .old
mount -t tmpfs -o mode=755 tmpfs run; mount -t tmpfs tmpfs tmp; mount -t tmpfs -o size=8g tmpfs var/lib/docker
mkdir run/sshd; pivot_root . .old; cd /; umount -l /.old
hostname pi
/usr/sbin/sshd
dockerd --cgroup-parent=/lucidpi >/var/log/dockerd.log 2>&1 &
while :; do sleep 3600 & wait $!; done
"""


@dataclass(frozen=True)
class Machine:
    """A running machine: the folder of its root and keys, and its first process, as this machine numbers it."""

    folder: Path
    process: int
    init: int

    @property
    def programs(self) -> Path:
        """A folder for PATH, with an ssh that knows the machine, as the user's own configuration would make it."""
        return self.folder / "bin"

    @property
    def ssh_config(self) -> Path:
        """The configuration that this ssh reads; tests may append to it."""
        return self.folder / "ssh_config"

    def run(self, *command: str, check: bool = True) -> str:
        """Run a command in the machine as root; returns what it says."""
        enter = ["nsenter", f"--target={self.init}", "--mount", "--pid", "--net", "--uts", "--root", "--wd", "--"]
        clean = ["env", "-i", f"PATH={PATH}", "HOME=/root", "LANG=C.UTF-8"]
        done = subprocess.run([*enter, *clean, *command], check=False, capture_output=True, text=True, timeout=120)
        if check and done.returncode:
            raise MachineError(f"{' '.join(command)}: {done.stdout}{done.stderr}")
        return done.stdout

    @property
    def engine(self) -> str:
        """The URL of its engine's socket, seen from this machine without any network between."""
        return f"unix:///proc/{self.init}/root/run/docker.sock"

    def await_engine(self) -> None:
        """Return when its engine listens; it then answers as soon as it can."""

        def listens() -> bool:
            with socket.socket(socket.AF_UNIX) as probe:
                probe.connect(self.engine.removeprefix("unix://"))
            return True

        _await(listens, self.folder)

    def end(self, *names: str, number: int = signal.SIGKILL) -> None:
        """End the machine's processes of these names."""
        listed = " ".join(names)
        self.run(
            "sh",
            "-c",
            f'for p in /proc/[0-9]*; do case " {listed} " in *" $(cat $p/comm 2>/dev/null) "*) '
            f"kill -{int(number)} ${{p#/proc/}};; esac; done; true",
        )

    def start(self, *command: str) -> None:
        """Start a server in the machine; it outlives this call, and not the machine."""
        self.run("sh", "-c", 'nohup "$@" >>/var/log/started.log 2>&1 &', "start", *command)


def up() -> Machine:
    """Make the machine, after removing one that an earlier run left; raises MachineError where it cannot be done."""
    if why := why_not():
        raise MachineError(why)
    down()
    archive = root_archive()
    try:
        return _up(archive)
    except BaseException:
        down()
        raise


def _up(archive: Path) -> Machine:
    folder = cache() / "machine"
    root = folder / "root"
    root.mkdir(parents=True)
    run("tar", "-C", str(root), "--exclude=./dev/*", "-xf", str(archive))
    _access(folder, root)
    connect()
    (folder / "init.sh").write_text(INIT)
    with (folder / "init.log").open("wb") as log:
        process = subprocess.Popen(
            [
                *("nsenter", f"--net=/run/netns/{NETWORK}", "unshare", "--mount", "--pid", "--uts", "--fork"),
                *("--kill-child=KILL", "sh", str(folder / "init.sh"), str(root)),
            ],
            env={"PATH": PATH},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    _await(lambda: bool(children.read_text()), folder)
    machine = Machine(folder, process.pid, int(children.read_text()))
    (folder / "machine.json").write_text(json.dumps({**asdict(machine), "folder": str(folder)}))

    machine.await_engine()
    # It ends when down() says so, which may be in another process.
    process.returncode = 0
    return machine


def found() -> Machine | None:
    """The machine that is up; None where there is none."""
    try:
        answer = json.loads((cache() / "machine" / "machine.json").read_text())
    except FileNotFoundError:
        return None
    machine = Machine(Path(answer["folder"]), answer["process"], answer["init"])
    # A number of a process that ended long ago may be somebody else's by now.
    with suppress(OSError):
        if str(machine.folder).encode() in Path(f"/proc/{machine.process}/cmdline").read_bytes():
            return machine
    return None


def down() -> None:
    """Remove the machine, whatever is left of it; the root in the cache stays."""
    if machine := found():
        with suppress(DockerException), closing(docker.DockerClient(machine.engine)) as client:
            # The engine then removes their groups of processes, too.
            for container in client.containers.list(all=True):
                container.remove(force=True)
        os.kill(machine.process, signal.SIGKILL)
        _await(lambda: not Path(f"/proc/{machine.init}/stat").exists() or _is_zombie(machine.init), machine.folder)
    disconnect()
    for group in (*Path("/sys/fs/cgroup").glob(f"*/{CGROUP}"), Path("/sys/fs/cgroup", CGROUP)):
        for path in sorted(group.rglob("*/"), reverse=True) if group.is_dir() else ():
            with suppress(OSError):
                path.rmdir()
        with suppress(OSError):
            group.rmdir()
    shutil.rmtree(cache() / "machine", ignore_errors=True)


@contextmanager
def running() -> Iterator[Machine]:
    """Have the machine for a while."""
    try:
        yield up()
    finally:
        down()


def _access(folder: Path, root: Path) -> None:
    """Make keys and accounts, and the configuration of an ssh that uses them. Nothing of it outlives the machine."""
    for name in ("id", "wrong", "host"):
        run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", str(folder / name))
    for path, kind in (
        (root / "etc/ssh/ssh_host_ed25519_key", ""),
        (root / "etc/ssh/ssh_host_ed25519_key.pub", ".pub"),
    ):
        shutil.copy(folder / f"host{kind}", path)
    # An account without a password may not be locked, or sshd refuses its key as well.
    run("chroot", str(root), "useradd", "--create-home", "--shell=/bin/sh", "--groups=docker", "--password=*", USER)
    ssh = root / "home" / USER / ".ssh"
    ssh.mkdir(mode=0o700)
    shutil.copy(folder / "id.pub", ssh / "authorized_keys")
    owner = root.joinpath("home", USER).stat()
    for path in (ssh, ssh / "authorized_keys"):
        os.chown(path, owner.st_uid, owner.st_gid)
    shutil.copy("/etc/resolv.conf", root / "etc/resolv.conf")
    key = (folder / "host.pub").read_text().rsplit(" ", 1)[0]
    (folder / "known_hosts").write_text(f"{NAME} {key}\n")
    (folder / "ssh_config").write_text(
        f"Host {NAME}\n  HostName {THERE}\n  HostKeyAlias {NAME}\n\n"
        f"Host *\n  User {USER}\n  IdentityFile {folder / 'id'}\n  IdentitiesOnly yes\n  IdentityAgent none\n"
        f"  UserKnownHostsFile {folder / 'known_hosts'}\n  GlobalKnownHostsFile /dev/null\n"
    )
    program = folder / "bin" / "ssh"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec {shutil.which("ssh")} -F {folder / "ssh_config"} "$@"\n')
    program.chmod(0o755)


def _is_zombie(pid: int) -> bool:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"


def _await(condition: Callable[[], bool], folder: Path) -> None:
    deadline = time.monotonic() + DEADLINE_SECONDS
    while True:
        with suppress(OSError):
            if condition():
                return
        if time.monotonic() > deadline:
            raise MachineError(
                f"the machine is not ready after {DEADLINE_SECONDS} s: {(folder / 'init.log').read_text()}"
            )
        time.sleep(0.05)


def main(arguments: list[str]) -> int:
    """Make the machine or remove it; returns 77 where it cannot be made."""
    if arguments == ["down"]:
        down()
        return 0
    install()
    if why := why_not():
        sys.stdout.write(f"{why}\n")
        return UNABLE
    sys.stdout.write(f"PATH={up().programs}:$PATH pytest --lucid-host={NAME}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
