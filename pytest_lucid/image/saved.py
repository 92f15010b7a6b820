"""Reads saved images: the stream or file of `docker save`, or an OCI layout directory. No engine is needed for either.

Layers are recognised by the hash of what was read, never by their names: a configuration that names a layer which is
not there is refused, so that what is said about the base rests on content.
"""

from __future__ import annotations

import gzip
import io
import json
import tarfile
from dataclasses import dataclass, field
from typing import IO, TYPE_CHECKING, Any, cast

from pytest_lucid.errors import ConfigError
from pytest_lucid.image.config import Image
from pytest_lucid.image.inventory import Inventory

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from pytest_lucid.image.inventory import Layer
    from pytest_lucid.image.layer_cache import LayerCache

_HEAD = 512
_GZIP = b"\x1f\x8b"
_ZSTANDARD = b"\x28\xb5\x2f\xfd"
# Manifests and configurations are a few kilobytes; what is larger is no such thing.
_JSON_BYTES = 8 << 20
_REFERENCE = "org.opencontainers.image.ref.name"
_FULL_REFERENCE = "io.containerd.image.name"


@dataclass
class Archive:
    """What a saved image, or several, consists of. `origin` is how a message names it."""

    origin: str
    documents: dict[str, bytes] = field(default_factory=dict)
    layers: dict[str, Layer] = field(default_factory=dict)

    def images(self) -> Iterator[tuple[Image, Inventory]]:
        """Yield every image with its inventory; raises ConfigError where a part of one is missing."""
        for tags, name in self._configurations():
            config = self._json(name)
            diff_ids = config["rootfs"]["diff_ids"]
            if missing := [diff_id for diff_id in diff_ids if diff_id not in self.layers]:
                raise ConfigError(
                    f"{self.origin}: layer {missing[0]} of {tags[0] if tags else name} is not in it, or its content is "
                    "another than its name says; save the image anew"
                )
            reference = tags[0] if tags else self.origin
            inventory = Inventory(reference, tuple(self.layers[diff_id] for diff_id in diff_ids))
            yield Image(reference, _document(name, tags, config, inventory)), inventory

    def _configurations(self) -> Iterator[tuple[list[str], str]]:
        if "manifest.json" in self.documents:
            for manifest in self._json("manifest.json"):
                yield list(manifest.get("RepoTags") or ()), manifest["Config"]
        elif "index.json" in self.documents:
            yield from self._indexed(self._json("index.json"), [])
        else:
            raise ConfigError(f"{self.origin}: no saved image; expected what `docker save` writes, or an OCI layout")

    def _indexed(self, index: Mapping[str, Any], tags: list[str]) -> Iterator[tuple[list[str], str]]:
        for entry in index["manifests"]:
            notes = entry.get("annotations") or {}
            named = [name for key in (_FULL_REFERENCE, _REFERENCE) if (name := notes.get(key))][:1] or tags
            manifest = self._json(_blob(entry["digest"]))
            if "manifests" in manifest:
                yield from self._indexed(manifest, named)
            elif (entry.get("platform") or {}).get("os") != "unknown":
                yield named, _blob(manifest["config"]["digest"])

    def _json(self, name: str) -> Any:
        try:
            return json.loads(self.documents[name])
        except (KeyError, ValueError) as error:
            raise ConfigError(f"{self.origin}: {name} is missing or no JSON; save the image anew") from error


def read_stream(stream: IO[bytes], origin: str, cache: LayerCache) -> Archive:
    """Read what `docker save` writes, to its end, in one pass."""
    archive = Archive(origin)
    try:
        with tarfile.open(fileobj=stream, mode="r|*") as members:
            for member in members:
                file = members.extractfile(member) if member.isreg() else None
                if file:
                    _take(archive, member.name.removeprefix("./"), member.size, file, cache)
    except tarfile.TarError as error:
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
    buffered = io.BufferedReader(cast("io.RawIOBase", file), 1 << 16)
    try:
        head = buffered.peek(_HEAD)[:_HEAD]
        if head[:1] in (b"{", b"[") and size <= _JSON_BYTES:
            archive.documents[name] = buffered.read()
        elif head.startswith(_ZSTANDARD):
            raise ConfigError(
                f"{archive.origin}: {name} is compressed with Zstandard; save the image with gzip, or without"
            )
        elif head.startswith(_GZIP) or head[257:262] == b"ustar" or (head and not head.strip(b"\0")):
            stream = gzip.GzipFile(fileobj=buffered) if head.startswith(_GZIP) else buffered
            if layer := cache.read(name, cast("IO[bytes]", stream)):
                archive.layers[layer.diff_id] = layer
    finally:
        # Whoever opened the file closes it.
        buffered.detach()


def _blob(digest: str) -> str:
    return f"blobs/{digest.replace(':', '/')}"


def _document(name: str, tags: list[str], config: Mapping[str, Any], inventory: Inventory) -> dict[str, Any]:
    """Return the configuration in the form in which an engine tells of an image."""
    return {
        "Id": "sha256:" + name.rpartition("/")[2].removesuffix(".json"),
        "RepoTags": tags,
        "Architecture": config.get("architecture"),
        "Os": config.get("os"),
        "Created": config.get("created"),
        "Size": sum(entry.size for layer in inventory.layers for entry in layer.entries.values()),
        "Config": config.get("config") or {},
        "RootFS": {"Layers": config["rootfs"]["diff_ids"]},
        "History": config.get("history") or [],
    }
