"""Images with one defect each, made from a healthy one: its layers, a few more, and a changed configuration.

They are loaded without the healthy layers, which the engine has already, so that dozens of them cost seconds.
"""

from __future__ import annotations

import copy
import hashlib
import io
import json
import tarfile
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import docker


@dataclass(frozen=True)
class File:
    """One member of a layer; `kind` is tarfile's. A directory's path, like a whiteout's, is just a name."""

    path: str
    data: bytes = b""
    mode: int = 0o644
    owner: int = 0
    kind: bytes = tarfile.REGTYPE
    capability: bool = False

    def add_to(self, archive: tarfile.TarFile) -> None:
        info = tarfile.TarInfo(self.path)
        info.type, info.mode, info.uid, info.gid, info.size = (
            self.kind,
            self.mode,
            self.owner,
            self.owner,
            len(self.data),
        )
        if self.capability:
            # cap_net_raw, permitted and effective: version 2 of the kernel's own format.
            info.pax_headers = {"SCHILY.xattr.security.capability": "\x01\0\0\x02\0\x20" + "\0" * 14}
        archive.addfile(info, io.BytesIO(self.data))


def folder(path: str, mode: int = 0o755, owner: int = 0) -> File:
    return File(path, mode=mode, owner=owner, kind=tarfile.DIRTYPE)


def gone(path: str) -> File:
    parent, _, name = path.rpartition("/")
    return File(f"{parent}/.wh.{name}")


@dataclass(frozen=True)
class Mutant:
    """`layers` come on top of the healthy image's, `below` under them; `change` edits the configuration document.

    `red` are the checks that must fail, and the only ones.
    """

    name: str
    red: frozenset[str]
    layers: tuple[tuple[File, ...], ...] = ()
    below: tuple[File, ...] = ()
    change: Callable[[dict[str, Any]], object] = field(default=lambda _: None)
    repository: str = ""

    @property
    def service(self) -> str:
        """The name of its row in the matrix."""
        return f"lucid-mutant-{self.name}"

    @property
    def image(self) -> str:
        """The name of its image."""
        return f"{self.repository or self.service}:latest"


def load(client: docker.DockerClient, healthy: str, mutants: Sequence[Mutant]) -> None:
    """Make the images of `mutants` from the image `healthy`."""
    saved = io.BytesIO(b"".join(client.api.get_image(healthy)))
    with tarfile.open(fileobj=saved) as archive:
        manifest = json.loads(_member(archive, "manifest.json"))[0]
        config = json.loads(_member(archive, manifest["Config"]))
        bottom = {name: _member(archive, name) for name in manifest["Layers"]} if any(m.below for m in mutants) else {}
    contents: dict[str, bytes] = {}
    manifests = []
    for mutant in mutants:
        own, layers = copy.deepcopy(config), list(manifest["Layers"])
        own["config"]["Labels"]["service"] = mutant.service
        own["config"]["Env"] = [
            f"SERVICE_NAME={mutant.service}" if entry.startswith("SERVICE_NAME=") else entry
            for entry in own["config"]["Env"]
        ]
        mutant.change(own)
        for files, at in ((mutant.below, 0), *((files, len(layers) + n) for n, files in enumerate(mutant.layers))):
            if files:
                layer = _layer(files)
                digest = hashlib.sha256(layer).hexdigest()
                contents[f"{digest}/layer.tar"] = layer
                own["rootfs"]["diff_ids"].insert(at, f"sha256:{digest}")
                own["history"].insert(at, {"created_by": f"mutant {mutant.name}"})
                layers.insert(at, f"{digest}/layer.tar")
        if mutant.below:
            contents.update(bottom)
        document = json.dumps(own).encode()
        name = f"{hashlib.sha256(document).hexdigest()}.json"
        contents[name] = document
        manifests.append({"Config": name, "RepoTags": [mutant.image], "Layers": layers})
    contents["manifest.json"] = json.dumps(manifests).encode()
    everything = _layer([File(name, data) for name, data in contents.items()])
    # To the end of the answer: the engine is not done before.
    problems = [event["error"] for event in client.api.load_image(everything) or () if "error" in event]
    assert not problems


def _layer(files: Sequence[File]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for file in files:
            file.add_to(archive)
    return buffer.getvalue()


def _member(archive: tarfile.TarFile, name: str) -> bytes:
    file = archive.extractfile(name)
    assert file is not None
    return file.read()


def read(client: docker.DockerClient, image: str, *paths: str) -> list[bytes]:
    """Read files of an image."""
    container = client.containers.create(image, ["none"], labels={"lucid.test": "mutants"})
    try:
        found = []
        for path in paths:
            chunks, _ = container.get_archive(path)
            with tarfile.open(fileobj=io.BytesIO(b"".join(chunks))) as archive:
                found.append(_member(archive, archive.getnames()[0]))
        return found
    finally:
        container.remove()
