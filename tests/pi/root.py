"""What the machine is made of: the Debian root from distribution packages, and the programs needed here to make it."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from pytest_lucid.config.cache import cache_directory
from pytest_lucid.standin import debian_packages

SUITE = "trixie"
PACKAGES = ("docker.io", "iptables", "iproute2", "openssh-server", "ca-certificates")
# Program → the package that has it.
NEEDED = {
    "ip": "iproute2",
    "iptables": "iptables",
    "nsenter": "util-linux",
    "unshare": "util-linux",
    "ssh": "openssh-client",
    "ssh-keygen": "openssh-client",
    "mmdebstrap": "mmdebstrap",
}


class MachineError(Exception):
    """The machine cannot be made here; the message says why."""


def cache() -> Path:
    """Where the root is kept between runs, and the running machine's folder lies."""
    return cache_directory() / "pi"


def why_not() -> str | None:
    """Why no machine can be made here; None where one can."""
    if sys.platform != "linux" or os.geteuid() != 0:
        return "a second machine is made of Linux namespaces, by root"
    missing = sorted({package for program, package in NEEDED.items() if not shutil.which(program)})
    return f"a second machine needs {', '.join(missing)}: apt-get install them" if missing else None


def install() -> None:
    """Install the programs that are missing, where root on Debian can."""
    if sys.platform == "linux" and os.geteuid() == 0 and shutil.which("apt-get"):
        missing = sorted({package for program, package in NEEDED.items() if not shutil.which(program)})
        if missing:
            run("apt-get", "--quiet", "update", seconds=600)
            run("apt-get", "--quiet", "--yes", "install", "--no-install-recommends", *missing, seconds=600)


def root_archive() -> Path:
    """The tar of the machine's root; made from the host's Debian mirrors unless it is in the cache."""
    stanzas = "\n".join(source.deb822() for source in debian_packages.sources(SUITE))
    fingerprint = hashlib.sha256("\n".join((SUITE, *PACKAGES, stanzas)).encode()).hexdigest()[:12]
    archive = cache() / f"root-{fingerprint}.tar"
    if archive.is_file():
        return archive
    cache().mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache()) as folder:
        sources, made = Path(folder, "debian.sources"), Path(folder, "root.tar")
        sources.write_text(stanzas)
        left_out = [f"--dpkgopt=path-exclude=/usr/share/{kind}/*" for kind in ("doc", "man", "locale")]
        options = ["--variant=minbase", f"--include={','.join(PACKAGES)}", *left_out, "--dpkgopt=force-unsafe-io"]
        run("mmdebstrap", *options, SUITE, str(made), str(sources), seconds=600)
        made.rename(archive)
    return archive


def run(*command: str, seconds: float = 120) -> None:
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=seconds)
    if done.returncode:
        raise MachineError(f"{' '.join(command)}: {done.stdout}{done.stderr}")
