"""One Dockerfile under audit, with all that it is held against; each part is read when it is first asked for."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

from pytest_lucid.audit.finding import Finding, column_of
from pytest_lucid.audit.known_bases import read_base
from pytest_lucid.audit.rootfs.build_simulation import bind_mounts, follow
from pytest_lucid.audit.rootfs.requirements_files import requirements_of

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_lucid.audit.known_bases import KnownBase
    from pytest_lucid.audit.rootfs.build_simulation import BuildSimulation
    from pytest_lucid.audit.rootfs.pip_installs import Install
    from pytest_lucid.audit.rootfs.requirements_files import Requirement
    from pytest_lucid.audit.rootfs.rootfs import BuildEntry, Program, Rootfs
    from pytest_lucid.audit.source_tree import SourceTree
    from pytest_lucid.dockerfile.context import Context
    from pytest_lucid.dockerfile.facts import Copy, DockerfileFacts, StageFacts
    from pytest_lucid.matrix import Matrix, Service


@dataclass(frozen=True, eq=False)
class Subject:
    """A Dockerfile of the tree; `path` is relative to the root with forward slashes, `service` its row, if any.

    `folder` is the root of its build context, None for the project.
    """

    tree: SourceTree
    path: str
    service: Service | None = None
    folder: Path | None = None

    @property
    def matrix(self) -> Matrix:
        """The matrix of the tree."""
        return self.tree.matrix

    @property
    def row(self) -> Service:
        """The row of the matrix, for rules that need one. Raises LookupError without."""
        if self.service is None:
            raise LookupError(f"{self.path} belongs to no row of the matrix")
        return self.service

    @cached_property
    def facts(self) -> DockerfileFacts:
        """The Dockerfile, parsed and resolved. Raises OSError where it cannot be read."""
        return self.tree.facts(self.path)

    @property
    def final(self) -> StageFacts | None:
        """The stage whose image the build yields; None when there is no FROM."""
        return self.facts.final

    @cached_property
    def base(self) -> KnownBase | None:
        """What is known of the final stage's base image; None when nothing is."""
        return read_base(self.final.image.value) if self.final else None

    @cached_property
    def context(self) -> Context:
        """The build context."""
        return self.tree.context(self.folder or self.tree.root, self.tree.root / self.path)

    def requirements(self, install: Install) -> tuple[Requirement, ...] | None:
        """All that an install names; None when one of its files cannot be seen."""
        return requirements_of(install, self.path, lambda source: self.tree.requirements(self.context, source))

    @cached_property
    def variants(self) -> tuple[Subject, ...]:
        """The Dockerfile in each build context that may be meant.

        A row's is the project, as the document builds it. Without a row nobody says which one it is: a folder, from the
        project down to the Dockerfile's own, of which none has more of what the Dockerfile copies.
        """
        if self.service:
            return (self,)
        own = (self.tree.root / self.path).parent
        counts = {folder: self._count_missing(folder) for folder in (self.tree.root, *self._folders_below(own))}
        fewest = min(counts.values())
        return tuple(replace(self, folder=folder) for folder, count in counts.items() if count == fewest)

    def _folders_below(self, folder: Path) -> list[Path]:
        return [] if folder == self.tree.root else [folder, *self._folders_below(folder.parent)]

    def _count_missing(self, folder: Path) -> int:
        sources = [source for copy in self.context_copies for source in copy.sources]
        for stage in self.facts.stages:
            sources += [source for run in stage.own_runs for _, source in bind_mounts(run) if source]
        context = self.tree.context(folder, self.tree.root / self.path)
        return sum(not context.find(source).paths for source in sources)

    @cached_property
    def context_copies(self) -> tuple[Copy, ...]:
        """Every COPY and ADD, of any stage, that takes files from the build context."""
        copies = (copy for stage in self.facts.stages for copy in stage.own_copies)
        return tuple(copy for copy in copies if copy.origin.kind == "context")

    @cached_property
    def simulation(self) -> BuildSimulation:
        """Which files go where."""
        return follow(self.facts, self.context)

    @property
    def files(self) -> Rootfs:
        """The files of the final stage. Raises LookupError when there is none."""
        return self.simulation.stages[self.facts.stages[-1].index]

    @cached_property
    def programs(self) -> dict[str, Program]:
        """The programs that `argv` has looked up already."""
        return {}

    def has_module(self, top: str) -> bool:
        """Whether the tree has a module or a package of this name of its own, anywhere."""
        return top in self.tree.modules

    @cached_property
    def arguments(self) -> dict[int, str]:
        """What each instruction says, before expansion, by its line."""
        return {instruction.line: instruction.arguments for instruction in self.facts.source.instructions}

    @cached_property
    def reaching(self) -> tuple[tuple[Install, tuple[BuildEntry, ...]], ...]:
        """Each install of packages for running, with the entries of the image that hold its modules."""
        held: dict[Install, list[BuildEntry]] = {}
        for entry in self.files.entries if self.final else ():
            if entry.install is not None and entry.part == "modules":
                held.setdefault(entry.install, []).append(entry)
        installs = self.simulation.installs if self.final else ()
        return tuple((item, tuple(held.get(item, ()))) for item in installs if not item.is_for_building)

    @cached_property
    def is_lucid(self) -> bool:
        """Whether it yields a service of Lucid: it has a row in the matrix, or says of itself that it does."""
        final = self.final
        if self.service or final is None:
            return self.service is not None
        claims = any(re.fullmatch(r"cluster|phase|(?:com|org)\.lucid\..+", name) for name in final.labels)
        return claims or "SERVICE_NAME" in final.env

    def at(self, line: int, message: str, word: str = "", cause: str = "") -> Finding:
        """A finding in the Dockerfile itself: at a word of the line, or at its beginning where it lacks the word."""
        return self.in_file(self.path, line, message, word, cause)

    def note(self, line: int, message: str, word: str = "") -> Finding:
        """What was not judged, and why, likewise."""
        return replace(self.at(line, message, word), is_note=True)

    def in_file(self, file: str, line: int, message: str, word: str = "", cause: str = "") -> Finding:
        """A finding in any file of the tree, likewise."""
        lines = self.tree.lines(file)
        column = column_of(lines[line - 1], word) if 0 < line <= len(lines) else 1
        return Finding(file, line, message, column=column, cause=cause)
