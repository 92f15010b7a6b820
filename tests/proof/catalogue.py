"""Every mutation; an explicit list, in the order in which they are planted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bringups import BRINGUPS
from containers import CONTAINERS
from creations import CREATIONS
from dockerfiles import DOCKERFILES
from files import FILES
from images import IMAGES
from interfaces import INTERFACES
from running import LIVE

if TYPE_CHECKING:
    from mutation import Mutation

MUTATIONS: tuple[Mutation, ...] = (
    *DOCKERFILES,
    *IMAGES,
    *FILES,
    *CONTAINERS,
    *CREATIONS,
    *INTERFACES,
    *LIVE,
    *BRINGUPS,
)
