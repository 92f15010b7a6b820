"""What is said where the folder for temporary files has no room. What goes there belongs to the others."""

from __future__ import annotations

import errno
import tempfile
from contextlib import contextmanager
from typing import TYPE_CHECKING

from pytest_lucid.errors import EngineError

if TYPE_CHECKING:
    from collections.abc import Iterator

# Only writing ends like this.
_FULL = (errno.ENOSPC, errno.EFBIG, getattr(errno, "EDQUOT", errno.ENOSPC))


@contextmanager
def temporary_room(what: str) -> Iterator[None]:
    """Turn a full disk into one EngineError that says for `what` there is no room; other errors go on."""
    try:
        yield
    except OSError as error:
        # The SDK wraps what happens while it packs a folder.
        cause = error.__cause__ if isinstance(error.__cause__, OSError) else error
        if cause.errno not in _FULL:
            raise
        raise EngineError(
            f"{tempfile.gettempdir()} of this machine has no room for {what} ({cause.strerror}); make room there, or "
            "name another folder in TMPDIR"
        ) from error
