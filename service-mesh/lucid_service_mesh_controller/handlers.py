"""Lucid's own service-discovery API over HTTP; what it does is in `registry`, Consul's own API in `consul_api`."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING

from lucid_service.api import Operation
from lucid_service.app import service_of
from lucid_service.client import PeerError
from lucid_service.errors import ApiError
from lucid_service.tokens import Tokens, demand

from lucid_service_mesh_controller import consul_api
from lucid_service_mesh_controller.models import (
    Breakers,
    ByName,
    MeshHealth,
    Registered,
    Registration,
    Resolution,
    Services,
)
from lucid_service_mesh_controller.registry import (
    InvalidAddressError,
    NoHealthyInstanceError,
    Registry,
    UnknownServiceError,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from starlette.requests import Request

BASE = "/api/v1/service-discovery"


@dataclass(frozen=True)
class Mesh:
    """What the handlers need."""

    registry: Registry
    tokens: Tokens


@contextmanager
def _consul() -> Iterator[None]:
    try:
        yield
    except PeerError as error:
        raise ApiError(HTTPStatus.SERVICE_UNAVAILABLE, "Consul does not answer.", {"reason": str(error)}) from error


async def services(request: Request) -> Services:
    """List every service that Consul knows."""
    mesh: Mesh = service_of(request)
    with _consul():
        return await mesh.registry.services()


async def resolve(request: Request, path: ByName) -> Resolution:
    """Say where the healthy instances of a service are: 404 for an unknown one, 503 if none is healthy."""
    mesh: Mesh = service_of(request)
    try:
        with _consul():
            return await mesh.registry.resolve(path.name)
    except UnknownServiceError as error:
        raise ApiError(HTTPStatus.NOT_FOUND, "No service has this name.", {"name": path.name}) from error
    except NoHealthyInstanceError as error:
        raise ApiError(HTTPStatus.SERVICE_UNAVAILABLE, "No instance is healthy.", {"name": path.name}) from error


async def register(request: Request, body: Registration) -> Registered:
    """Register an instance; only an admin may, because callers go where this sends them."""
    mesh: Mesh = service_of(request)
    demand(mesh.tokens.identify(request.headers.get("authorization", "")), "admin")
    try:
        with _consul():
            return await mesh.registry.register(body)
    except InvalidAddressError as error:
        raise ApiError(
            HTTPStatus.UNPROCESSABLE_ENTITY, "The address cannot be registered.", {"reason": str(error)}
        ) from error


async def health(request: Request) -> MeshHealth:
    """Say how all services are, by Consul's checks."""
    mesh: Mesh = service_of(request)
    with _consul():
        return await mesh.registry.health()


async def breakers(request: Request) -> Breakers:
    """List the circuits of every pair of services."""
    mesh: Mesh = service_of(request)
    with _consul():
        return await mesh.registry.breakers()


_DOWN = {503: "Consul does not answer"}
OPERATIONS = (
    Operation("GET", f"{BASE}/services", services, "All services", {200: Services}, errors=_DOWN),
    Operation(
        "POST",
        f"{BASE}/services",
        register,
        "Register an instance (admin)",
        {201: Registered},
        body=Registration,
        errors={**_DOWN, 401: "No valid token", 403: "Not the token of an admin", 422: "Not as expected"},
        token=True,
    ),
    Operation(
        "GET",
        f"{BASE}/services/{{name}}/resolve",
        resolve,
        "The healthy instances of a service",
        {200: Resolution},
        path=ByName,
        errors={404: "No service has this name", 503: "No instance is healthy, or Consul does not answer"},
    ),
    Operation("GET", f"{BASE}/health", health, "The health of all services", {200: MeshHealth}, errors=_DOWN),
    Operation("GET", f"{BASE}/circuit-breakers", breakers, "The circuits of every pair", {200: Breakers}, errors=_DOWN),
    *consul_api.OPERATIONS,
)
