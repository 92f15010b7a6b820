"""The parts of the gateway, put together; what they do is in their own modules."""

from __future__ import annotations

from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lucid_service.client import PeerClient
from lucid_service.tokens import Tokens

from lucid_api_gateway.directory import Directory
from lucid_api_gateway.rates import Rates
from lucid_api_gateway.relay import MOST_CALLS

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from lucid_service.app import Context
    from lucid_service.circuit import Circuits

    from lucid_api_gateway.settings import Settings


@dataclass(frozen=True)
class Gateway:
    """What the handlers need; `clients` by the service that each asks."""

    tokens: Tokens
    rates: Rates
    directory: Directory
    circuits: Circuits
    clients: Mapping[str, PeerClient]


@asynccontextmanager
async def gateway(context: Context) -> AsyncIterator[Gateway]:
    """Make the gateway; its connections to the services are kept, and each service has its own."""
    settings: Settings = context.settings
    directory = Directory(context.client, context.config.discovery_url, context.config.peers)
    async with AsyncExitStack() as stack:
        clients = {
            peer.name: await stack.enter_async_context(PeerClient(keep=True, most=MOST_CALLS))
            for peer in context.config.peers
        }
        yield Gateway(Tokens(settings.secret), Rates(settings), directory, context.circuits, clients)
