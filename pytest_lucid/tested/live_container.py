"""What runs in a container: its processes and its network, asked through a sidecar."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_lucid.formats.tested import Ran
from pytest_lucid.sidecar.listeners import parse
from pytest_lucid.sidecar.processes import reading, records
from pytest_lucid.tested.fetching import fetch

if TYPE_CHECKING:
    from pytest_lucid.formats.tested import HttpAnswer, HttpRequest
    from pytest_lucid.sidecar.session import Session


class LiveContainer:
    """The container of `session`, whose id is `identity`."""

    def __init__(self, session: Session, identity: str) -> None:
        self._session = session
        self._identity = identity

    def shell(self, command: str) -> Ran:
        """What a shell of the sidecar answers, with the container's root, processes and network."""
        answer = self._session.run(command)
        return Ran(answer.code, _text(answer.stdout), _text(answer.stderr))

    def processes(self) -> tuple[str, ...]:
        """The names of its programs, as the kernel keeps them, without the sidecar's."""
        question = reading(("status", "cgroup"))
        files = question.files(self._session.run(question.command))
        found = records(self._session.sidecar.target, self._identity, files).values()
        names = (parts["status"].partition(b"\n")[0].partition(b"\t")[2] for parts in found)
        return tuple(_text(name) for name in names)

    def listeners(self, table: str) -> tuple[tuple[str, int], ...]:
        """Address and port of each socket in one of the kernel's tables that waits for anybody."""
        said = self._session.run(f"cat /proc/net/{table}")
        # A kernel without IPv6 has no such table.
        listeners = parse(table.removesuffix("6"), _text(said.stdout)) if said.code == 0 else []
        return tuple((str(listener.address), listener.port) for _, listener in listeners)

    def fetch(self, request: HttpRequest) -> HttpAnswer:
        """What is answered to a request from inside. Raises OSError where there is no answer."""
        return fetch(self._session, request)


def _text(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")
