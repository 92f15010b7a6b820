"""The events of an engine that goes away and comes back."""

from __future__ import annotations

import sys
from threading import Semaphore
from typing import TYPE_CHECKING

import pytest

from pytest_lucid.watch import events
from pytest_lucid.watch.events import Events

if TYPE_CHECKING:
    from pathlib import Path

PATIENCE_SECONDS = 60


@pytest.mark.skipif(sys.platform == "win32", reason="Unix sockets")
def test_events_that_end_are_told_and_followed_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from engine_server import INFO, EngineHandler, served  # noqa: PLC0415 - not there on Windows

    event = {"Actor": {"Attributes": {"name": "a", "app": "web"}}}

    class Handler(EngineHandler):
        def do_GET(self) -> None:  # noqa: N802 - the library's name
            # Its events end after the first: so they do when an engine is restarted.
            document = (
                event if "/events" in self.path else INFO | {"ApiVersion": "1.45", "Version": "29.1.0", "Arch": "amd64"}
            )
            self.send_document(200, document)

    monkeypatch.setattr(events, "AGAIN_SECONDS", 0.05)
    seen: list[tuple[str, str]] = []
    told = Semaphore(0)

    def cut() -> None:
        seen.append(("cut", ""))
        told.release()

    with served(tmp_path / "docker.sock", Handler) as url:
        following = Events(url, lambda name, labels: seen.append((name, labels["app"])), cut)
        following.start()
        try:
            # The end, the return, and the end of that.
            assert all(told.acquire(timeout=PATIENCE_SECONDS) for _ in range(3))
        finally:
            following.stop()
    assert seen[:5] == [("a", "web"), ("cut", ""), ("cut", ""), ("a", "web"), ("cut", "")]
