"""The deployment under test: every fact about it, gathered on first use and then kept. It judges nothing."""

from __future__ import annotations

import io
import tarfile
from typing import TYPE_CHECKING, TypeVar

from docker.errors import NotFound

from pytest_lucid.container import Container, read_container
from pytest_lucid.engine.certificate import AUTHORITY
from pytest_lucid.engine.connection import engine_errors
from pytest_lucid.image import Image, list_images, read_image
from pytest_lucid.network import Answer, Discovery, Network, fetch, read_discovery, read_network

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

    from pytest_lucid.engine.connection import Engine
    from pytest_lucid.matrix import Matrix, Port, Service

T = TypeVar("T")


class Deployment:
    """The services of `matrix` on `engine`. Facts are those of the moment at which they were first asked for."""

    def __init__(self, engine: Engine, matrix: Matrix) -> None:
        self.engine = engine
        self.matrix = matrix
        self._facts: dict[Hashable, object] = {}

    def image(self, service: Service) -> Image:
        """The image that the matrix names for `service`."""
        return self._once(("image", service.name), lambda: read_image(self.engine, service.image))

    @property
    def bases(self) -> tuple[Image, ...]:
        """The images of the matrix's base repository that the engine has, under any tag."""
        return self._once("bases", lambda: list_images(self.engine, self.matrix.base))

    def container(self, name: str) -> Container:
        """The container called `name`."""
        return self._once(("container", name), lambda: read_container(self.engine, name))

    @property
    def network(self) -> Network:
        """The network that the services share."""
        return self._once("network", lambda: read_network(self.engine, self.matrix.network.name))

    @property
    def discovery(self) -> Discovery:
        """What Consul knows of the services."""
        names = [service.name for service in self.matrix.service]
        return self._once("discovery", lambda: read_discovery(self.engine, self.matrix.consul, names))

    def get(self, service: Service, path: str, port: Port | None = None) -> Answer:
        """What `service` answers to GET `path` on the published side of `port` (its HTTP port unless given)."""
        port = port or service.http
        url = f"{port.scheme}://{self.engine.address}:{port.host}{path}"
        return self._once(url, lambda: fetch(url, self._authority(service) if port.scheme == "https" else None))

    def _authority(self, service: Service) -> str | None:
        """The certificate authority that lies beside the certificate of `service`, in PEM; None where there is none."""
        with engine_errors(f"reading the certificate authority of {service.name}"):
            try:
                chunks, _ = self.engine.client.api.get_archive(service.name, f"{service.certificate}/{AUTHORITY}")
            except NotFound:
                return None
            with tarfile.open(fileobj=io.BytesIO(b"".join(chunks))) as archive:
                member = archive.extractfile(AUTHORITY)
                return member.read().decode() if member else None

    def _once(self, key: Hashable, gather: Callable[[], T]) -> T:
        if key not in self._facts:
            self._facts[key] = gather()
        fact: T = self._facts[key]  # type: ignore[assignment]  # one key always has facts of one type
        return fact
