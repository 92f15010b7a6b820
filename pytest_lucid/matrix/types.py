"""The words of which a matrix is made: names, references, paths, and the base of all its tables."""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, StringConstraints
from pydantic_core import PydanticCustomError

# Docker's own rule for container and network names; a reference is checked by the engine when it is used.
Name = Annotated[str, StringConstraints(pattern=r"^[a-zA-Z0-9][a-zA-Z0-9_.-]+$")]
Reference = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9._/:@-]*$")]
Variable = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]
# A container, or by a pattern several, or all of a network; and perhaps a port.
Reached = Annotated[str, StringConstraints(pattern=r"^[a-zA-Z0-9*?][a-zA-Z0-9_.*?-]*(:[1-9][0-9]{0,4})?$")]
# By number: only a number means the same user in the image, in the engine and on the host.
UserAndGroup = Annotated[str, StringConstraints(pattern=r"^\d+:\d+$")]


def _inside_project(path: str) -> str:
    parts = PurePosixPath(path).parts
    if not parts or path.startswith("/") or ".." in parts or "\\" in path or re.match(r"^[A-Za-z]:", path):
        raise PydanticCustomError("path", "a path relative to the project, with forward slashes and without '..'")
    return path


def _absolute(path: str) -> str:
    if not path.startswith("/") or ".." in PurePosixPath(path).parts:
        raise PydanticCustomError("path", "an absolute path inside the container, without '..'")
    return path


ProjectPath = Annotated[str, AfterValidator(_inside_project)]
ContainerPath = Annotated[str, AfterValidator(_absolute)]


class Model(BaseModel):
    """Immutable, and refusing keys it does not know: a typing error must not switch a demand off."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=False)
