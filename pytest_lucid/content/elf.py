"""Reads the headers of ELF files: what a program is built for and what it needs to start. Nothing of its code.

Written by hand, because a handful of fields is all that the checks ask, and the libraries for it carry whole debuggers.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import IO

MAGIC = b"\x7fELF"
# The names that container engines use, by e_machine of the ELF specification and the word size in bits.
ARCHITECTURES = {
    (62, 64): "amd64",
    (183, 64): "arm64",
    (3, 32): "386",
    (40, 32): "arm",
    (243, 64): "riscv64",
    (21, 64): "ppc64le",
    (22, 64): "s390x",
}
_LOAD, _DYNAMIC, _INTERPRETER = 1, 2, 3
_NEEDED, _STRINGS, _SONAME, _RPATH, _RUNPATH, _FLAGS_1 = 1, 5, 14, 15, 29, 0x6FFFFFFB
_EXECUTABLE, _SHARED = 2, 3
_PIE = 0x08000000
# More than any real file has; a header that claims more is damaged.
_MAX_HEADERS = 512
_MAX_TABLE = 1 << 22


@dataclass(frozen=True, slots=True)
class Elf:
    """One ELF file: its architecture as engines name it, its loader, and the libraries it asks for."""

    architecture: str
    program: bool
    interpreter: str = ""
    needed: tuple[str, ...] = ()
    search: tuple[str, ...] = ()
    soname: str = ""


def read_elf(file: IO[bytes]) -> Elf | None:
    """Read the headers of a seekable file; None when it is no executable or shared ELF file, or a damaged one."""
    try:
        return _read(file)
    except (struct.error, ValueError, IndexError):
        return None


def _read(file: IO[bytes]) -> Elf | None:
    file.seek(0)
    ident = file.read(16)
    if ident[:4] != MAGIC or ident[4] not in (1, 2) or ident[5] not in (1, 2):
        return None
    wide = ident[4] == 2  # noqa: PLR2004 - ELFCLASS64
    order = "<" if ident[5] == 1 else ">"
    form = order + ("HHIQQQIHHHHHH" if wide else "HHIIIIIHHHHHH")
    kind, machine, _, _, offset, _, _, _, size, count, *_ = struct.unpack(form, file.read(struct.calcsize(form)))
    if kind not in (_EXECUTABLE, _SHARED) or count > _MAX_HEADERS:
        return None
    architecture = ARCHITECTURES.get((machine, 64 if wide else 32), f"machine {machine}")
    segments = [_segment(_at(file, offset + i * size, size), order, wide=wide) for i in range(count)]
    interpreter = next((_at(file, at, length) for kind_, at, _, length in segments if kind_ == _INTERPRETER), b"")
    dynamic = next(((at, length) for kind_, at, _, length in segments if kind_ == _DYNAMIC), None)
    tags = _tags(_at(file, *dynamic), order, wide=wide) if dynamic else []
    values = dict(tags)
    table = b""
    if strings := values.get(_STRINGS):
        start = next(
            (at + strings - vaddr for k, at, vaddr, n in segments if k == _LOAD and vaddr <= strings < vaddr + n), 0
        )
        table = _at(file, start, _MAX_TABLE, exact=False)

    def text(at: int) -> str:
        return table[at : table.index(b"\0", at)].decode("utf-8", "replace")

    search = [text(at) for tag, at in tags if tag in (_RPATH, _RUNPATH)]
    soname = text(values[_SONAME]) if _SONAME in values else ""
    return Elf(
        architecture=architecture,
        program=kind == _EXECUTABLE or bool(interpreter) or bool(values.get(_FLAGS_1, 0) & _PIE),
        interpreter=interpreter.rstrip(b"\0").decode("utf-8", "replace"),
        needed=tuple(text(at) for tag, at in tags if tag == _NEEDED),
        search=tuple(folder for path in search for folder in path.split(":") if folder),
        soname=soname,
    )


def _at(file: IO[bytes], offset: int, length: int, *, exact: bool = True) -> bytes:
    file.seek(offset)
    data = file.read(min(length, _MAX_TABLE))
    if exact and len(data) != length:
        raise ValueError(f"{length} bytes expected at {offset}, got {len(data)}")
    return data


def _segment(data: bytes, order: str, *, wide: bool) -> tuple[int, int, int, int]:
    """Return type, offset, address and length in the file of a program header."""
    if wide:
        kind, _, offset, address, _, length, _, _ = struct.unpack_from(order + "IIQQQQQQ", data)
    else:
        kind, offset, address, _, length, _, _, _ = struct.unpack_from(order + "IIIIIIII", data)
    return kind, offset, address, length


def _tags(data: bytes, order: str, *, wide: bool) -> list[tuple[int, int]]:
    form = order + ("QQ" if wide else "II")
    usable = len(data) - len(data) % struct.calcsize(form)
    found = []
    for tag, value in struct.iter_unpack(form, data[:usable]):
        if tag == 0:
            break
        found.append((tag, value))
    return found
