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

    @cached_property
    def others(self) -> tuple[Subject, ...]:
        """The Dockerfiles that belong to no row of the matrix; none unless the whole tree is reviewed."""
        return tuple(Subject(self._tree, path) for path in self._tree.others)
