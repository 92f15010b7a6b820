"""A second engine, made and ended by a test: with user namespaces, rootless, or with other control groups."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from scene import DISTROLESS

from pytest_lucid.engine.connection import connect
from pytest_lucid.sidecar.sidecar import TOOLBOX

if TYPE_CHECKING:
    from collections.abc import Iterator

    import docker

    from pytest_lucid.engine.connection import Engine

START_SECONDS = 60
# What an engine needs to differ from the first one, in a mount and a network namespace of its own.
PREPARE = {
    "user namespaces": "mount --bind {folder}/subid /etc/subuid; mount --bind {folder}/subid /etc/subgid",
    # What RootlessKit does, but for networks; the engine only looks whether its proxy is there.
    "rootless": (
        "mount -t tmpfs none /run; mkdir {folder}/bin; ln -s /bin/true {folder}/bin/rootlesskit-docker-proxy; "
        "export PATH={folder}/bin:$PATH HOME={folder} XDG_RUNTIME_DIR={folder} ROOTLESSKIT_STATE_DIR={folder}"
    ),
    "cgroup v2": "umount -l /sys/fs/cgroup; mount -t cgroup2 none /sys/fs/cgroup",
    # As on Raspberry Pi OS, where the kernel has none.
    "no memory group": "umount -l /sys/fs/cgroup/memory",
}
OPTIONS = {"user namespaces": "--userns-remap=nobody:nogroup", "rootless": "--rootless"}
START = (
    "set -e; ip link set lo up; {prepare}; exec dockerd {options} -H unix://{folder}/docker.sock "
    "--data-root {folder}/data --exec-root {folder}/run --pidfile {folder}/pid "
    "--bridge=none --iptables=false --ip-forward=false >{folder}/log 2>&1"
)
# Root there is this user here.
USER = 100000
AS_USER = ["setpriv", "--reuid=0", "--regid=0", "--clear-groups"]
# Its users are mapped from outside, before anything is started.
WAIT = 'echo; read _; exec "$@"'


@contextmanager
def second_engine(kind: str, images: docker.DockerClient) -> Iterator[Engine]:
    """Have an engine of this kind with the images that sidecars need; skips where none can be made."""
    if sys.platform != "linux" or os.geteuid() != 0 or not (shutil.which("dockerd") and shutil.which("unshare")):
        pytest.skip("needs root and dockerd on Linux")
    # The paths of sockets have room for some hundred characters.
    folder = Path(tempfile.mkdtemp(prefix="lucid-", dir="/tmp"))
    folder.chmod(0o755)  # the engine demands it for other users
    (folder / "subid").write_text("nobody:100000:70000\n")
    script = START.format(prepare=PREPARE[kind].format(folder=folder), options=OPTIONS.get(kind, ""), folder=folder)
    process = _start_rootless(folder, script) if kind == "rootless" else _start([], ["sh", "-c", script])
    try:
        engine = _await(folder / "docker.sock", process)
        for image in (DISTROLESS, TOOLBOX):
            engine.client.images.load(b"".join(images.images.get(image).save(named=True)))
        yield engine
        engine.close()
    finally:
        process.terminate()
        process.wait(START_SECONDS)
        shutil.rmtree(folder, ignore_errors=True)


def _start(namespaces: list[str], command: list[str], **options: Any) -> subprocess.Popen[bytes]:
    return subprocess.Popen(["unshare", "--mount", "--net", *namespaces, *command], **options)


def _start_rootless(folder: Path, script: str) -> subprocess.Popen[bytes]:
    os.chown(folder, USER, USER)
    command = ["sh", "-c", WAIT, "sh", *AS_USER, "sh", "-c", script]
    process = _start(["--user", "--keep-caps"], command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdin
    assert process.stdout
    with process.stdin as go, process.stdout as waiting:
        if waiting.readline():
            for name in ("uid_map", "gid_map"):
                Path(f"/proc/{process.pid}/{name}").write_text(f"0 {USER} 65536\n")
            go.write(b"\n")
    return process


def _await(path: Path, process: subprocess.Popen[bytes]) -> Engine:
    deadline = time.monotonic() + START_SECONDS
    while True:
        if process.poll() is not None:
            pytest.skip("this machine lets no second engine start")
        with closing(socket.socket(socket.AF_UNIX)) as knocking:
            try:
                knocking.connect(str(path))
            except OSError:
                assert time.monotonic() < deadline, "the second engine did not start"
                time.sleep(0.2)
            else:
                return connect(f"unix://{path}")
