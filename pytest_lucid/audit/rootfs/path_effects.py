"""What commands do to the paths that they name: mkdir, install, touch, cp, mv, ln, rm, chown, chmod."""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from pytest_lucid.audit.rootfs.modes import expand_braces, has_option, made_by_install, made_by_mkdir, read_mode
from pytest_lucid.audit.rootfs.rootfs import BuildEntry

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_lucid.audit.rootfs.modes import Folder
    from pytest_lucid.audit.rootfs.rootfs import Rootfs
    from pytest_lucid.dockerfile.facts import RunInstruction

_WILD = re.compile(r"[*?\[]")
_TARGET_OPTIONS = ("-t", "--target-directory")


@dataclass(frozen=True, slots=True)
class PathEffects:
    """Applies one command to `files`; `path` makes a path absolute, `user` is who runs it, None where not known."""

    files: Rootfs
    run: RunInstruction
    path: Callable[[str], str]
    user: str | None

    def apply(self, program: str, words: list[str]) -> None:
        """Apply a command whose words are all known; one that is not modelled may do anything."""
        words, into = _take_target(words)
        plain = [part for word in words if not word.startswith("-") for part in expand_braces(word)]
        if any("{" in word and "," in word for word in plain):
            self._anything("/")  # braces in braces
        elif program == "mkdir":
            self._make(made_by_mkdir(words))
        elif program == "install" and has_option(words, "d", "--directory"):
            self._make(made_by_install(words))
        elif program in {"chown", "chmod", "chgrp"}:
            self._change(program, plain, deep=has_option(words, "R", "--recursive"))
        elif program in {"mv", "cp"} and len(plain) + bool(into) > 1:
            self._copy_or_move(program, words, plain, into)
        else:
            self._simple(program, plain, into)

    def _simple(self, program: str, plain: list[str], into: str) -> None:
        if program == "touch":
            self.files.add(*(BuildEntry(self.path(path), "file", self.run.line, owner=self.user) for path in plain))
        elif program in {"rm", "rmdir"}:
            for path in plain:
                self.files.remove(self.path(path))
        elif program == "ln" and plain:
            alone = len(plain) == 1 and not into
            self._anything(self.path(posixpath.basename(plain[0]) if alone else into or plain[-1]))
        else:
            self._anything("/")

    def _copy_or_move(self, program: str, words: list[str], plain: list[str], into: str) -> None:
        kept = has_option(words, "a", "--archive") or has_option(words, "p", "--preserve")
        sources, target = (plain, f"{into}/") if into else (plain[:-1], plain[-1])
        if has_option(words, "T", "--no-target-directory") or "--parents" in words:
            self._anything(self.path(target))
        else:
            self._move(sources, target, copies=program == "cp", owned=program == "cp" and not kept)

    def _make(self, folders: list[Folder]) -> None:
        for folder in folders:
            owner = folder.owner or self.user
            entry = BuildEntry(self.path(folder.path), "folder", self.run.line, owner=owner, group=owner)
            self.files.add(replace(entry, open=folder.open))

    def _change(self, program: str, words: list[str], *, deep: bool) -> None:
        for word in words[1:]:
            path = self.path(word)
            if _WILD.search(word):
                # Which files it matches is not worked out: nothing is known of them any more.
                self._anything(self.path(_WILD.split(word)[0].rpartition("/")[0] or "."))
            elif program == "chmod":
                self.files.chmod(path, read_mode(words[0]), deep=deep)
            else:
                owner, _, group = words[0].partition(":") if program == "chown" else ("", "", words[0])
                self.files.chown(path, owner or None, group or None, deep=deep)

    def _move(self, sources: list[str], destination: str, *, copies: bool, owned: bool) -> None:
        target = self.path(destination)
        is_folder = self.files.is_folder(target)
        into = destination.endswith("/") or len(sources) > 1 or is_folder == "yes"
        for source in sources:
            path = self.path(source)
            if _WILD.search(source):
                self.files.add(BuildEntry(target, "unknown", self.run.line, owner=None))
                continue
            if is_folder == "maybe" and not into:
                # It may be in the folder instead.
                self.files.add(BuildEntry(target, "unknown", self.run.line, owner=None))
            contents = source.endswith("/.")
            inside = posixpath.join(target, posixpath.basename(path)) if into and not contents else target
            moved = self.files.copy(path, inside, line=self.run.line, owner=self.user if owned else None)
            if not moved:
                moved = [BuildEntry(inside, "unknown", self.run.line, owner=None)]
            if not copies:
                self.files.remove(path)
            self.files.add(*moved)

    def _anything(self, folder: str) -> None:
        self.files.add(BuildEntry(folder, "unknown", self.run.line, owner=None))


def _take_target(words: list[str]) -> tuple[list[str], str]:
    """The words without `-t FOLDER`, and that folder."""
    rest: list[str] = []
    into = ""
    pending = list(reversed(words))
    while pending:
        word = pending.pop()
        option, equals, value = word.partition("=")
        if option in _TARGET_OPTIONS:
            into = value if equals else pending.pop() if pending else ""
        elif word.startswith("-t") and len(word) > len("-t"):
            into = word[2:]
        else:
            rest.append(word)
    return rest, into
