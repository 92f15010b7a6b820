"""Follows files from the build context through the stages into the image: what lies where, whose, and from where."""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from pytest_lucid.audit.known_bases import read_base
from pytest_lucid.audit.rootfs.directories import is_open
from pytest_lucid.audit.rootfs.rootfs import BuildEntry, Rootfs
from pytest_lucid.audit.rootfs.run_effects import Effects
from pytest_lucid.audit.rootfs.shell_commands import commands
from pytest_lucid.dockerfile.facts import RunInstruction

if TYPE_CHECKING:
    from pytest_lucid.audit.rootfs.pip_installs import Install
    from pytest_lucid.dockerfile.context import Context
    from pytest_lucid.dockerfile.facts import Copy, DockerfileFacts, StageFacts

_WILD = re.compile(r"[*?\[]")
_ARCHIVE = re.compile(r".*\.(?:tar|tar\.\w+|tgz|tbz2?|txz)")
# What a known system has of its own; a service's files lie elsewhere.
_SYSTEM = ("bin", "dev", "etc", "lib", "lib64", "opt", "proc", "root", "run", "sbin", "sys", "tmp", "usr", "var")
_DISTROLESS = ("dev", "etc", "lib", "lib64", "proc", "sys", "usr/lib", "usr/share", "var")


@dataclass(frozen=True)
class BuildSimulation:
    """The files of each stage, by its index, and all that pip installs, in the order of stages."""

    stages: dict[int, Rootfs]
    installs: tuple[Install, ...]


def follow(facts: DockerfileFacts, context: Context) -> BuildSimulation:
    """Follow the stages that the final one is made from."""
    stages: dict[int, Rootfs] = {}
    installs: list[Install] = []
    for stage in facts.needed():
        files = Rootfs(context)
        stages[stage.index] = files
        if stage.parent is not None:
            files.add(*(stages[stage.parent.index].entries if stage.parent.index in stages else ()))
        else:
            _start(files, stage)
        steps: list[Copy | RunInstruction] = [*stage.own_copies, *stage.own_runs]
        for step in sorted(steps, key=lambda step: step.line):
            if isinstance(step, RunInstruction):
                _run(files, step, stage, installs)
            else:
                _copy(files, step, stages)
    return BuildSimulation(stages, tuple(installs))


def _start(files: Rootfs, stage: StageFacts) -> None:
    base, line = read_base(stage.image.value), stage.line
    if base is None:
        files.add(BuildEntry("/", "unknown", line))
    elif base.is_distroless and base.programs is None:
        files.add(BuildEntry("/", "base", line))
    elif base.is_distroless:
        files.add(*(BuildEntry(f"/{folder}", "base", line) for folder in _DISTROLESS))
        files.add(BuildEntry("/home/nonroot", "folder", line, owner="65532"))
        if base.reference.is_debug:
            files.add(BuildEntry("/busybox", "base", line))
    elif base.reference.repository != "scratch":
        files.add(*(BuildEntry(f"/{folder}", "base", line) for folder in _SYSTEM))
    files.add(*(BuildEntry(program, "file", line) for program in (base.programs or () if base else ())))


def _run(files: Rootfs, run: RunInstruction, stage: StageFacts, installs: list[Install]) -> None:
    variables = {name: arg.value for name, arg in stage.args.items() if arg.value is not None}
    variables.update({name: located.value for name, located in stage.env.items()})
    found = commands(run, variables)
    mounted = _mounts(files, run)
    if found is None:
        files.add(BuildEntry("/", "unknown", run.line, owner=None))
        return
    effects = Effects(files, run, read_base(stage.image.value), variables, installs, run.workdir)
    files.add(*mounted)
    for simple in found:
        effects.apply(simple)
    # What was mounted is there for this RUN only.
    files.entries = [entry for entry in files.entries if not any(entry is mount for mount in mounted)]


def bind_mounts(run: RunInstruction) -> list[tuple[str, str | None]]:
    """The bind mounts of a RUN: where to, and the source in the build context (None: another stage or image)."""
    found: list[tuple[str, str | None]] = []
    for mount in run.mounts:
        options = dict(option.partition("=")[::2] for option in mount.split(","))
        target = options.get("target") or options.get("dst") or options.get("destination")
        if options.get("type", "bind") == "bind" and target:
            source = posixpath.normpath((options.get("source") or options.get("src") or ".").lstrip("/"))
            place = posixpath.normpath(posixpath.join(run.workdir, target))
            found.append((place, None if "from" in options else source))
    return found


def _mounts(files: Rootfs, run: RunInstruction) -> list[BuildEntry]:
    return [
        BuildEntry(place, "unknown" if source is None else "context", run.line, source=source or "")
        for place, source in bind_mounts(run)
        if source is None or files.context.find(source).paths
    ]


@dataclass(frozen=True, slots=True)
class _Target:
    """Where a COPY puts things; `is_folder` when a file lands in it, `owner` is None when the source's is kept."""

    path: str
    line: int
    owner: str | None
    others: bool
    is_folder: bool

    def place(self, source: str, *, is_file: bool) -> str:
        """Where a source comes to lie: a file in the folder, a folder's content as the folder's."""
        return posixpath.join(self.path, posixpath.basename(source)) if is_file and self.is_folder else self.path

    def unknown(self, *, owner: str | None) -> BuildEntry:
        """Anything, at the target."""
        return BuildEntry(self.path, "unknown", self.line, owner=self.owner or owner, open=self.others)


def _copy(files: Rootfs, copy: Copy, stages: dict[int, Rootfs]) -> None:
    target = _Target(
        path=copy.target.rstrip("/") or "/",
        line=copy.line,
        owner=copy.chown.partition(":")[0] if copy.chown else None,
        others=is_open(copy.chmod) if copy.chmod else False,
        is_folder=len(copy.sources) > 1 or copy.target.endswith("/"),
    )
    for heredoc in copy.heredocs:
        path = target.place(heredoc.name, is_file=True)
        files.add(BuildEntry(path, "file", copy.line, owner=target.owner or "0", open=target.others))
    vague = any(flag.name in {"parents", "exclude"} for flag in copy.flags)
    for source in copy.sources:
        if copy.origin.kind == "context" and not vague:
            files.add(*_from_context(files.context, copy, source, target))
        elif copy.origin.stage in stages and not vague and not _WILD.search(source):
            files.add(*_from_stage(stages[copy.origin.stage], source, target))
        else:
            files.add(target.unknown(owner=None if vague or copy.origin.kind == "stage" else "0"))


def _from_context(context: Context, copy: Copy, source: str, target: _Target) -> list[BuildEntry]:
    found = context.find(source)
    remote = "://" in source or source.startswith("git@")
    if remote or found.error or not found.paths or (copy.name == "ADD" and _ARCHIVE.fullmatch(source)):
        return [target.unknown(owner="0")]
    entries = []
    for path in found.paths:
        is_file = next(iter(context.files(path)), None) == path
        place = replace(target, is_folder=target.is_folder or len(found.paths) > 1).place(path, is_file=is_file)
        owner = target.owner or "0"
        entries.append(BuildEntry(place, "context", copy.line, source=path, owner=owner, open=target.others))
    return entries


def _from_stage(origin: Rootfs, source: str, target: _Target) -> list[BuildEntry]:
    start = posixpath.normpath("/" + source.lstrip("/"))
    is_file = any(entry.path == start and entry.kind == "file" for entry in origin.entries)
    from_context = origin.source(start)
    if from_context is not None:
        is_file = next(iter(origin.context.files(from_context)), None) == from_context
    place = target.place(start, is_file=is_file)
    return origin.copy(start, place, line=target.line, owner=target.owner, others=target.others)
