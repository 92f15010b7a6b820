"""What the commands of a RUN do to a stage's files. A command that is not known may do anything, anywhere."""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from pytest_lucid.audit.rootfs.directories import has_option, is_open, made_by_install, made_by_mkdir
from pytest_lucid.audit.rootfs.pip_installs import (
    Place,
    Surroundings,
    Venv,
    pip_arguments,
    read_install,
    venv_arguments,
)
from pytest_lucid.audit.rootfs.programs import PACKAGE_MANAGERS, USER_MAKERS, is_harmless
from pytest_lucid.audit.rootfs.rootfs import BuildEntry

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pytest_lucid.audit.known_bases import KnownBase
    from pytest_lucid.audit.rootfs.directories import Folder
    from pytest_lucid.audit.rootfs.pip_installs import Install
    from pytest_lucid.audit.rootfs.rootfs import Rootfs
    from pytest_lucid.audit.rootfs.shell_commands import SimpleCommand
    from pytest_lucid.dockerfile.facts import RunInstruction

_SYSTEM = ("/usr", "/etc", "/var", "/bin", "/sbin", "/lib", "/lib64", "/run")
_WILD = re.compile(r"[*?\[]")


@dataclass(slots=True)
class Effects:
    """Applies the commands of one RUN to `files`; `installs` collects what pip installs."""

    files: Rootfs
    run: RunInstruction
    base: KnownBase | None
    environment: Mapping[str, str]
    installs: list[Install]
    folder: str = "/"
    venv: str | None = None

    def apply(self, simple: SimpleCommand) -> None:
        """Apply one command."""
        for path in simple.writes:
            if path is None:
                self._anything("/")
            elif not path.startswith("/dev/"):
                self.files.add(BuildEntry(self._path(path), "file", self.run.line))
        if not simple.words:
            return
        if simple.conditional and not is_harmless(simple):
            # Whether it is done, and how often, only the build knows.
            self._maybe(simple)
            return
        self._known(simple)

    def _known(self, simple: SimpleCommand) -> None:  # noqa: C901 - one branch for each kind of command
        words, program = simple.words, simple.program
        arguments = [word for word in words[1:] if word is None or not word.startswith("-")]
        if program is None:
            self._anything("/")
        elif program == "sudo" and len(words) > 1:
            self.apply(replace(simple, words=words[1:], writes=()))
        elif program in {".", "source"}:
            self._activate(arguments)
        elif program == "cd":
            self._change_folder(arguments)
        elif program in PACKAGE_MANAGERS:
            self.files.add(*(BuildEntry(folder, "base", self.run.line) for folder in _SYSTEM))
        elif program in USER_MAKERS:
            self._anything("/home")
            self._anything("/etc")
        elif pip_arguments(words) is not None:
            self._pip(simple)
        elif venv_arguments(words) is not None:
            self._make_venv(words)
        elif is_harmless(simple):
            pass
        elif any(argument is None for argument in arguments):
            self._anything("/")
        else:
            self._on_paths(program, [word or "" for word in words[1:]])

    def _on_paths(self, program: str, words: list[str]) -> None:
        plain = [word for word in words if not word.startswith("-")]
        if program == "mkdir":
            self._make(made_by_mkdir(words))
        elif program == "install" and has_option(words, "d", "--directory"):
            self._make(made_by_install(words))
        elif program in {"chown", "chmod", "chgrp"}:
            self._change(program, plain, deep=has_option(words, "R", "--recursive"))
        elif program == "touch":
            self.files.add(*(BuildEntry(self._path(path), "file", self.run.line) for path in plain))
        elif program in {"rm", "rmdir"}:
            for path in plain:
                self.files.remove(self._path(path))
        elif program in {"mv", "cp"} and len(plain) > 1:
            kept = has_option(words, "a", "--archive") or has_option(words, "p", "--preserve")
            self._move(plain[:-1], plain[-1], copies=program == "cp", owned=program == "cp" and not kept)
        else:
            self._anything(self._path(plain[-1]) if program == "ln" and plain else "/")

    def _make(self, folders: list[Folder]) -> None:
        for folder in folders:
            owner = folder.owner or self._user()
            self.files.add(BuildEntry(self._path(folder.path), "folder", self.run.line, owner=owner, open=folder.open))

    def _change(self, program: str, words: list[str], *, deep: bool) -> None:
        for path in words[1:]:
            if program == "chown":
                self.files.change(self._path(path), owner=words[0].partition(":")[0] or None, deep=deep)
            elif program == "chmod":
                self.files.change(self._path(path), others=is_open(words[0]), deep=deep)

    def _maybe(self, simple: SimpleCommand) -> None:
        words = simple.words
        if pip_arguments(words) or venv_arguments(words) or simple.program in PACKAGE_MANAGERS | USER_MAKERS:
            self._known(simple)
        else:
            self._anything("/")

    def _pip(self, simple: SimpleCommand) -> None:
        home = self.environment.get("HOME") or self._home()
        path = self.environment.get("PATH", "").split(":")[0]
        active = self.venv or next(
            (p.venv.path for p in self.files.entries if p.venv and f"{p.path}/bin" == path), None
        )
        where = Surroundings(
            stage=self.run.stage,
            line=self.run.line,
            folder=self.folder,
            home=home,
            venv=active,
            base=self.base,
            user_base=self.environment.get("PYTHONUSERBASE", ""),
        )
        install = read_install(simple.words, where)
        arguments = pip_arguments(simple.words)
        if install is None:
            self._wheels(arguments[1] if arguments else [])
            return
        read = (*install.files, *install.constraints)
        install = replace(install, sources=tuple((path, self.files.source(path)) for path in read))
        self.installs.append(install)
        if install.place is None:
            self._anything("/")
        else:
            self._installed(install, install.place)

    def _wheels(self, words: list[str | None]) -> None:
        """`pip wheel` and `pip download` write where they are told, else here."""
        if not {"wheel", "download"} & set(words):
            return
        for index, word in enumerate(words):
            option, _, value = (word or "").partition("=")
            if option in {"-w", "--wheel-dir", "-d", "--dest"}:
                self._anything(self._path(value or (words[index + 1 : index + 2] or [""])[0] or "/"))
                return
        self._anything(self.folder)

    def _installed(self, install: Install, place: Place) -> None:
        line = self.run.line
        self.files.add(
            BuildEntry(place.site, "unknown", line, install=install, part="modules"),
            BuildEntry(place.scripts, "unknown", line, install=install, part="scripts"),
        )

    def _make_venv(self, words: tuple[str | None, ...]) -> None:
        found = venv_arguments(words)
        if found is None or found[1] is None:
            self._anything("/")
            return
        path = self._path(found[1])
        interpreter = self.base.interpreter if self.base else ""
        if found[0].startswith("/") and posixpath.dirname(found[0]) != posixpath.dirname(interpreter):
            interpreter = ""
        if any(word in {"--copies", "--always-copy", "-p", "--python", "--relocatable"} for word in words):
            interpreter = ""
        self.files.add(BuildEntry(path, "unknown", self.run.line, venv=Venv(path, interpreter, self.run.line)))

    def _home(self) -> str | None:
        user = (self.run.user.value if self.run.user else "0").partition(":")[0]
        if user in {"", "0", "root"}:
            return "/root" if self.run.user or (self.base and self.base.user == "0") else None
        return None if user.isdigit() else f"/home/{user}"

    def _activate(self, arguments: list[str | None]) -> None:
        path = self._path(arguments[0]) if arguments and arguments[0] else ""
        if path.endswith("/bin/activate"):
            self.venv = path.removesuffix("/bin/activate")
        else:
            self._anything("/")

    def _change_folder(self, arguments: list[str | None]) -> None:
        if not arguments or arguments[0] is None or arguments[0] == "-":
            self._anything("/")
        else:
            self.folder = self._path(arguments[0])

    def _user(self) -> str | None:
        if self.run.user:
            return self.run.user.value.partition(":")[0]
        return self.base.user if self.base else None

    def _move(self, sources: list[str], destination: str, *, copies: bool, owned: bool) -> None:
        target = self._path(destination)
        into = destination.endswith("/") or len(sources) > 1 or self._is_folder(target)
        for source in sources:
            path = self._path(source)
            if _WILD.search(source):
                self.files.add(BuildEntry(target, "unknown", self.run.line, owner=None))
                continue
            contents = source.endswith("/.")
            inside = posixpath.join(target, posixpath.basename(path)) if into and not contents else target
            moved = self.files.copy(path, inside, line=self.run.line, owner=self._user() if owned else None)
            if not moved:
                moved = [BuildEntry(inside, "unknown", self.run.line, owner=None)]
            if not copies:
                self.files.remove(path)
            self.files.add(*moved)

    def _is_folder(self, path: str) -> bool:
        return any(entry.path != path or entry.kind == "folder" for entry in self.files.below(path))

    def _anything(self, folder: str) -> None:
        self.files.add(BuildEntry(folder, "unknown", self.run.line, owner=None))

    def _path(self, path: str) -> str:
        if path.startswith("~"):
            path = (self._home() or "/unknown") + path[1:]
        return posixpath.normpath(posixpath.join(self.folder, path))
