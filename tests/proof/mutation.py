"""What a mutation is: one small, named defect, and the checks that must turn red for it, and no others."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from docker import DockerClient

GATEWAY = "lucid-api-gateway"
ENGINE = "lucid-blockchain-engine"
ANCHORING = "lucid-session-anchoring"
MANAGER = "lucid-block-manager"
DATA = "lucid-data-chain"
MESH = "lucid-service-mesh-controller"
SERVICES = (DATA, MANAGER, ANCHORING, ENGINE, MESH, GATEWAY)
NOTHING: frozenset[str] = frozenset()

Document = dict[str, Any]
Action = Callable[[DockerClient, str], object]


@dataclass(frozen=True, kw_only=True)
class Mutation:
    """A defect that can be planted in one of `services`.

    `kills` are the ids of the cells of that service that must turn red; `stack` those of the whole stack, `everywhere`
    those of every service, `others` those of every service but it. Without any, it is a healthy variant that must stay
    green. A defect that turns several claims false says why in `note`.
    """

    name: str
    kills: frozenset[str] = NOTHING
    stack: frozenset[str] = NOTHING
    everywhere: frozenset[str] = NOTHING
    others: frozenset[str] = NOTHING
    services: tuple[str, ...] = SERVICES
    note: str = field(default="", compare=False)

    @property
    def is_shared(self) -> bool:
        """Whether it changes more than the service it is planted in, and so needs a run of its own."""
        return bool(self.stack or self.everywhere or self.others)

    @property
    def proves(self) -> frozenset[str]:
        """Every id that it turns red somewhere."""
        return self.kills | self.stack | self.everywhere | self.others


@dataclass(frozen=True, kw_only=True)
class TreeMutation(Mutation):
    """A defect in the text of the service's Dockerfile, or of `file`; None for a text removes it."""

    edit: Callable[[str], str | None]
    file: str = ""


@dataclass(frozen=True, kw_only=True)
class ImageMutation(Mutation):
    """A defect in an image: the instructions that make it from the healthy one."""

    instructions: str


@dataclass(frozen=True, kw_only=True)
class FileMutation(Mutation):
    """A defect in the files or the configuration of an image, as the table of the image suite's tests has it.

    `change` is the Python source of what the table adds to the healthy image, for people to read.
    """

    change: str


@dataclass(frozen=True, kw_only=True)
class ContainerMutation(Mutation):
    """A defect in how a container is created: `change` edits the engine's document of it."""

    change: Callable[[Document], object]


@dataclass(frozen=True, kw_only=True)
class ChaosMutation(ContainerMutation):
    """One that only shows when something else is stopped, frozen or killed, which takes minutes."""


@dataclass(frozen=True, kw_only=True)
class LiveMutation(Mutation):
    """A defect of the running stack: `plant` and `uproot` get the engine and the name of the service."""

    plant: Action
    uproot: Action


@dataclass(frozen=True, kw_only=True)
class StackMutation(Mutation):
    """A defect of the whole bring-up: the stack is brought up by the matrix `brought_up`, and checked by `claimed`."""

    brought_up: str = ""
    claimed: str = ""


def ids(text: str) -> frozenset[str]:
    """The ids in `text`, which spaces part."""
    return frozenset(text.split())
