"""Reading a text file that people edit, with any editor, or that others provide."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_lucid.errors import ConfigError

if TYPE_CHECKING:
    from pathlib import Path

# Editors of Windows put it in front of UTF-8.
BYTE_ORDER_MARK = "\ufeff"
LARGEST_BYTES = 1024 * 1024


def read_text(file: Path, expected: str) -> str:
    """The text of `file`, without a byte order mark.

    Raises ConfigError, which says what was `expected`, where it is not there, not UTF-8, or longer than 1 MiB.
    """
    try:
        with file.open("rb") as stream:
            data = stream.read(LARGEST_BYTES + 1)
    except FileNotFoundError as error:
        raise ConfigError(f"{file}: no such file; expected {expected}") from error
    except OSError as error:
        raise ConfigError(f"{file}: cannot be read ({error.strerror}); expected {expected}") from error
    if len(data) > LARGEST_BYTES:
        raise ConfigError(f"{file}: longer than {LARGEST_BYTES} bytes; expected {expected}")
    try:
        # As text files are read: any end of a line is one.
        text = data.decode("utf-8").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        raise ConfigError(f"{file}: not UTF-8 (byte {error.start}); expected {expected}") from error
    return text.removeprefix(BYTE_ORDER_MARK)
