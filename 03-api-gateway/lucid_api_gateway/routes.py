"""Which service a path belongs to, how large its bodies may be, and which token it needs; nothing is sent here."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lucid_service.tokens import Role

BASE = "/api/v1"
_READS = frozenset(("GET", "HEAD"))
# Checked on the path as it was sent: no escapes, no empty segment, neither . nor .. as a segment.
_PLAIN = re.compile(rb"(?:/(?!\.{1,2}(?:/|\Z))[A-Za-z0-9._~:@-]+)+")


@dataclass(frozen=True)
class Area:
    """The paths below one segment of the API.

    `computed` are those that a POST only computes on, without writing anything. `largest` bounds the body of a request,
    in bytes. `writers` are the roles that may write; `token` says whether the service checks the token again.
    """

    name: str
    service: str
    methods: tuple[str, ...] = ("GET", "HEAD", "POST")
    computed: frozenset[str] = frozenset()
    largest: int = 1 << 20
    writers: tuple[Role, ...] = ("user", "admin")
    token: bool = False

    def needs_token(self, method: str, path: str) -> bool:
        """Tell whether a request writes, and so needs a token."""
        return method not in _READS and path.removeprefix(f"{BASE}/{self.name}/") not in self.computed


LARGEST_CHUNK = 16 << 20
"""Bytes: chunks have 8 to 16 MiB in production."""
LARGEST_MERKLE = 8 << 20
"""Bytes of a list of chunk hashes: 70 for each of the 100,000 chunks of a session of 1 TiB."""

AREAS = (
    Area("chain", "lucid-blockchain-engine"),
    Area("transactions", "lucid-blockchain-engine"),
    Area("consensus", "lucid-blockchain-engine"),
    Area("blocks", "lucid-block-manager", computed=frozenset(("validate",))),
    Area("anchoring", "lucid-session-anchoring", computed=frozenset(("verify",))),
    Area("chunks", "lucid-data-chain", methods=("GET", "HEAD", "PUT"), largest=LARGEST_CHUNK),
    Area("merkle", "lucid-data-chain", computed=frozenset(("verify",)), largest=LARGEST_MERKLE),
    Area("service-discovery", "lucid-service-mesh-controller", writers=("admin",), token=True),
)


def is_plain(raw_path: bytes) -> bool:
    """Tell whether a path means the same to every server that reads it."""
    return _PLAIN.fullmatch(raw_path) is not None
