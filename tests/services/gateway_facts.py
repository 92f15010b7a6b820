"""What the tests of the gateway say over and over: names, a token, and the form of an error."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import jwt

if TYPE_CHECKING:
    import httpx2

ENGINE, DATA = "lucid-blockchain-engine", "lucid-data-chain"
SERVICES = (ENGINE, DATA, "lucid-block-manager", "lucid-session-anchoring", "lucid-service-mesh-controller")
SECRET = "made-up-" * 10
HASH = "ab" * 32
BIG = 16 << 20


def bearer(role: str = "user", subject: str = "test") -> dict[str, str]:
    claims = {"sub": subject, "role": role, "exp": int(time.time()) + 3600}
    return {"Authorization": "Bearer " + jwt.encode(claims, SECRET, algorithm="HS256")}


def error(response: httpx2.Response, status: int, code: str) -> dict[str, Any]:
    assert response.status_code == status, response.text
    answer: dict[str, Any] = response.json()["error"]
    assert answer["code"] == code
    return answer
