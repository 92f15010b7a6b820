"""Reads the commands that make folders, and modes as chmod writes them; what they change is for `run_effects`."""

from __future__ import annotations

import re
from dataclasses import dataclass

_MODE = re.compile(r"[0-7]{3,4}")
_EXECUTE = re.compile(r"[ugoa]*([-+=])([rwxXst]*)")
_GROUP_OPEN = re.compile(r"(?:^|,)(?:[uoga]*[ga][uoga]*)?(?:[+=][rxXst]*w|=u)")
_OPEN = re.compile(r"(?:^|,)(?:[ugo]*[oa][ugoa]*)?[+=][rxXst]*w")


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder to be made: the path as written, its owner (None: its creator), whether anybody can write it."""

    path: str
    owner: str | None = None
    open: bool = False


def made_by_mkdir(words: list[str]) -> list[Folder]:
    """The folders that `mkdir` makes."""
    options, paths = _read(words, {"-m": "mode", "--mode": "mode"})
    return [Folder(path, open=is_open(options.get("mode", ""))) for word in paths for path in expand_braces(word)]


def made_by_install(words: list[str]) -> list[Folder]:
    """The folders that `install -d` makes."""
    names = {"-o": "owner", "--owner": "owner", "-m": "mode", "--mode": "mode", "-g": "group", "--group": "group"}
    options, paths = _read(words, names)
    others = is_open(options.get("mode", ""))
    return [Folder(path, options.get("owner"), open=others) for word in paths for path in expand_braces(word)]


@dataclass(frozen=True, slots=True)
class Mode:
    """What a mode says: whether all can write, whether the group can, whether all can execute (None: as before)."""

    open: bool
    group_open: bool
    executable: bool | None


def read_mode(text: str) -> Mode:
    """Read a mode as chmod does, such as 0777 or o+w."""
    return Mode(is_open(text), is_group_open(text), is_executable(text))


def is_open(mode: str) -> bool:
    """Whether a mode such as 0777 or o+w lets others write."""
    if _MODE.fullmatch(mode):
        return bool(int(mode, 8) & 0o002)
    return _OPEN.search(mode) is not None


def is_group_open(mode: str) -> bool:
    """Whether a mode such as 0775 or g+w lets the group write; `g=u` gives the group what the owner has."""
    if _MODE.fullmatch(mode):
        return bool(int(mode, 8) & 0o020)
    return _GROUP_OPEN.search(mode) is not None


def is_executable(mode: str) -> bool | None:
    """Whether a mode makes a file executable; None when it says nothing of that."""
    if _MODE.fullmatch(mode):
        return bool(int(mode, 8) & 0o111)
    found: bool | None = None
    for part in mode.split(","):
        if match := _EXECUTE.fullmatch(part):
            found = match[1] != "-" if "x" in match[2] else False if match[1] == "=" else found
    return found


def has_option(words: list[str], letter: str, name: str) -> bool:
    """Whether an option is given, alone or among others: -R, -hR, --recursive."""
    return any(word == name or (re.fullmatch(r"-[A-Za-z]+", word) and letter in word) for word in words)


def _read(words: list[str], names: dict[str, str]) -> tuple[dict[str, str], list[str]]:
    options: dict[str, str] = {}
    paths: list[str] = []
    pending = list(reversed(words))
    while pending:
        word = pending.pop()
        option, equals, value = word.partition("=")
        if option in names:
            options[names[option]] = value if equals else pending.pop() if pending else ""
        elif not word.startswith("-"):
            paths.append(word)
    return options, paths


def expand_braces(word: str) -> list[str]:
    """The words that bash makes of `/o/{x,y}`; braces in braces are left alone."""
    match = re.fullmatch(r"([^{}]*)\{([^{}]*,[^{}]*)\}(.*)", word)
    if match is None:
        return [word]
    return [f"{match[1]}{part}{rest}" for part in match[2].split(",") for rest in expand_braces(match[3])]
