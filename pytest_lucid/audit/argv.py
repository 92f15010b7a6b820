"""What an image starts: one argv of ENTRYPOINT and CMD, the program that it names, and how Python reads the rest."""

from __future__ import annotations

import posixpath
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_lucid.audit.rootfs.pip_installs import PYTHON
from pytest_lucid.audit.rootfs.rootfs import Program, is_within

if TYPE_CHECKING:
    from pytest_lucid.audit.rootfs.rootfs import BuildEntry
    from pytest_lucid.audit.subject import Subject
    from pytest_lucid.dockerfile.facts import Command

DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_INITS = frozenset({"tini", "tini-static", "dumb-init", "catatonit", "docker-init"})
# Options of the interpreter that take a value.
_VALUED = frozenset({"-X", "-W", "--check-hash-based-pycs"})
# What the interpreter answers itself.
_ANSWERED = frozenset({"-V", "-VV", "--version", "-h", "--help"})


@dataclass(frozen=True, slots=True)
class Argv:
    """The words, the line of the instruction that made them, and how many of them come from the base image."""

    words: tuple[str, ...]
    line: int
    from_base: int = 0


@dataclass(frozen=True, slots=True)
class Task:
    """What an interpreter has to do: run a module, a script, a text; or nothing (kind "")."""

    kind: str
    name: str
    rest: tuple[str, ...]
    is_isolated: bool


def start_of(subject: Subject) -> Argv | None:
    """ENTRYPOINT and CMD together; None in shell form, and where the base may add what is not known."""
    final, base = subject.final, subject.base
    if final is None:
        return None
    cmd, entrypoint = final.cmd, final.entrypoint
    if (cmd and cmd.form == "shell") or (entrypoint and entrypoint.form == "shell"):
        return None
    words = cmd.argv if cmd else ()
    line = max((command.line for command in (cmd, entrypoint) if command), default=final.line)
    if entrypoint is not None:
        return Argv((*entrypoint.argv, *words), line)
    if base is None or base.entrypoint is None or (cmd is None and not base.entrypoint):
        return None
    return Argv((*base.entrypoint, *words), line, len(base.entrypoint))


def unwrapped(argv: Argv) -> Argv:
    """What a minimal init such as `tini --` starts in turn; the argv itself where there is none."""
    words = argv.words
    if not words or posixpath.basename(words[0]) not in _INITS:
        return argv
    rest = list(words[1:])
    while rest and rest[0].startswith("-"):
        if rest.pop(0) == "--":
            break
    return Argv(tuple(rest), argv.line)


def meant(argv: Argv) -> Argv:
    """What is to run behind a minimal init, and behind an interpreter that was given another one as its script."""
    inner = unwrapped(argv)
    if inner.words and PYTHON.fullmatch(posixpath.basename(inner.words[0])):
        task = read_task(inner.words[1:])
        if task.kind == "script" and PYTHON.fullmatch(posixpath.basename(task.name)):
            return Argv((task.name, *task.rest), argv.line)
    return inner


def probe_of(subject: Subject) -> Argv | None:
    """The health command; None when there is none, or in shell form."""
    command: Command | None = subject.final.healthcheck.command if subject.final and subject.final.healthcheck else None
    return Argv(command.argv, command.line) if command and command.form == "exec" else None


def find_program(subject: Subject, word: str) -> Program:
    """Look the first word of an argv up as the engine does: as a path, or along PATH."""
    if word not in subject.programs:
        subject.programs[word] = _look_up(subject, word)
    return subject.programs[word]


def _look_up(subject: Subject, word: str) -> Program:
    final = subject.final
    if final is None:
        return Program("", "maybe", None)
    if "/" in word:
        folder = final.workdir.value if final.workdir else "/"
        return _at(subject, posixpath.normpath(posixpath.join(folder, word)))
    stated = final.env.get("PATH")
    path = stated.value if stated else DEFAULT_PATH
    if stated and "PATH" in stated.unset:
        path = f"{path}:{DEFAULT_PATH}"
    if subject.base and subject.base.reference.is_debug:
        path = f"{path}:/busybox"
    best = Program("", "no", None)
    for folder in path.split(":"):
        found = _at(subject, posixpath.join("/", folder, word))
        if PYTHON.fullmatch(word) and _is_without_python(found):
            continue
        if found.answer == "yes" or (found.answer == "maybe" and found.entry and found.entry.part == "scripts"):
            return found
        if found.answer == "maybe" and best.answer == "no":
            best = found
    return best


def _is_without_python(found: Program) -> bool:
    """Whether the folder is one that pip fills with scripts, and no virtual environment has its interpreter in."""
    install = found.entry.install if found.answer == "maybe" and found.entry else None
    return bool(install and install.place and not install.place.interpreter.startswith(install.place.scripts))


def _at(subject: Subject, path: str) -> Program:
    if subject.base and path in (*(subject.base.programs or ()), *subject.base.interpreters):
        return Program(path, "yes", None)
    answer = subject.files.exists(path)
    entries = list(subject.files.at(path))
    if answer == "maybe" and _is_only_in_base(subject, path, entries):
        return Program(path, "no", None)
    special = next((entry for entry in entries if entry.part == "scripts" or entry.venv), None)
    return Program(path, answer, special or next(iter(entries), None))


def _is_only_in_base(subject: Subject, path: str, entries: list[BuildEntry]) -> bool:
    """Whether a path could only be a program of the base, and the base is known not to have it."""
    base, final = subject.base, subject.final
    if base is None or final is None or posixpath.basename(path) not in base.absent:
        return False
    first = final.lineage[0].line
    return all(entry.kind == "base" and entry.line == first for entry in entries)


def read_task(words: tuple[str, ...]) -> Task:
    """Read what follows the interpreter."""
    isolated = False
    index = 0
    while index < len(words):
        word = words[index]
        if word in _ANSWERED:
            return Task("text", word, (), isolated)
        if word in {"-m", "-c"}:
            kind = "module" if word == "-m" else "text"
            return Task(kind, words[index + 1] if index + 1 < len(words) else "", words[index + 2 :], isolated)
        if word.startswith(("-m", "-c")) and not word.startswith("--"):
            return Task("module" if word[1] == "m" else "text", word[2:], words[index + 1 :], isolated)
        if not word.startswith("-") or word == "-":
            return Task("script", word, words[index + 1 :], isolated)
        isolated |= not word.startswith("--") and bool(set(word) & {"I", "P"}) and word not in _VALUED
        index += 2 if word in _VALUED else 1
    return Task("", "", (), isolated)


def home_of(subject: Subject) -> str | None:
    """The home of the user that the final stage runs as; None when it is not known."""
    final = subject.final
    if final is None:
        return None
    if stated := final.env.get("HOME"):
        return stated.value
    user = final.user.value.partition(":")[0] if final.user else (subject.base.user if subject.base else "")
    if user in {"0", "root"}:
        return "/root"
    if user in {"65532", "nonroot"} and subject.base and subject.base.is_distroless:
        return "/home/nonroot"
    made = subject.files.users.get(user)
    return made.home if made else None


def place_of(subject: Subject, path: str) -> str:
    """Where a path is in the image, seen from the folder that it starts in."""
    final, base = subject.final, subject.base
    folder = "/home/nonroot" if base and base.user == "65532" else "/"
    return posixpath.normpath(posixpath.join(final.workdir.value if final and final.workdir else folder, path))


def venv_of(subject: Subject, path: str) -> BuildEntry | None:
    """The virtual environment, as it is in the image, that holds a path."""
    entries = (entry for entry in reversed(subject.files.entries) if entry.venv)
    return next((entry for entry in entries if is_within(path, entry.path)), None)


def search_path(subject: Subject, program: Program, *, isolated: bool, script: bool = False) -> tuple[str, ...] | None:
    """The folders in which the interpreter looks for modules; None when they are not known."""
    final, base = subject.final, subject.base
    if final is None or base is None:
        return None
    workdir = place_of(subject, ".")
    safe = isolated or "PYTHONSAFEPATH" in final.env
    folders = [] if safe or script else [workdir]
    stated = final.env.get("PYTHONPATH")
    if stated and not isolated:
        folders += [posixpath.normpath(posixpath.join(workdir, part)) for part in stated.value.split(":") if part]
    venv = venv_of(subject, program.path)
    if venv is not None:
        version = base.python or "3"
        return (*folders, f"{venv.path}/lib/python{version}/site-packages")
    if program.path not in (*(base.programs or ()), *base.interpreters) or not base.python:
        return None
    stated_base = final.env.get("PYTHONUSERBASE")
    home = home_of(subject)
    user_base = stated_base.value if stated_base else f"{home}/.local" if home else None
    if user_base is None:
        return None
    kind = "dist" if base.interpreter.startswith("/usr/bin/") else "site"
    own = (f"/usr/local/lib/python{base.python}/{kind}-packages", "/usr/lib/python3/dist-packages")
    return (*folders, f"{user_base}/lib/python{base.python}/site-packages", *own)
