"""What the commands of a RUN do to a stage's files. A command is modelled whole, or it may do anything, anywhere.

What commands do to single paths (mkdir, cp, chmod …) is for `path_effects`.
"""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from pytest_lucid.audit.rootfs.path_effects import PathEffects
from pytest_lucid.audit.rootfs.pip_installs import has_pair
from pytest_lucid.audit.rootfs.programs import (
    PACKAGE_MANAGERS,
    USER_MAKERS,
    WRAPPERS,
    inner_command,
    made_executable_by_find,
    makes_nothing,
)
from pytest_lucid.audit.rootfs.python_effects import PythonEffects
from pytest_lucid.audit.rootfs.rootfs import BuildEntry, is_within
from pytest_lucid.audit.rootfs.users import read_user

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pytest_lucid.audit.known_bases import KnownBase
    from pytest_lucid.audit.rootfs.pip_installs import Install
    from pytest_lucid.audit.rootfs.rootfs import Rootfs
    from pytest_lucid.audit.rootfs.shell_commands import SimpleCommand
    from pytest_lucid.dockerfile.facts import RunInstruction

# Where a package may put files. No package of a distribution makes a folder of its own in the root, or anything in
# /home, /root and /tmp (Debian Policy 9.1, which is the FHS; Fedora and Alpine follow it too).
_SYSTEM = ("/usr", "/etc", "/var", "/bin", "/sbin", "/lib", "/lib64", "/run", "/opt", "/srv", "/boot")
# useradd's and adduser's, and that of busybox' adduser.
_HOMELESS = frozenset({"-M", "--no-create-home", "-H"})
_COMPILE_VALUED = frozenset({"-x", "-d", "-s", "-p", "-i", "-r", "-j", "-o", "-e", "--invalidation-mode"})
# A package from a file is no package of the distribution.
_PACKAGE_FILE = re.compile(r".*/.*|.*\.(?:deb|rpm|apk)")


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
    shell: dict[str, str] = field(default_factory=dict)

    def apply(self, simple: SimpleCommand) -> None:
        """Apply one command."""
        for path in simple.writes:
            if path is None:
                self._anything("/")
            elif not path.startswith("/dev/"):
                self.files.add(BuildEntry(self._path(path), "file", self.run.line))
        if program_sets := simple.assigned if not simple.words else _exported(simple):
            self.shell.update({name: value for name, value in program_sets if value is not None})
        if not simple.words:
            return
        if simple.conditional and not makes_nothing(simple):
            # Whether it is done, and how often, only the build knows.
            self._maybe(simple)
            return
        self._known(simple)

    def _known(self, simple: SimpleCommand) -> None:  # noqa: C901 - one branch for each kind of command
        words, program = simple.words, simple.program
        arguments = [word for word in words[1:] if word is None or not word.startswith("-")]
        if program is None:
            self._anything("/")
        elif makes_nothing(simple):
            for word in made_executable_by_find(words):
                self.files.make_executable(self._path(word))
        elif program in WRAPPERS:
            self._wrapped(simple)
        elif program in {".", "source"}:
            self._activate(arguments)
        elif program == "cd":
            self._change_folder(arguments)
        elif program in PACKAGE_MANAGERS:
            self._packages(arguments)
        elif program in USER_MAKERS:
            self._users(program, words)
        elif self._python(simple).apply(simple):
            pass
        elif has_pair(words, "-m", "compileall"):
            self._compile(words[words.index("compileall") + 1 :])
        elif any(word is None for word in words[1:]):
            self._anything("/")
        else:
            effects = PathEffects(self.files, self.run, self._path, self._user())
            effects.apply(program, [word or "" for word in words[1:]])

    def _wrapped(self, simple: SimpleCommand) -> None:
        inner = inner_command(simple.words)
        # What xargs reads from its input are further arguments.
        if not inner or simple.program == "xargs":
            self._anything("/")
        else:
            self._known(replace(simple, words=inner, writes=()))

    def _packages(self, arguments: list[str | None]) -> None:
        self.files.add(*(BuildEntry(folder, "base", self.run.line) for folder in _SYSTEM))
        if any(word is None or _PACKAGE_FILE.fullmatch(word) for word in arguments):
            self._anything("/")

    def _users(self, program: str, words: tuple[str | None, ...]) -> None:
        self._anything("/home")
        self._anything("/etc")
        made = read_user(program, [word or "" for word in words[1:]]) if None not in words else None
        if made is None:
            # usermod and groupmod change what was read before.
            if program in {"useradd", "adduser", "usermod", "groupmod"}:
                self._anything("/")
            return
        name, user = made
        self.files.users[name] = user
        if user.home and not is_within(user.home, "/home") and _HOMELESS.isdisjoint(words):
            self._anything(self._path(user.home))

    def _compile(self, words: tuple[str | None, ...]) -> None:
        """`python -m compileall` writes into a folder beside each module, with -b beside the module itself."""
        arguments = [
            word
            for before, word in zip((None, *words), words, strict=False)
            if before not in _COMPILE_VALUED and (word is None or not word.startswith("-"))
        ]
        if "-b" in words:
            arguments.append(None)
        if None in arguments:
            self._anything("/")
        for word in arguments:
            self._anything(posixpath.join(self._path(word or "."), "__pycache__"))

    def _maybe(self, simple: SimpleCommand) -> None:
        words = simple.words
        if simple.program in WRAPPERS and simple.program != "xargs" and (inner := inner_command(words)):
            self._maybe(replace(simple, words=inner, writes=()))
        elif simple.program in PACKAGE_MANAGERS | USER_MAKERS:
            self._known(simple)
        elif self._python(simple).apply(simple):
            pass
        else:
            self._anything("/")

    def _python(self, simple: SimpleCommand) -> PythonEffects:
        own = {name: value for name, value in simple.assigned if value is not None}
        variables = {**self.files.settings, **self.environment, **self.shell, **own}
        home = variables.get("HOME") or self._home()
        return PythonEffects(
            self.files, self.run, self.base, variables, self.installs, self.folder, home, self.venv, self._path
        )

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

    def _anything(self, folder: str) -> None:
        self.files.add(BuildEntry(folder, "unknown", self.run.line, owner=None))

    def _path(self, path: str) -> str:
        if path.startswith("~"):
            path = (self._home() or "/unknown") + path[1:]
        return posixpath.normpath(posixpath.join(self.folder, path))

    def _user(self) -> str | None:
        if self.run.user:
            return self.run.user.value.partition(":")[0]
        return self.base.user if self.base else None


def _exported(simple: SimpleCommand) -> list[tuple[str, str | None]]:
    """The variables that `export A=1` sets."""
    if simple.program != "export":
        return []
    pairs = [word.partition("=") for word in simple.words[1:] if word]
    return [(name, value) for name, equals, value in pairs if equals]
