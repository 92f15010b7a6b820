"""Programs of a few hundred bytes, written here as machine code, for what no applet of busybox can ask the kernel for.

They are written into the memory of the sidecar; see elf(5).
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

LOAD_ADDRESS = 0x400000
HEADERS_BYTES = 64 + 56
READABLE_EXECUTABLE = 5
# By the engine's name of an architecture: its number in elf.h.
MACHINES = {"amd64": 62, "arm64": 183}
# Several sessions may start at once: the finished program appears under its name.
BRING = "[ -x {path} ] || {{ printf '{data}' >{path}.$$ && chmod 700 {path}.$$ && mv {path}.$$ {path}; }} || exit 126; "


def executable(architecture: str, listings: Mapping[str, str], data: bytes = b"") -> bytes | None:
    """Return a static ELF executable of the instructions (hexadecimal) for `architecture`, and of `data` behind them.

    None for an architecture that is not in `listings`.
    """
    if architecture not in listings:
        return None
    code = bytes.fromhex(listings[architecture]) + data
    size = HEADERS_BYTES + len(code)
    identity = b"\x7fELF" + bytes([2, 1, 1]) + bytes(9)
    entry = LOAD_ADDRESS + HEADERS_BYTES
    header = struct.pack("<HHIQQQIHHHHHH", 2, MACHINES[architecture], 1, entry, 64, 0, 0, 64, 56, 1, 0, 0, 0)
    segment = struct.pack("<IIQQQQQQ", 1, READABLE_EXECUTABLE, 0, LOAD_ADDRESS, LOAD_ADDRESS, size, size, 0x10000)
    return identity + header + segment + code


def bringing(path: str, program: bytes) -> str:
    """Return the beginning of a shell command that writes `program` to `path`, unless it is there."""
    return BRING.format(path=path, data="".join(f"\\{byte:03o}" for byte in program))
