"""What installers of Python packages do to a stage's files: pip, uv, venv, and the tools of whole projects."""

from __future__ import annotations

import posixpath
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from pytest_lucid.audit.rootfs.pip_installs import (
    Install,
    InstallScheme,
    Surroundings,
    Venv,
    pip_arguments,
    read_install,
    site_of,
    venv_arguments,
)
from pytest_lucid.audit.rootfs.project_environments import read_environment, settings_of
from pytest_lucid.audit.rootfs.rootfs import BuildEntry

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pytest_lucid.audit.known_bases import KnownBase
    from pytest_lucid.audit.rootfs.project_environments import ProjectEnvironment
    from pytest_lucid.audit.rootfs.rootfs import Rootfs
    from pytest_lucid.audit.rootfs.shell_commands import SimpleCommand
    from pytest_lucid.dockerfile.facts import RunInstruction


@dataclass(frozen=True, slots=True)
class PythonEffects:
    """Applies one command in `folder` to `files`; `path` makes a path absolute, `venv` is the active environment."""

    files: Rootfs
    run: RunInstruction
    base: KnownBase | None
    variables: Mapping[str, str]
    installs: list[Install]
    folder: str
    home: str | None
    venv: str | None
    path: Callable[[str], str]

    def apply(self, simple: SimpleCommand) -> bool:
        """Apply a command; False when it is none of these."""
        words = simple.words
        if setting := settings_of(words):
            self.files.settings[setting[0]] = setting[1]
        elif environment := read_environment(words, self.variables, self.folder, self.base):
            self._project(environment)
        elif pip_arguments(words) is not None:
            self._pip(simple)
        elif venv_arguments(words) is not None:
            self._make_venv(words)
        else:
            return False
        return True

    def _project(self, environment: ProjectEnvironment) -> None:
        # Sources that the project itself generates, lock files, caches.
        self._anything(self.folder)
        self._anything(self.home or "/")
        base, folder = self.base, environment.folder
        place: InstallScheme | None = None
        if folder:
            version = environment.python or (base.python if base and base.python else "3")
            place = InstallScheme(
                f"{folder}/lib/python{version}/site-packages", f"{folder}/bin", f"{folder}/bin/python"
            )
            venv = Venv(folder, environment.interpreter, self.run.line)
            self.files.add(BuildEntry(folder, "unknown", self.run.line, venv=venv))
        elif folder == "":
            place = site_of(base)
        install = Install(
            stage=self.run.stage,
            line=self.run.line,
            place=place,
            base=base,
            files=(),
            constraints=(),
            names=(),
            local=True,
            wanted=environment.python,
        )
        self._keep(install)

    def _pip(self, simple: SimpleCommand) -> None:
        path = self.variables.get("PATH", "").split(":")[0]
        environments = {entry.venv.path for entry in self.files.entries if entry.venv}
        active = self.venv or next((venv for venv in environments if f"{venv}/bin" == path), None)
        where = Surroundings(
            stage=self.run.stage,
            line=self.run.line,
            folder=self.folder,
            home=self.home,
            venv=active,
            base=self.base,
            variables=self.variables,
            environments=frozenset(environments),
        )
        install = read_install(simple.words, where)
        arguments = pip_arguments(simple.words)
        if install is None:
            self._wheels(arguments[1] if arguments else [])
            return
        read = (*install.files, *install.constraints)
        self._keep(replace(install, sources=tuple((path, self.files.source(path)) for path in read)))

    def _keep(self, install: Install) -> None:
        self.installs.append(install)
        if install.place is None:
            self._anything("/")
            return
        line, place = self.run.line, install.place
        prefix = posixpath.dirname(place.scripts)
        self.files.add(
            # Data files of packages.
            *(BuildEntry(posixpath.join(prefix, name), "unknown", line) for name in ("share", "etc", "include")),
            BuildEntry(place.site, "unknown", line, install=install, part="modules"),
            BuildEntry(place.scripts, "unknown", line, install=install, part="scripts"),
        )

    def _wheels(self, words: list[str | None]) -> None:
        """`pip wheel` and `pip download` write to the folder that an option names, else here."""
        written = {"compile", "export"} & set(words)
        if written:
            self._anything("/")
        if not {"wheel", "download"} & set(words):
            return
        for index, word in enumerate(words):
            option, _, value = (word or "").partition("=")
            if option in {"-w", "--wheel-dir", "-d", "--dest"}:
                self._anything(self.path(value or (words[index + 1 : index + 2] or [""])[0] or "/"))
                return
        self._anything(self.folder)

    def _make_venv(self, words: tuple[str | None, ...]) -> None:
        found = venv_arguments(words)
        if found is None or found[1] is None:
            self._anything("/")
            return
        path = self.path(found[1])
        interpreter = self.base.interpreter if self.base else ""
        if found[0].startswith("/") and posixpath.dirname(found[0]) != posixpath.dirname(interpreter):
            interpreter = ""
        if any(word in {"--copies", "--always-copy", "-p", "--python", "--relocatable"} for word in words):
            interpreter = ""
        self.files.add(BuildEntry(path, "unknown", self.run.line, venv=Venv(path, interpreter, self.run.line)))

    def _anything(self, folder: str) -> None:
        self.files.add(BuildEntry(folder, "unknown", self.run.line, owner=None))
