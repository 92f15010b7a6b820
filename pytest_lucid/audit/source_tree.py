"""The Dockerfiles of one project, and what they share while they are reviewed: contexts, and hadolint's one run."""

from __future__ import annotations

import posixpath
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, TypeVar

from pytest_lucid.audit.known_bases import read_base
from pytest_lucid.audit.rootfs.requirements_files import load_requirements
from pytest_lucid.audit.unwanted_files import find_leaks, find_unwanted
from pytest_lucid.audit.word_scan import find_words
from pytest_lucid.dockerfile.context import Context, read_context
from pytest_lucid.dockerfile.contexts import read_build_arguments, read_named_contexts
from pytest_lucid.dockerfile.find import find_dockerfiles
from pytest_lucid.dockerfile.hadolint import run_hadolint
from pytest_lucid.dockerfile.ignore import Ignore
from pytest_lucid.dockerfile.parse import parse
from pytest_lucid.dockerfile.resolve import resolve
from pytest_lucid.dockerfile.syntax import Problem

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Sequence
    from pathlib import Path

    from pytest_lucid.audit.rootfs.requirements_files import Requirement
    from pytest_lucid.audit.word_scan import WordMatch
    from pytest_lucid.content.forbidden import Vocabulary
    from pytest_lucid.dockerfile import hadolint
    from pytest_lucid.dockerfile.facts import DockerfileFacts
    from pytest_lucid.matrix import Matrix, Service

T = TypeVar("T")
# Stages inherit from each other: the work grows with the square of their number.
_MOST_STAGES = 200
_MOST_FILES = 100_000
_LARGEST_TEXT = 1_048_576


def _read_small(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return file.read(_LARGEST_TEXT).decode(errors="replace")
    except OSError:
        return ""


class SourceTree:
    """The project at `root`. The Dockerfiles of `services` are to be reviewed; with `whole`, all others are too."""

    def __init__(self, root: Path, matrix: Matrix, services: Sequence[Service], *, whole: bool = False) -> None:
        self.root = root
        self.matrix = matrix
        self._whole = whole
        self._asked: tuple[Path, ...] = ()
        self._known: dict[Hashable, object] = {}
        self._rows = [service.dockerfile for service in services if service.dockerfile]

    @cached_property
    def others(self) -> tuple[str, ...]:
        """The Dockerfiles that belong to no row of the matrix; none unless the whole tree is reviewed."""
        if not self._whole:
            return ()
        rows = {service.dockerfile for service in self.matrix.service}
        found = (path.relative_to(self.root).as_posix() for path in self._dockerfiles())
        return tuple(path for path in found if path not in rows)

    @property
    def is_whole(self) -> bool:
        """Whether every Dockerfile of the project is reviewed."""
        rows = {service.dockerfile for service in self.matrix.service if service.dockerfile}
        return self._whole and not self._asked and rows <= set(self._rows)

    @property
    def is_restricted(self) -> bool:
        """Whether somebody asked for some files only."""
        return bool(self._asked)

    def restrict(self, paths: Sequence[Path]) -> None:
        """Leave only the Dockerfiles at or below these absolute paths, before any is asked for."""
        self._asked = tuple(paths)

    def _dockerfiles(self) -> tuple[Path, ...]:
        if not self._asked:
            return find_dockerfiles(self.root)
        folders = [path for path in self._asked if path.is_dir()]
        found = {path for folder in folders for path in find_dockerfiles(folder)}
        return tuple(sorted(found | set(self._asked).difference(folders)))

    @cached_property
    def named_contexts(self) -> frozenset[str]:
        """The names that compose and bake files of the project give to further build contexts."""
        return read_named_contexts(self.root)

    @cached_property
    def compose_arguments(self) -> dict[str, str]:
        """The build arguments that compose files of the project give."""
        return read_build_arguments(self.root)

    @cached_property
    def modules(self) -> frozenset[str]:
        """The names of the modules and packages that the project itself has, in whatever folder they are."""
        names: set[str] = set()
        for count, path in enumerate(Context(self.root, Ignore(None, ())).files()):
            if count > _MOST_FILES:
                break
            if path.endswith(".py"):
                folder, name = posixpath.split(path)
                names.update((name.removesuffix(".py"), posixpath.basename(folder)))
        return frozenset(names)

    def facts(self, path: str) -> DockerfileFacts:
        """A Dockerfile, parsed and resolved. Raises OSError where it cannot be read."""
        return self._once(("facts", path), lambda: self._read(path))

    def _read(self, path: str) -> DockerfileFacts:
        source, given = parse((self.root / path).read_bytes()), self.matrix.build_arguments
        facts = resolve(source, given)
        demanded = {name for stage in facts.stages for name in stage.base.unset} | {i.value for i in facts.demanded}
        if from_compose := {name: value for name, value in self.compose_arguments.items() if name in demanded}:
            facts = resolve(source, {**from_compose, **given})
        if len(facts.stages) <= _MOST_STAGES:
            return facts
        problem = Problem("stages", facts.stages[_MOST_STAGES].line, f"More than {_MOST_STAGES} stages: not reviewed.")
        return replace(facts, stages=(), images=(), problems=(*facts.problems, problem))

    def context(self, folder: Path, dockerfile: Path) -> Context:
        """The build context at a folder, as BuildKit reads it for a Dockerfile."""
        own = dockerfile.with_name(f"{dockerfile.name}.dockerignore")
        return self._once(("context", folder, own if own.is_file() else None), lambda: read_context(folder, dockerfile))

    def text(self, name: str) -> str:
        """The text of a small file of the project, by its relative path; "" when it cannot be read."""
        return self._once(("text", name), lambda: _read_small(self.root / name))

    def lines(self, name: str) -> list[str]:
        """Its lines."""
        return self._once(("lines", name), lambda: self.text(name).removeprefix("\ufeff").split("\n"))

    def leaks(self, context: Context) -> dict[str, tuple[str, int]]:
        """What a context holds that nobody should send."""
        return self._once(("leaks", context.key), lambda: find_leaks(context))

    def unwanted(self, context: Context, source: str) -> dict[str, tuple[str, int]]:
        """What a copied file or folder of a context holds that no image needs."""
        return self._once(("unwanted", context.key, source), lambda: find_unwanted(context, source))

    def requirements(self, context: Context, source: str) -> tuple[Requirement, ...] | None:
        """The requirements in a file of a context, nested ones included; None when one cannot be read."""
        return self._once(
            ("requirements", context.key, source), lambda: load_requirements(self.root, context.root / source)
        )

    def word_matches(self, context: Context, source: str, vocabulary: Vocabulary) -> tuple[WordMatch, ...]:
        """What a copied file or folder of a context says of what is forbidden."""
        key = ("words", context.key, source, vocabulary)
        return self._once(key, lambda: tuple(find_words(self.root, context, source, vocabulary)))

    def _once(self, key: Hashable, gather: Callable[[], T]) -> T:
        if key not in self._known:
            self._known[key] = gather()
        fact: T = self._known[key]  # type: ignore[assignment]  # one key always has facts of one type
        return fact

    def lint(self, path: str) -> tuple[hadolint.HadolintFinding, ...]:
        """What hadolint finds in one Dockerfile; raises ConfigError where it cannot run."""
        return self._lint.get(self.root / path, ())

    @cached_property
    def hadolint_config(self) -> Path | None:
        """The project's own settings of hadolint, where hadolint itself looks for them; None where there are none."""
        names = (".hadolint.yaml", ".hadolint.yml")
        return next((self.root / name for name in names if (self.root / name).is_file()), None)

    def _bash(self, file: Path) -> tuple[int, ...]:
        """The stages of a Dockerfile, by index, whose base has bash as its sh."""
        stages = self.facts(file.relative_to(self.root).as_posix()).stages
        bases = ((stage, read_base(stage.base.value)) for stage in stages if stage.parent is None)
        return tuple(stage.index for stage, base in bases if base and base.bash_is_sh)

    @cached_property
    def _lint(self) -> dict[Path, tuple[hadolint.HadolintFinding, ...]]:
        paths = [self.root / path for path in (*self._rows, *self.others)]
        files = [path for path in dict.fromkeys(paths) if path.is_file()]
        findings = run_hadolint(files, config=self.hadolint_config, bash={file: self._bash(file) for file in files})
        return {file: tuple(finding for finding in findings if finding.file == file) for file in files}
