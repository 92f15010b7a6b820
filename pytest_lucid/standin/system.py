"""Assembles a stand-in of kind "system": Debian with apt, installed by its own dpkg in a container of the engine.

Neither root nor a bootstrapping tool is needed on this machine: the packages are unpacked into a tree, the tree becomes
a throw-away image, and its dpkg configures the packages there.
"""

from __future__ import annotations

import contextlib
import os
import re
import tempfile
from pathlib import Path
from typing import IO, TYPE_CHECKING, cast

from pytest_lucid.errors import EngineError
from pytest_lucid.standin import debian_packages as debian
from pytest_lucid.standin.file_tree import FileTree
from pytest_lucid.standin.importing import import_image

if TYPE_CHECKING:
    import tarfile
    from collections.abc import Callable, Iterator, Sequence

    import docker

    from pytest_lucid.standin.debian_packages import DownloadedPackage

STAGE_LABEL = "lucid.standin.stage"
_ARCHIVES = "var/cache/lucid"
_INSTALL_SECONDS = 600
_BUNDLE = Path("/etc/ssl/certs/ca-certificates.crt")
_MERGED = re.compile(r"^(bin|sbin|lib|lib32|lib64|libx32)(?=/|$)")
_DOCUMENTATION = re.compile(r"usr/share/(man|info|lintian|locale)/.|usr/share/doc/.*(?<!/copyright)$")
# What a container or an installation leaves behind that is no part of the system.
_LEFTOVERS = re.compile(
    r"(proc|sys|dev|run|tmp|var/log|var/cache/(apt|ldconfig|debconf|lucid))/."
    r"|\.dockerenv$|var/lib/dpkg/.*-old$|var/cache/lucid$|var/lib/apt/lists/."
    r"|etc/(hostname|hosts|resolv\.conf|machine-id|[^/]*-)$|var/lib/systemd/."
)
_DPKG_OPTIONS = """\
path-exclude /usr/share/man/*
path-exclude /usr/share/info/*
path-exclude /usr/share/lintian/*
path-exclude /usr/share/locale/*
path-exclude /usr/share/doc/*
path-include /usr/share/doc/*/copyright
force-unsafe-io
"""
_APT_SETTINGS = re.compile(r"^Acquire::(https?::Proxy|Check-Valid-Until|Check-Date) .*$", re.MULTILINE)


def assemble(
    client: docker.DockerClient, suite: str, packages: Sequence[DownloadedPackage], architecture: str | None = None
) -> FileTree:
    """Return the tree of a Debian system in which the packages are installed and apt uses the host's mirrors.

    Its programs run here, on the engine: for another `architecture` than its own, that needs an emulator.
    """
    seed = FileTree()
    # Debian's merged /usr: packages of bookworm still name the old places.
    for top in ("bin", "sbin", "lib", "lib64"):
        seed.directory(f"usr/{top}")
        seed.link(top, f"usr/{top}")
    for package in packages:
        seed.unpack(package.content(), _merged)
    newest = max(info.mtime for info, _ in seed.entries.values())
    for path in ("var/lib/dpkg/status", "var/lib/dpkg/available"):
        seed.file(path, "")
    for path in ("var/lib/dpkg/info", "var/lib/dpkg/updates", _ARCHIVES):
        seed.directory(path)
    _host_settings(seed, suite)
    for package in packages:
        seed.file(f"{_ARCHIVES}/{package.path.name}", package.path.read_bytes())
    tree = FileTree()
    with _configured(client, seed, architecture) as export:
        tree.unpack(export, _normalised(int(newest)))
    return tree


def _merged(info: tarfile.TarInfo) -> tarfile.TarInfo | None:
    if _DOCUMENTATION.match(info.name) or _MERGED.fullmatch(info.name):
        return None
    info.name = _MERGED.sub(r"usr/\1", info.name)
    if info.islnk():
        info.linkname = _MERGED.sub(r"usr/\1", info.linkname)
    return info


def _normalised(newest: int) -> Callable[[tarfile.TarInfo], tarfile.TarInfo | None]:
    """Return a change that drops leftovers and dates what the installation wrote like the newest packaged file."""

    def change(info: tarfile.TarInfo) -> tarfile.TarInfo | None:
        if _LEFTOVERS.match(info.name):
            return None
        info.mtime = min(int(info.mtime), newest)
        return info

    return change


def _host_settings(tree: FileTree, suite: str) -> None:
    """Carry over the host's mirrors, the settings to reach them, and the certificate authorities that it trusts."""
    stanzas = (source.deb822(signed_by=False) for source in debian.sources(suite))
    tree.file("etc/apt/sources.list.d/debian.sources", "\n".join(stanzas))
    dump = debian.run(["apt-config", "dump"]).decode()
    settings = [match.group() for match in _APT_SETTINGS.finditer(dump)]
    settings += ['Acquire::Languages "none";', 'APT::Sandbox::User "root";']
    tree.file("etc/apt/apt.conf.d/90build-host", "\n".join(settings) + "\n")
    tree.file("etc/dpkg/dpkg.cfg.d/90slim", _DPKG_OPTIONS)
    bundle = Path(os.environ.get("SSL_CERT_FILE", _BUNDLE))
    if bundle.is_file():
        tree.file("usr/local/share/ca-certificates/build-host.crt", bundle.read_bytes())


@contextlib.contextmanager
def _configured(client: docker.DockerClient, seed: FileTree, architecture: str | None) -> Iterator[IO[bytes]]:
    """Install the seed's packages in a container without a network; give its file system as a tar stream."""
    with tempfile.TemporaryFile() as archive:
        seed.write(archive)
        archive.seek(0)
        image = import_image(client, archive, [f"LABEL {STAGE_LABEL}=1"], architecture=architecture)
    try:
        container = client.containers.create(
            image,
            ["/bin/sh", "-c", f"exec dpkg --install --force-depends /{_ARCHIVES}/*.deb"],
            environment={"DEBIAN_FRONTEND": "noninteractive", "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"},
            network_mode="none",
            labels={STAGE_LABEL: "1"},
        )
        try:
            container.start()
            if container.wait(timeout=_INSTALL_SECONDS)["StatusCode"]:
                words = container.logs(tail=5).decode(errors="replace").strip()
                raise EngineError(f"dpkg could not install the packages:\n{words}")
            with tempfile.TemporaryFile() as export:
                # The stubs call the stream's chunks str; they are bytes.
                export.writelines(cast("Iterator[bytes]", container.export()))
                export.seek(0)
                yield export
        finally:
            container.remove(force=True, v=True)
    finally:
        client.images.remove(image)
