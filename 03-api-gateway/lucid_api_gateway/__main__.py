"""Assembles the API gateway and runs it; logic belongs in modules of its own."""

from __future__ import annotations

from lucid_service.start import start

from lucid_api_gateway.gateway import gateway
from lucid_api_gateway.handlers import OPERATIONS
from lucid_api_gateway.settings import read_settings

NEEDS = (
    "lucid-service-mesh-controller",
    "lucid-blockchain-engine",
    "lucid-session-anchoring",
    "lucid-block-manager",
    "lucid-data-chain",
)

start(needs=NEEDS, operations=OPERATIONS, settings=read_settings, provide=gateway)
