"""TRON isolation: which words are TRON, and who may say them. Where the words come from belongs elsewhere.

Only payment services of Phase 4, on a network of their own, may hold TRON; the gateway may know their URL.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

# The words, in lower case, by how they begin; of two that begin alike the longer stands first.
_WORDS = {
    "tron": ("trongrid", "tronscan", "tronstack", "tronlink", "tronweb", "tronapi", "tronpy", "tron"),
    "trc": ("trc20", "trc-20"),
    "usdt": ("usdt",),
    "payout": ("payout_router", "payoutrouter"),
    "lucid-network-isolated": ("lucid-network-isolated",),
}
# Quick to look for: what has none of them, in lower case, has no word either.
NEEDLES = ("tron", "trc20", "trc-20", "usdt", "payout", "lucid-network-isolated")
_RANDOM = re.compile(r"[A-Za-z0-9+/=_-]*", re.ASCII)
_RANDOM_START = re.compile(r"[A-Za-z0-9+/=_-]*\Z", re.ASCII)
_RANDOM_LENGTH = 40
_RANDOM_NUMBERS = 3
_TOKEN = re.compile(r"[\w.:/@-]*", re.ASCII)
_TOKEN_START = re.compile(r"[\w.:/@-]*\Z", re.ASCII)
_SHOWN = 80
_DIGITS = tuple("0123456789")
_PLATFORM_HOST = re.compile(r"lucid-[a-z0-9-]+")
_URL_NAME = re.compile(r"\w*_url", re.IGNORECASE | re.ASCII)


def tron_words(text: str) -> tuple[str, ...]:
    """Every word in `text` that speaks of TRON, as it stands there.

    A word ends at whatever is no letter or digit, and where camel case begins a new one: TronClient has one, electron,
    neutron, patron and strong have none.
    """
    return tuple(text[start:end] for start, end in _find(text))


def tron_tokens(text: str) -> tuple[str, ...]:
    """As `tron_words`, but with the identifier, host or path around each word, cut to 80 characters; each once."""
    tokens = (_around(text, start, end, _TOKEN_START, _TOKEN)[:_SHOWN] for start, end in _find(text))
    return tuple(dict.fromkeys(tokens))


def tron_variables(environment: Mapping[str, str], *, knows_payment_url: bool = False) -> tuple[str, ...]:
    """The variables, as NAME=value, whose name or value speaks of TRON.

    With `knows_payment_url`, a *_URL that names a service of the platform (`lucid-…`) is allowed.
    """
    return tuple(
        f"{name}={value}"
        for name, value in environment.items()
        if (tron_words(name) or tron_words(value)) and not (knows_payment_url and _is_payment_url(name, value))
    )


def is_payment_url_word(token: str) -> bool:
    """Whether a token of code or configuration is the name of a URL, or a host of the platform or a URL of one.

    It is what a service that may know the payment service's URL needs to say, and nothing more.
    """
    if _URL_NAME.fullmatch(token):
        return True
    host = urlsplit(token if "//" in token else f"//{token}").hostname or ""
    return _PLATFORM_HOST.fullmatch(host) is not None and host != "lucid-network-isolated"


def _find(text: str) -> Iterator[tuple[int, int]]:
    lowered = text.lower()
    spans = []
    for beginning, words in _WORDS.items():
        start = lowered.find(beginning)
        while start >= 0:
            ends = (start + len(word) for word in words if lowered.startswith(word, start))
            end = next((end for end in ends if _begins(text, start) and _ends(text, start, end)), None)
            if end and not _is_random(_around(text, start, end, _RANDOM_START, _RANDOM)):
                spans.append((start, end))
            start = lowered.find(beginning, start + 1)
    yield from sorted(spans)


def _begins(text: str, start: int) -> bool:
    before, first, second = text[start - 1 : start], text[start], text[start + 1 : start + 2]
    if not _is_letter(before) and before not in _DIGITS:
        return True
    return first.isupper() and (before.islower() or (before.isupper() and second.islower()))


def _ends(text: str, start: int, end: int) -> bool:
    after, then, last = text[end : end + 1], text[end + 1 : end + 2], text[end - 1]
    if not _is_letter(after):
        return True
    return after.isupper() and (last.islower() or (text[start:end].isupper() and _is_letter(then) and then.islower()))


def _is_letter(character: str) -> bool:
    return character.isascii() and character.isalpha()


def _is_random(run: str) -> bool:
    """Whether it looks like a key, hash or certificate in base 64: they spell every short word sooner or later."""
    numbers = len(re.findall(r"[0-9]+", run))
    return len(run) >= _RANDOM_LENGTH and numbers >= _RANDOM_NUMBERS and run != run.lower() and run != run.upper()


def _around(text: str, start: int, end: int, before: re.Pattern[str], after: re.Pattern[str]) -> str:
    left = before.search(text[max(0, start - _SHOWN) : start])
    right = after.match(text, end, end + _SHOWN)
    return (left.group() if left else "") + text[start:end] + (right.group() if right else "")


def _is_payment_url(name: str, value: str) -> bool:
    host = urlsplit(value).hostname or ""
    return name.endswith("_URL") and _PLATFORM_HOST.fullmatch(host) is not None
