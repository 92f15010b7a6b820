"""Rules about whether what the image starts can start: program, module, script, and the health command likewise."""

from __future__ import annotations

import posixpath
import re
import sys
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from pytest_lucid.audit.argv import Argv, find_program, place_of, probe_of, read_task, search_path, start_of, unwrapped
from pytest_lucid.audit.entry_file import entry_problem
from pytest_lucid.audit.rootfs.pip_installs import PYTHON, requirement_name
from pytest_lucid.audit.rules.health import short_start

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_lucid.audit.argv import Task
    from pytest_lucid.audit.finding import Finding
    from pytest_lucid.audit.rootfs.rootfs import Program
    from pytest_lucid.audit.subject import Subject
    from pytest_lucid.dockerfile.facts import Command

# Modules that people start and install under another name, or by way of another package.
_RUNNERS = frozenset({"uvicorn", "gunicorn", "hypercorn", "daphne", "celery", "flask", "django", "alembic", "granian"})
# What the python images have beside the standard library.
_OF_THE_IMAGE = frozenset({"pip", "setuptools", "wheel", "pkg_resources"})
_APPLICATION = re.compile(r"([A-Za-z_]\w*(?:\.\w+)*):[A-Za-z_][\w.]*(?:\(\))?")
_SERVERS = frozenset({"uvicorn", "gunicorn", "hypercorn", "daphne"})
_URL = re.compile(r"https?://[^\s'\"()<>,;\\]+")
_INTERPRETER = re.compile(r"python[\d.]*|node|ruby|perl|php|java|.*\.(?:py|js|rb|pl)")
_QUOTED_ARRAY = re.compile(r"\[\s*'[^']*'.*\]")
# The rest is put together at run time.
_CONTINUED = re.compile(r"['\"]\s*[+%.]")
_SELF = frozenset({"localhost", "127.0.0.1", "0.0.0.0", "::1"})  # noqa: S104 - read, not bound
# An interpreter alone takes a second to start on a small computer.
_SHORTEST_TIMEOUT, _SHORTEST_INTERVAL = 3.0, 5.0


def missing_program(subject: Subject) -> Iterator[Finding]:
    """An image whose argv cannot start: nothing to run, a program that is not there, an interpreter twice."""
    yield from _quoted_arrays(subject)
    argv = start_of(subject)
    if argv is None:
        return
    yield from _program(subject, argv)
    inner = unwrapped(argv)
    # An init without a command gets it from the platform; a service of the matrix is started as it stands.
    if inner != argv and (inner.words or subject.service):
        yield from _program(subject, inner)


def _quoted_arrays(subject: Subject) -> Iterator[Finding]:
    """What was meant as an array and has single quotes: a shell looks for a program that begins with a bracket."""
    final = subject.final
    for command in (final.cmd, final.entrypoint) if final else ():
        if command and command.form == "shell" and _QUOTED_ARRAY.fullmatch(command.argv[-1].strip()):
            yield subject.at(command.line, "An array needs double quotes: a shell takes this for a program's name.")


def missing_module(subject: Subject) -> Iterator[Finding]:
    """A module or script that is started and is not among the files that were copied."""
    argv = start_of(subject)
    if argv is not None:
        yield from _target(subject, unwrapped(argv))


def failing_probe(subject: Subject) -> Iterator[Finding]:
    """A health command that cannot start, asks the wrong port or path, or has times that no small computer keeps."""
    argv = probe_of(subject)
    if argv is not None:
        yield from _program(subject, argv)
        yield from _target(subject, argv)
    else:
        yield from _shell_probe(subject)
    check = subject.final.healthcheck if subject.final else None
    if check is None or check.command is None:
        return
    yield from _urls(subject, " ".join(check.command.argv), check.line)
    if check.timeout and check.timeout < _SHORTEST_TIMEOUT and _starts_interpreter(check.command):
        yield subject.at(
            check.line, f"A timeout of {check.timeout:g} s is less than an interpreter needs to start.", "--timeout"
        )
    if subject.is_lucid and not subject.service and subject.matrix.health and _starts_interpreter(check.command):
        # A row has its own check of that.
        yield from short_start(subject, check, subject.matrix.health)
    if check.interval and check.interval < _SHORTEST_INTERVAL:
        yield subject.at(
            check.line, f"Every {check.interval:g} s is so often that a small computer does little else.", "--interval"
        )


def _shell_probe(subject: Subject) -> Iterator[Finding]:
    """A health command in shell form whose first program the base is known not to have."""
    check = subject.final.healthcheck if subject.final else None
    command = check.command if check else None
    if command is None or command.form != "shell" or subject.base is None:
        return
    words = command.argv[-1].split()
    if words and words[0] in subject.base.absent and find_program(subject, words[0]).answer == "no":
        missing = f"{words[0]} is not in {subject.base.reference.repository}:{subject.base.reference.tag}"
        yield subject.at(
            command.line, f"{missing}, and nothing installs it, so the health command always fails.", words[0]
        )


def _starts_interpreter(command: Command) -> bool:
    """Whether a health command starts an interpreter, which takes its time, and no compiled program."""
    words = command.argv if command.form == "exec" else command.argv[-1].split()
    return any(_INTERPRETER.fullmatch(posixpath.basename(word)) for word in words[:4])


def _program(subject: Subject, argv: Argv) -> Iterator[Finding]:
    if not argv.words:
        yield subject.at(argv.line, "ENTRYPOINT and CMD are both empty, so there is nothing to start.")
        return
    program = find_program(subject, argv.words[0])
    if program.answer == "no":
        yield subject.at(
            argv.line, f"{argv.words[0]} is neither in the base nor among the copied files.", argv.words[0]
        )
        return
    if problem := entry_problem(subject, program):
        yield subject.at(argv.line, problem, argv.words[0])
        return
    if not PYTHON.fullmatch(posixpath.basename(argv.words[0])):
        return
    task = read_task(argv.words[1:])
    by = " (the base's own ENTRYPOINT)" if argv.from_base else ""
    if not task.kind and not argv.from_base and not subject.service and subject.base and subject.base.has_shell:
        return  # for people to type into, as the python images have it
    if not task.kind:
        yield subject.at(argv.line, f"{argv.words[0]}{by} has nothing to run, so it ends at once.", argv.words[0])
    elif task.kind == "script" and PYTHON.fullmatch(posixpath.basename(task.name)):
        message = f"{argv.words[0]}{by} receives {task.name} as its script, so the service never starts."
        yield subject.at(argv.line, message, task.name)


def _target(subject: Subject, argv: Argv) -> Iterator[Finding]:
    if not argv.words:
        return
    program = find_program(subject, argv.words[0])
    name = posixpath.basename(argv.words[0])
    if program.answer == "no":
        return
    if not PYTHON.fullmatch(name):
        if name in _SERVERS and program.entry and program.entry.part == "scripts":
            yield from _application(subject, argv, program, argv.words[1:])
        return
    task = read_task(argv.words[1:])
    if task.kind == "script" and PYTHON.fullmatch(posixpath.basename(task.name)):
        # An interpreter twice is one finding; what the second one is given may be missing too.
        inner = argv.words[argv.words.index(task.name, 1) :]
        yield from _target(subject, Argv(inner, argv.line))
    elif task.kind == "script":
        yield from _script(subject, argv, task)
    elif task.kind == "module":
        missing = _missing(subject, program, task, task.name)
        if missing:
            yield subject.at(argv.line, missing, task.name)
        elif task.name in _SERVERS:
            yield from _application(subject, argv, program, task.rest)


def _script(subject: Subject, argv: Argv, task: Task) -> Iterator[Finding]:
    final, base = subject.final, subject.base
    if final is None or (final.workdir is None and not task.name.startswith("/") and base is None):
        return
    path = place_of(subject, task.name)
    if subject.files.exists(path) == "no":
        yield subject.at(argv.line, f"The script {path} is not among the copied files.", task.name)


def _application(subject: Subject, argv: Argv, program: Program, rest: tuple[str, ...]) -> Iterator[Finding]:
    if any(word.startswith(("--app-dir", "--chdir", "--pythonpath")) for word in rest):
        return
    for word in rest:
        if match := _APPLICATION.fullmatch(word):
            # Servers put the current folder first, regardless of the interpreter.
            missing = _missing(subject, program, read_task(()), match[1], here=True)
            if missing:
                yield subject.at(argv.line, missing, match[1])
            return


def _missing(subject: Subject, program: Program, task: Task, name: str, *, here: bool = False) -> str:
    """Why a module cannot be imported; "" when it can, or when that is not known."""
    folders = search_path(subject, program, isolated=task.is_isolated)
    top = name.partition(".")[0]
    if folders is None or not name or top in sys.stdlib_module_names:
        return ""
    if here and subject.final and subject.final.workdir:
        folders = (subject.final.workdir.value, *folders)
    files, inner = subject.files, name.replace(".", "/")
    found = [
        files.exists(posixpath.join(folder, path), in_base=False)
        for folder in folders
        if not _is_installed(subject, folder)
        for path in (f"{inner}.py", f"{inner}/__main__.py" if not here else f"{inner}/__init__.py", f"{inner}.so")
    ]
    if any(answer != "no" for answer in found):
        return ""
    open_folders = [folder for folder in folders if not _is_installed(subject, folder)]
    tops = [files.exists(posixpath.join(folder, top), in_base=False) for folder in open_folders]
    if "yes" in tops and "." in name:
        return f"The package {top} is copied, and has no module {name}."
    if "yes" in tops and not here:
        return f"The package {top} is copied, and has no __main__.py."
    if "maybe" in tops or _may_be_installed(subject, top):
        return ""
    return f"The module {name} is on no folder of sys.path: it is neither copied nor installed."


def _is_installed(subject: Subject, folder: str) -> bool:
    """Whether pip, and nothing else that is known of, fills a folder."""
    return any(entry.part == "modules" for entry in subject.files.at(folder))


def _may_be_installed(subject: Subject, top: str) -> bool:
    """Whether an install may bring a module: a distribution's name says nothing certain about its modules.

    Only what the tree itself has under that name is the service's own, and no package's.
    """
    if not subject.simulation.installs:
        return top in _OF_THE_IMAGE
    if top in _RUNNERS or any(install.local for install in subject.simulation.installs):
        return True
    wanted = requirement_name(top)
    for install in subject.simulation.installs:
        requirements = subject.requirements(install)
        if requirements is None or any(wanted in item.name or item.name in wanted for item in requirements):
            return True
    # A service of the matrix starts a module of its own.
    return not (subject.service or subject.has_module(top))


def _urls(subject: Subject, text: str, line: int) -> Iterator[Finding]:
    final = subject.final
    if final is None:
        return
    for match in _URL.finditer(text):
        url = match.group()
        if url.endswith(":") or _CONTINUED.match(text, match.end()):
            continue
        try:
            parts = urlsplit(url)
            host, port = parts.hostname, parts.port
        except ValueError:
            continue
        if host not in _SELF or "$" in url or "{" in url:
            continue
        port = port or (443 if parts.scheme == "https" else 80)
        if subject.service:
            known = {item.number for item in subject.row.ports or ()}
            if port not in known:
                yield subject.at(
                    line,
                    f"The health command asks port {port}, which is not a port of this service in the matrix.",
                    url,
                )
            demanded = subject.row.health.path if subject.row.health else None
            if demanded and parts.path != demanded:
                message = f"The health command asks {parts.path or '/'}; the matrix demands {demanded}."
                yield subject.at(line, message, url)
