"""Pulls images within a deadline and keeps the reason of a failure; what to do then is not decided here."""

from __future__ import annotations

import re
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from docker.auth import resolve_repository_name
from docker.errors import APIError, DockerException
from requests import RequestException

if TYPE_CHECKING:
    import docker

_NOT_REACHED = re.compile(
    r"no such host|connection refused|network is unreachable|no route to host|server misbehaving"
    r"|timeout|timed out|deadline exceeded|awaiting headers|proxyconnect",
    re.IGNORECASE,
)


@dataclass
class Puller:
    """Pulls from registries, and asks none a second time that could not be reached: that may cost 15 s each time.

    What is pulled is for `architecture`, as engines name it; unless given, for the engine's own.
    """

    client: docker.DockerClient
    architecture: str | None = None
    deadline_seconds: float = 900.0
    unreachable: dict[str, str] = field(default_factory=dict)

    def pull(self, reference: str) -> str:
        """Pull an image; return "" on success, otherwise the reason of the failure in one line."""
        registry = registry_of(reference)
        if registry not in self.unreachable:
            reason = " ".join(self._within_deadline(reference).split())
            if not _NOT_REACHED.search(reason):
                return reason
            self.unreachable[registry] = reason
        return self.unreachable[registry]

    def _within_deadline(self, reference: str) -> str:
        # The library waits for the engine without a limit, so only another thread can give up.
        reasons: list[str] = []
        overdue = threading.Event()
        worker = threading.Thread(target=lambda: reasons.append(self._pull(reference, overdue)), daemon=True)
        worker.start()
        worker.join(self.deadline_seconds)
        overdue.set()
        return reasons[0] if reasons else f"not complete within {self.deadline_seconds:.0f} s"

    def _pull(self, reference: str, overdue: threading.Event) -> str:
        try:
            platform = f"linux/{self.architecture}" if self.architecture else None
            for event in self.client.api.pull(reference, stream=True, decode=True, platform=platform):
                if "error" in event or overdue.is_set():
                    return str(event.get("error", ""))
        except APIError as error:
            return str(error.explanation or error)
        except (DockerException, RequestException) as error:
            return str(error)
        return ""


def registry_of(reference: str) -> str:
    """Return the registry of a reference, by the rule that engines use."""
    return resolve_repository_name(reference)[0]
