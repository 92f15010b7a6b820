"""Reads the commands that make users and groups: numbers, groups, homes."""

from __future__ import annotations

from pytest_lucid.audit.rootfs.rootfs import User

_VALUED = frozenset(
    {"-u", "--uid", "-g", "--gid", "-d", "--home", "--home-dir", "-s", "--shell", "-c", "--comment", "--gecos", "-G"}
    | {"--groups", "-b", "--base-dir", "-k", "--skel", "-e", "-f", "-h", "--ingroup", "-p", "--password", "-K", "--key"}
)
_NUMBER = frozenset({"-u", "--uid"})
_HOME = frozenset({"-d", "--home", "--home-dir"})


def read_user(program: str, words: list[str]) -> tuple[str, User] | None:
    """The name and the facts of the user that `useradd` or `adduser` makes; None when it is no such command.

    Busybox' adduser takes -h for the home, -G for the group and -g for the comment.
    """
    if program not in {"useradd", "adduser"}:
        return None
    is_busybox = program == "adduser" and any(word in {"-D", "-S", "-H", "-h"} for word in words)
    options: dict[str, str] = {}
    names: list[str] = []
    pending = list(reversed(words))
    while pending:
        word = pending.pop()
        option, equals, value = word.partition("=")
        if option in _VALUED:
            options[option] = value if equals else pending.pop() if pending else ""
        elif word.startswith("-"):
            # -mu 1001: the last of joined letters may take a value.
            if not word.startswith("--") and len(word) > len("-m") and f"-{word[-1]}" in _VALUED and pending:
                options[f"-{word[-1]}"] = pending.pop()
        else:
            names.append(word)
    if not names:
        return None
    name = names[0] if program == "adduser" else names[-1]
    homes = _HOME | {"-h"} if is_busybox else _HOME
    groups = ("-G", "--ingroup") if is_busybox else ("-g", "--gid", "--ingroup")
    number = next((value for option, value in options.items() if option in _NUMBER), None)
    group = next((options[option] for option in groups if option in options), None)
    home = next((value for option, value in options.items() if option in homes), f"/home/{name}")
    return name, User(number, group, home)
