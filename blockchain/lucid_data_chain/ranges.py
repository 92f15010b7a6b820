"""The Range header of a request for one chunk, by RFC 9110; reading the bytes does not belong here."""

from __future__ import annotations

import re

_RANGE = re.compile(r"bytes=[ \t]*(?:(\d{1,18})-(\d{0,18})|-(\d{1,18}))[ \t]*", re.ASCII | re.IGNORECASE)


class UnsatisfiableError(Exception):
    """The range has no byte of the content."""


def parse(header: str, size: int) -> tuple[int, int] | None:
    """Return the first and last byte (included) that a client asks for, of content with `size` bytes.

    None where the header is to be ignored, and the whole sent: it is no byte range, or has several, which a server may
    refuse to piece together. Raises UnsatisfiableError.
    """
    match = _RANGE.fullmatch(header)
    if not match:
        return None
    if match[3] is not None:
        first, last = max(0, size - int(match[3])), size - 1
    else:
        first = int(match[1])
        last = min(int(match[2] or size), size - 1)
        if match[2] and int(match[2]) < first:
            return None
    if first > last:
        raise UnsatisfiableError
    return first, last
