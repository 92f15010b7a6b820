"""What Consul knows, asked over HTTP from within its own container, so that no other service colours the answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pydantic_core import from_json

from pytest_lucid.errors import EngineError
from pytest_lucid.inspect.documents import ConsulEntry, understood

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pytest_lucid.engine.shell_protocol import Result
    from pytest_lucid.sidecar.session import Session

# Consul answers at once, or with an error; one that is frozen does neither.
ANSWER_SECONDS = 5


@dataclass(frozen=True)
class Registration:
    """One instance in Consul's catalog: where it says it listens, and whether its checks pass."""

    address: str
    port: int
    passing: bool


@dataclass(frozen=True)
class Discovery:
    """Consul's view: who leads (None for nobody), and the registrations of each service asked for."""

    leader: str | None
    registrations: Mapping[str, tuple[Registration, ...]]


def read_discovery(session: Session, port: int, services: Sequence[str]) -> Discovery:
    """Ask the Consul that `session` is inside of, at `port`, for its leader and for `services`.

    Without a leader it knows of no service. Raises EngineError where it does not answer: what is registered is then
    not known.
    """
    paths = ("status/leader", *(f"health/service/{name}" for name in services))
    asked = [f"timeout {ANSWER_SECONDS} wget -q -O - http://127.0.0.1:{port}/v1/{path}" for path in paths]
    leader, *answers = session.run_all(asked)
    elected = understood(str, _read("status/leader", leader), "asking Consul for its leader") or None
    if elected is None:
        return Discovery(None, dict.fromkeys(services, ()))
    found = zip(services, paths[1:], answers, strict=True)
    return Discovery(elected, {name: registrations(_read(path, answer), name) for name, path, answer in found})


def _read(path: str, answer: Result) -> Any:
    try:
        return from_json(answer.stdout)
    except ValueError as error:
        said = answer.stderr.decode("utf-8", "replace").strip() or f"nothing, exit code {answer.code}"
        raise EngineError(f"Consul gave no answer to /v1/{path}, so what it knows cannot be judged ({said})") from error


def registrations(answer: Any, name: str) -> tuple[Registration, ...]:
    """The instances in Consul's answer about the service called `name`; raises EngineError for any other answer."""
    entries: list[dict[str, Any]] = understood(list[ConsulEntry], answer, f"asking Consul for {name}")
    return tuple(
        Registration(
            address=entry["Service"].get("Address") or entry["Node"]["Address"],
            port=entry["Service"]["Port"],
            passing=all(check["Status"] == "passing" for check in entry["Checks"]),
        )
        for entry in entries
    )
