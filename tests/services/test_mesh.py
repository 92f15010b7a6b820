"""The mesh controller's own API: what it makes of Consul's answers, and who may register."""

from __future__ import annotations

import time
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import httpx2
import jwt
import pytest
from lucid_service.config import Peer
from lucid_service.tokens import Tokens
from lucid_service_mesh_controller.handlers import OPERATIONS, Mesh
from lucid_service_mesh_controller.registry import Registry

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from lucid_service.app import Context

BASE = "/api/v1/service-discovery"
SECRET = "made-up-" * 10
NEW = {"name": "lucid-new", "address": "172.20.0.9", "port": 9000}


@asynccontextmanager
async def provide(context: Context) -> AsyncIterator[Mesh]:
    yield Mesh(Registry(context.client, context.config.discovery_url), Tokens(SECRET))


def bearer(role: str) -> dict[str, str]:
    claims = {"sub": "test", "role": role, "exp": int(time.time()) + 3600}
    return {"Authorization": "Bearer " + jwt.encode(claims, SECRET, algorithm="HS256")}


@pytest.fixture
def consul(consul_of: Any) -> Any:
    return consul_of(
        {
            "lucid-data-chain": [("172.20.0.5", 8087, True)],
            "lucid-mixed": [("172.20.0.6", 1, False), ("", 2, True)],
            "lucid-sick": [("172.20.0.7", 3, False)],
        }
    )


@pytest.fixture
def recorder(record: Any, consul: Any) -> Iterator[Any]:
    with record(consul) as recorder:
        yield recorder


@pytest.fixture
def url(launch: Any, recorder: Any) -> Iterator[str]:
    with launch(OPERATIONS, discovery_url=recorder.url, provide=provide) as url:
        yield url


def test_services_with_their_instances(url: str) -> None:
    assert httpx2.get(f"{url}{BASE}/services").json() == {
        "services": [
            {"name": "lucid-data-chain", "instances": 1, "healthy": 1},
            {"name": "lucid-mixed", "instances": 2, "healthy": 1},
            {"name": "lucid-sick", "instances": 1, "healthy": 0},
        ]
    }


@pytest.mark.parametrize("name", ["../../agent/self", "a b", "a?b#c", "a\x00b", "é", "x" * 5000])
def test_service_with_an_odd_name_hides_no_other(url: str, consul: Any, recorder: Any, name: str) -> None:
    """Whoever reaches Consul itself may give a service any name."""
    consul.instances[name] = [("172.20.0.8", 1, True)]
    names = [one["name"] for one in httpx2.get(url + BASE + "/services").json()["services"]]
    assert names == ["lucid-data-chain", "lucid-mixed", "lucid-sick"]
    assert httpx2.get(url + BASE + "/health").json()["services"].keys() == set(names)
    asked = {target.rpartition("/")[2] for target in recorder.targets("GET") if "/health/service/" in target}
    assert asked == set(names)


def test_resolve_gives_healthy_instances_only(url: str) -> None:
    body = httpx2.get(f"{url}{BASE}/services/lucid-mixed/resolve").json()
    # Where the service has no address, its node's counts.
    only = {"id": "lucid-mixed", "address": "127.0.0.1", "port": 2, "tags": ["lucid"], "version": "1.2.3"}
    assert body == {"name": "lucid-mixed", "instances": [only]}


@pytest.mark.parametrize(
    ("name", "status"),
    [("lucid-sick", 503), ("lucid-unknown", 404), ("UPPER", 422), ("a%0A", 422), ("a%2F..%2Fb", 404), ("x" * 64, 422)],
)
def test_resolve_of_others(url: str, name: str, status: int) -> None:
    response = httpx2.get(f"{url}{BASE}/services/{name}/resolve")
    assert response.status_code == status
    assert response.json()["error"]["service"] == "lucid-test"


def test_health_of_all(url: str) -> None:
    assert httpx2.get(f"{url}{BASE}/health").json() == {
        "status": "degraded",
        "services": {"lucid-data-chain": "healthy", "lucid-mixed": "degraded", "lucid-sick": "unhealthy"},
    }


def test_admin_registers(url: str, recorder: Any) -> None:
    response = httpx2.post(f"{url}{BASE}/services", json=NEW, headers=bearer("admin"))
    assert (response.status_code, response.json()["name"]) == (201, "lucid-new")
    (body,) = [body for method, _target, body in recorder.requests if method == "PUT" and body["Name"] == "lucid-new"]
    assert (body["Address"], body["Port"], body["Check"]["HTTP"]) == (
        "172.20.0.9",
        9000,
        "http://172.20.0.9:9000/health",
    )


@pytest.mark.parametrize(("headers", "status"), [({}, 401), (bearer("user"), 403), (bearer("reader"), 403)])
def test_nobody_else_registers(url: str, recorder: Any, headers: dict[str, str], status: int) -> None:
    assert httpx2.post(f"{url}{BASE}/services", json=NEW, headers=headers).status_code == status
    assert not [body for method, _target, body in recorder.requests if method == "PUT" and body["Name"] == "lucid-new"]


@pytest.mark.parametrize(
    "changes",
    [
        {"name": "UPPER"},
        {"name": "../agent"},
        *({"address": text} for text in ("127.0.0.1", "::1", "169.254.169.254", "8.8.8.8", "consul", "")),
        *({"port": port} for port in (0, 65536, "80")),
        *({"health_path": path} for path in ("health", "/a b", "/\n", "/@host")),
        {"tags": ["a b"]},
        {"tags": ["a"] * 17},
        {"version": "1\n"},
        {"unknown": 1},
    ],
)
def test_registration_out_of_bounds(url: str, recorder: Any, changes: dict[str, Any]) -> None:
    response = httpx2.post(f"{url}{BASE}/services", json={**NEW, **changes}, headers=bearer("admin"))
    assert response.status_code == 422, response.text
    assert all(body["Name"] == "lucid-test" for method, _target, body in recorder.requests if method == "PUT")


@pytest.mark.parametrize("path", ["services", "services/lucid-data-chain/resolve", "health", "circuit-breakers"])
def test_consul_that_fails(url: str, consul: Any, path: str) -> None:
    consul.broken = True
    response = httpx2.get(f"{url}{BASE}/{path}")
    assert (response.status_code, response.json()["error"]["code"]) == (503, "LUCID_ERR_5003")


def test_circuits_of_every_pair(url: str, consul: Any, launch: Any, free_port: Any) -> None:
    peers = (Peer("lucid-blockchain-engine", f"http://127.0.0.1:{free_port()}"),)
    with launch(service="lucid-session-anchoring", peers=peers) as anchoring:
        consul.instances = {
            "lucid-session-anchoring": [("127.0.0.1", int(anchoring.rpartition(":")[2]), True)],
            "lucid-gone": [("127.0.0.1", free_port(), True)],
            # Another service answers there.
            "lucid-taken": [("127.0.0.1", int(anchoring.rpartition(":")[2]), True)],
        }
        body = httpx2.get(f"{url}{BASE}/circuit-breakers").json()
    pair = {"source": "lucid-session-anchoring", "target": "lucid-blockchain-engine"}
    assert body == {"breakers": [{**pair, "state": "closed", "failures": 0}], "unknown": ["lucid-gone", "lucid-taken"]}
