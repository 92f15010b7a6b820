"""What the engines of the hosts report about containers, as it happens, so that a round need not wait for its time."""

from __future__ import annotations

import time
from contextlib import suppress
from threading import Event, Thread
from typing import TYPE_CHECKING

from docker.errors import DockerException
from requests.exceptions import RequestException

from pytest_lucid.engine.connection import connect
from pytest_lucid.errors import LucidError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

# What changes an answer; commands inside, attaching and the like do not.
ACTIONS = ("create", "destroy", "die", "oom", "pause", "unpause", "rename", "start", "update", "health_status")
# An engine that is gone is asked again so often.
AGAIN_SECONDS = 5


class Events:
    """Follows the containers of one host in a thread, and hands over name and labels of each that changes."""

    def __init__(
        self, host: str, seen: Callable[[str, Mapping[str, str]], None], cut: Callable[[], None] = lambda: None
    ) -> None:
        """Call `cut` when the engine's events end, and when they are there again: what happened meanwhile is lost."""
        self._host = host
        self._cut = cut
        self._is_cut = False
        self._seen = seen
        self._stopped = Event()
        self._since = int(time.time())
        # A connection that hangs keeps nobody from ending.
        self._thread = Thread(target=self._follow, name=f"events of {host}", daemon=True)

    def start(self) -> None:
        """Begin to follow."""
        self._thread.start()

    def stop(self) -> None:
        """Follow no longer."""
        self._stopped.set()

    def _follow(self) -> None:
        while not self._stopped.is_set():
            # The round itself says that the engine is gone.
            with suppress(LucidError, DockerException, RequestException, OSError):
                self._read()
            self._stopped.wait(AGAIN_SECONDS)

    def _read(self) -> None:
        engine = connect(self._host)
        try:
            if self._is_cut:
                self._cut()
            filters = {"type": "container", "event": list(ACTIONS)}
            for event in engine.client.events(since=self._since, filters=filters, decode=True):
                if self._stopped.is_set():
                    break
                self._since = int(event.get("time", self._since))
                # The engine puts the name and other facts among the labels.
                attributes = event.get("Actor", {}).get("Attributes") or {}
                self._seen(str(attributes.get("name", "")), attributes)
        finally:
            engine.close()
            if not self._stopped.is_set():
                self._is_cut = True
                self._cut()
