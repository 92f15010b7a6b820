"""The command lines of the system's OpenSSH, and what its refusals mean. Nothing of a host becomes an option of it.

Keys, agents, jump hosts and known hosts are those of the user's own configuration. Keeping a connection belongs to the
tunnel.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from typing import TYPE_CHECKING

from pytest_lucid.errors import EngineError

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_lucid.config.hosts import Destination

ENGINE_SOCKET = "/var/run/docker.sock"
CONNECT_SECONDS = 10
# A dead link is noticed after three questions without an answer.
ALIVE_SECONDS = 5
ASK_SECONDS = 10
# Never a prompt, one connection of our own, and nothing forwarded that we did not ask for.
OPTIONS = (
    *("-T", "-a", "-x"),
    *("-o", "BatchMode=yes"),
    *("-o", f"ConnectTimeout={CONNECT_SECONDS}"),
    *("-o", f"ServerAliveInterval={ALIVE_SECONDS}"),
    *("-o", "ServerAliveCountMax=3"),
    *("-o", "ControlMaster=no"),
    *("-o", "ControlPath=none"),
    *("-o", "RemoteCommand=none"),
    *("-o", "StreamLocalBindUnlink=yes"),
)
# What a line of ssh matches → what it means and what to do.
REFUSALS = (
    (
        r"Could not resolve hostname|Name or service not known|nodename nor servname",
        "the name does not resolve. Correct the name, or add a HostName to ~/.ssh/config.",
    ),
    (
        r"REMOTE HOST IDENTIFICATION HAS CHANGED",
        "the host key changed: a reinstalled machine (then `ssh-keygen -R {host}`), or an interception.",
    ),
    (
        r"Host key verification failed|No \S+ host key is known",
        "the host key is not in known_hosts. Connect once (`ssh {host}`), compare the fingerprint, accept the key.",
    ),
    (
        r"Permission denied|Too many authentication failures|no mutual signature",
        "the host does not accept your key. Install the key (`ssh-copy-id {host}`); unlock it with `ssh-add`.",
    ),
    (
        r"Connection refused",
        "no SSH server listens on the host. Start one (`sudo systemctl enable --now ssh`), or correct the port.",
    ),
    (
        r"timed out|No route to host|Network is unreachable|Host is down",
        "the host does not answer. Check power and network, then try `ssh {host}`.",
    ),
)


def program() -> str:
    """Where the system's ssh is; EngineError where there is none."""
    found = shutil.which("ssh")
    if not found:
        raise EngineError(
            "no ssh on PATH; install OpenSSH (Debian: openssh-client; Windows: the feature OpenSSH Client)"
        )
    return found


def tunnel_arguments(destination: Destination, socket: Path | int) -> tuple[str, ...]:
    """The command line that opens a shell there, and forwards its engine to a socket, or a port of loopback, here."""
    here = f"127.0.0.1:{socket}" if isinstance(socket, int) else str(socket)
    forward = ("-L", f"{here}:{ENGINE_SOCKET}")
    # By whatever shell the user has there, to one that is known.
    return (program(), *OPTIONS, *forward, *destination.arguments, "exec /bin/sh")


def address(destination: Destination) -> str:
    """The name or address at which ssh, after reading its configuration, looks for the destination."""
    command = (program(), "-G", *destination.arguments)
    # No shell: the destination was checked, and stands after all options.
    answer = subprocess.run(  # noqa: S603
        command, check=False, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=ASK_SECONDS
    )
    found = re.search(r"^hostname (\S+)$", answer.stdout, re.MULTILINE)
    if not found:
        raise EngineError(f"ssh cannot read its configuration: {answer.stderr.strip()}. Correct ~/.ssh/config.")
    return found[1]


def refusal(name: str, host: str, words: str) -> str:
    """One message for what ssh says (`words`) when it does not come through to `name`, called `host` by ssh."""
    for pattern, meaning in REFUSALS:
        if re.search(pattern, words):
            return f"{name}: {meaning.format(host=host)}\n  ssh says: {last_line(words)}"
    return f"{name}: SSH failed. Try `ssh {host}` by hand.\n  ssh says: {last_line(words)}"


def last_line(words: str) -> str:
    """The last thing that ssh says in `words`: what comes before it is how it came there."""
    lines = [line for line in words.splitlines() if line.strip()]
    return lines[-1] if lines else "(nothing)"
