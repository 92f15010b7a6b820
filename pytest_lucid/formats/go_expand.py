"""`$NAME` and `${NAME}` in a text, replaced as Go's os.Expand does. Where the values come from is not decided here."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

# In os.Expand's order: `${` and one special character or a name, `${}` and an open `${`, which both vanish, one special
# character, a name. A `$` before anything else stays.
_REFERENCE = re.compile(r"\$(?:\{(?P<braced>[^}]+)\}|\{\}?|(?P<plain>[*#$@!?\-0-9]|[A-Za-z0-9_]+))")


def expand(text: str, values: Mapping[str, str]) -> str:
    """Return `text` with each reference replaced by its value; a name without a value is replaced by nothing."""
    return _REFERENCE.sub(lambda match: values.get(match["braced"] or match["plain"] or "", ""), text)
