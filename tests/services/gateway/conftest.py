"""A gateway, the services behind it, and the Consul that knows where they are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from gateway_facts import BIG, DATA, SECRET, SERVICES
from lucid_api_gateway.gateway import gateway as gateway_of
from lucid_api_gateway.handlers import OPERATIONS
from lucid_api_gateway.settings import Settings
from lucid_service.api import BINARY, Operation, stream_of
from lucid_service.config import Peer
from lucid_service.errors import ApiError
from lucid_service.models import Input, Output
from starlette.responses import StreamingResponse

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator, Sequence

    from starlette.requests import Request
    from starlette.responses import Response


class Seen(Output, frozen=True):
    service: str
    method: str
    target: str
    headers: dict[str, str]
    size: int = 0


class Rest(Input, frozen=True):
    rest: str


async def echo(request: Request, path: Rest) -> Seen:  # noqa: ARG001  part of the target
    target = request.scope["raw_path"].decode() + "?" + request.scope["query_string"].decode()
    size = sum([len(piece) async for piece in stream_of(request, 2 * BIG)])
    return Seen(request.app.state.config.service, request.method, target, dict(request.headers), size)


async def big(_request: Request, path: Rest) -> Response:
    async def pieces() -> AsyncIterator[bytes]:
        for _turn in range(BIG // 65536):
            yield b"x" * 65536

    if path.rest == "broken":
        raise ApiError(500, "It is broken.")
    return StreamingResponse(pieces(), media_type=BINARY.type, headers={"Content-Length": str(BIG)})


UPSTREAM = (
    Operation("GET", "/api/v1/chunks/{rest:path}", big, "Big", {200: BINARY}, path=Rest),
    *(
        Operation(method, "/api/v1/{rest:path}", echo, "Echo", {200: Seen}, path=Rest)
        for method in ("GET", "POST", "PUT")
    ),
)


@pytest.fixture(scope="module")
def upstream(module_launch: Any) -> Iterator[int]:
    with module_launch(UPSTREAM, service=DATA) as url:
        yield int(url.rpartition(":")[2])


@pytest.fixture
def consul(consul_of: Any, upstream: int) -> Any:
    return consul_of({name: [("127.0.0.1", upstream, True)] for name in SERVICES})


@pytest.fixture
def start(launch: Any, record: Any, consul: Any, free_port: Callable[[], int]) -> Iterator[Callable[..., Any]]:
    peers = tuple(Peer(name, f"http://127.0.0.1:{free_port()}") for name in SERVICES)

    def gateway(**rates: int) -> Any:
        return launch(
            OPERATIONS, discovery_url=recorder.url, peers=peers, provide=gateway_of, settings=Settings(SECRET, **rates)
        )

    with record(consul) as recorder:
        yield gateway


@pytest.fixture
def url(start: Any) -> Iterator[str]:
    with start() as url:
        yield url


@pytest.fixture
def operations() -> Sequence[Operation]:
    return UPSTREAM
