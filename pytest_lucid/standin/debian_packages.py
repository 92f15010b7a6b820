"""Debian packages fetched with the host's own apt, in a state of their own, into the user's cache."""

from __future__ import annotations

import hashlib
import re
import shutil
import subprocess
import tarfile
import tempfile
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import IO, TYPE_CHECKING

from pytest_lucid.config.cache import cache_directory
from pytest_lucid.errors import EngineError
from pytest_lucid.standin.apt_sources import Source, host_sources, translate

if TYPE_CHECKING:
    from collections.abc import Sequence

_TOOLS = ("apt-get", "dpkg-deb")
_OS_RELEASE = Path("/etc/os-release")
_SECONDS = 900
# The host's hooks are about its own system, and its architectures and pins are not the image's.
_CLEARED = (
    "APT::Architectures",
    "APT::Update::Post-Invoke",
    "APT::Update::Post-Invoke-Success",
    "DPkg::Post-Invoke",
    "DPkg::Pre-Install-Pkgs",
    "Dir::Etc::preferences",
    "Dir::Etc::preferencesparts",
)
# Debian names of what platform.machine() answers.
ARCHITECTURES = {"x86_64": "amd64", "amd64": "amd64", "aarch64": "arm64", "arm64": "arm64"}


def codename() -> str:
    """Return the name of the Debian release that this machine runs; raise EngineError when it is no Debian."""
    missing = [tool for tool in _TOOLS if shutil.which(tool) is None]
    if missing or not _OS_RELEASE.is_file():
        raise EngineError(f"a stand-in is assembled with Debian's {' and '.join(_TOOLS)}, which this machine lacks")
    lines = _OS_RELEASE.read_text(encoding="utf-8").splitlines()
    facts = {name: value.strip('"') for name, _, value in (line.partition("=") for line in lines)}
    if facts.get("ID") != "debian" or "VERSION_CODENAME" not in facts:
        raise EngineError(f"a stand-in is assembled on Debian; this machine runs {facts.get('PRETTY_NAME', 'another')}")
    return facts["VERSION_CODENAME"]


def sources(suite: str) -> tuple[Source, ...]:
    """Return the host's Debian mirrors, translated to a suite."""
    return translate(host_sources(codename()), suite)


@dataclass(frozen=True)
class DownloadedPackage:
    """One downloaded package: the path of its .deb file, its control fields and its list of MD5 sums."""

    path: Path
    control: bytes
    md5sums: bytes

    @property
    def name(self) -> str:
        """The package's name."""
        return self._field("Package")

    @property
    def version(self) -> str:
        """The package's version."""
        return self._field("Version")

    def content(self) -> IO[bytes]:
        """Return the package's files as a tar archive; raise EngineError when it is damaged."""
        return BytesIO(run(["dpkg-deb", "--fsys-tarfile", str(self.path)]))

    def _field(self, name: str) -> str:
        match = re.search(rf"^{name}: *(\S+)", self.control.decode(), re.MULTILINE)
        if match is None:
            raise EngineError(f"{self.path}: a package without {name}; remove the file and run again.")
        return match[1]


def fetch(suite: str, names: Sequence[str], *, depends: bool, architecture: str) -> tuple[DownloadedPackage, ...]:
    """Return the packages, sorted by name, from the cache or else from the host's mirrors.

    With `depends`, also all that they and a minimal system need. Raises EngineError with apt's own words.
    """
    cache = cache_directory() / "packages"
    wanted = "\n".join([*sorted(names), str(depends)])
    target = cache / f"{suite}-{architecture}-{hashlib.sha256(wanted.encode()).hexdigest()[:16]}"
    if not target.is_dir():
        cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=cache, prefix=".fetch-") as work:
            _download(Path(work), suite, names, depends=depends, architecture=architecture)
            try:
                Path(work, "archives").rename(target)
            except OSError:
                # Another process was first, and its download is as good.
                if not target.is_dir():
                    raise
    return tuple(_read(path) for path in sorted(target.glob("*.deb")))


def _download(work: Path, suite: str, names: Sequence[str], *, depends: bool, architecture: str) -> None:
    for directory in ("lists/partial", "archives/partial"):
        (work / directory).mkdir(parents=True)
    (work / "status").touch()
    stanzas = (source.deb822() for source in sources(suite))
    (work / "debian.sources").write_text("\n".join(stanzas), encoding="utf-8")
    settings = {
        "APT::Architecture": architecture,
        "APT::Architectures": architecture,
        "APT::Install-Recommends": "false",
        "APT::Sandbox::User": "",
        "Dir::Cache": str(work),
        "Dir::Cache::archives": str(work / "archives"),
        "Dir::Etc::sourcelist": str(work / "debian.sources"),
        "Dir::Etc::sourceparts": "-",
        "Dir::State": str(work),
        "Dir::State::lists": str(work / "lists"),
        "Dir::State::status": str(work / "status"),
    }
    lines = [f"#clear {name};" for name in _CLEARED] + [f'{name} "{value}";' for name, value in settings.items()]
    (work / "apt.conf").write_text("\n".join(lines) + "\n", encoding="utf-8")
    apt = ["apt-get", "--quiet", "--yes", f"--config-file={work / 'apt.conf'}"]
    run([*apt, "update", "--error-on=any"], work)
    if depends:
        run([*apt, "install", "--download-only", "?essential", "apt", *names], work)
    else:
        run([*apt, "download", *names], work / "archives")
    for leftover in ("lock", "partial"):
        path = work / "archives" / leftover
        path.unlink(missing_ok=True) if path.is_file() else shutil.rmtree(path, ignore_errors=True)


def run(command: Sequence[str], directory: Path | None = None) -> bytes:
    """Return what one of Debian's tools writes; raise EngineError with its own words when it fails."""
    try:
        # No shell; the words are this package's own and paths in the user's cache.
        done = subprocess.run(command, cwd=directory, capture_output=True, timeout=_SECONDS, check=True)  # noqa: S603
    except subprocess.CalledProcessError as error:
        said = error.stderr.decode(errors="replace").splitlines()
        lines = [line for line in said if line.startswith("E:")] or said[-3:]
        raise EngineError(f"{command[0]}: {' '.join(lines)}") from error
    except (OSError, subprocess.TimeoutExpired) as error:
        raise EngineError(f"{command[0]}: {error}") from error
    return done.stdout


def _read(path: Path) -> DownloadedPackage:
    with tarfile.open(fileobj=BytesIO(run(["dpkg-deb", "--ctrl-tarfile", str(path)]))) as members:
        files = {name.removeprefix("./"): members.extractfile(name) for name in members.getnames()}
        control, md5sums = files["control"], files.get("md5sums")
        return DownloadedPackage(path, control.read() if control else b"", md5sums.read() if md5sums else b"")
