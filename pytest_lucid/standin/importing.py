"""Makes an image of a root filesystem, for the engine's own architecture or for another one."""

from __future__ import annotations

import json
from typing import IO, TYPE_CHECKING

from docker.utils import parse_repository_tag

from pytest_lucid.errors import EngineError

if TYPE_CHECKING:
    from collections.abc import Sequence

    import docker

SECONDS = 600


def import_image(
    client: docker.DockerClient,
    archive: IO[bytes],
    changes: Sequence[str],
    *,
    name: str = "",
    architecture: str | None = None,
) -> str:
    """Import a tar of a root with a configuration (Dockerfile instructions), call it `name` if given, return its id.

    Raises EngineError where the engine cannot do that for `architecture`.
    """
    repository, tag = parse_repository_tag(name)
    params = {"fromSrc": "-", "repo": repository, "tag": tag or "", "changes": list(changes)}
    if architecture:
        params["platform"] = f"linux/{architecture}"
    api = client.api
    # The SDK has no way to say the platform.
    response = api.post(
        f"{api.base_url}/v{api.api_version}/images/create",
        params=params,
        data=archive,
        headers={"Content-Type": "application/tar"},
        timeout=SECONDS,
    )
    reply = json.loads(response.text.splitlines()[-1])
    if "status" not in reply:
        raise EngineError(
            f"the engine could not import a root filesystem: {reply.get('error') or reply.get('message')}"
        )
    made = str(reply["status"])
    if architecture and client.images.get(made).attrs["Architecture"] != architecture:
        client.images.remove(made)
        raise EngineError(
            f"this engine imports no root filesystem for {architecture}; expected one that is for it, "
            "or a newer one (Docker 26.1 does)"
        )
    return made
