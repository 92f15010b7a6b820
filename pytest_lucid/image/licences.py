"""The licence of a Python distribution, from its own metadata, as an SPDX expression; whether a policy allows it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection

    from pytest_lucid.image.packages import Distribution

_PREFIX = "License :: "
# What the classifiers of the Python Package Index mean, where they say one licence.
_CLASSIFIERS = {
    "OSI Approved :: MIT License": "MIT",
    "OSI Approved :: MIT No Attribution License (MIT-0)": "MIT-0",
    "OSI Approved :: Apache Software License": "Apache-2.0",
    "OSI Approved :: BSD License": "BSD-3-Clause",
    "OSI Approved :: ISC License (ISCL)": "ISC",
    "OSI Approved :: Python Software Foundation License": "PSF-2.0",
    "OSI Approved :: Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
    "OSI Approved :: The Unlicense (Unlicense)": "Unlicense",
    "OSI Approved :: GNU General Public License v2 (GPLv2)": "GPL-2.0-only",
    "OSI Approved :: GNU General Public License v3 (GPLv3)": "GPL-3.0-only",
    "OSI Approved :: GNU General Public License v3 or later (GPLv3+)": "GPL-3.0-or-later",
    "OSI Approved :: GNU Lesser General Public License v3 (LGPLv3)": "LGPL-3.0-only",
    "OSI Approved :: GNU Affero General Public License v3": "AGPL-3.0-only",
}
# What the free text says in well-known packages that state their licence nowhere else.
_TEXTS = {"3-Clause BSD License": "BSD-3-Clause", "BSD 3-Clause License": "BSD-3-Clause", "MIT License": "MIT"}
_EXPRESSION = re.compile(r"[A-Za-z0-9.+-]+( (AND|OR|WITH) [A-Za-z0-9.+-]+)*")
_MOST_BRACKETS = 50
_TOKEN = re.compile(r"\(|\)|[A-Za-z0-9.+:-]+")


def licence_of(distribution: Distribution) -> str:
    """Return its SPDX expression; empty where the metadata does not say.

    The field for expressions (PEP 639) counts first, then the classifiers, then the free text where it is one word, an
    expression, or a text that is known to mean one licence.
    """
    if stated := distribution.metadata.get("license-expression"):
        return stated[0].strip()
    classifiers = distribution.metadata.get("classifier", ())
    known = [_CLASSIFIERS.get(c.removeprefix(_PREFIX), c) for c in classifiers if c.startswith(_PREFIX)]
    if known:
        return " AND ".join(known)
    text = distribution.metadata.get("license", ("",))[0].strip()
    return text if _EXPRESSION.fullmatch(text) else _TEXTS.get(text, "")


def is_allowed(expression: str, allowed: Collection[str]) -> bool:
    """Whether a policy of allowed licences lets one use what is offered under an SPDX expression."""
    # The parser below calls itself for each bracket; no licence has so many.
    tokens = _TOKEN.findall(expression) if expression.count("(") <= _MOST_BRACKETS else []
    verdict, rest = _either(tokens, allowed) if tokens else (False, [])
    return verdict and not rest


def _either(tokens: list[str], allowed: Collection[str]) -> tuple[bool, list[str]]:
    verdict, rest = _both(tokens, allowed)
    while rest[:1] == ["OR"]:
        other, rest = _both(rest[1:], allowed)
        verdict = verdict or other
    return verdict, rest


def _both(tokens: list[str], allowed: Collection[str]) -> tuple[bool, list[str]]:
    verdict, rest = _one(tokens, allowed)
    while rest[:1] == ["AND"]:
        other, rest = _one(rest[1:], allowed)
        verdict = verdict and other
    return verdict, rest


def _one(tokens: list[str], allowed: Collection[str]) -> tuple[bool, list[str]]:
    if tokens[:1] == ["("]:
        verdict, rest = _either(tokens[1:], allowed)
        return verdict and rest[:1] == [")"], rest[1:]
    name, rest = "".join(tokens[:1]), tokens[1:]
    if rest[:1] == ["WITH"]:
        # An exception only permits more.
        rest = rest[2:]
    return name in allowed, rest
