"""What a fixture can need of a host. Each need names questions that can be asked before the first check runs."""

from __future__ import annotations

from enum import Enum, auto


class Need(Enum):
    """A kind of fact. What is asked for it is decided in `prefetch`."""

    IMAGE = auto()
    BASES = auto()
    INVENTORY = auto()
    INTERPRETER = auto()
    CONTAINER = auto()
    NETWORK = auto()
    VOLUMES = auto()
    DISCOVERY = auto()
    DRIFT = auto()
    ANSWERS = auto()
    SESSION = auto()
    RUNTIME = auto()
    NAMES = auto()
    WAYS = auto()
