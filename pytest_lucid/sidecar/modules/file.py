"""testinfra's File, but for two answers in which busybox differs from GNU's programs."""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING

from testinfra.modules.file import GNUFile

from pytest_lucid.errors import EngineError
from pytest_lucid.sidecar.modules.base import SidecarModule

if TYPE_CHECKING:
    from testinfra.host import Host

NO_DIRECTORY = 3
# One character of UTF-8 as a basic regular expression over bytes.
CHARACTER = b"\\([\x01-\x7f]\\|[\xc2-\xf4][\x80-\xbf]*\\)".decode("utf-8", "surrogateescape")


class SidecarFile(SidecarModule, GNUFile):
    """A file of the target."""

    def listdir(self) -> list[str]:
        """The names in the directory, as `ls -1 -q`: what cannot be shown is a question mark.

        Raises EngineError where it cannot be listed.
        """
        answer = self.session().run(f"_names_in {_quoted(self.path)}")
        if answer.code == NO_DIRECTORY:
            return [shown(self.path.encode("utf-8", "surrogateescape"))]
        if answer.code:
            said = answer.stderr.decode("utf-8", "replace").strip() or "no such directory"
            raise EngineError(f"{self.path} in {self.session().sidecar.target} cannot be listed ({said})")
        text = answer.stdout.decode("ascii", "surrogateescape")
        names = text.split("/") if text else []
        if posixpath.normpath(self.path) == "/proc":
            # The sidecar's own processes are none of the container's.
            known = {str(process.pid) for process in self._host.process.filter()}
            names = [name for name in names if not name.isdigit() or name in known]
        # Mostly all names are plain; looking at each character of many would take longer than all the rest.
        if text.isascii() and text.isprintable():
            return names
        return [shown(name.encode("ascii", "surrogateescape")) for name in names]

    def contains(self, pattern: str) -> bool:
        """Whether a line matches the basic regular expression `pattern`.

        The toolbox's grep sees bytes. Raises EngineError for a pattern that would need characters.
        """
        searched = pattern
        if needs_characters(pattern) and self._has_wide_characters():
            searched = by_bytes(pattern)
        found = self._host.run("grep -qs -- %s %s", searched, self.path)
        if found.rc not in {0, 1, 2} or (found.rc == 2 and self.exists):  # noqa: PLR2004 - grep's "cannot"
            raise EngineError(f"{self.path} in {self.session().sidecar.target} cannot be searched ({found.stderr})")
        return bool(found.rc == 0)

    def _has_wide_characters(self) -> bool:
        return bool(self._host.run("LC_ALL=C grep -qs -- %s %s", "[^\x01-\x7f]", self.path).rc == 0)

    @classmethod
    def get_module_class(cls, _: Host) -> type:
        """Return this class."""
        return cls


def shown(name: bytes) -> str:
    """Return a name as GNU's ls -q writes it: a question mark for each character that cannot be shown."""
    text = name.decode("utf-8", "surrogateescape")
    return "".join(character if character.isprintable() else "?" for character in text)


def needs_characters(pattern: str) -> bool:
    """Whether a basic regular expression means characters where bytes would be something else."""
    return bool(re.search(r"(?<!\\)\.|\[\^|\[[^]]*[^\x00-\x7f]|[^\x00-\x7f](\*|\\[{?+])", pattern))


def by_bytes(pattern: str) -> str:
    """Return the pattern with each dot as one character of UTF-8; raises EngineError where more is needed."""
    if re.search(r"\[\^|\[[^]]*[^\x00-\x7f]|[^\x00-\x7f](\*|\\[{?+])|\\[1-9]", pattern):
        raise EngineError(
            f"the sidecar's grep sees bytes, and {pattern!r} means characters of UTF-8; "
            "search `content_string` with Python's re instead."
        )
    return re.sub(r"\[[^]]*\]|\\.|\.", lambda match: CHARACTER if match[0] == "." else match[0], pattern)


def _quoted(path: str) -> str:
    return "'" + path.replace("'", "'\\''") + "'"
