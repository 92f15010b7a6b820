"""The assembly of a service that follows the engine over gRPC and keeps what it learns below one folder."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn

from lucid_service.health import HEALTHY
from lucid_service.start import start

from lucid_chain.rpc.client import EngineClient, engine_client

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence
    from contextlib import AbstractAsyncContextManager
    from pathlib import Path

    from lucid_service.api import Operation
    from lucid_service.app import Context
    from lucid_service.config import Environment

ENGINE = "lucid-blockchain-engine"


@dataclass(frozen=True)
class Settings:
    """The folder of what is kept, and the engine (`host:port`)."""

    folder: Path
    engine: str


def start_follower(
    folder: str,
    operations: Sequence[Operation],
    make: Callable[[Path, EngineClient], AbstractAsyncContextManager[Any]],
    condition: Callable[[Any], str] = lambda _service: HEALTHY,
) -> NoReturn:
    """Run the service that `make` makes from the folder which the variable `folder` names; ends the process."""

    def read_settings(source: Environment) -> Settings:
        return Settings(source.folder(folder), source.url("BLOCKCHAIN_ENGINE_GRPC_URL").removeprefix("http://"))

    @asynccontextmanager
    async def provide(context: Context) -> AsyncIterator[Any]:
        settings: Settings = context.settings
        async with engine_client(settings.engine) as client, make(settings.folder, client) as service:
            yield service

    start(needs=(ENGINE,), operations=operations, settings=read_settings, provide=provide, condition=condition)
