"""What BuildKit refuses in a file whose instructions are whole, after expansion: references, mounts, modes, signals.

A value that some variable leaves open is not judged. The rules are those of BuildKit's `dockerfile/instructions` and of
`distribution/reference`.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pytest_lucid.dockerfile.reference import split_reference
from pytest_lucid.dockerfile.syntax import Problem

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_lucid.dockerfile.facts import Copy, DockerfileFacts, RunInstruction
    from pytest_lucid.dockerfile.syntax import Instruction

_PART = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_REPOSITORY = re.compile(rf"{_PART}(?:/{_PART})*")
_TAG = re.compile(r"\w[\w.-]{0,127}")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}|sha384:[0-9a-f]{96}|sha512:[0-9a-f]{128}")
_COMMIT = re.compile(r"[0-9a-f]{7,64}")
# A variable may hold a URL.
_REMOTE = re.compile(r"://|git@|\$")
_OCTAL = re.compile(r"[0-7]{1,5}")
_SYMBOLIC = re.compile(r"[ugoa]*[-+=](?:[rwxXst]*|[ugo])(?:[-+=](?:[rwxXst]*|[ugo]))*")
_KEYS = {
    "type": "",
    "from": "bind cache",
    "source": "bind cache",
    "src": "bind cache",
    "target": "",
    "dst": "",
    "destination": "",
    "readonly": "",
    "ro": "",
    "readwrite": "",
    "rw": "",
    "required": "secret ssh",
    "size": "tmpfs",
    "id": "cache secret ssh",
    "sharing": "cache",
    "mode": "cache secret ssh",
    "uid": "cache secret ssh",
    "gid": "cache secret ssh",
    "env": "secret",
}
_ALONE = frozenset({"readonly", "ro", "readwrite", "rw", "required"})
_TYPES = ("bind", "cache", "secret", "ssh", "tmpfs")
_SHARING = ("shared", "private", "locked")
_CHOICES = {"network": ("default", "none", "host"), "security": ("sandbox", "insecure")}
_SWITCHES = frozenset({"link", "parents", "keep-git-dir", "unpack"})
_NAMES = (
    "ABRT ALRM BUS CHLD CLD CONT FPE HUP ILL INT IO IOT KILL PIPE POLL PROF PWR QUIT SEGV STKFLT STOP SYS TERM TRAP "
    "TSTP TTIN TTOU URG USR1 USR2 VTALRM WINCH XCPU XFSZ RTMIN RTMAX"
)
_REAL_TIME = (*(f"RTMIN+{n}" for n in range(1, 16)), *(f"RTMAX-{n}" for n in range(1, 15)))
_SIGNALS = frozenset((*_NAMES.split(), *_REAL_TIME))
_SHOWN = 60


def refusals(facts: DockerfileFacts) -> Iterator[Problem]:
    """Yield what BuildKit refuses, in no particular order."""
    for image in facts.images:
        if not image.unset and (why := reference_problem(image.value)):
            yield Problem("reference", image.line, f"{image.value[:_SHOWN]}: {why}.")
    for stage in facts.stages:
        for copy in stage.own_copies:
            yield from _of_copy(copy)
        for run in stage.own_runs:
            yield from (Problem("mount", run.line, f"--mount: {why}.") for why in _of_mounts(run))
        signal = stage.stop_signal
        if signal and not signal.unset and (stage.parent is None or signal is not stage.parent.stop_signal):
            name = signal.value.upper().removeprefix("SIG")
            if name not in _SIGNALS and not (name.isdecimal() and int(name)):
                yield Problem("signal", signal.line, f"STOPSIGNAL: {signal.value[:_SHOWN]!r} is no signal.")
    for instruction in facts.source.instructions:
        yield from _of_flags(instruction)


def reference_problem(text: str) -> str:
    """Why a reference to an image cannot be one; "" when it can."""
    name, tag, digest = split_reference(text)
    first, slash, inner = name.partition("/")
    has_domain = slash and (set(first) & set(".:") or first == "localhost" or first != first.lower())
    repository = inner if has_domain else name
    if repository != repository.lower():
        return "the name of an image has lower-case letters only"
    if not _REPOSITORY.fullmatch(repository):
        return "this is no reference to an image"
    if tag is not None and not _TAG.fullmatch(tag):
        return f"the tag {tag[:_SHOWN]!r} is no tag" if tag else "the tag behind the colon is missing"
    if digest is not None and not _DIGEST.fullmatch(digest):
        return "the digest is not sha256: and 64 hexadecimal digits"
    return ""


def _of_copy(copy: Copy) -> Iterator[Problem]:
    mode = copy.chmod
    if mode is not None and not copy.unset and not (_OCTAL.fullmatch(mode) or _is_symbolic(mode)):
        yield Problem("chmod", copy.line, f"--chmod={mode[:_SHOWN]}: expected a mode such as 0755 or u=rwX,go=rX.")


def _is_symbolic(mode: str) -> bool:
    return all(_SYMBOLIC.fullmatch(part) for part in mode.split(","))


def _of_mounts(run: RunInstruction) -> Iterator[str]:
    for mount in run.mounts:
        fields = [field.partition("=") for field in mount.split(",")]
        kind = next((value for key, _, value in fields if key.lower() == "type"), "bind")
        if "$" in mount or '"' in mount:
            continue
        if kind not in _TYPES:
            yield f"the type {kind[:_SHOWN]!r} is none of {', '.join(_TYPES)}"
            continue
        for key, equals, value in fields:
            yield from _of_field(kind, key.lower(), equals, value)


def _of_field(kind: str, key: str, equals: str, value: str) -> Iterator[str]:
    if key not in _KEYS:
        yield f"{key[:_SHOWN]!r} is no key of a mount"
    elif not equals and key not in _ALONE:
        yield f"{key} needs a value"
    elif key == "sharing" and value not in _SHARING:
        yield f"sharing is one of {', '.join(_SHARING)}, not {value[:_SHOWN]!r}"
    elif key == "required" and kind not in {"secret", "ssh"}:
        yield f"required does not go with the type {kind}"
    elif key in {"size", "sharing", "env"} and kind not in _KEYS[key].split():
        yield f"{key} does not go with the type {kind}"


def _of_flags(instruction: Instruction) -> Iterator[Problem]:
    inner = instruction.trigger or instruction
    for flag in inner.flags:
        value = (flag.value or "").lower()
        if "$" in value:
            continue
        if flag.name in _CHOICES and inner.name == "RUN" and value not in _CHOICES[flag.name]:
            known = " or ".join(_CHOICES[flag.name])
            yield Problem("flag", instruction.line, f"--{flag.name}={value[:_SHOWN]}: expected {known}.")
        elif flag.name in _SWITCHES and flag.value is not None and value not in {"true", "false"}:
            yield Problem("flag", instruction.line, f"--{flag.name}={value[:_SHOWN]}: expected true or false.")
        elif flag.name == "checksum" and inner.name == "ADD" and not _REMOTE.search(inner.arguments):
            yield Problem("flag", instruction.line, "--checksum: what comes from the build context takes none.")
        elif flag.name == "checksum" and not (_DIGEST.fullmatch(value) or _COMMIT.fullmatch(value)):
            message = f"--checksum={value[:_SHOWN]}: expected sha256: and 64 hexadecimal digits, or a commit."
            yield Problem("flag", instruction.line, message)
