"""The chunk store: what has a name has its content, whatever went wrong before."""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING

import pytest
from blake3 import blake3
from hypothesis import given
from hypothesis import strategies as st
from lucid_data_chain import chunks
from lucid_data_chain.chunks import (
    PIECE,
    ChunkStore,
    CorruptError,
    NoSpaceError,
    TooLargeError,
    WrongHashError,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence
    from pathlib import Path

LARGEST = 4 * PIECE


def named(content: bytes) -> str:
    return blake3(content).hexdigest()


async def pieces(content: bytes, size: int = 10_000) -> AsyncIterator[bytes]:
    for at in range(0, len(content), size):
        yield content[at : at + size]


def put(store: ChunkStore, content: bytes, name: str | None = None) -> bool:
    return asyncio.run(store.put(name or named(content), pieces(content)))


def read(store: ChunkStore, name: str, first: int, last: int) -> bytes:
    async def collect() -> bytes:
        return b"".join([piece async for piece in store.read(name, first, last)])

    return asyncio.run(collect())


def files(folder: Path) -> Sequence[str]:
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


@pytest.fixture
def store(tmp_path: Path) -> ChunkStore:
    made = ChunkStore(tmp_path, LARGEST)
    made.prepare()
    return made


@pytest.mark.parametrize("size", [0, 1, PIECE - 1, PIECE, PIECE + 1, LARGEST])
def test_chunk_comes_back(store: ChunkStore, size: int) -> None:
    content = os.urandom(size)
    assert put(store, content)
    assert store.size(named(content)) == size
    assert read(store, named(content), 0, size - 1) == content


def test_second_time_is_not_new(store: ChunkStore, tmp_path: Path) -> None:
    assert put(store, b"one")
    assert not put(store, b"one")
    assert files(tmp_path) == [named(b"one")]


def test_wrong_hash_leaves_no_trace(store: ChunkStore, tmp_path: Path) -> None:
    with pytest.raises(WrongHashError) as caught:
        put(store, b"one", named(b"two"))
    assert caught.value.actual == named(b"one")
    assert files(tmp_path) == []
    assert store.size(named(b"one")) is None


def test_too_large_leaves_no_trace(store: ChunkStore, tmp_path: Path) -> None:
    with pytest.raises(TooLargeError):
        put(store, bytes(LARGEST + 1))
    assert files(tmp_path) == []


def test_sender_that_goes_away_leaves_no_trace(store: ChunkStore, tmp_path: Path) -> None:
    async def broken() -> AsyncIterator[bytes]:
        yield bytes(PIECE)
        raise ConnectionError

    with pytest.raises(ConnectionError):
        asyncio.run(store.put(named(bytes(PIECE)), broken()))
    assert files(tmp_path) == []


def test_cancelled_upload_leaves_no_trace(store: ChunkStore, tmp_path: Path) -> None:
    async def endless() -> AsyncIterator[bytes]:
        yield bytes(PIECE)
        await asyncio.Event().wait()

    async def cancelled() -> None:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.2):
                await store.put(named(b""), endless())

    asyncio.run(cancelled())
    assert files(tmp_path) == []


def test_start_removes_what_was_left_half_written(store: ChunkStore, tmp_path: Path) -> None:
    put(store, b"whole")
    (tmp_path / ".incoming" / "half").write_bytes(b"ha")
    store.prepare()
    assert files(tmp_path) == [named(b"whole")]


def test_damaged_chunk_is_cut_short_and_repaired_by_another_upload(store: ChunkStore, tmp_path: Path) -> None:
    content = os.urandom(PIECE + 100)
    put(store, content)
    (path,) = tmp_path.glob("*/" + named(content))
    path.write_bytes(bytes([content[0] ^ 1]) + content[1:])

    async def receive(into: list[bytes]) -> None:
        async for piece in store.read(named(content), 0, len(content) - 1):
            into += [piece]

    received: list[bytes] = []
    with pytest.raises(CorruptError):
        asyncio.run(receive(received))
    assert sum(map(len, received)) < len(content)
    put(store, content)
    assert read(store, named(content), 0, len(content) - 1) == content


def test_chunk_that_was_cut_short_on_the_disk_is_an_error(store: ChunkStore, tmp_path: Path) -> None:
    put(store, bytes(100))
    (path,) = tmp_path.glob("*/" + named(bytes(100)))
    path.write_bytes(bytes(50))
    with pytest.raises(CorruptError):
        read(store, named(bytes(100)), 10, 99)


def test_volume_keeps_a_reserve(store: ChunkStore, monkeypatch: pytest.MonkeyPatch) -> None:
    store.ensure_space(1)
    monkeypatch.setattr(chunks, "RESERVE", 2**60)
    with pytest.raises(NoSpaceError):
        store.ensure_space(1)


def test_missing_names_each_once_in_order(store: ChunkStore) -> None:
    put(store, b"one")
    two, three = named(b"two"), named(b"three")
    assert store.missing([three, named(b"one"), two, three]) == [three, two]


@given(content=st.binary(max_size=3000), size=st.integers(1, 700), data=st.data())
def test_any_range_of_any_chunk(
    tmp_path_factory: pytest.TempPathFactory, content: bytes, size: int, data: st.DataObject
) -> None:
    store = ChunkStore(tmp_path_factory.mktemp("chunks"), LARGEST)
    store.prepare()
    asyncio.run(store.put(named(content), pieces(content, size)))
    if content:
        first = data.draw(st.integers(0, len(content) - 1))
        last = data.draw(st.integers(first, len(content) - 1))
        assert read(store, named(content), first, last) == content[first : last + 1]
