"""Layers that were read before, kept in the user's cache: the content of a layer never changes, so it is read once.

A layer is known by the hash of its content. Saved images have names of their own for their layers; such a name only
hints at which layer is coming, so that it need not be looked into again, and the hash of what came decides.
"""

from __future__ import annotations

import hashlib
import os
import re
import sys
from contextlib import suppress
from pathlib import Path
from typing import IO, TYPE_CHECKING

from pydantic import BaseModel, ValidationError
from pydantic_core import PydanticSerializationError

from pytest_lucid import content
from pytest_lucid.config.cache import prune, write_whole
from pytest_lucid.image.entries import Layer
from pytest_lucid.image.layer import hash_layer, read_layer

if TYPE_CHECKING:
    from pytest_lucid.image.scan import Scanner

_DIGEST = re.compile(r"[0-9a-f]{64}")


class _Stored(BaseModel, ser_json_bytes="base64", val_json_bytes="base64"):
    layer: Layer


class LayerCache:
    """The layers that `scanner` has read, in this process and, below `folder` if there is one, in earlier ones."""

    def __init__(self, scanner: Scanner, folder: Path | None = None) -> None:
        self._scanner = scanner
        # What is remembered of a file depends on the rules by which it was looked at.
        self._folder = folder / _fingerprint(scanner) if folder else None
        self._layers: dict[str, Layer] = {}

    def find(self, diff_id: str) -> Layer | None:
        """The layer whose content has this hash, if it was read before."""
        if diff_id not in self._layers and (path := self._path(diff_id, "json")):
            try:
                self._layers[diff_id] = _Stored.model_validate_json(path.read_bytes()).layer
                os.utime(path)
            except (OSError, ValidationError):
                return None
        return self._layers.get(diff_id)

    def read(self, name: str, stream: IO[bytes]) -> Layer | None:
        """Read an uncompressed layer that an image calls `name` to its end; None where its content is another."""
        hint = _DIGEST.search(name)
        expected = self.find(self._meant(hint.group())) if hint else None
        if expected is None:
            layer = read_layer(stream, self._scanner)
            self._keep(layer, hint.group() if hint else None)
            return layer
        if hash_layer(stream) == expected.diff_id:
            return expected
        self._forget(name)
        return None

    def _meant(self, hint: str) -> str:
        """The hash of the layer that bore this name; some engines use the hash itself as its name."""
        path = self._path(hint, "name")
        try:
            return path.read_text("ascii") if path else f"sha256:{hint}"
        except (OSError, UnicodeDecodeError):
            return f"sha256:{hint}"

    def _keep(self, layer: Layer, hint: str | None) -> None:
        self._layers[layer.diff_id] = layer
        path = self._path(layer.diff_id, "json")
        if path is None:
            return
        # A cache that cannot be written is none; JSON has no names that are no UTF-8.
        with suppress(OSError, PydanticSerializationError):
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            write_whole(path, _Stored(layer=layer).model_dump_json().encode())
            name = self._path(hint, "name") if hint else None
            if name and hint != _hex(layer.diff_id):
                write_whole(name, layer.diff_id.encode())
            prune(path.parent.parent)

    def _forget(self, name: str) -> None:
        for hint in _DIGEST.findall(name):
            if path := self._path(hint, "name"):
                path.unlink(missing_ok=True)

    def _path(self, digest: str, kind: str) -> Path | None:
        return self._folder / f"{_hex(digest)}.{kind}" if self._folder else None


def _hex(digest: str) -> str:
    return digest.removeprefix("sha256:")


def _fingerprint(scanner: Scanner) -> str:
    """Hash all that decides what is remembered: code and data of `image` and `content`, interpreter, options."""
    sha = hashlib.sha256(repr((sys.version_info[:2], scanner.own, scanner.vocabulary.words)).encode())
    for package in (Path(__file__).parent, Path(str(content.__file__)).parent):
        for file in sorted(file for file in package.iterdir() if file.is_file()):
            sha.update(file.read_bytes())
    return sha.hexdigest()[:16]
