"""Takes both outputs of an exec apart, which the engine sends over one connection."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

HEADER_BYTES = 8
STDERR = 2


def take_frames(arrived: bytearray) -> Iterator[tuple[int, bytearray]]:
    """Yield stream and payload of each complete frame; at the end remove what was taken from `arrived`.

    A frame is one byte that names the stream, three of padding, four of length, the payload (Engine API, "attach").
    """
    start = 0
    while len(arrived) - start >= HEADER_BYTES:
        end = start + HEADER_BYTES + int.from_bytes(arrived[start + 4 : start + HEADER_BYTES], "big")
        if len(arrived) < end:
            break
        yield arrived[start], arrived[start + HEADER_BYTES : end]
        start = end
    del arrived[:start]
