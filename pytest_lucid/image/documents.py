"""The JSON documents of saved images: manifests, indexes, configurations. None is trusted: the image brings them.

Docker's `manifest.json`, and the OCI image specification 1.1.
"""

from __future__ import annotations

from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from pytest_lucid.errors import ConfigError

T = TypeVar("T")
_HASHED = r"^[a-z0-9]+:[0-9a-f]{32,128}$"


class _Document(BaseModel):
    model_config = ConfigDict(frozen=True, strict=True, populate_by_name=True)


class Platform(_Document):
    """What an index says that an image is for."""

    os: str = ""
    architecture: str = ""

    def __str__(self) -> str:
        """Return how a message names it."""
        return f"{self.os}/{self.architecture}"


class Descriptor(_Document):
    """What an index or a manifest says of a blob."""

    digest: str = Field(pattern=_HASHED)
    media_type: str = Field(default="", alias="mediaType")
    artifact_type: str = Field(default="", alias="artifactType")
    annotations: dict[str, str] | None = None
    platform: Platform | None = None

    @property
    def blob(self) -> str:
        """The path of the blob in an OCI layout."""
        return f"blobs/{self.digest.replace(':', '/')}"

    @property
    def is_layer(self) -> bool:
        """Whether it is a layer of files, by its type; old manifests give none. Signatures have layers too."""
        return not self.media_type or "image.layer" in self.media_type or "image.rootfs" in self.media_type

    @property
    def is_attached(self) -> bool:
        """Whether it is about an image (an attestation, a bill of materials), and no image itself."""
        unknown = self.platform is not None and self.platform.os == "unknown"
        return unknown or bool(self.artifact_type) or "vnd.docker.reference.type" in (self.annotations or {})


class Manifest(_Document):
    """An OCI manifest or, with `manifests`, an index of them."""

    manifests: tuple[Descriptor, ...] | None = None
    config: Descriptor | None = None
    layers: tuple[Descriptor, ...] = ()
    artifact_type: str = Field(default="", alias="artifactType")

    @property
    def is_image(self) -> bool:
        """Whether it has a configuration and layers of files."""
        return self.config is not None and not self.artifact_type and all(layer.is_layer for layer in self.layers)


class Saved(_Document):
    """One image of a `manifest.json`."""

    config: str = Field(alias="Config")
    tags: tuple[str, ...] | None = Field(default=None, alias="RepoTags")
    layers: tuple[str, ...] = Field(default=(), alias="Layers")


class Layers(_Document):
    """The layers of an image by the hash of their content, lowest first."""

    diff_ids: tuple[str, ...]


class _HealthCheck(_Document):
    """HEALTHCHECK; times in nanoseconds."""

    model_config = ConfigDict(extra="allow")

    Test: tuple[str, ...] | None = None
    Interval: int | None = None
    Timeout: int | None = None
    StartPeriod: int | None = None
    Retries: int | None = None


class _Settings(_Document):
    """What an image gives its containers, in the names of the specification."""

    model_config = ConfigDict(extra="allow")

    User: str | None = None
    Env: tuple[str, ...] | None = None
    Entrypoint: tuple[str, ...] | None = None
    Cmd: tuple[str, ...] | None = None
    Labels: dict[str, str] | None = None
    ExposedPorts: dict[str, Any] | None = None
    Volumes: dict[str, Any] | None = None
    WorkingDir: str | None = None
    StopSignal: str | None = None
    Healthcheck: _HealthCheck | None = None


class Step(_Document):
    """One line of the history."""

    created_by: str | None = None
    comment: str | None = None


class Configuration(_Document):
    """The configuration of an image."""

    rootfs: Layers
    config: _Settings | None = None
    architecture: str = ""
    os: str = ""
    created: str | None = None
    history: tuple[Step, ...] | None = None


def read(kind: type[T], data: bytes, where: str) -> T:
    """Read a document; raises ConfigError, with the first mistake, for invalid or too deeply nested JSON."""
    try:
        return TypeAdapter(kind).validate_json(data)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        raise ConfigError(
            f"{where}{f', {place}' if place else ''}: {first['msg']}; expected what `docker save` writes; "
            "save the image again"
        ) from error
