"""Follows files from the build context through the stages into the image: their places, owners and origins."""

from __future__ import annotations

import posixpath
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_lucid.audit.known_bases import read_base
from pytest_lucid.audit.rootfs.copies import apply_copy
from pytest_lucid.audit.rootfs.rootfs import BuildEntry, Rootfs
from pytest_lucid.audit.rootfs.run_effects import Effects
from pytest_lucid.audit.rootfs.shell_commands import commands
from pytest_lucid.dockerfile.facts import Copy, RunInstruction, absolute

if TYPE_CHECKING:
    from pytest_lucid.audit.rootfs.pip_installs import Install
    from pytest_lucid.dockerfile.context import Context
    from pytest_lucid.dockerfile.facts import DockerfileFacts, Located, StageFacts

# What a known system has of its own; a service's files are elsewhere.
_SYSTEM = ("bin", "dev", "etc", "lib", "lib64", "opt", "proc", "root", "run", "sbin", "sys", "tmp", "usr", "var")
_DISTROLESS = ("dev", "etc", "lib", "lib64", "proc", "sys", "usr/lib", "usr/share", "var")
# Folders that are there and empty: of a system by the file system hierarchy, of the distroless images by their layers.
_EMPTY = ("boot", "home", "media", "mnt", "srv")
_EMPTY_DISTROLESS = ("bin", "boot", "home", "root", "run", "sbin", "tmp", "usr", "usr/bin", "usr/sbin")


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
            parent = stages[stage.parent.index]
            files.add(*parent.entries)
            files.users.update(parent.users)
            files.settings.update(parent.settings)
        else:
            _start(files, stage)
        steps: list[Copy | RunInstruction | Located[str]] = [*stage.own_copies, *stage.own_runs]
        steps += stage.own_workdirs
        for step in sorted(steps, key=lambda step: step.line):
            if isinstance(step, RunInstruction):
                _run(files, step, stage, installs)
            elif isinstance(step, Copy):
                apply_copy(files, step, stages)
            elif files.is_folder(absolute("/", step.value)) != "yes":
                # WORKDIR makes its folder; VOLUME makes none with BuildKit.
                files.add(BuildEntry(absolute("/", step.value), "folder", step.line))
    return BuildSimulation(stages, tuple(installs))


def _start(files: Rootfs, stage: StageFacts) -> None:
    base, line = read_base(stage.image.value), stage.line
    if base is None:
        files.add(BuildEntry("/", "unknown", line))
    elif not base.has_shell and base.programs is None:
        files.add(BuildEntry("/", "base", line))
    elif base.is_distroless:
        files.add(*(BuildEntry(f"/{folder}", "base", line) for folder in _DISTROLESS))
        files.add(*(BuildEntry(f"/{folder}", "folder", line) for folder in _EMPTY_DISTROLESS))
        files.add(BuildEntry("/home/nonroot", "folder", line, owner="65532", group="65532"))
        if base.reference.is_debug:
            files.add(BuildEntry("/busybox", "base", line))
    elif base.has_shell:
        files.add(*(BuildEntry(f"/{folder}", "base", line) for folder in _SYSTEM))
        files.add(*(BuildEntry(f"/{folder}", "folder", line) for folder in _EMPTY))
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
