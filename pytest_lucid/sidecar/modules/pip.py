"""testinfra's Pip: what the service's interpreter can import, from metadata; nothing of the target is executed."""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING, Any, NoReturn

from packaging.utils import canonicalize_name
from testinfra.modules.pip import Pip

from pytest_lucid.errors import EngineError
from pytest_lucid.sidecar import processes
from pytest_lucid.sidecar.modules.base import SidecarModule

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

DEFAULT = "pip"
INTERPRETER = re.compile(r"python[\d.]*")
# Debian's interpreter, and the two places of its packages beside the one for local ones.
DEBIAN = ("/usr/local/lib/python3*/dist-packages", "/usr/lib/python3/dist-packages")
METADATA = ("*.dist-info/METADATA", "*.egg-info/PKG-INFO")


class SidecarPip(SidecarModule, Pip):
    """A distribution; `pip_path` other than `pip` names the environment whose pip would be asked."""

    @property
    def is_installed(self) -> bool:
        """Whether the service can import it."""
        return canonicalize_name(self.name) in self._found(self.pip_path)

    @property
    def version(self) -> str:
        """Its version; raises EngineError where it is not installed."""
        found = self._found(self.pip_path).get(canonicalize_name(self.name))
        if found is None:
            raise EngineError(f"{self.session().sidecar.target} has no Python distribution {self.name!r}.")
        return found[1]

    @classmethod
    def get_packages(cls, pip_path: str = DEFAULT) -> dict[str, dict[str, str]]:
        """Name → version of all distributions."""
        return {name: {"version": version} for name, version in cls._found(pip_path).values()}

    @classmethod
    def check(cls, pip_path: str = DEFAULT) -> NoReturn:
        """Raise EngineError: it would have to be executed."""
        raise EngineError(f"host.pip.check({pip_path!r}) runs pip, and the sidecar runs nothing of the container.")

    @classmethod
    def get_outdated_packages(cls, pip_path: str = DEFAULT) -> NoReturn:
        """Raise EngineError: it would have to be executed."""
        raise EngineError(
            f"host.pip.get_outdated_packages({pip_path!r}) runs pip, and the sidecar runs nothing of the container."
        )

    @classmethod
    def _found(cls, pip_path: str) -> dict[str, tuple[str, str]]:
        """Canonical name → name and version; of two with the same name, the one that is imported."""
        places = cls._places(pip_path)
        files = cls.read(*(f"{place}/{name}" for place in places for name in METADATA))
        found: dict[str, tuple[str, str]] = {}
        for content in files.values():
            head = content.partition(b"\n\n")[0].decode("utf-8", "replace")
            fields = dict(re.findall(r"^(Name|Version): *(\S+)", head, re.MULTILINE))
            if len(fields) == len(("Name", "Version")):
                found.setdefault(canonicalize_name(fields["Name"]), (fields["Name"], fields["Version"]))
        return found

    @classmethod
    def _places(cls, pip_path: str) -> list[str]:
        """The directories of distributions that are searched, the first first."""
        if pip_path != DEFAULT:
            prefix = posixpath.dirname(posixpath.dirname(pip_path))
            if not prefix.startswith("/"):
                raise EngineError(f"host.pip: {pip_path!r} is no absolute path; expected that of an environment's pip.")
            return cls._of_prefix(prefix, search=())
        program, environ = cls._interpreter()
        search = tuple(place for place in environ.get("PYTHONPATH", "").split(":") if place.startswith("/"))
        return cls._of_prefix(posixpath.dirname(posixpath.dirname(program)), search)

    @classmethod
    def _of_prefix(cls, prefix: str, search: tuple[str, ...]) -> list[str]:
        prefix = prefix.rstrip("/")
        site = f"{prefix}/lib/python3*/site-packages"
        configuration = cls.read(f"{prefix}/pyvenv.cfg").get(f"{prefix}/pyvenv.cfg")
        if configuration is None:
            return [*search, site, *DEBIAN]
        fields = dict(re.findall(r"^([\w-]+) *= *(.*?) *$", configuration.decode("utf-8", "replace"), re.MULTILINE))
        if fields.get("include-system-site-packages") != "true":
            return [*search, site]
        return [*search, site, f"{posixpath.dirname(fields['home'])}/lib/python3*/site-packages", *DEBIAN]

    @classmethod
    def _interpreter(cls) -> tuple[str, dict[str, str]]:
        """The path and variables of the service's interpreter.

        The first process, or the first below it: an init or another wrapper may have started it. Without one, the
        interpreter that PATH leads to.
        """
        files = cls.read("/proc/[0-9]*/status", "/proc/[0-9]*/cmdline", "/proc/[0-9]*/cgroup", "/proc/[0-9]*/environ")
        sidecar = cls.session().sidecar
        present = processes.records(sidecar.target, sidecar.target_id, files)
        configured = _variables(sidecar.placement.environment)
        for parts in present.values():
            argv = parts.get("cmdline", b"").decode("utf-8", "surrogateescape").split("\0")
            environ = _variables(parts.get("environ", b"").decode("utf-8", "surrogateescape").split("\0")) or configured
            if INTERPRETER.fullmatch(posixpath.basename(argv[0])) and (program := cls._program(argv[0], environ)):
                return program, environ
        for name in ("python3", "python"):
            if program := cls._program(name, configured):
                return program, configured
        raise EngineError(
            f"host.pip: {sidecar.target} runs no Python and has none in PATH; name the pip of an environment."
        )

    @classmethod
    def _program(cls, name: str, environ: Mapping[str, str]) -> str | None:
        candidates = [name] if name.startswith("/") else [f"{place}/{name}" for place in _path(environ)]
        return next((path for path in candidates if cls._host.file(path).exists), None)


def _variables(entries: Any) -> dict[str, str]:
    return dict(entry.partition("=")[::2] for entry in entries if "=" in entry)


def _path(environ: Mapping[str, str]) -> Iterator[str]:
    default = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    return (place.rstrip("/") for place in environ.get("PATH", default).split(":") if place.startswith("/"))
