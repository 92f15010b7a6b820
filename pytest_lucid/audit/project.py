"""All Dockerfiles under audit, in the order of the matrix, and those that belong to none of its rows."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from pytest_lucid.audit.source_tree import SourceTree
from pytest_lucid.audit.subject import Subject

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from pytest_lucid.matrix import Matrix, Service


class Project:
    """The project at `root`. `services` are the rows to audit; with `whole`, every other Dockerfile is too."""

    def __init__(self, root: Path, matrix: Matrix, services: Sequence[Service], *, whole: bool = False) -> None:
        self.root = root
        self._tree = SourceTree(root, matrix, services, whole=whole)
        self._subjects = {s.name: Subject(self._tree, s.dockerfile, s) for s in services if s.dockerfile}

    def subjects(self, service: Service) -> tuple[Subject, ...]:
        """The Dockerfile of a row, none for an image from elsewhere."""
        return (self._subjects[service.name],) if service.name in self._subjects else ()

    def restrict(self, paths: Sequence[Path]) -> None:
        """Leave only the Dockerfiles at or below these absolute paths; a file that is named counts as one."""
        self._tree.restrict(paths)

    @property
    def is_restricted(self) -> bool:
        """Whether somebody asked for some files alone."""
        return self._tree.is_restricted

    @property
    def every(self) -> tuple[Subject, ...]:
        """All Dockerfiles of the whole tree, whichever are asked for here."""
        rows = {row.dockerfile: row for row in self._tree.matrix.service if row.dockerfile}
        tree = self._tree
        if not tree.is_whole:
            tree = SourceTree(self.root, tree.matrix, tuple(rows.values()), whole=True)
        owned = [Subject(tree, path, row) for path, row in rows.items() if (self.root / path).is_file()]
        return (*owned, *(Subject(tree, path) for path in tree.others))

    @cached_property
    def others(self) -> tuple[Subject, ...]:
        """The Dockerfiles that belong to no row of the matrix; none unless the whole tree is reviewed."""
        return tuple(Subject(self._tree, path) for path in self._tree.others)
