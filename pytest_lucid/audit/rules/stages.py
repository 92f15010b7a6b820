"""Rules about stages and the images that they start from."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pytest_lucid.audit.argv import DEFAULT_PATH
from pytest_lucid.audit.known_bases import read_base, read_reference
from pytest_lucid.audit.rootfs.build_simulation import bind_mounts
from pytest_lucid.audit.rootfs.programs import PACKAGE_MANAGERS
from pytest_lucid.audit.rootfs.rootfs import is_within
from pytest_lucid.audit.rootfs.shell_commands import commands

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_lucid.audit.finding import Finding
    from pytest_lucid.audit.known_bases import KnownBase
    from pytest_lucid.audit.rootfs.rootfs import BuildEntry
    from pytest_lucid.audit.subject import Subject
    from pytest_lucid.dockerfile.facts import StageFacts

_STAGE_NAME = re.compile(r"[a-zA-Z][\w.-]*")
# What people call stages; no image of Docker's library has such a name.
_USUAL_STAGE = re.compile(
    r"(?:.*[-_])?(?:builder|build|base|deps|dependencies|compile|compiler|dev|development|prod|production|runtime|final|"
    r"install|installer|venv|wheels?|packages|assets|frontend|backend|source|sources)(?:[-_].*)?"
)
_MOST_NAMES = 100
# What comes before a RUN's first program and brings none.
_SHELL_ALONE = frozenset({"set", "export", "umask"})


def refused(subject: Subject) -> Iterator[Finding]:
    """What makes a builder refuse the file."""
    facts = subject.facts
    for problem in facts.problems:
        yield subject.at(problem.line, problem.message)
    for stage in facts.stages:
        if demanded := [name for name in stage.base.unset if name in facts.global_args]:
            yield _demand(subject, stage.line, demanded, "its image is not known, so nothing is concluded of it")
    for item in facts.demanded:
        yield _demand(subject, item.line, [item.value], "the build ends without it")
    if facts.final is None and not facts.problems:
        yield subject.at(1, "The file has no FROM, so it builds nothing.")


def _demand(subject: Subject, line: int, names: list[str], why: str) -> Finding:
    """A note that the build needs arguments: legal, and no defect."""
    given = "build_arguments of lucid.toml or build.args of a compose file tell it here"
    text = f"The build argument {' and '.join(names)} has no default: {why}; {given}."
    return subject.note(line, text, names[0])


def single_stage(subject: Subject) -> Iterator[Finding]:
    """A service whose image is made in one stage, with everything that building needs."""
    final = subject.final
    if final is None or not subject.is_lucid or _copies_from_image(subject) or _only_gathers(subject):
        return
    if len(list(subject.facts.needed())) == 1:
        yield subject.at(final.line, "The image is made in a single stage, so the build tools stay in it.")


def _only_gathers(subject: Subject) -> bool:
    """Whether the image takes files and builds nothing, on a base that has nothing to build with."""
    base = subject.base
    return bool(not subject.service and base and not base.has_shell and subject.final and not subject.final.runs)


def other_base(subject: Subject) -> Iterator[Finding]:
    """A service whose final stage is not on the base of the matrix."""
    final, demanded = subject.final, (subject.service or subject.matrix).base
    # Without a row nobody says that a service on another kind of base should be Python.
    judged = subject.service or (subject.is_lucid and subject.base and subject.base.interpreter)
    if demanded and judged and final and read_reference(final.image.value).repository != demanded:
        yield subject.at(
            final.line, f"The final stage is on {final.image.value or 'nothing'}, not on {demanded}.", final.image.value
        )


def _copies_from_image(subject: Subject) -> bool:
    final = subject.final
    return final is not None and any(copy.origin.kind == "image" for copy in final.copies)


def loose_tag(subject: Subject) -> Iterator[Finding]:
    """A final base that is a variant for debugging, or that floats where the matrix wants it pinned."""
    final = subject.final
    if final is None:
        return
    reference = read_reference(final.image.value)
    if reference.repository.startswith("gcr.io/distroless/") and reference.is_debug:
        yield subject.at(
            final.line, f"{final.image.value} is the variant for debugging, which has a shell.", final.image.value
        )
    if subject.is_lucid and subject.matrix.pinned_base and not reference.digest and reference.repository != "scratch":
        yield subject.at(final.line, f"{final.image.value} has no digest; the matrix requires one.", final.image.value)


def unknown_origins(subject: Subject) -> Iterator[Finding]:
    """A --from that looks like the name of a stage, and is none."""
    names = [stage.name for stage in subject.facts.stages if stage.name]
    for stage in subject.facts.stages:
        origins = [(copy.origin, copy.line) for copy in stage.own_copies]
        origins += [(origin, run.line) for run in stage.own_runs for origin in run.origins]
        for origin, line in origins:
            written = origin.written
            if origin.kind != "image" or not _STAGE_NAME.fullmatch(written) or written in subject.tree.named_contexts:
                continue
            near = any(_is_near(written.lower(), name.lower()) for name in names[:_MOST_NAMES])
            if near or _USUAL_STAGE.fullmatch(written.lower()):
                known = f"; the stages are {', '.join(names)}" if names else "; no stage has a name"
                yield subject.at(line, f"--from={written} is no stage{known}.", f"--from={written}")


def impossible_runs(subject: Subject) -> Iterator[Finding]:
    """A RUN in a stage whose base has no shell, or not the program that it starts."""
    for stage in subject.facts.needed():
        base = read_base(stage.image.value)
        if base is None or not stage.own_runs:
            continue
        if base.has_shell:
            yield from _foreign_managers(subject, stage, base)
            continue
        files = subject.simulation.stages[stage.index]
        for run in stage.own_runs:
            words = run.command.argv
            program = words[0] if words else ""
            if base.programs is None and run.command.form == "exec":
                continue
            before = [p for p in files.entries if p.line < run.line]
            # What a mount brings is there for this RUN.
            mounted = [place for place, _ in bind_mounts(run)]
            found = [
                path
                for path in _places(program)
                if any(p.path == path or _covers(p, path) for p in before)
                or any(is_within(path, place) for place in mounted)
            ]
            if not found:
                needs = "a shell" if run.command.form == "shell" else program
                yield subject.at(run.line, f"This RUN needs {needs}, which {stage.image.value} does not have.")


def _foreign_managers(subject: Subject, stage: StageFacts, base: KnownBase) -> Iterator[Finding]:
    """A RUN that begins with a package manager which the base is known not to have: that of another distribution."""
    files = subject.simulation.stages[stage.index]
    for run in stage.own_runs:
        first = next((simple for simple in commands(run, {}) or () if simple.program not in _SHELL_ALONE), None)
        name = first.program if first and not first.conditional else None
        if name is None or name not in PACKAGE_MANAGERS & base.absent or bind_mounts(run):
            continue
        added = [entry for entry in files.entries if stage.lineage[0].line < entry.line < run.line]
        if not any(entry.path == path or _covers(entry, path) for entry in added for path in _places(name)):
            yield subject.at(run.line, f"This RUN needs {name}, which {stage.image.value} does not have.", name)


def _is_near(one: str, other: str) -> bool:
    """Whether two words differ by one letter, or by two that are swapped."""
    start = 0
    while start < min(len(one), len(other)) and one[start] == other[start]:
        start += 1
    one, other = one[start:], other[start:]
    while one and other and one[-1] == other[-1]:
        one, other = one[:-1], other[:-1]
    return (len(one) <= 1 and len(other) <= 1) or (len(one) == len("ab") and one == other[::-1])


def _places(program: str) -> list[str]:
    folders = (*DEFAULT_PATH.split(":"), "/busybox")
    return [program] if program.startswith("/") else [f"{folder}/{program}" for folder in folders]


def _covers(entry: BuildEntry, path: str) -> bool:
    # Of some images only so much is known that they have no shell.
    nothing_known = entry.kind == "base" and entry.path == "/"
    return entry.kind not in {"file", "folder"} and not nothing_known and is_within(path, entry.path)
