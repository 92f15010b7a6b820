"""Rules about base images by the calendar of support; the dates and their sources are data: support.toml."""

from __future__ import annotations

import datetime as dt
import re
from functools import cache
from typing import TYPE_CHECKING, Any

from pytest_lucid.audit.known_bases import read_base
from pytest_lucid.config import toml

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_lucid.audit.finding import Finding
    from pytest_lucid.audit.subject import Subject


def unsupported_bases(subject: Subject) -> Iterator[Finding]:
    """A base image, of any stage that the final one is made from, whose support has ended."""
    today = dt.datetime.now(tz=dt.timezone.utc).date()
    for stage in subject.facts.needed():
        if stage.parent is None:
            for line in lines_of(stage.image.value):
                if line["ends"] < today:
                    ended = f"The support of {line['name']} ended on {line['ends']}"
                    yield subject.at(stage.line, f"{ended} ({line['source']}): {stage.image.value}.", stage.image.value)


def lines_of(reference: str) -> list[dict[str, Any]]:
    """The lines of the calendar that apply to an image: its own if there is one, else those of what is in it."""
    base = read_base(reference)
    if base is None:
        return []
    lines: list[dict[str, Any]] = _calendar()["line"]
    name = base.reference.repository
    own = [line for line in lines if "repository" in line and re.fullmatch(line["repository"], name)]
    if own or base.is_distroless:
        return own
    # Debian keeps its own Python alive for as long as itself.
    python = base.python if base.is_python_image else ""
    facts = {"debian": base.debian, "ubuntu": base.ubuntu, "alpine": base.alpine, "python": python}
    facts.update(base.versions)
    return [line for line in lines if any(value and line.get(key) == value for key, value in facts.items())]


@cache
def _calendar() -> dict[str, Any]:
    return toml.packaged("pytest_lucid.audit.rules", "support.toml")
