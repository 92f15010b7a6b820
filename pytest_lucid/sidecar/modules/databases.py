"""The target's user database: entries of passwd, group and shadow as glibc's lookups find them."""

from __future__ import annotations

from dataclasses import dataclass

# Those of a group; a user has three more, which may be missing.
FEWEST = 4
OF_USER = 7


def entries(content: bytes) -> list[list[str]]:
    """Split each line of a database into its fields; lines with too few are left out."""
    lines = content.decode("utf-8", "surrogateescape").split("\n")
    return [line.split(":") for line in lines if line.count(":") >= FEWEST - 1 and not line.startswith("#")]


def find(content: bytes, key: str) -> list[str] | None:
    """Return the entry with this name, else with this number; None without one."""
    found = entries(content)
    by_name = next((entry for entry in found if entry[0] == key), None) if key else None
    number = key.removeprefix("+")
    if by_name or not number.isdigit():
        return by_name
    return next((entry for entry in found if entry[2:3] == [str(int(number))]), None)


def names_of(content: bytes) -> dict[int, str]:
    """Return number → name, the first entry of a number first."""
    found: dict[int, str] = {}
    for entry in entries(content):
        if entry[2:3] and entry[2].isdigit():
            found.setdefault(int(entry[2]), entry[0])
    return found


@dataclass(frozen=True)
class Account:
    """A user: the passwd entry, and all groups, the own one first."""

    entry: list[str]
    gids: tuple[int, ...]

    @classmethod
    def of(cls, name: str, passwd: bytes, group: bytes) -> Account | None:
        """Find the user called `name`, or of that number; None where there is none."""
        entry = find(passwd, name)
        if entry is None:
            return None
        entry = [*entry, *[""] * (OF_USER - len(entry))]
        if not (entry[2].isdigit() and entry[3].isdigit()):
            return None
        others = (int(each[2]) for each in entries(group) if each[2].isdigit() and entry[0] in each[3].split(","))
        return cls(entry, tuple(dict.fromkeys((int(entry[3]), *others))))
