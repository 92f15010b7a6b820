"""Session anchoring over HTTP: what is asked and answered. What is done belongs to the service."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from lucid_chain.anchors import manifest_hash, session_hash
from lucid_chain.blocks import Anchor
from lucid_chain.rpc.client import EngineError
from lucid_chain.wire import from_wire
from lucid_service.api import Operation
from lucid_service.app import service_of
from lucid_service.errors import ApiError
from msgspec import UNSET

from lucid_session_anchoring.anchoring import OtherContentError
from lucid_session_anchoring.models import (
    AnchoringAnswer,
    AnchorRequest,
    Counts,
    SessionPath,
    Verification,
    VerifyRequest,
)

if TYPE_CHECKING:
    from starlette.requests import Request

    from lucid_session_anchoring.anchoring import SessionAnchoring
    from lucid_session_anchoring.store import Anchoring

_LARGEST = 64 * 1024
_UNKNOWN = "The session is not anchored."


def anchor_of(body: AnchorRequest) -> Anchor:
    """Return what goes on the chain for a request: hashes only."""
    manifest = msgspec.json.encode((body.manifest_data, body.user_signature))
    return Anchor(session_hash(body.session_id), manifest_hash(manifest), body.merkle_root)


async def anchor(request: Request, body: AnchorRequest) -> AnchoringAnswer:
    """Take a session; what was taken survives from here on."""
    service: SessionAnchoring = service_of(request)
    try:
        return _answer(await service.anchor(body.session_id, anchor_of(body)))
    except OtherContentError as error:
        details = {"session_id": body.session_id, "anchoring_id": error.existing.anchoring_id}
        raise ApiError(409, "The session is anchored already, with another content.", details) from error


async def get_anchoring(request: Request, path: SessionPath) -> AnchoringAnswer:
    """Tell how far an anchoring is."""
    return _answer(await _found(request, path.session_id))


async def verify(request: Request, body: VerifyRequest) -> Verification:
    """Judge a claim by the chain."""
    service: SessionAnchoring = service_of(request)
    if (body.leaf_hash is UNSET) != (body.proof_path is UNSET):
        raise ApiError(422, "The body is not as expected.", {"reason": "leaf_hash and proof_path go together"})
    anchoring = await _found(request, body.session_id)
    leaf = None if body.leaf_hash is UNSET else body.leaf_hash
    steps = None if body.proof_path is UNSET else from_wire(body.proof_path)
    try:
        verdict = await service.verify(anchoring, body.merkle_root, leaf, steps)
    except EngineError as error:
        raise ApiError(503, "The chain cannot be asked now.", headers={"Retry-After": "5"}) from error
    return Verification(
        not verdict.reason,
        verdict.reason,
        body.session_id,
        anchoring.transaction_id,
        verdict.proof_valid,
        UNSET if anchoring.block_height is None else anchoring.block_height,
    )


async def status(request: Request) -> Counts:
    """Tell how many anchorings there are."""
    service: SessionAnchoring = service_of(request)
    return Counts(**await service.counts(), complaint=service.complaint)


async def _found(request: Request, session_id: str) -> Anchoring:
    service: SessionAnchoring = service_of(request)
    anchoring = await service.find(session_id)
    if anchoring is None:
        raise ApiError(404, _UNKNOWN, {"session_id": session_id})
    return anchoring


def _answer(anchoring: Anchoring) -> AnchoringAnswer:
    return AnchoringAnswer(
        anchoring.anchoring_id,
        anchoring.session_id,
        anchoring.status,
        anchoring.anchor.merkle_root,
        anchoring.transaction_id,
        anchoring.created_at,
        anchoring.updated_at,
        UNSET if anchoring.block_height is None else anchoring.block_height,
        UNSET if anchoring.block_hash is None else anchoring.block_hash,
    )


OPERATIONS = (
    Operation(
        "POST",
        "/api/v1/anchoring/session",
        anchor,
        "Anchor a session",
        {202: AnchoringAnswer},
        body=AnchorRequest,
        largest=_LARGEST,
        errors={409: "The session is anchored already, with another content."},
        token=True,
    ),
    Operation(
        "GET",
        "/api/v1/anchoring/session/{session_id}",
        get_anchoring,
        "Tell how far an anchoring is",
        {200: AnchoringAnswer},
        path=SessionPath,
        errors={404: _UNKNOWN},
    ),
    Operation(
        "POST",
        "/api/v1/anchoring/verify",
        verify,
        "Verify a claim about a session",
        {200: Verification},
        body=VerifyRequest,
        largest=_LARGEST,
        errors={404: _UNKNOWN, 503: "The chain cannot be asked now."},
    ),
    Operation("GET", "/api/v1/anchoring/status", status, "Count the anchorings", {200: Counts}),
)
