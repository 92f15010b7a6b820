"""What the services answer on their published ports."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_lucid.image.config import Image
    from pytest_lucid.inspect.http import Response
    from pytest_lucid.matrix import Health, Service
    from pytest_lucid.target.deployment import Deployment

CLOCK_TOLERANCE = dt.timedelta(seconds=5)
# How long a service may take to see a late peer as it is.
RECONSIDERED_SECONDS = 5


@pytest.mark.lucid(
    "HTTP-HEALTH",
    demand="health.path",
    decides=True,
    severity="critical",
    remedy="Read the service's last log lines.",
)
def test_health_answers(lucid_health_demand: Health, lucid_health: Response) -> None:
    """GET of the health path answers as demanded: a port that accepts connections proves nothing."""
    assert lucid_health.demand().status == lucid_health_demand.status, str(lucid_health)


@pytest.mark.lucid(
    "HTTP-BODY",
    demand="health.fields",
    severity="high",
    remedy="Answer /health with all the fields that spec and monitoring read.",
)
def test_health_has_all_fields(lucid_health_demand: Health, lucid_health: Response) -> None:
    """The body is a JSON object with every field that monitoring reads."""
    assert lucid_health.demand().document.keys() >= set(lucid_health_demand.fields or ()), str(lucid_health)


@pytest.mark.lucid("HTTP-STATUS", demand="health.body", severity="high", remedy="Read the service's last log lines.")
def test_health_is_not_unhealthy(lucid_health_demand: Health, lucid_health: Response) -> None:
    """The service reports that it can work, if perhaps without one of its dependencies."""
    for field, wanted in (lucid_health_demand.body or {}).items():
        actual = lucid_health.demand().document.get(field)
        assert actual in (wanted if isinstance(wanted, list) else [wanted]), f"{field}: {lucid_health}"


@pytest.mark.lucid(
    "HTTP-IDENTITY",
    demand="health.service",
    severity="high",
    remedy="Publish the port of the right container; set SERVICE_NAME.",
)
def test_health_names_the_service(lucid_service: Service, lucid_health_demand: Health, lucid_health: Response) -> None:
    """The service that answers on the port is this one, not another healthy service."""
    assert lucid_health.demand().document.get(str(lucid_health_demand.service)) == lucid_service.name, str(lucid_health)


@pytest.mark.lucid(
    "HTTP-VERSION", demand="health.version", severity="medium", remedy="Recreate the container from the present image."
)
def test_health_tells_version_of_image(lucid_health_demand: Health, lucid_health: Response, lucid_image: Image) -> None:
    """The version that answers is the version on the image's label."""
    actual = lucid_health.demand().document.get(str(lucid_health_demand.version))
    assert actual == lucid_image.labels.get("version"), str(lucid_health)


@pytest.mark.lucid("HTTP-CLOCK", demand="health.timestamp", severity="medium", remedy="Synchronise the host's clock.")
def test_health_tells_the_time(lucid_health_demand: Health, lucid_health: Response) -> None:
    """The timestamp has a time zone and is current: a cached answer or a wrong clock fails."""
    field = str(lucid_health_demand.timestamp)
    stated = lucid_health.demand().moment(field)
    assert stated is not None, f"{field} is no time in ISO 8601: {lucid_health}"
    assert stated.tzinfo is not None, f"{stated} has no zone"
    assert abs(lucid_health.received - stated) < CLOCK_TOLERANCE, f"{field} is {stated}, at {lucid_health.received}"


@pytest.mark.lucid(
    "HTTP-DEPENDENCIES",
    demand="health.dependencies",
    severity="high",
    remedy="Probe the dependency when /health is asked.",
)
def test_health_tells_truth_about_dependencies(
    lucid_service: Service, lucid_health_demand: Health, lucid_health: Response, lucid_deployment: Deployment
) -> None:
    """Exactly the needs of the matrix are listed, and each is healthy if, and only if, its container runs."""
    running = {need: lucid_deployment.container(need).status == "running" for need in lucid_service.needs}

    def actual(answer: Response) -> dict[str, bool]:
        stated = answer.document.get(str(lucid_health_demand.dependencies), {"?": "?"})
        return {name: status == lucid_health_demand.healthy for name, status in stated.items()}

    answer = lucid_health.demand()
    if actual(answer) != running:
        path = lucid_health_demand.path or "/"
        answer = lucid_deployment.ask_until(lucid_service, path, lambda a: actual(a) == running, RECONSIDERED_SECONDS)
    assert actual(answer) == running, str(answer)


@pytest.mark.lucid(
    "HTTP-TLS",
    demand="health.service",
    severity="high",
    remedy="Give the service a certificate for its name; see its log.",
)
def test_every_port_answers(
    lucid_service: Service, lucid_health_demand: Health, lucid_get: Callable[..., Response]
) -> None:
    """Every HTTP port answers for this service in its scheme, HTTPS with a certificate that holds."""
    for port in lucid_service.web_ports:
        answer = lucid_get(lucid_health_demand.path or "/", port).demand()
        assert answer.document.get(str(lucid_health_demand.service)) == lucid_service.name, str(answer)


@pytest.mark.lucid(
    "HTTP-PATHS", demand="paths", severity="medium", remedy="Read the service's last log lines; see its routes."
)
def test_demanded_paths_answer(lucid_service: Service, lucid_get: Callable[..., Response]) -> None:
    """The URLs that the matrix names for this service answer, such as Consul's API on the mesh controller."""
    if not lucid_service.paths:
        pytest.skip(f"the matrix demands no path of {lucid_service.name}")
    answers = {path: lucid_get(path) for path in lucid_service.paths}
    assert {path: answer.demand().status for path, answer in answers.items()} == dict.fromkeys(lucid_service.paths, 200)
