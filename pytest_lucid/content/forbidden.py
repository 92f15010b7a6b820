"""Forbidden words: finding them, and telling what a service that may know a URL needs to say.

Which words are forbidden, and to whom, is data of the matrix. Where the words come from belongs elsewhere.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cached_property
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_RANDOM = re.compile(r"[A-Za-z0-9+/=_-]*", re.ASCII)
_RANDOM_START = re.compile(r"[A-Za-z0-9+/=_-]*\Z", re.ASCII)
_RANDOM_LENGTH = 40
_RANDOM_NUMBERS = 3
_TOKEN = re.compile(r"[\w.:/@-]*", re.ASCII)
_TOKEN_START = re.compile(r"[\w.:/@-]*\Z", re.ASCII)
_SHOWN = 80
_DIGITS = tuple("0123456789")
_URL_NAME = re.compile(r"\w*_url", re.IGNORECASE | re.ASCII)


@dataclass(frozen=True)
class Vocabulary:
    """The forbidden `words`; `hosts` are the patterns of those whose URLs may be known, but for `networks`."""

    words: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()
    networks: tuple[str, ...] = ()

    @cached_property
    def beginnings(self) -> dict[str, tuple[str, ...]]:
        """The words, in lower case, by how they begin; of two that begin alike the longer stands first.

        A beginning is quick to look for: text that has none, in lower case, has no word either.
        """
        found: dict[str, list[str]] = {}
        for word in sorted({word.lower() for word in self.words}):
            beginning = next((each for each in found if word.startswith(each)), word)
            found.setdefault(beginning, []).insert(0, word)
        return {beginning: tuple(sorted(words, key=len, reverse=True)) for beginning, words in found.items()}

    @cached_property
    def _needles(self) -> tuple[bytes, ...]:
        return tuple(beginning.encode() for beginning in self.beginnings)

    def may_be_in(self, data: bytes) -> bool:
        """Whether ASCII text may hold a word: quick to say, and never wrong when it says no."""
        lowered = data.lower()
        for needle in self._needles:  # noqa: SIM110 - this runs on every byte of an image, and a generator costs as much again
            if needle in lowered:
                return True
        return False

    def found_in(self, text: str) -> tuple[str, ...]:
        """Every word in `text`, as it stands there.

        A word ends at whatever is no letter or digit, and where camel case begins a new one: with `tron` forbidden,
        TronClient has one, and electron, neutron, patron and strong have none.
        """
        return tuple(text[start:end] for start, end in self._find(text))

    def tokens_in(self, text: str) -> tuple[str, ...]:
        """As `found_in`, but with the identifier, host or path around each word, cut to 80 characters; each once."""
        tokens = (_around(text, start, end, _TOKEN_START, _TOKEN)[:_SHOWN] for start, end in self._find(text))
        return tuple(dict.fromkeys(tokens))

    def variables(self, environment: Mapping[str, str], *, knows_url: bool = False) -> tuple[str, ...]:
        """The variables, as NAME=value, with a word in name or value; with `knows_url`, but for a *_URL of a host."""
        return tuple(
            f"{name}={value}"
            for name, value in environment.items()
            if (self.found_in(name) or self.found_in(value)) and not (knows_url and self._is_url(name, value))
        )

    def is_url_word(self, token: str) -> bool:
        """Whether a token of code or configuration is the name of a URL, or a host of `hosts` or a URL of one.

        It is what a service that may know such a URL needs to say, and nothing more.
        """
        if _URL_NAME.fullmatch(token):
            return True
        host = urlsplit(token if "//" in token else f"//{token}").hostname or ""
        return self._is_host(host) and host not in self.networks

    def _is_url(self, name: str, value: str) -> bool:
        return name.endswith("_URL") and self._is_host(urlsplit(value).hostname or "")

    def _is_host(self, host: str) -> bool:
        return "." not in host and any(fnmatchcase(host, pattern) for pattern in self.hosts)

    def _find(self, text: str) -> Iterator[tuple[int, int]]:
        lowered = text.lower()
        spans = []
        for beginning, words in self.beginnings.items():
            start = lowered.find(beginning)
            while start >= 0:
                ends = (start + len(word) for word in words if lowered.startswith(word, start))
                end = next((end for end in ends if _begins(text, start) and _ends(text, start, end)), None)
                if end and not _is_random(_around(text, start, end, _RANDOM_START, _RANDOM)):
                    spans.append((start, end))
                start = lowered.find(beginning, start + 1)
        yield from sorted(spans)


NOTHING = Vocabulary()


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
