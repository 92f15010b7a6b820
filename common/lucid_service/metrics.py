"""Prometheus metrics of one service, at GET /metrics: requests, their durations, and the process; no alert or rule."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, Counter, Histogram, ProcessCollector
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from starlette.responses import Response

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.types import Scope

ROUTE = "lucid.route"
"""Where a scope keeps the path of its operation, with the parameters unfilled: a label per hash would never end."""
_METHODS = frozenset(("GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"))


class Metrics:
    """The registry of one application; a service adds its own metrics to `registry`."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        labels = ("method", "route", "status")
        self._requests = Counter("lucid_http_requests", "Requests that were served.", labels, registry=self.registry)
        self._seconds = Histogram(
            "lucid_http_request_seconds", "Time until the response was sent.", ("route",), registry=self.registry
        )

    def count(self, scope: Scope, status: int, seconds: float) -> None:
        """Count one request; methods and paths that no operation has share one label, for a client makes them up."""
        route = scope.get(ROUTE, "other")
        method = scope["method"] if scope["method"] in _METHODS else "other"
        self._requests.labels(method, route, str(status)).inc()
        self._seconds.labels(route).observe(seconds)


async def metrics(request: Request) -> Response:
    """Answer with all metrics in Prometheus's text format."""
    found: Metrics = request.app.state.metrics
    return Response(generate_latest(found.registry), media_type=CONTENT_TYPE_PLAIN_0_0_4)
