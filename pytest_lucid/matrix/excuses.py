"""What a tree says no to: waivers of cells, and findings that are not applied. What they excuse is not known here."""

from __future__ import annotations

import datetime as dt
from fnmatch import fnmatchcase
from typing import Literal

from pydantic import Field

from pytest_lucid.matrix.types import Model


class Waiver(Model):
    """A finding that is accepted for a while: the cells of `check` × `service` are expected to fail until `expires`."""

    check: str = Field(min_length=1)
    service: str = "*"
    reason: str = Field(min_length=1)
    expires: dt.date

    @property
    def is_in_force(self) -> bool:
        """Whether its last day is not over."""
        return dt.datetime.now(tz=dt.timezone.utc).date() <= self.expires

    def speaks_of(self, check: str) -> bool:
        """Whether its pattern, as in file names (`*`, `?`), matches the id of a check."""
        return fnmatchcase(check, self.check)

    def covers(self, check: str, service: str | None) -> bool:
        """Whether this waiver covers the cell; `service` is matched likewise."""
        return self.speaks_of(check) and fnmatchcase(service or "", self.service)


class PathIgnore(Model):
    """Findings of a check, in the files that a glob names, that count as not found; `**` spans folders."""

    check: str = Field(min_length=1, description="The id, with * and ? as in names of files.")
    path: str = Field(min_length=1, description="A glob, relative to the project; a folder stands for all below it.")
    reason: str = Field(min_length=1)


class HadolintIgnore(Model):
    """A hadolint rule that is not applied, and why."""

    rule: str = Field(pattern=r"^(DL|SC)\d{4}$")
    reason: str = Field(min_length=1)


class Hadolint(Model):
    """How hadolint's findings are judged."""

    threshold: Literal["error", "warning", "info", "style"] = "style"
    ignore: tuple[HadolintIgnore, ...] = ()
