"""What kinds of programs a RUN starts: those that change nothing of a service, package managers, makers of users."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pytest_lucid.audit.rootfs.pip_installs import PYTHON, has_pair

if TYPE_CHECKING:
    from pytest_lucid.audit.rootfs.shell_commands import SimpleCommand

# They look, say something, or change what nobody asks for: dates, caches, modes of programs.
_HARMLESS = frozenset(
    {"echo", "printf", "set", "true", "false", ":", "export", "unset", "test", "[", "[[", "ls", "cat", "which", "type"}
    | {"command", "id", "whoami", "uname", "date", "sleep", "env", "umask", "strip", "sync", "ldconfig", "exit"}
    | {"grep", "head", "tail", "wc", "stat", "du", "df", "xargs", "sort", "fi", "done", "esac", "}", "sha256sum"}
    | {"hash", "ulimit", "trap", "wait", "getent", "locale-gen", "update-ca-certificates", "shopt", "tree", "file"}
)
PACKAGE_MANAGERS = frozenset(
    {"apt-get", "apt", "apk", "dpkg", "dnf", "yum", "microdnf", "apt-mark", "apt-key", "update-alternatives"}
)
USER_MAKERS = frozenset({"useradd", "adduser", "groupadd", "addgroup", "usermod", "groupmod", "passwd", "chpasswd"})
# With these behind -exec, find changes files.
_CHANGERS = frozenset({"cp", "mv", "ln", "sh", "bash", "install"})
# What a line of Python says when it changes files.
_CHANGES = re.compile(r"open\(|write|mkdir|makedirs|shutil|subprocess|system\(|symlink|rename|remove|unlink|copy|touch")


def is_harmless(simple: SimpleCommand) -> bool:
    """Whether a command changes no file that a service is made of; bytecode does not count."""
    words, program = simple.words, simple.program or ""
    if program == "find":
        return not _CHANGERS & set(words)
    if PYTHON.fullmatch(program):
        text = words[words.index("-c") + 1] if "-c" in words[:-1] else None
        looks = text is not None and not _CHANGES.search(text)
        return looks or has_pair(words, "-m", "compileall") or words[1:] in {("--version",), ("-V",)}
    return program in _HARMLESS
