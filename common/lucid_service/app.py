"""Assembles the application of a service: health, errors and request ids around the service's own routes."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.routing import Route

from lucid_service.client import internal_client
from lucid_service.errors import on_http_error, on_unexpected_error
from lucid_service.health import DEADLINE, Dependencies, health, live
from lucid_service.request_id import RequestIdMiddleware

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from starlette.routing import BaseRoute

    from lucid_service.config import Config


def create_app(config: Config, routes: Sequence[BaseRoute] = ()) -> Starlette:
    """Return the application that serves `routes` besides GET /health and GET /health/live.

    Handlers find `config` and, while the lifespan runs, `dependencies` in `request.app.state`.
    """

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        async with internal_client(DEADLINE) as client:
            app.state.dependencies = Dependencies(client, config.peers)
            yield

    app = Starlette(
        routes=[Route("/health", health), Route("/health/live", live), *routes],
        middleware=[Middleware(RequestIdMiddleware)],
        exception_handlers={HTTPException: on_http_error, Exception: on_unexpected_error},
        lifespan=lifespan,
    )
    # /health/ is not /health: a redirect would be an answer without Lucid's format.
    app.router.redirect_slashes = False
    app.state.config = config
    return app
