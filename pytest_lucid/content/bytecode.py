"""Reads compiled Python files of any version without running or unmarshalling them: the header, and the words inside.

The words are those that a source file would show as identifiers and strings. Judging them does not belong here.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

HEADER = 16
_HASHED, _CHECKED = 1, 2
_MAX_DEPTH = 200
# The types of marshal's format: of a fixed size, strings with a length of one and of four bytes, sequences, and numbers
# that are written as text. A slice has three parts, and no length.
_FIXED = {**dict.fromkeys("NFTS.0", 0), "i": 4, "r": 4, "I": 8, "g": 8, "y": 16}
_SHORT = "zZ"
_LONG = "utaA"
_SEQUENCES = "([<>"
_TEXT_NUMBERS = {"f": 1, "x": 2}


@dataclass(frozen=True, slots=True)
class Bytecode:
    """The header of a .pyc file: the interpreter's magic number, and what it says of its source.

    `source_hash` is set where it is tied to its source by content, else `mtime` (seconds) and `size` (bytes) tie it.
    """

    magic: int
    checked: bool
    source_hash: bytes = b""
    mtime: int = 0
    size: int = 0


def read_header(data: bytes) -> Bytecode | None:
    """Read the first 16 bytes of a .pyc file (PEP 552); None when they are none."""
    if len(data) < HEADER or data[2:4] != b"\r\n":
        return None
    magic, flags = int.from_bytes(data[:2], "little"), int.from_bytes(data[4:8], "little")
    if flags & ~(_HASHED | _CHECKED):
        return None
    if flags & _HASHED:
        return Bytecode(magic, bool(flags & _CHECKED), source_hash=data[8:16])
    mtime, size = struct.unpack("<II", data[8:16])
    return Bytecode(magic, checked=True, mtime=mtime, size=size)


def read_words(data: bytes) -> tuple[str, ...]:
    """Return the names and strings in a .pyc file of Python 3.8 or newer, without docstrings' special place.

    Raises ValueError for what cannot be read: what is not understood must not pass for empty.
    """
    reader = _Reader(data[HEADER:])
    try:
        reader.value()
    except (IndexError, struct.error, RecursionError, UnicodeDecodeError) as error:
        raise ValueError("damaged or unknown bytecode") from error
    return tuple(dict.fromkeys(reader.words))


class _Reader:
    """Walks the marshal format and collects its strings.

    The fields of a code object differ between versions in number and order, and nothing marks their end; but each is
    itself a value or a four-byte number, and which is which follows from where the byte string of the code stands.
    """

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0
        self._depth = 0
        self.words: list[str] = []

    def value(self) -> None:
        self._depth += 1
        if self._depth > _MAX_DEPTH:
            raise ValueError("nested too deeply")
        kind = chr(self._take(1)[0] & 0x7F)
        if kind in _FIXED:
            self._take(_FIXED[kind])
        elif kind in _SHORT:
            self._word(self._take(1)[0])
        elif kind in _LONG:
            self._word(self._length())
        elif kind in _SEQUENCES:
            self._values(self._length())
        else:
            self._special(kind)
        self._depth -= 1

    def _special(self, kind: str) -> None:
        match kind:
            case ")":
                self._values(self._take(1)[0])
            case "s":
                self._take(self._length())
            case "l":
                self._take(2 * abs(struct.unpack("<i", self._take(4))[0]))
            case "f" | "x":
                for _ in range(_TEXT_NUMBERS[kind]):
                    self._take(self._take(1)[0])
            case ":":
                self._values(3)
            case "{":
                self._mapping()
            case "c":
                self._code()
            case _:
                raise ValueError(f"unknown type {kind!r}")

    def _code(self) -> None:
        # Up to six numbers stand before the code, which is a byte string: `s`, or a reference to an earlier one.
        numbers = 5 if self._is_bytes(self._at + 20) else 6
        self._take(4 * numbers)
        # code, constants, names; then 3.11 and newer: local names, their kinds, file, name, qualified name
        # and older: variables, free variables, cells, file, name.
        self._values(8)
        self._take(4)
        self._values(2 if numbers == 5 else 1)  # noqa: PLR2004 - see above: no number of locals since 3.11

    def _is_bytes(self, at: int) -> bool:
        return chr(self._data[at] & 0x7F) in "sr"

    def _mapping(self) -> None:
        while self._data[self._at] != ord("0"):
            self._values(2)
        self._take(1)

    def _values(self, count: int) -> None:
        for _ in range(count):
            self.value()

    def _length(self) -> int:
        return int(struct.unpack("<I", self._take(4))[0])

    def _word(self, length: int) -> None:
        self.words.append(self._take(length).decode("utf-8", "surrogatepass"))

    def _take(self, count: int) -> bytes:
        taken = self._data[self._at : self._at + count]
        if len(taken) != count:
            raise IndexError
        self._at += count
        return taken
