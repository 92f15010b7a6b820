"""Assembles the API gateway and runs it; logic belongs in modules of its own."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from lucid_service.client import PeerClient
from lucid_service.start import start
from lucid_service.tokens import Tokens

from lucid_api_gateway.directory import Directory
from lucid_api_gateway.handlers import OPERATIONS, Gateway
from lucid_api_gateway.rates import Rates
from lucid_api_gateway.settings import Settings, read_settings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from lucid_service.app import Context

NEEDS = (
    "lucid-service-mesh-controller",
    "lucid-blockchain-engine",
    "lucid-session-anchoring",
    "lucid-block-manager",
    "lucid-data-chain",
)


@asynccontextmanager
async def provide(context: Context) -> AsyncIterator[Gateway]:
    """Make the parts of the gateway; its connections to the services are kept."""
    settings: Settings = context.settings
    directory = Directory(context.client, context.config.discovery_url, context.config.peers)
    async with PeerClient(keep=True) as client:
        yield Gateway(Tokens(settings.secret), Rates(settings), directory, context.circuits, client)


start(needs=NEEDS, operations=OPERATIONS, settings=read_settings, provide=provide)
