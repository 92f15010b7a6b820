"""Rules about the packages that pip installs: whether the runtime finds them, whether they fit, and what they are."""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING

from pytest_lucid.audit.argv import (
    find_program,
    meant,
    place_of,
    probe_of,
    read_task,
    search_path,
    start_of,
    venv_of,
)
from pytest_lucid.audit.rootfs.pip_installs import BUILD_TOOLS, PYTHON, requirement_name

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_lucid.audit.finding import Finding
    from pytest_lucid.audit.known_bases import KnownBase
    from pytest_lucid.audit.rootfs.pip_installs import Install
    from pytest_lucid.audit.rootfs.requirements_files import Requirement
    from pytest_lucid.audit.subject import Subject

# Settings of pip, or another pip, that a copy or a command may have brought.
_PIP = ("/etc/pip.conf", "/root/.config/pip/pip.conf", "/root/.pip/pip.conf", "/usr/local/bin/pip")
_VERSION = re.compile(r"python3\.\d+")
DEVELOPMENT = re.compile(
    r"pytest|pytest-.+|black|mypy|flake8|flake8-.+|ruff|pylint|isort|coverage|tox|nox|pre-commit|ipython|jupyter|jupyterlab|"
    r"notebook|ipdb|debugpy|pudb|bandit|twine|sphinx|mkdocs|mkdocs-.+|hypothesis|faker|factory-boy|autopep8|yapf|pyright|"
    r"pydocstyle|vulture|types-.+|mutmut|pip-audit|pytest|nose|nose2|testcontainers|responses|respx|vcrpy|locust|watchdog-gevent"
)


def unreachable_packages(subject: Subject) -> Iterator[Finding]:
    """Packages that the interpreter of the image does not find: refused, not copied, or in a folder off sys.path."""
    yield from _refused_by_pip(subject)
    argv = start_of(subject)
    argv = meant(argv) if argv else None
    if argv is None or not argv.words:
        return
    program = find_program(subject, argv.words[0])
    name = posixpath.basename(argv.words[0])
    if not PYTHON.fullmatch(name) or program.answer == "no":
        return
    task = read_task(argv.words[1:])
    folders = search_path(subject, program, isolated=False, script=task.kind == "script")
    if folders is None:
        return
    if task.kind == "script" and not task.is_isolated:
        # A script's own folder comes first; a folder or an archive that is started is itself the place.
        script = place_of(subject, task.name)
        folders = (posixpath.dirname(script) if script.endswith(".py") else script, *folders)
    installs = subject.reaching
    arrived = any(held for _, held in installs)
    for install, held in installs:
        if install.place is None:
            continue
        if held:
            places = [entry.path for entry in held]
            if not any(_plain(place) == _plain(folder) for place in places for folder in folders):
                lost = f"The packages of {_where(install)} end up in {places[0]}, which is not on sys.path"
                yield subject.at(held[0].line, f"{lost} of {argv.words[0]}: {', '.join(folders)}.")
        elif (
            not arrived
            and subject.files.exists(install.place.site) == "no"
            and not _is_vague(subject, folders)
            and not _has_product(subject, install)
        ):
            yield subject.at(
                install.line, f"What is installed here, in {install.place.site}, is not copied to the image."
            )


def _refused_by_pip(subject: Subject) -> Iterator[Finding]:
    """An install by the distribution's own pip into its own Python, which PEP 668 makes an error."""
    managed = [install for install in subject.simulation.installs if install.is_managed]
    for index in sorted({install.stage for install in managed}):
        stage, files = subject.facts.stages[index], subject.simulation.stages[index]
        words = " ".join(word for run in stage.runs for word in (*run.command.argv, *(h.content for h in run.heredocs)))
        if "EXTERNALLY-MANAGED" in words or "break-system-packages" in words or any(map(files.is_brought, _PIP)):
            continue
        for line in dict.fromkeys(install.line for install in managed if install.stage == index):
            yield subject.at(
                line,
                "Debian's own pip installs nothing outside a virtual environment (PEP 668), so this RUN fails.",
            )


def _is_vague(subject: Subject, folders: tuple[str, ...]) -> bool:
    """Whether something unknown may bring the packages along."""
    return any(subject.files.exists(folder, in_base=False) == "maybe" for folder in folders)


def _has_product(subject: Subject, install: Install) -> bool:
    """Whether something is copied out of the builder that a tool installed there may have made (pex, generators)."""
    copies = [copy for copy in subject.final.copies if copy.origin.stage == install.stage] if subject.final else []
    made = {entry.line for entry in subject.files.entries if entry.kind == "unknown" and entry.install is None}
    return any(copy.line in made for copy in copies)


def broken_scripts(subject: Subject) -> Iterator[Finding]:
    """A console script or an environment whose interpreter is elsewhere in the image, or nowhere."""
    for stated in (start_of(subject), probe_of(subject)):
        argv = meant(stated) if stated else None
        if argv is None or not argv.words:
            continue
        program = find_program(subject, argv.words[0])
        if program.answer == "no":
            continue
        name = posixpath.basename(program.path)
        if PYTHON.fullmatch(name):
            entry = venv_of(subject, program.path)
            made = entry.venv.interpreter if entry and entry.venv else ""
            if made and _is_untouched(subject, program.path) and subject.files.exists(made) == "no":
                yield subject.at(
                    argv.line, f"{program.path} is a link to {made}, which is not in the image.", argv.words[0]
                )
            continue
        install = program.entry.install if program.entry and program.entry.part == "scripts" else None
        interpreter = install.place.interpreter if install and install.place else ""
        if not interpreter or not _is_untouched(subject, program.path):
            continue
        if subject.files.exists(interpreter) == "no":
            yield subject.at(
                argv.line, f"{program.path} starts {interpreter}, which is not in the image.", argv.words[0]
            )
        elif (entry := venv_of(subject, interpreter)) and entry.venv:
            made = entry.venv.interpreter
            if made and subject.files.exists(made) == "no":
                text = f"{program.path} starts {interpreter}, a link to {made}, which is not in the image."
                yield subject.at(argv.line, text, argv.words[0])


def _is_untouched(subject: Subject, path: str) -> bool:
    """Whether a program is as pip or venv made it: nothing known or unknown was put on top."""
    top = next((entry for entry in subject.files.at(path) if entry.kind != "base"), None)
    return top is not None and (top.part == "scripts" or top.venv is not None)


def other_python(subject: Subject) -> Iterator[Finding]:
    """Packages built for another minor version of Python than the image's, or for one that floats."""
    runtime = subject.base
    if runtime is None or not runtime.python:
        return
    for install, held in subject.reaching:
        base = install.base
        if not held or base is None or not base.interpreter:
            if install.place is None and _is_floating_python(install):
                yield subject.at(
                    _from_line(subject, install),
                    f"The builder {_name(install)} names no Python version, so a rebuild may get another.",
                )
            continue
        if install.python != runtime.python:
            built = (
                f"An option chooses Python {install.wanted}"
                if install.wanted
                else f"The builder has Python {base.python}"
            )
            mismatch = f"{built}, and the final stage {runtime.python}"
            yield subject.at(_from_line(subject, install), f"{mismatch}: the packages of {_where(install)} do not fit.")


def other_release(subject: Subject) -> Iterator[Finding]:
    """Packages built on another Debian release than the image's, on one that floats, or on another system."""
    runtime = subject.base
    if runtime is None or not (runtime.debian or runtime.alpine or runtime.floats):
        return
    reported = set()
    for install, held in subject.reaching:
        base = install.base
        if (
            base is None
            or (not held and install.place is not None)
            or install.stage in reported
            or install.for_platform
        ):
            continue
        reported.add(install.stage)
        line = subject.final.lineage[0].line if runtime.floats and subject.final else _from_line(subject, install)
        if complaint := _release_complaint(runtime, base, _name(install)):
            yield subject.at(line, complaint)


def _release_complaint(runtime: KnownBase, base: KnownBase, name: str) -> str:
    """Why packages that were built on one image do not surely fit another; "" when they do."""
    if runtime.floats:
        return (
            f"{runtime.reference.repository} names no Debian release, so a rebuild may get another; "
            f"{name} is another image."
        )
    if runtime.alpine:
        has_glibc = base.debian or base.ubuntu or (base.is_python_image and not base.alpine)
        return f"{name} is not Alpine, and has another C library than the final stage." if has_glibc else ""
    if base.alpine:
        return f"{name} is Alpine with another C library than Debian {runtime.debian}."
    if base.reference.repository in {"python", "debian"} and not base.debian:
        floats = (
            f"{name} names no Debian release, so a rebuild may get another; the final stage is Debian {runtime.debian}."
        )
        return "" if base.reference.digest else floats
    differs = base.debian and base.debian != runtime.debian
    return f"{name} is Debian {base.debian}, and the final stage Debian {runtime.debian}." if differs else ""


def unpinned(subject: Subject) -> Iterator[Finding]:
    """A requirement of the image that is not pinned to one version."""
    for _, requirements in _installed(subject):
        loose = [item for item in requirements if not item.pinned and item.name not in BUILD_TOOLS]
        yield from _by_file(subject, loose, "is not pinned with ==")


def unhashed(subject: Subject) -> Iterator[Finding]:
    """A requirement in a file that has no hash, so that what is installed can differ from what was reviewed."""
    for _, requirements in _installed(subject):
        yield from _by_file(subject, [item for item in requirements if not item.hashed], "has no --hash")


def development_tools(subject: Subject) -> Iterator[Finding]:
    """A tool for development among the packages of the image."""
    started = _started(subject)
    for _, requirements in _installed(subject):
        for item in requirements:
            is_meant = any(item.name == name or item.name.startswith(f"{name}-") for name in started if name)
            if DEVELOPMENT.fullmatch(item.name) and not is_meant:
                text = f"{item.name} is a development tool, and the image contains it."
                yield subject.in_file(item.file, item.line, text, item.name)


def _started(subject: Subject) -> set[str]:
    """The distributions whose program or module is what the image is there to start."""
    final = subject.final
    words: list[str] = []
    for command in (final.entrypoint, final.cmd) if final else ():
        words += (command.argv if command.form == "exec" else command.argv[-1].split()) if command else ()
    return {requirement_name(posixpath.basename(word)) for word in words}


def _installed(subject: Subject) -> Iterator[tuple[Install, tuple[Requirement, ...]]]:
    for install, held in subject.reaching:
        if held or install.place is None:
            requirements = subject.requirements(install)
            if requirements is not None:
                yield install, requirements


def _by_file(subject: Subject, items: list[Requirement], complaint: str) -> Iterator[Finding]:
    for file in dict.fromkeys(item.file for item in items):
        inside = [item for item in items if item.file == file]
        more = f" (and {len(inside) - 1} more)" if inside[1:] else ""
        text = f"{inside[0].name} {complaint}{more}."
        yield subject.in_file(file, inside[0].line, text, inside[0].name, cause=complaint)


def _plain(path: str) -> str:
    # Another minor version is a finding of its own.
    return _VERSION.sub("python3", path)


def _where(install: Install) -> str:
    return f"line {install.line}"


def _name(install: Install) -> str:
    if install.base is None:
        return "the builder"
    reference = install.base.reference
    return f"{reference.repository}:{reference.tag}" if reference.tag else reference.repository


def _is_floating_python(install: Install) -> bool:
    base = install.base
    return base is not None and base.reference.repository == "python" and not base.python and not base.reference.digest


def _from_line(subject: Subject, install: Install) -> int:
    stage = subject.facts.stages[install.stage]
    return stage.lineage[0].line
