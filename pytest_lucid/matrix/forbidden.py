"""Rules of the matrix about what only some services may hold. Finding the words is the business of others."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import Annotated

from pydantic import Field, StringConstraints

from pytest_lucid.matrix.types import Model

# What may be looked for: a name, a path or a host. Text of one or two letters is in everything.
Word = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._/-]{2,}$")]


class Forbidden(Model):
    """What only some services may hold; each word is looked for in files, archives, imports, variables and hosts.

    A word ends where a name does: with `tron` forbidden, TronClient and TRON_KEY are found, and electron is not.
    """

    name: str = Field(min_length=1, description="What it is called in messages.")
    reason: str = Field("", description="Why it is forbidden.")
    words: tuple[Word, ...] = Field((), description="Words that are found wherever they stand.")
    packages: tuple[Word, ...] = Field((), description="Packages, by the names of their folders and metadata.")
    imports: tuple[Word, ...] = Field((), description="Modules that no code may import.")
    variables: tuple[Word, ...] = Field((), description="What no variable's name may begin with or hold as a word.")
    hosts: tuple[Word, ...] = Field((), description="Hosts that nothing may name.")
    networks: tuple[Word, ...] = Field(
        (), description="Networks that nothing may name; where rows are on one, nothing else reaches them."
    )
    excepted: tuple[str, ...] = Field((), description="Services (`*` matches any letters) that it does not concern.")
    known_hosts: tuple[str, ...] = Field(
        (), description="Hosts whose URLs may be known to rows with `knows_payment_url`."
    )

    @property
    def all_words(self) -> tuple[str, ...]:
        """Everything that is looked for."""
        return (*self.words, *self.packages, *self.imports, *self.variables, *self.hosts, *self.networks)

    def concerns(self, service: str) -> bool:
        """Whether the service called so must not hold it."""
        return not any(fnmatchcase(service, pattern) for pattern in self.excepted)
