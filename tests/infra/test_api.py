"""What the services promise of their HTTP interface, and whether they keep it. Nothing is written by asking."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from pytest_lucid.inspect.contract import NO_BODY
from pytest_lucid.inspect.http import Request
from pytest_lucid.inspect.metrics import read_metrics
from pytest_lucid.inspect.tokens import SECRET, bearer, token

if TYPE_CHECKING:
    from pytest_lucid.inspect.contract import Contract
    from pytest_lucid.inspect.http import Response
    from pytest_lucid.matrix import Interface, Service
    from pytest_lucid.target.deployment import Deployment

ERROR_FIELDS = {"code", "message", "details", "request_id", "timestamp", "service", "version"}
# By the first digit: 1 validation, 2 authentication, 3 rate limit, 4 business, 5 system.
KINDS = {404: "4", 405: "1", 501: "5"}


@pytest.mark.lucid(
    "API-CONTRACT",
    demand="api.openapi",
    severity="high",
    remedy="Answer as /openapi.json says, or correct the types of the operation.",
)
def test_answers_keep_the_contract(
    lucid_service: Service, lucid_contract: Contract, lucid_deployment: Deployment
) -> None:
    """Every operation of /openapi.json answers with a status and a body that the document promises."""
    headers = {"Content-Type": "application/json"}
    if secret := lucid_deployment.container(lucid_service.name).environment.get(SECRET):
        # With a token of its own it takes nothing from the rate of this machine's address; a reader writes nothing.
        headers.update(bearer(token(secret, "lucid-contract", "reader")))
    problems: list[str] = []
    for operation in lucid_contract.operations:
        path, body = lucid_contract.sample_path(operation), NO_BODY if operation.takes_body else None
        answer = lucid_deployment.ask(lucid_service, path, Request(operation.method, headers, body))
        problems += lucid_contract.problems(operation, answer)
        if answer.error:
            break  # a service that does not answer is not waited for once for each operation
    assert lucid_contract.operations
    assert not problems


@pytest.mark.lucid(
    "API-METRICS", demand="api.metrics", severity="medium", remedy="Serve /metrics in Prometheus's text format."
)
def test_metrics_can_be_scraped(lucid_service: Service, lucid_api: Interface, lucid_deployment: Deployment) -> None:
    """Prometheus can read /metrics, which count the requests and measure how long each took."""
    answer = lucid_deployment.get(lucid_service, lucid_api.metrics or "/metrics")
    assert answer.demand().status == 200, str(answer)
    assert answer.headers.get("content-type", "").startswith("text/plain; version=0.0.4"), answer.headers
    families = read_metrics(answer)
    assert families.get("lucid_http_requests")
    assert families.get("lucid_http_request_seconds")


@pytest.mark.lucid(
    "API-ERRORS",
    demand=("api.errors", "health.version"),
    severity="medium",
    remedy="Answer errors in Lucid's format, those of the server too.",
)
def test_errors_have_the_format(lucid_service: Service, lucid_health: Response, lucid_deployment: Deployment) -> None:
    """Errors of router and server have one form, with the code of their kind and the name of the service."""
    answers = {
        404: lucid_deployment.ask(lucid_service, "/no-such-path"),
        405: lucid_deployment.ask(lucid_service, "/health", Request("DELETE")),
        # The server refuses it before any code of the service sees it.
        501: lucid_deployment.ask(lucid_service, "/health", Request(headers={"Transfer-Encoding": "gzip"})),
    }
    for status, answer in answers.items():
        assert answer.demand().status == status, str(answer)
        error = answer.document.get("error", {})
        assert error.keys() == ERROR_FIELDS, str(answer)
        assert re.fullmatch(rf"LUCID_ERR_{KINDS[status]}\d{{3}}", error["code"]), str(answer)
        assert error["service"] == lucid_service.name, str(answer)
        assert error["version"] == lucid_health.document.get("version"), str(answer)
        assert error["request_id"] == answer.headers.get("x-request-id"), str(answer)
