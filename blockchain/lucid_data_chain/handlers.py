"""The data chain over HTTP: what is asked and answered. What is done belongs to the service."""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from typing import TYPE_CHECKING

import msgspec
from lucid_chain import merkle
from lucid_chain.wire import from_wire, to_wire
from lucid_service.api import BINARY, Operation, stream_of
from lucid_service.app import service_of
from lucid_service.errors import ApiError
from starlette.responses import Response, StreamingResponse

from lucid_data_chain import ranges
from lucid_data_chain.chunks import NoSpaceError, TooLargeError, WrongHashError
from lucid_data_chain.models import (
    Build,
    Built,
    Chunk,
    ChunkPath,
    Leaves,
    Page,
    Proof,
    ProofParameters,
    Tree,
    TreePath,
    Verified,
    Verify,
)
from lucid_data_chain.service import BusyError, DataChain, MissingChunksError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from starlette.requests import Request
    from starlette.types import Receive, Scope, Send

    from lucid_data_chain.trees import StoredTree

UPLOAD_SECONDS = 300.0
"""Seconds until a chunk has come whole: 16 MiB in that time are 56 KB/s."""
_NAMED = 10
"""Missing chunks that an error names."""
_LARGEST_BUILD = 8 * 1024 * 1024
_UNKNOWN_TREE = "No tree with this root is stored."
_FULL = {507: "The volume is full."}
_BUSY = "Too many chunks are on their way."


async def put_chunk(request: Request, path: ChunkPath) -> Response:
    """Store the body under its hash: 201 if it is new, 200 if it was held already."""
    service: DataChain = service_of(request)
    size = 0

    async def content() -> AsyncIterator[bytes]:
        nonlocal size
        async for piece in stream_of(request, service.chunks.largest):
            size += len(piece)
            yield piece

    try:
        with service.transfer():
            service.chunks.ensure_space(service.chunks.largest)
            async with asyncio.timeout(UPLOAD_SECONDS):
                new = await service.chunks.put(path.hash, content())
    except BusyError as error:
        raise _busy() from error
    except WrongHashError as error:
        details = {"expected": path.hash, "actual": error.actual}
        raise ApiError(HTTPStatus.UNPROCESSABLE_ENTITY, str(error), details) from error
    except TooLargeError as error:
        raise ApiError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, str(error)) from error
    except NoSpaceError as error:
        raise ApiError(HTTPStatus.INSUFFICIENT_STORAGE, str(error), headers={"Connection": "close"}) from error
    except TimeoutError as error:
        headers = {"Connection": "close"}
        raise ApiError(HTTPStatus.REQUEST_TIMEOUT, "The chunk did not come in time.", headers=headers) from error
    return Response(
        msgspec.json.encode(Chunk(path.hash, size)),
        HTTPStatus.CREATED if new else HTTPStatus.OK,
        media_type="application/json",
    )


async def get_chunk(request: Request, path: ChunkPath) -> Response:
    """Stream the chunk, or the range of bytes that is asked for."""
    service: DataChain = service_of(request)
    size = await asyncio.to_thread(service.chunks.size, path.hash)
    if size is None:
        raise ApiError(HTTPStatus.NOT_FOUND, "The chunk is not stored.", {"hash": path.hash})
    tag = f'"{path.hash}"'
    headers = {
        "Accept-Ranges": "bytes",
        # The content of a name never changes.
        "Cache-Control": "public, max-age=31536000, immutable",
        "ETag": tag,
    }
    wanted = None
    # A tag of another content asks for the whole; RFC 9110, 13.1.5.
    if request.method == "GET" and request.headers.get("if-range", tag) == tag:
        try:
            wanted = ranges.parse(request.headers.get("range", ""), size)
        except ranges.UnsatisfiableError as error:
            raise ApiError(
                HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE,
                "The range has no byte of the chunk.",
                {"size": size},
                {"Content-Range": f"bytes */{size}"},
            ) from error
    first, last = wanted or (0, size - 1)
    headers["Content-Length"] = str(last + 1 - first)
    if request.method == "HEAD":
        return Response(headers=headers, media_type=BINARY.type)
    status = HTTPStatus.OK
    if wanted:
        status = HTTPStatus.PARTIAL_CONTENT
        headers["Content-Range"] = f"bytes {first}-{last}/{size}"
    return ChunkResponse(service, service.chunks.read(path.hash, first, last), status, headers)


class ChunkResponse(StreamingResponse):
    """A chunk that counts as on its way until it is sent."""

    def __init__(
        self, service: DataChain, content: AsyncIterator[bytes], status: int, headers: Mapping[str, str]
    ) -> None:
        super().__init__(content, status, headers, BINARY.type)
        self._service = service

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it. Raises ApiError 503 before the first byte if too many are on their way."""
        try:
            with self._service.transfer():
                await super().__call__(scope, receive, send)
        except BusyError as error:
            raise _busy() from error


def _busy() -> ApiError:
    # A body that nobody reads follows.
    headers = {"Retry-After": "1", "Connection": "close"}
    return ApiError(HTTPStatus.SERVICE_UNAVAILABLE, _BUSY, headers=headers)


async def build(request: Request, body: Build) -> Built:
    """Build and store the tree over the chunks of a session."""
    service: DataChain = service_of(request)
    try:
        tree = await service.build(body.session_id, body.chunk_hashes)
    except MissingChunksError as error:
        details = {"missing": error.names[:_NAMED], "missing_count": len(error.names)}
        raise ApiError(HTTPStatus.CONFLICT, "Some of the chunks are not stored.", details) from error
    except NoSpaceError as error:
        raise ApiError(HTTPStatus.INSUFFICIENT_STORAGE, str(error)) from error
    about = _tree(tree)
    return Built(about.root_hash, about.leaf_count, about.created_at, body.session_id)


async def verify(request: Request, body: Verify) -> Verified:  # noqa: ARG001  every handler gets it
    """Compute the root from leaf and proof, and compare."""
    root, leaf = bytes.fromhex(body.root_hash), bytes.fromhex(body.leaf_hash)
    verified = merkle.verify(root, leaf, from_wire(body.proof_path))
    return Verified(verified, body.root_hash, body.leaf_hash)


async def get_tree(request: Request, path: TreePath) -> Tree:
    """Tell what is known of a tree."""
    return _tree(await _stored(request, path.root))


async def get_leaves(request: Request, path: TreePath, query: Page) -> Leaves:
    """List chunks of a tree, in their order."""
    service: DataChain = service_of(request)
    tree = await _stored(request, path.root)
    found = await service.trees.leaves(tree.root, query.first, query.count)
    return Leaves(path.root, tree.count, query.first, tuple(leaf.hex() for leaf in found))


async def get_proof(request: Request, path: ProofParameters) -> Proof:
    """Give the proof of one leaf."""
    service: DataChain = service_of(request)
    tree = await _stored(request, path.root)
    if path.index >= tree.count:
        details = {"index": path.index, "leaf_count": tree.count}
        raise ApiError(HTTPStatus.NOT_FOUND, "The tree has no such leaf.", details)
    leaf, steps = await service.trees.proof(tree.root, path.index)
    return Proof(path.root, leaf.hex(), path.index, to_wire(steps))


async def _stored(request: Request, root: str) -> StoredTree:
    service: DataChain = service_of(request)
    tree = await service.trees.find(bytes.fromhex(root))
    if tree is None:
        raise ApiError(HTTPStatus.NOT_FOUND, _UNKNOWN_TREE, {"root": root})
    return tree


def _tree(tree: StoredTree) -> Tree:
    return Tree(tree.root.hex(), tree.count, tree.created_at)


_UNKNOWN = {404: _UNKNOWN_TREE}
OPERATIONS = (
    Operation(
        "PUT",
        "/api/v1/chunks/{hash}",
        put_chunk,
        "Store a chunk under the BLAKE3 hash of its content",
        {201: Chunk, 200: Chunk},
        path=ChunkPath,
        body=BINARY,
        errors={413: "The chunk is too large.", 422: "The content has another hash.", 503: _BUSY, **_FULL},
        token=True,
    ),
    Operation(
        "GET",
        "/api/v1/chunks/{hash}",
        get_chunk,
        "Read a chunk, or a range of its bytes",
        {200: BINARY, 206: BINARY},
        path=ChunkPath,
        errors={404: "The chunk is not stored.", 416: "The range has no byte of the chunk.", 503: _BUSY},
    ),
    Operation(
        "POST",
        "/api/v1/merkle/build",
        build,
        "Build the Merkle tree over the chunks of a session",
        {200: Built},
        body=Build,
        largest=_LARGEST_BUILD,
        errors={409: "Some of the chunks are not stored.", **_FULL},
        token=True,
    ),
    Operation(
        "POST",
        "/api/v1/merkle/verify",
        verify,
        "Verify that a chunk belongs to a tree",
        {200: Verified},
        body=Verify,
    ),
    Operation(
        "GET", "/api/v1/merkle/{root}", get_tree, "Tell about a tree", {200: Tree}, path=TreePath, errors=_UNKNOWN
    ),
    Operation(
        "GET",
        "/api/v1/merkle/{root}/leaves",
        get_leaves,
        "List the chunks of a tree",
        {200: Leaves},
        path=TreePath,
        query=Page,
        errors=_UNKNOWN,
    ),
    Operation(
        "GET",
        "/api/v1/merkle/{root}/proofs/{index}",
        get_proof,
        "Prove that a chunk belongs to a tree",
        {200: Proof},
        path=ProofParameters,
        errors={404: "No such tree is stored, or the tree has no such leaf."},
    ),
)
