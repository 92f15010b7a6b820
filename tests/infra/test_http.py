"""What the services answer on their published ports."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pytest_lucid.image.config import Image
    from pytest_lucid.inspect.http import Response
    from pytest_lucid.matrix import Service
    from pytest_lucid.target.deployment import Deployment

FIELDS = {"status", "service", "version", "timestamp", "dependencies"}
CLOCK_TOLERANCE = dt.timedelta(seconds=5)


@pytest.mark.lucid("HTTP-HEALTH", severity="critical", remedy="Read the service's last log lines.")
def test_health_answers(lucid_health: Response) -> None:
    """GET /health on the published port answers 200: a port that accepts connections proves nothing."""
    assert lucid_health.status == 200, str(lucid_health)


@pytest.mark.lucid(
    "HTTP-BODY", severity="high", remedy="Answer /health with all the fields that spec and monitoring read."
)
def test_health_has_all_fields(lucid_health: Response) -> None:
    """The body is a JSON object with every field that monitoring reads."""
    assert lucid_health.document.keys() >= FIELDS, str(lucid_health)


@pytest.mark.lucid("HTTP-STATUS", severity="high", remedy="Read the service's last log lines.")
def test_health_is_not_unhealthy(lucid_health: Response) -> None:
    """The service says that it can do its work, if perhaps without one of its dependencies."""
    assert lucid_health.document.get("status") in {"healthy", "degraded"}, str(lucid_health)


@pytest.mark.lucid(
    "HTTP-IDENTITY", severity="high", remedy="Publish the port of the right container; set SERVICE_NAME."
)
def test_health_names_the_service(lucid_service: Service, lucid_health: Response) -> None:
    """Behind the port is this service, not another one that happens to be healthy."""
    assert lucid_health.document.get("service") == lucid_service.name, str(lucid_health)


@pytest.mark.lucid("HTTP-VERSION", severity="medium", remedy="Recreate the container from the present image.")
def test_health_tells_version_of_image(lucid_health: Response, lucid_image: Image) -> None:
    """The version that answers is the version on the image's label."""
    assert lucid_health.document.get("version") == lucid_image.labels.get("version"), str(lucid_health)


@pytest.mark.lucid("HTTP-CLOCK", severity="medium", remedy="Synchronise the host's clock.")
def test_health_tells_the_time(lucid_health: Response) -> None:
    """The timestamp has a zone and is the present: an answer from a cache, or a clock that is off, is not."""
    told = dt.datetime.fromisoformat(str(lucid_health.document.get("timestamp", "")).replace("Z", "+00:00"))
    assert told.tzinfo is not None, f"{told} has no zone"
    assert abs(lucid_health.received - told) < CLOCK_TOLERANCE


@pytest.mark.lucid("HTTP-DEPENDENCIES", severity="high", remedy="Probe the dependency when /health is asked.")
def test_health_tells_truth_about_dependencies(
    lucid_service: Service, lucid_health: Response, lucid_deployment: Deployment
) -> None:
    """Exactly the needs of the matrix are listed, and each is healthy if, and only if, its container runs."""
    running = {need: lucid_deployment.container(need).status == "running" for need in lucid_service.needs}
    told = {name: status == "healthy" for name, status in lucid_health.document.get("dependencies", {"?": "?"}).items()}
    assert told == running, str(lucid_health)


@pytest.mark.lucid("HTTP-TLS", severity="high", remedy="Give the service a certificate for its name; see its log.")
def test_every_port_answers(lucid_service: Service, lucid_deployment: Deployment) -> None:
    """Every HTTP port answers for this service in its scheme, HTTPS with a certificate that holds."""
    for port in lucid_service.web_ports:
        answer = lucid_deployment.get(lucid_service, "/health", port)
        assert answer.document.get("service") == lucid_service.name, str(answer)


@pytest.mark.lucid("HTTP-PATHS", severity="medium", remedy="Read the service's last log lines; see its routes.")
def test_demanded_paths_answer(lucid_service: Service, lucid_deployment: Deployment) -> None:
    """The URLs that the matrix names for this service answer, such as Consul's API on the mesh controller."""
    if not lucid_service.paths:
        pytest.skip(f"the matrix demands no path of {lucid_service.name}")
    answers = {path: lucid_deployment.get(lucid_service, path) for path in lucid_service.paths}
    assert {path: answer.status for path, answer in answers.items()} == dict.fromkeys(lucid_service.paths, 200)
