"""Reads saved images: the stream or file of `docker save`, or an OCI layout directory. No engine is needed for either.

Layers are recognised by the hash of what was read, never by their names: a configuration that names a layer which is
not there is refused, so that what is said about the base rests on content.
"""

from __future__ import annotations

import gzip
import io
import sys
import tarfile
import zlib
from dataclasses import dataclass, field
from typing import IO, TYPE_CHECKING, Any, cast

from pytest_lucid.errors import ConfigError, EngineError
from pytest_lucid.image.config import Image
from pytest_lucid.image.documents import Configuration, Descriptor, Manifest, Saved, read
from pytest_lucid.image.inventory import Inventory

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pytest_lucid.image.entries import Layer
    from pytest_lucid.image.layer_cache import LayerCache

_HEAD = 512
_GZIP = b"\x1f\x8b"
_ZSTANDARD = b"\x28\xb5\x2f\xfd"
# Manifests and configurations are a few kilobytes; what is larger is no such thing.
_JSON_BYTES = 8 << 20
_ALL_JSON_BYTES = 64 << 20
# An index of platforms lists manifests; deeper nesting has no meaning.
_MAX_DEPTH = 4
_REFERENCE = "org.opencontainers.image.ref.name"
_FULL_REFERENCE = "io.containerd.image.name"
_BROKEN = (EOFError, OSError, zlib.error, zstd.ZstdError)


@dataclass(frozen=True)
class SavedImage:
    """One image of an archive: its tags, and the name of its configuration."""

    tags: tuple[str, ...]
    configuration: str


@dataclass
class Archive:
    """What a saved image, or several, consists of. `origin` is how a message names it.

    `problems` says of each part that is no document and no layer, by its name, why it could not be read.
    """

    origin: str
    documents: dict[str, bytes] = field(default_factory=dict)
    layers: dict[str, Layer] = field(default_factory=dict)
    problems: dict[str, str] = field(default_factory=dict)

    def images(self) -> Iterator[tuple[Image, Inventory]]:
        """Yield every image with its inventory; raises ConfigError where a part of one is missing."""
        return (self.load(saved) for saved in self.listed())

    def listed(self) -> tuple[SavedImage, ...]:
        """The images that it lists. Raises ConfigError where it is no saved image, or has none of its platforms."""
        if "manifest.json" in self.documents:
            manifests = self._read(tuple[Saved, ...], "manifest.json")
            return tuple(SavedImage(saved.tags or (), saved.config) for saved in manifests)
        if "index.json" not in self.documents:
            raise ConfigError(f"{self.origin}: no saved image; expected what `docker save` writes, or an OCI layout")
        absent: list[str] = []
        index = self._read(Manifest, "index.json")
        found = tuple(self._indexed(index.manifests or (), (), absent, _MAX_DEPTH))
        if not found and absent:
            raise ConfigError(f"{self.origin}: {', '.join(absent)} are listed and not in it; save the image again")
        # Of a platform that was not pulled, the manifest may be there all the same.
        return tuple(filter(self._is_present, found)) or found

    def _is_present(self, saved: SavedImage) -> bool:
        if saved.configuration not in self.documents:
            return False
        diff_ids = self._read(Configuration, saved.configuration).rootfs.diff_ids
        return not diff_ids or any(diff_id in self.layers for diff_id in diff_ids)

    def load(self, saved: SavedImage) -> tuple[Image, Inventory]:
        """Return an image with its inventory; raises ConfigError where a part of it is missing or cannot be read."""
        config = self._read(Configuration, saved.configuration)
        inventory = self.inventory(saved.tags[0] if saved.tags else self.origin, config.rootfs.diff_ids)
        return Image(inventory.reference, _document(saved, config, inventory)), inventory

    def inventory(self, reference: str, diff_ids: tuple[str, ...]) -> Inventory:
        """Return the files of the image with these layers; raises ConfigError where one of them was not read."""
        if missing := [diff_id for diff_id in diff_ids if diff_id not in self.layers]:
            problems = "".join(f"; {name}: {problem}" for name, problem in sorted(self.problems.items())[:3])
            raise ConfigError(
                f"{self.origin}: layer {missing[0]} of {reference} is missing, or its content is not what its name "
                f"says{problems}; save the image again"
            )
        return Inventory(reference, tuple(self.layers[diff_id] for diff_id in diff_ids))

    def _indexed(
        self, entries: tuple[Descriptor, ...], tags: tuple[str, ...], absent: list[str], depth: int
    ) -> Iterator[SavedImage]:
        if not depth:
            raise ConfigError(f"{self.origin}: indexes in indexes, more than {_MAX_DEPTH} deep; save the image again")
        for entry in entries:
            if entry.is_attached:
                continue
            if entry.blob not in self.documents:
                # A registry's index lists every platform; a store holds those that were pulled.
                absent.append(str(entry.platform or entry.digest))
                continue
            notes = entry.annotations or {}
            named = tuple(name for key in (_FULL_REFERENCE, _REFERENCE) if (name := notes.get(key)))[:1] or tags
            manifest = self._read(Manifest, entry.blob)
            if manifest.manifests is not None:
                yield from self._indexed(manifest.manifests, named, absent, depth - 1)
            elif manifest.config and manifest.is_image:
                yield SavedImage(named, manifest.config.blob)

    def _read(self, kind: Any, name: str) -> Any:
        if name not in self.documents:
            raise ConfigError(f"{self.origin}: {name} is missing; save the image again")
        return read(kind, self.documents[name], f"{self.origin}: {name}")


def read_stream(stream: IO[bytes], origin: str, cache: LayerCache) -> Archive:
    """Read what `docker save` writes, to its end, in one pass."""
    archive = Archive(origin)
    try:
        with tarfile.open(fileobj=stream, mode="r|*", bufsize=1 << 18) as members:
            for member in members:
                file = members.extractfile(member) if member.isreg() else None
                if file:
                    _take(archive, member.name.removeprefix("./"), member.size, file, cache)
                # Keep the archive from keeping every member.
                members.members = []  # type: ignore[attr-defined]
    except (tarfile.TarError, EOFError, zlib.error) as error:
        raise ConfigError(f"{origin}: no tar archive ({error}); expected what `docker save` writes") from error
    return archive


def read_path(path: Path, cache: LayerCache) -> Archive:
    """Read a saved image from a tar file or an OCI layout directory. Raises ConfigError where it is neither."""
    try:
        if not path.is_dir():
            with path.open("rb") as file:
                return read_stream(file, str(path), cache)
        archive = Archive(str(path))
        for part in sorted(part for part in path.rglob("*") if part.is_file()):
            with part.open("rb") as file:
                _take(archive, part.relative_to(path).as_posix(), part.stat().st_size, file, cache)
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror or error}") from error
    return archive


def _take(archive: Archive, name: str, size: int, file: IO[bytes], cache: LayerCache) -> None:
    buffered = io.BufferedReader(cast("io.RawIOBase", file), 1 << 18)
    try:
        head = buffered.peek(_HEAD)[:_HEAD]
        if head.startswith(_GZIP):
            _take_layer(archive, name, cast("IO[bytes]", gzip.GzipFile(fileobj=buffered)), cache)
        elif head.startswith(_ZSTANDARD):
            _take_layer(archive, name, cast("IO[bytes]", zstd.ZstdFile(buffered)), cache)
        elif _is_tar(head):
            _take_layer(archive, name, cast("IO[bytes]", buffered), cache)
        elif head[:1] in (b"{", b"["):
            if size + sum(map(len, archive.documents.values())) > _ALL_JSON_BYTES or size > _JSON_BYTES:
                raise ConfigError(f"{archive.origin}: {name} has {size} bytes; expected at most {_JSON_BYTES}")
            archive.documents[name] = buffered.read()
    finally:
        # Whoever opened the file closes it.
        buffered.detach()


def _take_layer(archive: Archive, name: str, stream: IO[bytes], cache: LayerCache) -> None:
    try:
        layer = cache.read(name, stream)
    except (EngineError, *_BROKEN) as error:
        # Only an image that has this layer cannot be judged.
        archive.problems[name] = str(error)
        return
    if layer:
        archive.layers[layer.diff_id] = layer


def _is_tar(head: bytes) -> bool:
    """Whether a file begins with the header of a tar archive, by its checksum; an empty archive is one of zeros."""
    if head and not head.strip(b"\0"):
        return True
    try:
        tarfile.TarInfo.frombuf(head, "utf-8", "surrogateescape")
    except tarfile.HeaderError:
        return False
    return True


def _document(saved: SavedImage, config: Configuration, inventory: Inventory) -> dict[str, Any]:
    """Return the configuration in the form in which an engine describes an image."""
    return {
        "Id": "sha256:" + saved.configuration.rpartition("/")[2].removesuffix(".json"),
        "RepoTags": list(saved.tags),
        "Architecture": config.architecture,
        "Os": config.os,
        "Created": config.created,
        "Size": sum(entry.size for layer in inventory.layers for entry in layer.entries.values()),
        "Config": config.config.model_dump() if config.config else {},
        "RootFS": {"Layers": list(config.rootfs.diff_ids)},
        "History": [step.model_dump() for step in config.history or ()],
    }
