"""TOML, which Python's own library reads from 3.11 on, and the tables that this package carries as files."""

from __future__ import annotations

import sys
from importlib.resources import files
from typing import Any

if sys.version_info >= (3, 11):
    from tomllib import TOMLDecodeError, loads
else:
    from tomli import TOMLDecodeError, loads

__all__ = ["TOMLDecodeError", "loads", "packaged"]


def packaged(package: str, name: str) -> dict[str, Any]:
    """The table in the file `name` of `package`."""
    return loads((files(package) / name).read_text("utf-8"))
