"""testinfra's Package, from the package database of the target: Debian's, distroless's, or Alpine's."""

from __future__ import annotations

import re
from typing import Any

from testinfra.modules.package import Package

from pytest_lucid.errors import EngineError
from pytest_lucid.sidecar.modules.base import SidecarModule
from pytest_lucid.sidecar.reading import quoted

# Distroless has one file for each package, and beside each a file of checksums.
DISTROLESS = "/var/lib/dpkg/status.d"
DEBIAN = ("/var/lib/dpkg/status", f"{DISTROLESS}/*")
ALPINE = ("/lib/apk/db/installed", "/usr/lib/apk/db/installed")
RPM = ("/var/lib/rpm/*", "/usr/lib/sysimage/rpm/*")
NAME = re.compile(r"[a-z0-9][a-z0-9+.-]*(:[a-z0-9-]+)?", re.IGNORECASE)


class SidecarPackage(SidecarModule, Package):
    """A package by name, or by NAME:ARCHITECTURE."""

    @property
    def is_installed(self) -> bool:
        """Whether it is installed."""
        return self._find() is not None

    @property
    def version(self) -> str:
        """Its version; raises EngineError where it is not installed."""
        return self._version().rpartition("-r")[0] if self._is_alpine else self._version()

    @property
    def release(self) -> str:
        """Its release, which only Alpine's packages have apart from the version."""
        version = self._version()
        if not self._is_alpine:
            raise NotImplementedError
        return f"r{version.rpartition('-r')[2]}"

    _is_alpine = False

    def _version(self) -> str:
        found = self._find()
        if found is None:
            raise EngineError(f"{self.session().sidecar.target} has no package {self.name!r}.")
        return found

    def _find(self) -> str | None:
        """The version of the package, None where it is not installed."""
        if not NAME.fullmatch(self.name):
            raise EngineError(f"{self.name!r} is no name of a package; expected NAME or NAME:ARCHITECTURE.")
        name, _, architecture = self.name.partition(":")
        # One program looks through all of the database: reading all of it would take the time of its transfer.
        # Distroless names the file of a package after it.
        likely = "" if architecture else f"{DISTROLESS}/{name}"
        entries = self._entries(f"Package: {name}", likely, DEBIAN)
        version = installed(entries, architecture)
        if entries and version is None and likely:
            entries = self._entries(f"Package: {name}", "", DEBIAN)
            version = installed(entries, architecture)
        if version is not None:
            return version
        if not entries:
            found = self._entries(f"P:{name}", "", ALPINE)
            for entry in found:
                named: dict[str, str] = dict(re.findall(r"^(\w):(.*)$", entry, re.MULTILINE))
                if not architecture or named.get("A") == architecture:
                    self._is_alpine = True
                    return named["V"]
            if not found:
                self._demand_database()
        return None

    def _entries(self, line: str, likely: str, places: tuple[str, ...]) -> list[str]:
        answer = self.session().run(f"_entries '{line}' '{likely}' {quoted(places)}")
        if answer.code:
            raise EngineError(f"the packages of {self.session().sidecar.target} cannot be read: {answer.stderr!r}")
        found = paragraphs(line, answer.stdout.decode("utf-8", "replace"))
        if likely and answer.stdout and not found:
            # A file of that name about something else.
            return self._entries(line, "", places)
        return found

    def _demand_database(self) -> None:
        """Raise EngineError where no database can be read: only then is "not installed" a fact."""
        places: list[Any] = [*DEBIAN, *ALPINE]
        if not self._exists(places):
            rpm = " RPM's database can be read by rpm alone." if self._exists([*RPM]) else ""
            raise EngineError(
                f"{self.session().sidecar.target} has no package database that the sidecar can read "
                f"({', '.join(places)}).{rpm}"
            )

    def _exists(self, places: list[str]) -> bool:
        return self.session().run(f"_any_file {quoted(places)}").code == 0


def installed(entries: list[str], architecture: str) -> str | None:
    """Return the version of the first of Debian's entries that is installed, of `architecture` where one is given."""
    for entry in entries:
        fields: dict[str, str] = dict(re.findall(r"^([\w-]+): *(.*)$", entry, re.MULTILINE))
        # Distroless has no status: what is listed is installed.
        state = fields.get("Status", "install ok installed").split()
        right = not architecture or fields.get("Architecture") in {architecture, "all"}
        if right and state[0] in {"install", "hold"} and state[1:] == ["ok", "installed"]:
            return fields["Version"]
    return None


def paragraphs(line: str, found: str) -> list[str]:
    """Return what follows each `line` up to an empty one, from grep's context: `--` is between two matches."""
    entries: list[list[str]] = []
    inside = False
    for each in found.split("\n"):
        if each == line:
            entries.append([])
            inside = True
        elif each in {"", "--"}:
            inside = False
        if inside:
            entries[-1].append(each)
    return ["\n".join(entry) for entry in entries]
