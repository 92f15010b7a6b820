"""Rules about who can write what in the image: a service writes its storage, and nothing of its own code."""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING

from pytest_lucid.audit.rootfs.rootfs import is_within

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_lucid.audit.finding import Finding
    from pytest_lucid.audit.rootfs.rootfs import BuildEntry
    from pytest_lucid.audit.subject import Subject
    from pytest_lucid.dockerfile.facts import StageFacts

_NAMES = {"root": "0", "nonroot": "65532", "nobody": "65534"}
_ATTACK = "an attacker in the service can replace the code. Leave it to root (COPY without --chown); reading is enough."
_LOGS = re.compile(r"(?:.*_)?LOGS?_(?:DIR|DIRECTORY|FOLDER|PATH|FILE)")
# Everybody can write these in any image.
_OPEN = frozenset({"/", "/tmp", "/var/tmp", "/dev/shm"})  # noqa: S108 - read, not used
_CODE = (".py", ".so", ".pyc", ".sh")


def writable_code(subject: Subject) -> Iterator[Finding]:
    """Code that belongs to the user or the group that runs it, or that anybody can write."""
    user, group = _user(subject), _group(subject)
    if user in {None, "0"}:
        return
    seen = set()
    for entry in subject.files.entries:
        if entry.line in seen or not _is_code(subject, entry):
            continue
        why, cause = "", f"owner {entry.owner}"
        # Where the base's own working folder is, nobody says.
        where = "the working folder" if entry.path == "/" else entry.path
        if entry.open:
            cause = "anybody"
            why = f"Anybody can write the code in {where}"
        elif _number(subject, entry.owner) == user:
            why = f"The code in {where} belongs to {entry.owner}, the user that runs it"
        elif entry.group_open and group is not None and _group_number(subject, entry.group) == group:
            cause = f"group {entry.group}"
            why = f"The group {entry.group}, which runs the code in {where}, can write it"
        if why:
            seen.add(entry.line)
            word = "--chmod" if entry.open else "--chown"
            yield subject.at(entry.line, f"{why}: {_ATTACK}", word, cause)


def unwritable_storage(subject: Subject) -> Iterator[Finding]:
    """A storage path of the matrix that the user cannot write, or that the image does not have."""
    user, final = _user(subject), subject.final
    if user in {None, "0"} or final is None:
        return
    stated = dict.fromkeys(subject.row.storage or (), ("storage path", final.line))
    mounted = (subject.row.hardening.tmpfs if subject.row.hardening else None) or ()
    for path, (what, line) in {**_written(final), **stated}.items():
        if any(is_within(path, place) for place in mounted):
            continue
        holding = [entry for entry in reversed(subject.files.entries) if is_within(path, entry.path)]
        own = next((entry for entry in holding if entry.kind in {"folder", "context"}), None)
        if own is not None and (own.path == path or own.kind == "context"):
            if own.owner is not None and _number(subject, own.owner) != user and not own.open:
                yield subject.at(
                    own.line, f"The {what} {path} belongs to {own.owner}, and the service is {user}.", "--chown"
                )
        elif not any(entry.kind == "unknown" for entry in holding) and not any(subject.files.below(path)):
            yield subject.at(line, f"Nothing makes the {what} {path}, so it will belong to root.", path)


def _written(final: StageFacts) -> dict[str, tuple[str, int]]:
    """The folders that an image itself says that its service writes: volumes, and folders of logs in variables."""
    found = {posixpath.normpath(volume.value): ("volume", volume.line) for volume in final.volumes}
    for name, located in final.env.items():
        value = located.value
        if _LOGS.fullmatch(name) and value.startswith("/") and not is_within(value, "/dev"):
            # A file belongs to whoever can write its folder.
            folder = posixpath.dirname(value) if name.endswith("FILE") else value
            found[posixpath.normpath(folder)] = ("folder of logs", located.line)
    return {path: reason for path, reason in found.items() if path not in _OPEN}


def _is_code(subject: Subject, entry: BuildEntry) -> bool:
    if entry.install is not None:
        return entry.part == "modules"
    if entry.kind == "context":
        return any(path.endswith(_CODE) for path in subject.context.files(entry.source))
    return False


def _user(subject: Subject) -> str | None:
    """The number of the user that the image runs as; its name where no number is known."""
    final, base = subject.final, subject.base
    if final is None:
        return None
    if final.user is None:
        return base.user if base else None
    return _number(subject, final.user.value.partition(":")[0])


def _group(subject: Subject) -> str | None:
    """The number of the group that the image runs as; of a user without a stated group that of the user, or 0."""
    final = subject.final
    if final is None or final.user is None:
        return None
    name, _, group = final.user.value.partition(":")
    if group:
        return _NAMES.get(group, group)
    made = subject.files.users.get(name)
    if made is not None:
        return made.group or made.number
    # The engine takes group 0 for a number that /etc/passwd does not have.
    return "0" if name.isdigit() and name not in _NAMES.values() else _NAMES.get(name)


def _number(subject: Subject, name: str | None) -> str | None:
    if name is None:
        return None
    made = subject.files.users.get(name)
    return made.number or name if made else _NAMES.get(name, name)


def _group_number(subject: Subject, name: str | None) -> str | None:
    if name is None:
        return None
    made = subject.files.users.get(name)
    return (made.group or made.number or name) if made else _NAMES.get(name, name)
