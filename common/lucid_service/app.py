"""Assembles the application of a service: health, metrics, OpenAPI, errors and request ids around its operations."""

from __future__ import annotations

from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect
from starlette.responses import JSONResponse

from lucid_service import health
from lucid_service.api import Bodies, Media, Operation, routes_of
from lucid_service.circuit import Circuits
from lucid_service.client import PeerClient
from lucid_service.errors import on_client_gone, on_http_error, on_unexpected_error
from lucid_service.head import HeadMiddleware
from lucid_service.health import Dependencies
from lucid_service.metrics import Metrics, metrics
from lucid_service.openapi import document
from lucid_service.request_id import RequestIdMiddleware

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence
    from contextlib import AbstractAsyncContextManager

    from starlette.requests import Request
    from starlette.routing import BaseRoute

    from lucid_service.config import Config


@dataclass(frozen=True)
class Context:
    """What the logic of a service is made from: its configuration and settings, its client, metrics and circuits."""

    config: Config
    settings: Any
    client: PeerClient
    metrics: Metrics
    circuits: Circuits


def create_app(  # noqa: PLR0913  all but the first are optional
    config: Config,
    operations: Sequence[Operation] = (),
    *,
    routes: Sequence[BaseRoute] = (),
    settings: Any = None,
    provide: Callable[[Context], AbstractAsyncContextManager[Any]] | None = None,
    condition: Callable[[Any], str] = lambda _service: health.HEALTHY,
) -> Starlette:
    """Return the application that serves `operations`, then `routes`, which the OpenAPI document leaves out.

    `provide(context)` is entered before the first request and left after the last; what it yields is the service, which
    handlers get from `service_of(request)`. `condition(service)` says how the service itself is: HEALTHY, DEGRADED or
    UNHEALTHY of `health`; the containers that it needs are looked at besides. `config`, `dependencies` and `metrics`
    are in `request.app.state` too.
    """
    counted = Metrics()
    circuits = Circuits(peer.name for peer in config.peers)
    every = (*health.OPERATIONS, *_ABOUT, *operations)

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            client = await stack.enter_async_context(PeerClient())
            app.state.dependencies = Dependencies(client, config.peers)
            if provide is not None:
                context = Context(config, settings, client, counted, circuits)
                app.state.service = await stack.enter_async_context(provide(context))
            yield

    app = Starlette(
        routes=[*routes_of(every), *routes],
        middleware=[Middleware(RequestIdMiddleware, metrics=counted), Middleware(HeadMiddleware)],
        exception_handlers={
            HTTPException: on_http_error,
            ClientDisconnect: on_client_gone,
            Exception: on_unexpected_error,
        },
        lifespan=lifespan,
    )
    # /health/ is not /health: a redirect would be an answer without Lucid's format.
    app.router.redirect_slashes = False
    app.state.config = config
    app.state.metrics = counted
    app.state.circuits = circuits
    app.state.condition = lambda: condition(app.state.service)
    app.state.service = None
    app.state.bodies = Bodies()
    app.state.openapi = document(config.service, config.version, every)
    return app


def service_of(request: Request) -> Any:
    """Return the service that `provide` yielded; the handler names its type."""
    return request.app.state.service


async def _openapi(request: Request) -> JSONResponse:
    return JSONResponse(request.app.state.openapi)


_ABOUT = (
    Operation("GET", "/metrics", metrics, "Metrics in Prometheus's text format", {200: Media("text/plain")}),
    Operation("GET", "/openapi.json", _openapi, "This document", {200: dict[str, Any]}),
)
