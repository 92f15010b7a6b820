"""Chunks as files named after the BLAKE3 hash of their content. Nothing here knows HTTP.

A chunk is written beside its place, hashed on the way, forced to the disk and then renamed: whoever finds a name
finds the whole content, whatever happened in between. What a killed process left half-written is removed at the start.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import logging
import os
import secrets
import shutil
from typing import TYPE_CHECKING

from blake3 import blake3

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, AsyncIterator, Iterable
    from io import FileIO
    from pathlib import Path

PIECE = 256 * 1024
"""Bytes that are held in memory at a time, for each chunk under way."""
RESERVE = 64 * 1024 * 1024
"""Bytes that stay free on the volume: the database of the trees may share the disk."""

_INCOMING = ".incoming"
_logger = logging.getLogger(__name__)


class ChunkError(Exception):
    """A chunk cannot be stored or read; the message says why."""


class WrongHashError(ChunkError):
    """The content has another hash than its name says."""

    def __init__(self, actual: str) -> None:
        super().__init__("The content has another hash.")
        self.actual = actual


class TooLargeError(ChunkError):
    """The content is longer than a chunk may be."""


class NoSpaceError(ChunkError):
    """The volume is full."""


class CorruptError(ChunkError):
    """A stored chunk is not what was stored."""


class ChunkStore:
    """The chunks below one directory. Hashes are 64 lower-case hex digits, which the caller has checked."""

    def __init__(self, directory: Path, largest: int) -> None:
        self._directory = directory
        self._incoming = directory / _INCOMING
        self.largest = largest
        """Bytes that a chunk may have."""

    def prepare(self) -> None:
        """Remove what an earlier process left half-written. Raises OSError if the volume cannot be written to."""
        shutil.rmtree(self._incoming, ignore_errors=True)
        self._incoming.mkdir(mode=0o700)

    def size(self, name: str) -> int | None:
        """Return the bytes of the chunk called `name`, or None if it is not held."""
        try:
            return self._place(name).stat().st_size
        except FileNotFoundError:
            return None

    def missing(self, names: Iterable[str]) -> list[str]:
        """Return those of `names` that are not held, each once, in their order."""
        return [name for name in dict.fromkeys(names) if not self._place(name).is_file()]

    async def put(self, name: str, content: AsyncIterable[bytes]) -> bool:
        """Store `content` under `name`; return whether the chunk is new.

        A chunk that is held is written again, which repairs one that the disk has damaged. Raises WrongHashError,
        TooLargeError or NoSpaceError, and then nothing is kept.
        """
        incoming = self._incoming / f"{name}.{secrets.token_hex(8)}"
        try:
            await self._write(incoming, name, content)
            return await asyncio.to_thread(self._publish, incoming, name)
        except OSError as error:
            if error.errno in {errno.ENOSPC, errno.EDQUOT}:
                raise NoSpaceError("The volume is full.") from error
            raise
        finally:
            # Also when the client went away, or the server stops.
            with contextlib.suppress(FileNotFoundError):
                incoming.unlink()

    async def _write(self, incoming: Path, name: str, content: AsyncIterable[bytes]) -> None:
        hasher = blake3()
        size = 0

        def save(file: FileIO, piece: bytes) -> None:
            hasher.update(piece)
            left = memoryview(piece)
            while left:
                left = left[file.write(left) :]

        with incoming.open("xb", buffering=0) as file:
            async for piece in _gathered(content):
                size += len(piece)
                if size > self.largest:
                    raise TooLargeError(f"A chunk has at most {self.largest} bytes.")
                await asyncio.to_thread(save, file, piece)
            if (actual := hasher.hexdigest()) != name:
                raise WrongHashError(actual)
            await asyncio.to_thread(os.fsync, file.fileno())

    def _publish(self, incoming: Path, name: str) -> bool:
        place = self._place(name)
        if not place.parent.exists():
            place.parent.mkdir(mode=0o700, exist_ok=True)
            _sync_directory(self._directory)
        new = not place.exists()
        incoming.rename(place)
        # The name, too, has to survive a power cut before the client gets its answer.
        _sync_directory(place.parent)
        return new

    async def read(self, name: str, first: int, last: int) -> AsyncIterator[bytes]:
        """Yield the bytes `first` … `last` (included) of a chunk that is held.

        Of a whole chunk the last piece is yielded only once the hash is right; otherwise CorruptError is raised, so
        that the reader gets a body that is too short, never a wrong one.
        """
        whole = (first, last + 1) == (0, self.size(name))
        hasher = blake3()
        with await asyncio.to_thread(self._place(name).open, "rb", buffering=0) as file:
            file.seek(first)
            left = last + 1 - first
            while left:
                piece = await asyncio.to_thread(file.read, min(left, PIECE))
                left -= len(piece)
                if whole:
                    await asyncio.to_thread(hasher.update, piece)
                if not piece or (whole and not left and hasher.hexdigest() != name):
                    _logger.error("the chunk %s is damaged on the disk", name)
                    raise CorruptError(name)
                yield piece

    def ensure_space(self, size: int) -> None:
        """Raise NoSpaceError unless `size` bytes fit, with RESERVE bytes to spare."""
        if shutil.disk_usage(self._directory).free < size + RESERVE:
            raise NoSpaceError("The volume is full.")

    def _place(self, name: str) -> Path:
        # Directories of a few thousand names stay quick on every file system.
        return self._directory / name[:2] / name


async def _gathered(content: AsyncIterable[bytes]) -> AsyncIterator[bytes]:
    """Join small pieces up to PIECE bytes, so that a thread is called a few times a chunk, not hundreds of times."""
    gathered = bytearray()
    async for piece in content:
        gathered += piece
        if len(gathered) >= PIECE:
            yield bytes(gathered)
            gathered.clear()
    if gathered:
        yield bytes(gathered)


def _sync_directory(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
