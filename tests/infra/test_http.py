"""What the services answer on their published ports."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pytest_lucid.deployment import Deployment
    from pytest_lucid.image.facts import Image
    from pytest_lucid.matrix import Service
    from pytest_lucid.network import Answer

FIELDS = {"status", "service", "version", "timestamp", "dependencies"}
CLOCK_TOLERANCE = dt.timedelta(seconds=5)


@pytest.mark.lucid("HTTP-HEALTH", severity="critical", remedy="Read the service's last log lines.")
def test_health_answers(health: Answer) -> None:
    """GET /health on the published port answers 200: a port that accepts connections proves nothing."""
    assert health.status == 200, str(health)


@pytest.mark.lucid(
    "HTTP-BODY", severity="high", remedy="Answer /health with all the fields that spec and monitoring read."
)
def test_health_has_all_fields(health: Answer) -> None:
    """The body is a JSON object with every field that monitoring reads."""
    assert health.document.keys() >= FIELDS, str(health)


@pytest.mark.lucid("HTTP-STATUS", severity="high", remedy="Read the service's last log lines.")
def test_health_is_not_unhealthy(health: Answer) -> None:
    """The service says that it can do its work, if perhaps without one of its dependencies."""
    assert health.document.get("status") in {"healthy", "degraded"}, str(health)


@pytest.mark.lucid(
    "HTTP-IDENTITY", severity="high", remedy="Publish the port of the right container; set SERVICE_NAME."
)
def test_health_names_the_service(service: Service, health: Answer) -> None:
    """Behind the port is this service, not another one that happens to be healthy."""
    assert health.document.get("service") == service.name, str(health)


@pytest.mark.lucid("HTTP-VERSION", severity="medium", remedy="Recreate the container from the present image.")
def test_health_tells_version_of_image(health: Answer, image: Image) -> None:
    """The version that answers is the version on the image's label."""
    assert health.document.get("version") == image.labels.get("version"), str(health)


@pytest.mark.lucid("HTTP-CLOCK", severity="medium", remedy="Synchronise the host's clock.")
def test_health_tells_the_time(health: Answer) -> None:
    """The timestamp has a zone and is the present: an answer from a cache, or a clock that is off, is not."""
    told = dt.datetime.fromisoformat(str(health.document.get("timestamp", "")).replace("Z", "+00:00"))
    assert told.tzinfo is not None, f"{told} has no zone"
    assert abs(health.received - told) < CLOCK_TOLERANCE


@pytest.mark.lucid("HTTP-DEPENDENCIES", severity="high", remedy="Probe the dependency when /health is asked.")
def test_health_tells_truth_about_dependencies(service: Service, health: Answer, deployment: Deployment) -> None:
    """Exactly the needs of the matrix are listed, and each is healthy if, and only if, its container runs."""
    running = {need: deployment.container(need).status == "running" for need in service.needs}
    told = {name: status == "healthy" for name, status in health.document.get("dependencies", {"?": "?"}).items()}
    assert told == running, str(health)


@pytest.mark.lucid("HTTP-TLS", severity="high", remedy="Give the service a certificate for its name; see its log.")
def test_every_port_answers(service: Service, deployment: Deployment) -> None:
    """Every port of the matrix answers for this service in its scheme, HTTPS with a certificate that holds."""
    for port in service.ports:
        answer = deployment.get(service, "/health", port)
        assert answer.document.get("service") == service.name, str(answer)


@pytest.mark.lucid("HTTP-PATHS", severity="medium", remedy="Read the service's last log lines; see its routes.")
def test_demanded_paths_answer(service: Service, deployment: Deployment) -> None:
    """The URLs that the matrix names for this service answer, such as Consul's API on the mesh controller."""
    if not service.paths:
        pytest.skip(f"the matrix demands no path of {service.name}")
    answers = {path: deployment.get(service, path) for path in service.paths}
    assert {path: answer.status for path, answer in answers.items()} == dict.fromkeys(service.paths, 200)
