"""TRON isolation: which words are TRON, and who may say them. Where the words come from belongs elsewhere.

Only payment services of Phase 4, on a network of their own, may hold TRON; the gateway may know their URL.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Mapping

# Whole words, where `_`, `-`, `.` and `/` end a word: electron, neutron, patron and strong are none of them.
WORD = re.compile(
    r"(?<![a-z0-9])(?:tron(?:grid|scan|stack|link|web|api|py)?|trc-?20|usdt|payout_router)(?![a-z0-9])", re.IGNORECASE
)


def tron_words(text: str) -> tuple[str, ...]:
    """Every word in `text` that speaks of TRON, as it stands there."""
    return tuple(match.group() for match in WORD.finditer(text))


def tron_variables(environment: Mapping[str, str], *, knows_payment_url: bool = False) -> tuple[str, ...]:
    """The variables, as NAME=value, whose name or value speaks of TRON.

    With `knows_payment_url`, a *_URL that names a service of the platform (`lucid-…`) is allowed.
    """
    return tuple(
        f"{name}={value}"
        for name, value in environment.items()
        if (tron_words(name) or tron_words(value)) and not (knows_payment_url and _is_payment_url(name, value))
    )


def _is_payment_url(name: str, value: str) -> bool:
    host = urlsplit(value).hostname or ""
    return name.endswith("_URL") and re.fullmatch(r"lucid-[a-z0-9-]+", host) is not None
