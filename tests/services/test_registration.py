"""When and what the service tells Consul; a recording server on loopback takes the place of the agent."""

from __future__ import annotations

import json
import time
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import httpx2

if TYPE_CHECKING:
    from collections.abc import Callable

PUT = "PUT"
REGISTER = "/v1/agent/service/register"
DEREGISTER = "/v1/agent/service/deregister/lucid-test"


class Agent:
    """Remembers one registration, as the agent does; `seen` holds what `look` found out at each PUT."""

    def __init__(self, look: Callable[[], Any] = lambda: None) -> None:
        self.known: dict[str, Any] | None = None
        self.seen: list[tuple[str, Any]] = []
        self._look = look

    def __call__(self, method: str, target: str) -> tuple[int, dict[str, str], bytes]:
        if method == PUT:
            self.seen.append((target, self._look()))
            return 200, {}, b""
        return (404, {}, b"unknown service ID") if self.known is None else (200, {}, json.dumps(self.known).encode())


def test_registration_says_who_and_where(launch: Any, record: Any, eventually: Any) -> None:
    with record(Agent()) as consul, launch(discovery_url=consul.url, tags=("lucid", "phase2")) as url:
        eventually(lambda: REGISTER in consul.targets(PUT))
    (body,) = [body for _method, target, body in consul.requests if target == REGISTER]
    assert body == {
        "ID": "lucid-test",
        "Name": "lucid-test",
        "Address": "127.0.0.1",
        "Port": int(url.rpartition(":")[2]),
        "Tags": ["lucid", "phase2"],
        "Meta": {"version": "1.2.3"},
        "Check": {
            "HTTP": url + "/health",
            "Interval": "10s",
            "Timeout": "5s",
            "DeregisterCriticalServiceAfter": "1m",
            "Status": "passing",
        },
    }


def test_the_service_accepts_while_it_is_registered_and_no_more_after(
    launch: Any, record: Any, eventually: Any, free_port: Callable[[], int]
) -> None:
    port = free_port()

    def look() -> int:
        # A Consul that takes its time: a service that did not wait for it would have gone by now.
        time.sleep(0.5)
        return httpx2.get(f"http://127.0.0.1:{port}/health/live").status_code

    agent = Agent(look)
    with record(agent) as consul, launch(port=port, discovery_url=consul.url):
        eventually(lambda: agent.seen)
    assert agent.seen == [(REGISTER, 200), (DEREGISTER, 200)]


def test_consul_that_comes_late_is_told(
    launch: Any, record: Any, eventually: Any, free_port: Callable[[], int]
) -> None:
    port = free_port()
    with launch(discovery_url=f"http://127.0.0.1:{port}") as url:
        assert httpx2.get(url + "/health").status_code == 200
        with record(Agent(), port) as consul:
            eventually(lambda: REGISTER in consul.targets(PUT))


def test_consul_that_refuses_is_asked_again(launch: Any, record: Any, eventually: Any) -> None:
    with record(lambda _method, _target: (500, {}, b"no leader")) as consul, launch(discovery_url=consul.url) as url:
        eventually(lambda: len(consul.requests) > 1)
        assert httpx2.get(url + "/health").status_code == 200


def test_lost_registration_is_renewed_within_ten_seconds(launch: Any, record: Any, eventually: Any) -> None:
    agent = Agent()
    with record(agent) as consul, launch(discovery_url=consul.url):
        eventually(lambda: consul.targets(PUT).count(REGISTER) == 2, 10)


def test_registration_at_another_address_is_replaced_and_a_right_one_left_alone(
    launch: Any, record: Any, eventually: Any, free_port: Callable[[], int]
) -> None:
    right, moved = Agent(), Agent()
    moved.known = {"Address": "192.0.2.1", "Port": 1}
    port = free_port()
    right.known = {"Address": "127.0.0.1", "Port": port}
    with ExitStack() as stack:
        consul_right = stack.enter_context(record(right))
        consul_moved = stack.enter_context(record(moved))
        stack.enter_context(launch(port=port, discovery_url=consul_right.url))
        stack.enter_context(launch(discovery_url=consul_moved.url))
        eventually(lambda: consul_moved.targets(PUT).count(REGISTER) == 2, 10)
        eventually(lambda: len(consul_right.targets("GET")) == 2, 10)
        # Once in any case: an earlier version may have left other tags behind.
        assert consul_right.targets(PUT) == [REGISTER]
