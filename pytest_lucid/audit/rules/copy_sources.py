"""Rules about what COPY and ADD take: whether it is there, whether it is meant, and what comes along."""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING

from pytest_lucid.audit.finding import Finding
from pytest_lucid.audit.products import built_before
from pytest_lucid.audit.rootfs.build_simulation import bind_mounts
from pytest_lucid.audit.rootfs.rootfs import is_within
from pytest_lucid.audit.unwanted_files import kind_of
from pytest_lucid.content.secrets import is_secret_path

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pytest_lucid.audit.subject import Subject

_WILD = re.compile(r"[*?\[]")
_REMOTE = re.compile(r"\w+://|git@")
_LARGEST_COMPARED = 1_000_000


def missing_sources(subject: Subject) -> Iterator[Finding]:
    """A source that is not in the build context, or not in the stage that it is copied from."""
    for copy in subject.context_copies:
        if copy.unset:
            continue
        # With --parents, ** spans folders.
        parents = any(flag.name == "parents" for flag in copy.flags)
        local = [source for source in copy.sources if not _REMOTE.match(source)]
        found = [(source, subject.context.find(source, folders=parents)) for source in local]
        some = any(result.paths for _, result in found)
        for source, result in found:
            if result.error:
                yield subject.at(copy.line, f"The source {source!r} cannot be read: {result.error}.", source)
            elif result.broken:
                text = f"The source {result.broken[0]} is a link to nothing in the build context."
                yield subject.at(copy.line, text, source)
            elif not result.paths and result.ignored:
                text = f"The source {source} is kept out of the build context by {_ignore_name(subject)}."
                yield subject.at(copy.line, text, source)
            elif not result.paths and built_before(subject, copy.line, source):
                continue
            elif not result.paths and not (_WILD.search(source) and (some or not subject.service)):
                yield subject.at(copy.line, f"The source {source} is not in the build context.", source)
    yield from _missing_mounts(subject)
    yield from _missing_in_stages(subject)


def _missing_mounts(subject: Subject) -> Iterator[Finding]:
    """A bind mount of what is not in the build context: the builder ends there as it does at a COPY."""
    for stage in subject.facts.needed():
        for run in stage.own_runs:
            for _, source in bind_mounts(run):
                if source is None or "$" in source:
                    continue
                found = subject.context.find(source)
                if found.paths or found.error:
                    continue
                if subject.context.ignore.ignores(source):
                    kept_out = f"The mounted {source} is kept out of the build context by {_ignore_name(subject)}."
                    yield subject.at(run.line, kept_out, source)
                # Every clone has its .git, and no archive of the sources does.
                elif source.split("/")[0] != ".git" and not built_before(subject, run.line, source):
                    yield subject.at(run.line, f"The mounted {source} is not in the build context.", source)


def _mounted(subject: Subject) -> Iterator[str]:
    for stage in subject.facts.stages:
        yield from (source for run in stage.own_runs for _, source in bind_mounts(run) if source)


def _missing_in_stages(subject: Subject) -> Iterator[Finding]:
    for stage in subject.facts.needed():
        for copy in stage.own_copies:
            origin = subject.simulation.stages.get(-1 if copy.origin.stage is None else copy.origin.stage)
            if origin is None or copy.unset or any(flag.name == "parents" for flag in copy.flags):
                continue
            for source in copy.sources:
                path = posixpath.normpath("/" + source.lstrip("/"))
                # The classic builder makes the folder of a VOLUME, BuildKit does not.
                if any(
                    is_within(path, volume.value) for volume in subject.facts.stages[copy.origin.stage or 0].volumes
                ):
                    continue
                if not _WILD.search(source) and path != "/" and origin.exists(path) == "no":
                    yield subject.at(copy.line, f"Nothing makes {path} in the stage {copy.origin.written}.", source)


def build_products(subject: Subject) -> Iterator[Finding]:
    """A source that a build makes first: a clone does not have it, which is no defect of the file."""
    for copy in subject.context_copies:
        for source in copy.sources:
            if copy.unset or _REMOTE.match(source) or subject.context.find(source).paths:
                continue
            if why := built_before(subject, copy.line, source):
                text = f"{source} is not in a clone: {why}, so it has to be built first."
                yield subject.at(copy.line, text, source)


def _ignore_name(subject: Subject) -> str:
    """The file whose patterns are in force, relative to the project."""
    path = subject.context.ignore.path
    try:
        return path.relative_to(subject.tree.root).as_posix() if path else ".dockerignore"
    except ValueError:
        return path.name if path else ".dockerignore"


def ambiguous_sources(subject: Subject) -> Iterator[Finding]:
    """A source in the context that has a namesake beside the Dockerfile: one of the two is meant."""
    folder = posixpath.dirname(subject.path)
    root = subject.context.root
    if root == (subject.tree.root / subject.path).parent:
        return
    for copy in subject.context_copies:
        for source in copy.sources:
            path = posixpath.normpath(source.lstrip("/"))
            if path.startswith(".") or _WILD.search(source) or _REMOTE.match(source):
                continue
            beside = (subject.tree.root / subject.path).parent / path
            if subject.context.find(path).paths and beside.exists() and not _same(root / path, beside):
                taken = (root / path).relative_to(subject.tree.root).as_posix()
                other = f"a different {posixpath.join(folder, path)} is beside the Dockerfile"
                yield subject.at(copy.line, f"COPY {source} takes {taken}, and {other}.", source)


def _same(one: Path, other: Path) -> bool:
    try:
        if one.is_dir() or other.is_dir():
            return one.samefile(other)
        if max(one.stat().st_size, other.stat().st_size) > _LARGEST_COMPARED:
            return False
        return one.read_bytes() == other.read_bytes()
    except OSError:
        return False


def leaky_context(subject: Subject) -> Iterator[Finding]:
    """A context without a .dockerignore, or with one that lets history, secrets, environments or tests in."""
    context = subject.context
    copies = [(copy, source) for copy in subject.context_copies for source in copy.sources]
    if not copies:
        return
    folder = context.root.relative_to(subject.tree.root)
    if context.ignore.path is None:
        if subject.service:
            yield Finding(
                (folder / ".dockerignore").as_posix(),
                1,
                "There is no .dockerignore: every copied folder is sent whole.",
            )
            return
        # BuildKit sends what COPY names, and nothing else.
        whole = next((copy for copy, source in copies if posixpath.normpath(source.lstrip("/") or ".") == "."), None)
        if whole is not None:
            message = f"There is no .dockerignore, so line {whole.line} of {subject.path} copies the whole folder."
            yield Finding((folder / ".dockerignore").as_posix(), 1, message)
        return
    try:
        name = context.ignore.path.relative_to(subject.tree.root).as_posix()
    except ValueError:
        return
    for problem in context.ignore.problems:
        yield subject.in_file(name, problem.line, problem.message)
    copied = [posixpath.normpath(source.lstrip("/")) for copy in subject.context_copies for source in copy.sources]
    for what, (first, count) in subject.tree.leaks(context).items():
        # A stage that runs the tests needs them in the context.
        if what == "tests" and any("tests" in (kind_of(f"{source}/x"), kind_of(source)) for source in copied):
            continue
        # A stage that asks git for the version mounts the history for that.
        if what == "history" and any(is_within(".git", source) for source in _mounted(subject)):
            continue
        text = f"The build context contains {what}: {first}{_more(count)}."
        yield subject.in_file(name, 1, text, cause=what)


def carried_files(subject: Subject) -> Iterator[Finding]:
    """Secrets, tests or history that get into the image."""
    if subject.final is None:
        return
    seen = set()
    for entry in subject.files.entries:
        if entry.kind != "context" or entry.source in seen:
            continue
        seen.add(entry.source)
        for what, (first, count) in subject.tree.unwanted(subject.context, entry.source).items():
            if what == "tests" and first == entry.source and not subject.service:
                continue  # a file that is named one by one is meant
            text = f"The image receives {what}: {first}{_more(count)}."
            yield subject.at(entry.line, text, entry.source, cause=what)
    yield from _absent_secrets(subject)


def _absent_secrets(subject: Subject) -> Iterator[Finding]:
    """A secret that the image takes by name and that this tree lacks: another machine has and ships the file."""
    for copy in subject.final.copies if subject.final else ():
        for source in copy.sources if copy.origin.kind == "context" else ():
            found = subject.context.find(source)
            # Of npm's settings nobody knows whether they hold a token.
            named = is_secret_path(source) and posixpath.basename(source) != ".npmrc"
            if named and not (found.paths or found.ignored or _WILD.search(source)):
                yield subject.at(
                    copy.line, f"The image receives a file whose name is that of a secret: {source}.", source
                )


def _more(count: int) -> str:
    return f" and {count - 1} more" if count > 1 else ""
