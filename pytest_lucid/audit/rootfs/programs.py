"""What kinds of programs a RUN starts: those known to make nothing, package managers, makers of users, wrappers.

Every other program is either modelled whole (`run_effects`) or unknown, and then anything may be anywhere: interpreters
with code, downloads, scripts, installers.
"""

from __future__ import annotations

import re
from itertools import pairwise, takewhile
from typing import TYPE_CHECKING

from pytest_lucid.audit.rootfs.modes import is_executable
from pytest_lucid.audit.rootfs.pip_installs import PYTHON

if TYPE_CHECKING:
    from pytest_lucid.audit.rootfs.shell_commands import SimpleCommand

# Each group with its reason; what their output is redirected to is seen by the reader of the shell.
_NOTHING: tuple[tuple[str, str], ...] = (
    ("they only write to their output", "echo printf ls cat which type id whoami uname date head tail wc stat du df"),
    (
        "likewise, and they read files",
        "grep egrep fgrep file tree sha256sum sha512sum md5sum cmp diff getent sort uniq",
    ),
    (
        "they are the shell's own and change the shell alone",
        "set export unset umask shopt hash ulimit wait exit : local",
    ),
    ("they decide or wait", "true false test [ [[ sleep sync"),
    ("words of the shell's grammar, read as programs", "fi done esac } in break continue return"),
    ("they change a file that is there already", "strip dos2unix"),
    ("the linker's cache is under /etc", "ldconfig"),
)
MAKES_NOTHING = {name: reason for reason, names in _NOTHING for name in names.split()}
# With -o they write a file, with --set they are no mere look.
_WRITING_OPTIONS = frozenset({"-o", "--output", "--output-file"})
PACKAGE_MANAGERS = frozenset(
    {"apt-get", "apt", "apk", "dpkg", "dnf", "yum", "microdnf", "apt-mark", "apt-key", "update-alternatives"}
    | {"locale-gen", "update-ca-certificates", "tdnf", "zypper"}
)
USER_MAKERS = frozenset({"useradd", "adduser", "groupadd", "addgroup", "usermod", "groupmod", "passwd", "chpasswd"})
# What find may do to what it finds without making anything.
_FIND_ACTIONS = frozenset({"touch", "rm", "chmod", "chown", "chgrp", "strip", "grep", "ls", "cat", "echo", "du"})
_FIND_EXECUTES = frozenset({"-exec", "-execdir", "-ok", "-okdir"})
# Python that imports, prints and compares: the smoke test of an installation.
_TEXT = r"'[^']*'|\"[^\"]*\""
_LOOKS = re.compile(
    r"(?:import [\w.]+(?: as \w+)?(?:\s*,\s*[\w.]+(?: as \w+)?)*|from [\w.]+ import [\w, ]+|"
    rf"print\((?:[\w.,% +]|{_TEXT})*\)|assert [\w.]+(?:\s*[=<>!]=?\s*(?:[\w.]+|{_TEXT}))?)"
)
# Options of wrappers that take a value of their own.
_VALUED = {
    "env": frozenset({"-u", "--unset", "-C", "--chdir"}),
    "nice": frozenset({"-n", "--adjustment"}),
    "timeout": frozenset({"-k", "--kill-after", "-s", "--signal"}),
    "xargs": frozenset({"-I", "-n", "-P", "-d", "-L", "-a", "-E", "-s", "--replace", "--max-args", "--max-procs"}),
    "sudo": frozenset({"-u", "--user", "-g", "--group"}),
    "command": frozenset(),
    "exec": frozenset({"-a"}),
    "time": frozenset({"-f", "--format", "-o"}),
    "nohup": frozenset(),
    "stdbuf": frozenset({"-i", "-o", "-e"}),
}
WRAPPERS = frozenset(_VALUED)


def makes_nothing(simple: SimpleCommand) -> bool:
    """Whether a command is known to make no file, whatever its arguments are."""
    words, program = simple.words, simple.program or ""
    if program == "find":
        return _finds_only(words)
    if program == "command" and {"-v", "-V"} & set(words):
        return True
    if program in WRAPPERS:
        inner = inner_command(words)
        return inner == () or (inner is not None and _is_nothing(inner))
    return _is_nothing(words)


def inner_command(words: tuple[str | None, ...]) -> tuple[str | None, ...] | None:
    """The command that a wrapper such as `env A=1` starts; () for none, None where that is not known."""
    program = (words[0] or "").rpartition("/")[2]
    rest = list(words[1:])
    while rest:
        word = rest[0]
        if word is None:
            return None
        if program == "env" and re.match(r"[A-Za-z_]\w*=", word):
            rest.pop(0)
        elif word.startswith("-") and word != "-":
            rest.pop(0)
            if word == "--":
                break
            if word in _VALUED[program] and rest:
                rest.pop(0)
        else:
            break
    return tuple(rest[1:] if program == "timeout" else rest)


def made_executable_by_find(words: tuple[str | None, ...]) -> tuple[str, ...]:
    """The folders in which `find` makes files executable that it alone knows."""
    if not words or words[0] != "find" or ("-type", "d") in pairwise(words):
        return ()
    pairs = zip(words, words[1:], (*words[2:], ""), strict=False)
    changes = any(
        action in _FIND_EXECUTES and program == "chmod" and is_executable(mode or "") for action, program, mode in pairs
    )
    places = takewhile(lambda word: word and not word.startswith(("-", "(", "!", "\\")), words[1:])
    return tuple(word or "." for word in places) or (".",) if changes else ()


def _is_nothing(words: tuple[str | None, ...]) -> bool:
    program = (words[0] or "").rpartition("/")[2] if words else ""
    if PYTHON.fullmatch(program):
        text = words[words.index("-c") + 1] if "-c" in words[:-1] else None
        return (text is not None and _looks_only(text)) or words[1:] in {("--version",), ("-V",)}
    if program not in MAKES_NOTHING:
        return False
    return not any((word or "").partition("=")[0] in _WRITING_OPTIONS for word in words[1:]) or program in {"[", "[["}


def _looks_only(text: str) -> bool:
    statements = [statement.strip() for line in text.split("\n") for statement in line.split(";")]
    return all(_LOOKS.fullmatch(statement) for statement in statements if statement)


def _finds_only(words: tuple[str | None, ...]) -> bool:
    for index, word in enumerate(words):
        if word is None or word.startswith(("-fprint", "-fls")):
            return False
        if word in _FIND_EXECUTES and (words[index + 1 : index + 2] or ("",))[0] not in _FIND_ACTIONS:
            return False
    return True
