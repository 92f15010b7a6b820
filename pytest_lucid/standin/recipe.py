"""The recipes of the stand-in images, read from recipes.toml; how one is assembled does not belong here."""

from __future__ import annotations

import hashlib
from contextlib import suppress
from importlib import resources
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from pytest_lucid.config import toml
from pytest_lucid.image.distroless import packages_of

# Raised when the same recipe is assembled differently from then on.
_REVISION = 4
_ABSOLUTE = r"^/[^\s]*$"


class Recipe(BaseModel):
    """What one stand-in is made of, and the configuration of the image that it stands in for."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    repository: str = Field(pattern=r"^[a-z0-9._/-]+$")
    tag: str = Field(pattern=r"^[\w][\w.-]{0,127}$")
    kind: Literal["distroless", "system"]
    suite: str = Field(pattern=r"^[a-z]+$")
    packages: tuple[str, ...] = Field(min_length=1)
    user: str = ""
    workdir: str = Field(default="/", pattern=_ABSOLUTE)
    entrypoint: tuple[str, ...] = ()
    cmd: tuple[str, ...] = ()
    env: dict[str, str] = {}
    links: dict[str, str] = {}
    applets: str | None = Field(default=None, pattern=_ABSOLUTE)

    @property
    def reference(self) -> str:
        """The image's name and tag."""
        return f"{self.repository}:{self.tag}"

    @property
    def fingerprint(self) -> str:
        """Changes with the recipe and the assembling, so that an outdated stand-in is recognised."""
        return hashlib.sha256(f"{_REVISION} {self.model_dump_json()}".encode()).hexdigest()[:16]


def parse(text: str) -> tuple[Recipe, ...]:
    """Return the recipes of a TOML text, one for each tag; raise ValueError when one is wrong or named twice."""
    recipes: list[Recipe] = []
    for entry in toml.loads(text)["base"]:
        common: dict[str, Any] = {key: value for key, value in entry.items() if key != "tags"}
        if "packages" not in common and common.get("kind") == "distroless":
            with suppress(KeyError):
                common["packages"] = packages_of(str(common.get("repository")))
        recipes += [Recipe.model_validate({**common, "tag": tag, **own}) for tag, own in entry["tags"].items()]
    references = [recipe.reference for recipe in recipes]
    if twice := {reference for reference in references if references.count(reference) > 1}:
        raise ValueError(f"more than one recipe for {', '.join(sorted(twice))}")
    return tuple(recipes)


def load() -> tuple[Recipe, ...]:
    """Return the recipes that the package carries."""
    return parse(resources.files(__package__).joinpath("recipes.toml").read_text(encoding="utf-8"))
