"""Images on their way out of an engine, and from one engine to another: only the layers that are missing there travel.

Nothing is held as a whole, neither in memory nor on disk.
"""

from __future__ import annotations

import posixpath
import tarfile
import time
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from typing import IO, TYPE_CHECKING, cast

from docker.errors import ImageNotFound
from pydantic_core import from_json

from pytest_lucid.engine.connection import engine_errors
from pytest_lucid.errors import EngineError
from pytest_lucid.image.documents import Configuration, Saved, read

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from pytest_lucid.engine.connection import Engine

# Reading a large image from a busy disk takes a while before its first byte comes, and so does storing one.
SECONDS = 600
MB = 1_000_000
_CHUNK = 1 << 18
_BLOCK = 512
# Manifests and configurations are a few kilobytes; what is larger is no such thing.
_JSON_BYTES = 8 << 20


@contextmanager
def saved(engine: Engine, references: Sequence[str]) -> Iterator[IO[bytes]]:
    """What `docker save` writes of images, as a stream."""
    api = engine.client.api
    with engine_errors(f"reading {', '.join(references)}"):
        # The SDK saves one image at a time.
        response = api.get(
            f"{api.base_url}/v{api.api_version}/images/get",
            params={"names": references},
            stream=True,
            timeout=SECONDS,
        )
        with closing(response):
            response.raise_for_status()
            yield cast("IO[bytes]", response.raw)


def send_images(source: Engine, target: Engine, references: Sequence[str], progress: Callable[[str], None]) -> None:
    """Bring images to `target` under the same names; those that are the same there stay.

    Raises EngineError where it does not take them. What is then there is whole images only.
    """
    changed = [reference for reference in references if _layers(source, reference) != _layers(target, reference)]
    for reference in references:
        if reference not in changed:
            progress(f"{reference}: unchanged on {target.host}")
    if not changed:
        return
    with saved(source, changed) as stream:
        contents = _read(stream)
    shipment = _Shipment(source, target, changed, contents, progress)
    spare = contents.layers - contents.missing(_known(target))
    if spare and (refusal := shipment.send(spare)):
        progress(f"{target.host} does not take images without the layers that it has ({refusal}): sending all")
        spare = frozenset()
    if not spare and (refusal := shipment.send(spare)):
        raise EngineError(f"{target.host} does not take {shipment}: {refusal}")


@dataclass
class _Contents:
    """What a stream of saved images holds: sizes of members, links among them, and each image's layers in order."""

    sizes: dict[str, int] = field(default_factory=dict)
    links: dict[str, str] = field(default_factory=dict)
    images: list[tuple[tuple[str, str], ...]] = field(default_factory=list)

    @property
    def layers(self) -> frozenset[str]:
        """The members that are layers."""
        return frozenset(self.links.get(name, name) for image in self.images for name, _ in image)

    def missing(self, known: frozenset[tuple[str, ...]]) -> frozenset[str]:
        """The members of layers that an engine needs which has the stacks of layers `known`."""
        needed = set()
        for image in self.images:
            stack = tuple(diff_id for _, diff_id in image)
            needed |= {name for at, (name, _) in enumerate(image) if stack[: at + 1] not in known}
        return frozenset(self.links.get(name, name) for name in needed)


def _read(stream: IO[bytes]) -> _Contents:
    contents = _Contents()
    documents: dict[str, bytes] = {}
    with tarfile.open(fileobj=stream, mode="r|") as archive:
        for member in archive:
            contents.sizes[member.name] = member.size
            if member.issym():
                folder = posixpath.dirname(member.name)
                contents.links[member.name] = posixpath.normpath(posixpath.join(folder, member.linkname))
            file = archive.extractfile(member) if member.isreg() and member.size <= _JSON_BYTES else None
            if file and (head := file.read(1)) in {b"{", b"["}:
                documents[member.name] = head + file.read()
    for image in read(tuple[Saved, ...], documents.get("manifest.json", b""), "manifest.json"):
        diff_ids = read(Configuration, documents.get(image.config, b""), image.config).rootfs.diff_ids
        contents.images.append(tuple(zip(image.layers, diff_ids, strict=True)))
    return contents


def _known(engine: Engine) -> frozenset[tuple[str, ...]]:
    """Every stack of layers that the engine has: an engine finds a layer by all that lie below it."""
    with engine_errors(f"listing the images of {engine.host}"):
        images = [engine.client.api.inspect_image(each["Id"]) for each in engine.client.api.images(all=True)]
    stacks = [tuple(image["RootFS"].get("Layers") or ()) for image in images]
    return frozenset(stack[: at + 1] for stack in stacks for at in range(len(stack)))


def _layers(engine: Engine, reference: str) -> tuple[object, ...] | None:
    """What makes two images the same: configuration and layers. Ids differ between kinds of engines."""
    with engine_errors(f"inspecting image {reference}"):
        try:
            image = engine.client.api.inspect_image(reference)
        except ImageNotFound:
            return None
    return image["RootFS"].get("Layers"), image["Created"], image["Architecture"], image["Config"]["Labels"]


@dataclass(frozen=True)
class _Shipment:
    """Images on their way from one engine to another."""

    source: Engine
    target: Engine
    references: Sequence[str]
    contents: _Contents
    progress: Callable[[str], None]

    def send(self, spare: frozenset[str]) -> str:
        """Send them but for the layers `spare`; returns why the engine refused, or nothing."""
        started = time.monotonic()
        sent = self.contents.layers - spare
        size = sum(self.contents.sizes[name] for name in sent) / MB
        to = self.target.host
        self.progress(f"sending {self} to {to}: {len(sent)} of {len(self.contents.layers)} layers, {size:.1f} MB")
        api = self.target.client.api
        with saved(self.source, self.references) as stream, engine_errors(f"sending {self} to {to}"):
            response = api.post(
                f"{api.base_url}/v{api.api_version}/images/load",
                params={"quiet": "1"},
                data=_without(stream, spare),
                headers={"Content-Type": "application/x-tar"},
                timeout=SECONDS,
            )
        try:
            events = [from_json(line) for line in response.text.splitlines() if line.strip()]
        except ValueError as error:
            raise EngineError(f"sending {self} to {to}: the engine's answer cannot be read: {error}") from error
        refusals = [str(line.get("error") or line["message"]) for line in events if {"error", "message"} & set(line)]
        if not refusals:
            self.progress(f"sent {self}, {time.monotonic() - started:.1f} s")
        return "".join(refusals[:1])

    def __str__(self) -> str:
        """Return how a message names them."""
        return self.references[0] if len(self.references) == 1 else f"{len(self.references)} images"


def _without(stream: IO[bytes], spare: frozenset[str]) -> Iterator[bytes]:
    """The same archive without some of its members."""
    with tarfile.open(fileobj=stream, mode="r|") as archive:
        for member in archive:
            if member.name in spare:
                continue
            yield member.tobuf(tarfile.PAX_FORMAT)
            file = archive.extractfile(member) if member.isreg() else None
            while file and (chunk := file.read(_CHUNK)):
                yield chunk
            if file and member.size % _BLOCK:
                yield bytes(_BLOCK - member.size % _BLOCK)
    yield bytes(2 * _BLOCK)
