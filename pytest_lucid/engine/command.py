"""Runs one command in a container, and takes both outputs apart that the engine sends over one connection."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_lucid.errors import EngineError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from pytest_lucid.engine.connection import Engine

HEADER_BYTES = 8
STDERR = 2


def run_command(
    engine: Engine, container: str, command: Sequence[str], environment: Mapping[str, str]
) -> tuple[int, bytes]:
    """Run a command to its end; returns its exit code and its standard output.

    Raises EngineError where the engine cannot tell how it ended.
    """
    api = engine.client.api
    started = api.exec_create(container, list(command), environment=dict(environment), stderr=False)["Id"]
    # Not the SDK's exec_start: it takes over the socket and loses what came in one piece with the response's head.
    response = api.post(
        f"{api.base_url}/v{api.api_version}/exec/{started}/start",
        json={"Detach": False, "Tty": False},
        timeout=api.timeout,
    )
    response.raise_for_status()
    output = b"".join(payload for _, payload in take_frames(bytearray(response.content)))
    code = api.exec_inspect(started)["ExitCode"]
    if code is None:
        raise EngineError(f"`{' '.join(command)}` closed its output, but the engine reports no exit code")
    return int(code), output


def take_frames(arrived: bytearray) -> Iterator[tuple[int, bytearray]]:
    """Yield stream and payload of each complete frame; at the end remove what was taken from `arrived`.

    A frame is one byte that names the stream, three of padding, four of length, the payload (Engine API, "attach").
    """
    start = 0
    while len(arrived) - start >= HEADER_BYTES:
        end = start + HEADER_BYTES + int.from_bytes(arrived[start + 4 : start + HEADER_BYTES], "big")
        if len(arrived) < end:
            break
        yield arrived[start], arrived[start + HEADER_BYTES : end]
        start = end
    del arrived[:start]
