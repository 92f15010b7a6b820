"""Hides secrets in text that people will read, by the rules that find them in images, and more readily than those.

Finding must not cry wolf; hiding may: a hidden word too many costs nothing. Whatever a report shows passes `mask`.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pytest_lucid.content.inert import inert, is_active
from pytest_lucid.content.secret_shapes import RULES
from pytest_lucid.content.secrets import MNEMONIC, telling_names

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

MASK = "***"
# What is shorter comes about by chance: masking it would hide half of a report.
_SHORTEST_KNOWN = 6
_SEQUENCE = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-_])")
# After a telling name: perhaps quotes (escaped ones too), `:` or `=` (`,` between quotes), and the value.
_VALUE = re.compile(
    rb"[a-z0-9_-]{0,24}(?:\\*[\"']\s{0,4},\s{0,4}(?=\\*[\"'])|\\*[\"']?\]?\s{0,4}(?::\s{0,2}str\s{0,2}=|:=|=>|[:=])\s{0,4})"
    rb"(?:b(?=[\"']))?(?:\\*\"(?P<double>(?:[^\"\\]|\\[^\"])+)|\\*'(?P<single>(?:[^'\\]|\\[^'])+)"
    rb"|(?P<scheme>(?:bearer|basic|token)\s+)?(?P<plain>[^\s,;&\"'<>)\]}]+))",
    re.IGNORECASE,
)
_OPTION = re.compile(rb"[a-z0-9_-]{0,24}\s+(?P<plain>[^\s\"'<>-][^\s\"'<>]*)", re.IGNORECASE)
# No values: what stands for one, what says that there is none, and the name of a variable.
_HARMLESS = re.compile(
    rb"\$.*|%\(?\w+\)?s?|\{.*|(?i:none|null|true|false|missing|unset|empty)|\*+|[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+|[\[(\\|]*"
)
_SHAPES = (
    *(rule.pattern for rule in RULES),
    MNEMONIC,
    re.compile(rb"://[^\s/:@\"'<>]*:(?P<value>[^\s\"'<>]+)@"),
    re.compile(rb"-----BEGIN [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----(?P<value>.*?)(?:(?=-----END)|\Z)", re.DOTALL),
    # The end of a key whose beginning is no longer there.
    re.compile(rb"(?P<value>(?:[A-Za-z0-9+/=]{16,}(?:\s|\\n)+)+)-----END [A-Z0-9 ]*PRIVATE KEY"),
    re.compile(rb"\b(?:bearer|basic)\s+(?P<value>[A-Za-z0-9._~+/=-]{8,})", re.IGNORECASE),
)


def mask(text: str, known: Collection[str] = ()) -> str:
    """The text with `***` for each secret; `known` are values that are secrets whatever they look like.

    Colours and other control sequences amid a secret do not save it from being seen.
    """
    plain, places = _without_sequences(text)
    data = plain.encode("latin-1", "replace")  # one byte for each character
    spans = [*_known(plain, known), *_shapes(data), *_assigned(data, plain)]
    shown: list[str] = []
    at = 0
    for start, end in _joined(spans):
        first, last = places[start], places[end - 1] + 1
        shown += [text[at:first], MASK]
        at = last
    return "".join((*shown, text[at:]))


def clean(text: str, known: Collection[str] = ()) -> str:
    """What may be shown of text that is not ours: without secrets, and inert."""
    return inert(mask(text, known))


def _without_sequences(text: str) -> tuple[str, list[int]]:
    """What a reader would see, and where each of its characters stands in the text."""
    if text.isascii() and text.replace("\n", "").isprintable():
        return text, list(range(len(text)))
    hidden = {at for match in _SEQUENCE.finditer(text) for at in range(*match.span())}
    places = [at for at, each in enumerate(text) if at not in hidden and (each in "\r\n" or not is_active(each))]
    return "".join(text[at] for at in places), places


def _known(plain: str, known: Collection[str]) -> Iterator[tuple[int, int]]:
    for value in known:
        if len(value) >= _SHORTEST_KNOWN:
            yield from (match.span() for match in re.finditer(re.escape(value), plain))


def _shapes(data: bytes) -> Iterator[tuple[int, int]]:
    for pattern in _SHAPES:
        for match in pattern.finditer(data):
            yield match.span("value") if "value" in pattern.groupindex else match.span()


def _assigned(data: bytes, plain: str) -> Iterator[tuple[int, int]]:
    for at in telling_names(data.lower()):
        match = _VALUE.match(data, at) or (_OPTION.match(data, at) if _is_option(data, at) else None)
        if match is None or match.lastgroup is None:
            continue
        value = match[match.lastgroup]
        start, end = match.span(match.lastgroup)
        # The mask shows the length of what a rule found, and no character of the value.
        if not _HARMLESS.fullmatch(value) and not plain.startswith(" characters", end):
            yield start, end


def _is_option(data: bytes, at: int) -> bool:
    return re.search(rb"(?:^|\s)--?[\w-]*$", data[max(0, at - 30) : at]) is not None


def _joined(spans: list[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """The spans in order, those that overlap as one."""
    current: tuple[int, int] | None = None
    for start, end in sorted(span for span in spans if span[0] < span[1]):
        if current and start <= current[1]:
            current = (current[0], max(current[1], end))
            continue
        if current:
            yield current
        current = (start, end)
    if current:
        yield current
