"""One session's way through all services, by the gateway: chunks, Merkle root, anchoring, block, proof.

It writes, under a session that is its own. What the services answered is kept as it came; judging it is left to the
checks.
"""

from __future__ import annotations

import hashlib
import json
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from blake3 import blake3

from pytest_lucid.inspect.http import Request
from pytest_lucid.inspect.tokens import bearer, token

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from pytest_lucid.inspect.http import Response

    Ask = Callable[[str, Request], Response]

BASE = "/api/v1"
CHUNKS = 3
CHUNK_BYTES = 100_000
# A block comes every 10 s; one that has just begun when the anchoring comes is not the one that holds it.
CONFIRMED_SECONDS = 60.0
# The block manager has what the engine has, a moment later.
FOLLOWED_SECONDS = 15.0
POLL_SECONDS = 0.5
# For one answer: a chunk is forced to the disk before it is confirmed, and the disk of a Pi is a card.
PATIENCE_SECONDS = 30.0
SIGNATURE = "bm90IGEgc2lnbmF0dXJl"
OK = 200
# The prefixes of leaves and inner nodes, as the data chain's document tells them.
LEAF, INNER = b"\x00", b"\x01"


@dataclass(frozen=True)
class Journey:
    """What was sent, and each step's last answer by its name; a step that was not reached has none."""

    session: str
    hashes: tuple[str, ...]
    steps: Mapping[str, Response] = field(default_factory=dict)
    # Of each chunk: whether what came back is what was sent, and whether its proof leads to the root.
    returned: tuple[bool, ...] = ()
    proven: tuple[bool, ...] = ()

    def answer_to(self, step: str) -> Mapping[str, Any]:
        """The JSON object that a step answered; an empty one where there is none."""
        answer = self.steps.get(step)
        return answer.document if answer else {}

    def shown(self, step: str) -> str:
        """The answer in one line, for messages."""
        return str(self.steps.get(step, f"{step}: not reached, because a step before it failed"))


class Traveller:
    """Makes the journey called `session`, signed with the gateway's `secret`; `ask` sends one request to it."""

    def __init__(self, session: str, secret: str, ask: Ask) -> None:
        self._session = session
        self._secret = secret
        self._ask = ask
        self._steps: dict[str, Response] = {}
        self.chunks = tuple(
            hashlib.shake_256(f"{session} {number}".encode()).digest(CHUNK_BYTES) for number in range(CHUNKS)
        )
        self.hashes = tuple(blake3(chunk).hexdigest() for chunk in self.chunks)

    def travel(self) -> Journey:
        """Go as far as the answers allow."""
        returned = self._store()
        root = str(self._build())
        proofs = self._proofs(root) if root else []
        proven = tuple(_leads(name, proof, root) for name, proof in zip(self.hashes, proofs, strict=False))
        if len(proofs) == CHUNKS and self._anchor(root):
            self._read_block()
            self._verify(root, proofs)
        return Journey(self._session, self.hashes, self._steps, returned, proven)

    def _store(self) -> tuple[bool, ...]:
        returned = []
        for name, chunk in zip(self.hashes, self.chunks, strict=True):
            path = f"/chunks/{name}"
            self._step("tampered chunk", "PUT", path, content=chunk[:-1] + bytes((chunk[-1] ^ 1,)))
            self._step("store", "PUT", path, content=chunk)
            returned.append(self._step("read", "GET", path).content == chunk)
        return tuple(returned)

    def _build(self) -> str:
        answer = self._step(
            "build", "POST", "/merkle/build", {"session_id": self._session, "chunk_hashes": self.hashes}
        )
        return str(answer.document.get("root_hash", ""))

    def _proofs(self, root: str) -> list[Sequence[Mapping[str, str]]]:
        answers = [self._step("prove", "GET", f"/merkle/{root}/proofs/{index}") for index in range(CHUNKS)]
        return [answer.document["proof_path"] for answer in answers if answer.status == OK]

    def _anchor(self, root: str) -> bool:
        manifest = {
            "chunk_count": CHUNKS,
            "total_size": CHUNKS * CHUNK_BYTES,
            "created_at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        }
        body = {
            "session_id": self._session,
            "manifest_data": manifest,
            "merkle_root": root,
            "user_signature": SIGNATURE,
        }
        self._step("anchor", "POST", "/anchoring/session", body)
        path = f"/anchoring/session/{self._session}"
        answer = self._until("confirm", path, CONFIRMED_SECONDS, lambda answer: answer.get("status") == "confirmed")
        return answer.document.get("status") == "confirmed"

    def _read_block(self) -> None:
        path = f"/blocks/height/{self._steps['confirm'].document.get('block_height')}"
        self._until("block", path, FOLLOWED_SECONDS, lambda answer: "hash" in answer)

    def _verify(self, root: str, proofs: Sequence[Sequence[Mapping[str, str]]]) -> None:
        claim = {"session_id": self._session, "merkle_root": root}
        for name, proof in zip(self.hashes, proofs, strict=True):
            answer = self._step(
                "verify", "POST", "/anchoring/verify", {**claim, "leaf_hash": name, "proof_path": proof}
            )
            if answer.document.get("verified") is not True:
                break
        tampered = blake3(b"tampered").hexdigest()
        body = {**claim, "leaf_hash": tampered, "proof_path": proofs[0]}
        self._step("tampered claim", "POST", "/anchoring/verify", body)

    def _until(self, step: str, path: str, seconds: float, reached: Callable[[Mapping[str, Any]], bool]) -> Response:
        deadline = time.monotonic() + seconds
        while not reached((answer := self._step(step, "GET", path)).document) and time.monotonic() < deadline:
            time.sleep(POLL_SECONDS)
        return answer

    def _step(
        self, step: str, method: str, path: str, body: Mapping[str, Any] | None = None, content: bytes | None = None
    ) -> Response:
        headers = {**bearer(token(self._secret, self._session, "user")), "Content-Type": "application/json"}
        sent = json.dumps(body).encode() if body is not None else content
        self._steps[step] = answer = self._ask(BASE + path, Request(method, headers, sent, PATIENCE_SECONDS))
        return answer


def _leads(leaf: str, proof: Sequence[Mapping[str, str]], root: str) -> bool:
    """Whether a proof leads from a chunk's hash to the root; computed here, so that no service is believed."""
    node = blake3(LEAF + bytes.fromhex(leaf)).digest()
    for step in proof:
        neighbour = bytes.fromhex(step["hash"])
        node = blake3(INNER + (neighbour + node if step["side"] == "left" else node + neighbour)).digest()
    return node.hex() == root
