"""Assembles the service mesh controller and runs it; logic belongs in modules of its own."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from lucid_service.start import start
from lucid_service.tokens import Tokens, secret_of

from lucid_service_mesh_controller.handlers import OPERATIONS, Mesh
from lucid_service_mesh_controller.registry import Registry

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from lucid_service.app import Context


@asynccontextmanager
async def provide(context: Context) -> AsyncIterator[Mesh]:
    """Make the registry on the configured Consul."""
    yield Mesh(Registry(context.client, context.config.discovery_url), Tokens(context.settings))


start(needs=("consul",), operations=OPERATIONS, settings=secret_of, provide=provide)
