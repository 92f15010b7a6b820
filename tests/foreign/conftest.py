"""The image that the stacks of strangers, and the stand-ins for later phases, run."""

from __future__ import annotations

from typing import TYPE_CHECKING

import docker
import pytest
from foreign import build

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def client() -> Iterator[docker.DockerClient]:
    client = docker.from_env()
    yield client
    client.close()


@pytest.fixture(scope="session")
def app(client: docker.DockerClient) -> None:
    build(client)
