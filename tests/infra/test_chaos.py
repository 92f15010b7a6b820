"""What happens when a container is away for a while. Only with --lucid-chaos: requests fail meanwhile."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pytest_lucid.matrix import Consul, Matrix, Service
    from pytest_lucid.target.chaos import Chaos

ALIVE = {"healthy", "degraded"}
# A service behind the gateway that nothing else needs, and a path of it.
BEHIND = "lucid-data-chain"
PATH = f"/api/v1/merkle/{'0' * 64}"


@pytest.mark.lucid(
    "CHS-STOP",
    demand="health.dependencies",
    severity="high",
    remedy="Ask the dependency when /health is asked, within a deadline of seconds.",
)
def test_stopped_dependency_is_told(lucid_service: Service, lucid_matrix: Matrix, lucid_chaos: Chaos) -> None:
    """When a needed container is stopped, /health reports that within 15 s, and recovers with the container."""
    for need in _needs(lucid_service, lucid_matrix):
        episode = lucid_chaos.stopped(need)
        assert episode.reported[lucid_service.name] == "unhealthy", f"{need} is stopped"
        assert not episode.lost, f"{need} is back"


@pytest.mark.lucid(
    "CHS-FREEZE",
    demand="health.dependencies",
    severity="high",
    remedy="Bound the time that an answer of a dependency may take, also to connect.",
)
def test_frozen_dependency_is_told(lucid_service: Service, lucid_matrix: Matrix, lucid_chaos: Chaos) -> None:
    """A frozen container is reported like a stopped one, and no other service stops answering meanwhile."""
    for need in _needs(lucid_service, lucid_matrix):
        episode = lucid_chaos.frozen(need)
        assert episode.reported[lucid_service.name] == "unhealthy", f"{need} is frozen"
        assert "silent" not in episode.others.values(), f"{need} is frozen: {dict(episode.others)}"
        assert not episode.lost, f"{need} goes on"


@pytest.mark.lucid(
    "CHS-BREAKER",
    demand="api.gateway",
    severity="high",
    remedy="Open the circuit after five failures; close it after two successes.",
)
def test_circuit_opens_and_closes(lucid_service: Service, lucid_chaos: Chaos) -> None:
    """After five failures a dead service gets 503 with Retry-After at once, and is tried again later."""
    outage = lucid_chaos.outage(lucid_service, BEHIND, PATH)
    assert outage.answers[-1].status == 503, str(outage.answers[-1])
    assert outage.answers[-1].headers.get("retry-after"), "503 without Retry-After"
    pairs = {(b["source"], b["target"]): b["state"] for b in outage.circuits.document.get("breakers", ())}
    assert pairs.get((lucid_service.name, BEHIND)) in {"open", "half-open"}, str(outage.circuits)
    assert not outage.lost


@pytest.mark.lucid(
    "CHS-KILL",
    demand=("health.path", "registered"),
    severity="high",
    remedy="Write nothing in halves; register again at every start.",
)
def test_killed_service_comes_back(lucid_service: Service, lucid_chaos: Chaos) -> None:
    """A service that is killed and started again is healthy and registered once, and no other service fails."""
    episode = lucid_chaos.killed(lucid_service.name)
    dead = {name: status for name, status in episode.others.items() if status not in ALIVE}
    assert not dead, f"while {lucid_service.name} was dead"
    assert not episode.lost


@pytest.mark.lucid(
    "CHS-CONSUL", demand="consul", severity="high", remedy="Use the last known addresses while Consul is away."
)
def test_consul_may_be_away(lucid_consul: Consul, lucid_chaos: Chaos) -> None:
    """Without Consul every service goes on, those that need Consul say so, and all register again afterwards."""
    episode = lucid_chaos.stopped(lucid_consul.container)
    assert set(episode.reported.values()) == {"unhealthy"}, episode.reported
    assert {name for name, status in episode.others.items() if status not in ALIVE} == set()
    assert not episode.lost


def _needs(service: Service, matrix: Matrix) -> list[str]:
    """The services that it needs; Consul has a check of its own."""
    needs = [need for need in service.needs if matrix.consul is None or need != matrix.consul.container]
    if not needs:
        pytest.skip("the service needs no other")
    return needs
