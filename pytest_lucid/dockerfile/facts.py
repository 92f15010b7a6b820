"""A Dockerfile's meaning as immutable facts, each with its line; how they are found out is in `resolve`.

Facts of a stage include what it inherits from earlier stages of the same file. What an external base image brings along
is not known here: such a fact is None or absent.
"""

from __future__ import annotations

import posixpath
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, Literal, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pytest_lucid.dockerfile.syntax import Dockerfile, Flag, Heredoc, Instruction, Problem

T = TypeVar("T")
Form = Literal["exec", "shell"]


@dataclass(frozen=True, slots=True)
class Located(Generic[T]):
    """A value, the line that set it, and the variables in it that were not set there (and so became empty)."""

    value: T
    line: int
    unset: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Command:
    """ENTRYPOINT, CMD, RUN or a health command; in shell form `argv` is the stage's SHELL and the text."""

    form: Form
    argv: tuple[str, ...]
    line: int


@dataclass(frozen=True, slots=True)
class HealthcheckInstruction:
    """HEALTHCHECK: `command` is None for NONE; times are in seconds, None where not stated."""

    command: Command | None
    line: int
    interval: float | None = None
    timeout: float | None = None
    start_period: float | None = None
    start_interval: float | None = None
    retries: int | None = None


@dataclass(frozen=True, slots=True)
class ExposedPort:
    """One exposed port; the protocol is lower case."""

    number: int
    protocol: str
    line: int


@dataclass(frozen=True, slots=True)
class Origin:
    """Where COPY takes its sources: the build context, an earlier stage (by index), or an image."""

    kind: Literal["context", "stage", "image"]
    written: str = ""
    stage: int | None = None


@dataclass(frozen=True, slots=True)
class Copy:
    """A COPY or ADD; `sources` and `destination` are expanded, `target` is the destination as an absolute path.

    `target` ends in "/" when the destination names a folder: "a/", "." or nothing. `chown` and `chmod` are None when
    not stated: root's, and as in the context. `workdir` is assumed to be / when only the base image knows it.
    `text_unset` are the variables in its here-documents that are not set.
    """

    name: Literal["COPY", "ADD"]
    sources: tuple[str, ...]
    destination: str
    target: str
    origin: Origin
    chown: str | None
    chmod: str | None
    flags: tuple[Flag, ...]
    heredocs: tuple[Heredoc, ...]
    unset: tuple[str, ...]
    stage: int
    line: int
    end: int
    text_unset: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RunInstruction:
    """A RUN: its command, and the user, folder and shell that are in force at that point."""

    command: Command
    heredocs: tuple[Heredoc, ...]
    mounts: tuple[str, ...]
    origins: tuple[Origin, ...]
    user: Located[str] | None
    workdir: str
    stage: int
    line: int
    end: int


@dataclass(frozen=True)
class StageFacts:
    """One stage. Names with `own_` hold what the stage itself states; the properties add what it inherits.

    `base` is the reference after expansion; `parent` is the earlier stage that it names, else None, and then `image` is
    the external reference (`scratch` included). `args` are the ARGs declared here; a value of None is not set.
    `triggers` are the ONBUILD instructions. `workdir` is None when only the base image knows it.
    `own_exposed` are the words of EXPOSE.
    """

    index: int
    name: str | None
    line: int
    base: Located[str]
    platform: str | None
    parent: StageFacts | None
    user: Located[str] | None
    workdir: Located[str] | None
    entrypoint: Command | None
    cmd: Command | None
    healthcheck: HealthcheckInstruction | None
    stop_signal: Located[str] | None
    shell: Located[tuple[str, ...]] | None
    args: Mapping[str, Located[str | None]]
    own_env: Mapping[str, Located[str]]
    own_labels: Mapping[str, Located[str]]
    own_ports: tuple[ExposedPort, ...]
    own_exposed: tuple[Located[tuple[str, ...]], ...]
    own_volumes: tuple[Located[str], ...]
    own_workdirs: tuple[Located[str], ...]
    own_copies: tuple[Copy, ...]
    own_runs: tuple[RunInstruction, ...]
    triggers: tuple[Instruction, ...]

    @property
    def lineage(self) -> tuple[StageFacts, ...]:
        """The stages that this one is built on, the oldest first, itself last."""
        chain = [self]
        while chain[-1].parent is not None:
            chain.append(chain[-1].parent)
        return tuple(reversed(chain))

    @property
    def image(self) -> Located[str]:
        """The external image at the root of the lineage; `scratch` when there is none."""
        return self.lineage[0].base

    @property
    def env(self) -> dict[str, Located[str]]:
        """The variables that ENV sets."""
        return {key: value for stage in self.lineage for key, value in stage.own_env.items()}

    @property
    def labels(self) -> dict[str, Located[str]]:
        """The labels."""
        return {key: value for stage in self.lineage for key, value in stage.own_labels.items()}

    @property
    def ports(self) -> tuple[ExposedPort, ...]:
        """The exposed ports, in the order of lines."""
        return tuple(port for stage in self.lineage for port in stage.own_ports)

    @property
    def volumes(self) -> tuple[Located[str], ...]:
        """The volumes."""
        return tuple(volume for stage in self.lineage for volume in stage.own_volumes)

    @property
    def copies(self) -> tuple[Copy, ...]:
        """The COPY and ADD instructions whose files the stage's root filesystem holds."""
        return tuple(copy for stage in self.lineage for copy in stage.own_copies)

    @property
    def runs(self) -> tuple[RunInstruction, ...]:
        """The RUN instructions whose results the stage's root filesystem holds."""
        return tuple(run for stage in self.lineage for run in stage.own_runs)


@dataclass(frozen=True)
class DockerfileFacts:
    """A whole Dockerfile after resolving; `images` are the external references, in order, without `scratch`.

    `demanded` are the build arguments that `${X:?}` demands, where it does.
    """

    source: Dockerfile
    global_args: Mapping[str, Located[str | None]]
    stages: tuple[StageFacts, ...]
    images: tuple[Located[str], ...]
    problems: tuple[Problem, ...]
    demanded: tuple[Located[str], ...] = ()

    @property
    def final(self) -> StageFacts | None:
        """The last stage, whose image the build yields; None when there is no FROM."""
        return self.stages[-1] if self.stages else None

    def stage(self, name: str) -> StageFacts | None:
        """Return the last stage with this name; stage names ignore case."""
        return next((stage for stage in reversed(self.stages) if (stage.name or "").lower() == name.lower()), None)

    def needed(self) -> Iterator[StageFacts]:
        """Yield the stages that the final one is made from, itself included, in order."""
        wanted: set[int] = set()
        pending = [self.stages[-1].index] if self.stages else []
        while pending:
            index = pending.pop()
            if index in wanted:
                continue
            wanted.add(index)
            stage = self.stages[index]
            if stage.parent is not None:
                pending.append(stage.parent.index)
            origins = [copy.origin for copy in stage.own_copies] + [o for run in stage.own_runs for o in run.origins]
            pending.extend(o.stage for o in origins if o.stage is not None and o.stage < len(self.stages))
        yield from (self.stages[index] for index in sorted(wanted))


def absolute(workdir: str, path: str) -> str:
    """Return `path` as an absolute, clean POSIX path, seen from `workdir`."""
    return posixpath.normpath("/" + posixpath.join(workdir, path).lstrip("/"))
