"""Images made of a few files, as they are saved; no engine is needed for them."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    Tree = Mapping[str, bytes | tarfile.TarInfo]


def member(path: str, kind: bytes = tarfile.REGTYPE, **values: Any) -> tarfile.TarInfo:
    """The head of a file that is no plain one; `values` are those of TarInfo."""
    info = tarfile.TarInfo(path)
    info.type = kind
    for name, value in values.items():
        setattr(info, name, value)
    return info


def layer(files: Tree) -> bytes:
    """A layer: a path's content, or the member that it is."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for path, content in files.items():
            info = content if isinstance(content, tarfile.TarInfo) else tarfile.TarInfo(path)
            info.name = path
            if isinstance(content, bytes):
                info.size = len(content)
            archive.addfile(info, io.BytesIO(content) if isinstance(content, bytes) else None)
    return buffer.getvalue()


def config(layers: list[bytes]) -> bytes:
    diff_ids = [f"sha256:{hashlib.sha256(data).hexdigest()}" for data in layers]
    document = {
        "architecture": "arm64",
        "os": "linux",
        "created": "2026-01-02T03:04:05.123456789Z",
        "config": {"User": "65532:65532", "Labels": {"a": "b"}},
        "rootfs": {"type": "layers", "diff_ids": diff_ids},
        "history": [{"created_by": "COPY a"}],
    }
    return json.dumps(document).encode()


def save(
    path: Path, layers: list[bytes], document: bytes, *, compressed: bool = False, names: list[str] | None = None
) -> Path:
    """Write what `docker save` writes; `names` are those of the layers."""
    names = names or [f"{n}/layer.tar" for n in range(len(layers))]
    manifest = [{"Config": "c.json", "RepoTags": ["test:1"], "Layers": names}]
    members: dict[str, bytes | tarfile.TarInfo] = {"c.json": document}
    members |= {name: gzip.compress(data) if compressed else data for name, data in zip(names, layers, strict=True)}
    members["manifest.json"] = json.dumps(manifest).encode()
    path.write_bytes(layer(members))
    return path


def lay_out(path: Path, layers: list[bytes], document: bytes) -> Path:
    """Write an OCI layout directory, its layers compressed."""
    blobs = path / "blobs" / "sha256"
    blobs.mkdir(parents=True)

    def blob(data: bytes) -> str:
        digest = hashlib.sha256(data).hexdigest()
        (blobs / digest).write_bytes(data)
        return f"sha256:{digest}"

    manifest = {"config": {"digest": blob(document)}, "layers": [{"digest": blob(gzip.compress(d))} for d in layers]}
    notes = {"org.opencontainers.image.ref.name": "test:1"}
    index = {"manifests": [{"digest": blob(json.dumps(manifest).encode()), "annotations": notes}]}
    (path / "index.json").write_text(json.dumps(index))
    (path / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')
    return path
