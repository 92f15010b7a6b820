"""A relay that makes a machine seem far away: every byte takes its time, each way, and so does connecting.

What is measured through it belongs to the measurements. Only for addresses that the tests made.
"""

from __future__ import annotations

import asyncio
import threading
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator, Mapping

CHUNK_BYTES = 256 * 1024
LIMIT_BYTES = 4 * CHUNK_BYTES


@dataclass
class Relay:
    """What went through: connections by the port they came to, since the relay was opened."""

    here: str
    there: str
    ports: Mapping[int, int]
    seconds: float
    connections: dict[int, int] = field(default_factory=dict)

    async def serve(self, ready: threading.Event, end: asyncio.Event) -> None:
        """Relay until `end`."""
        servers = [
            await asyncio.start_server(self._accept(near, far), self.here, near, limit=LIMIT_BYTES)
            for near, far in self.ports.items()
        ]
        ready.set()
        await end.wait()
        for server in servers:
            server.close()
        others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        # Closed transports let go of their sockets in the loop's next turn.
        await asyncio.sleep(0)

    def _accept(self, near: int, far: int) -> Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]:
        async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            self.connections[near] = self.connections.get(near, 0) + 1
            with suppress(OSError, asyncio.CancelledError):
                # The kernel has accepted already; a far machine's answer would have taken a way there and back.
                await asyncio.sleep(2 * self.seconds)
                far_reader, far_writer = await asyncio.open_connection(self.there, far, limit=LIMIT_BYTES)
                try:
                    await asyncio.gather(self._carry(reader, far_writer), self._carry(far_reader, writer))
                finally:
                    far_writer.close()
            writer.close()

        return accept

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        loop = asyncio.get_running_loop()
        under_way: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()

        async def deliver() -> None:
            while True:
                due, data = await under_way.get()
                await asyncio.sleep(max(0.0, due - loop.time()))
                if not data:
                    break
                writer.write(data)
                await writer.drain()
            if writer.can_write_eof():
                writer.write_eof()

        delivery = asyncio.create_task(deliver())
        with suppress(OSError):
            while data := await reader.read(CHUNK_BYTES):
                under_way.put_nowait((loop.time() + self.seconds, data))
        under_way.put_nowait((loop.time() + self.seconds, b""))
        with suppress(OSError):
            await delivery


@contextmanager
def delayed(here: str, there: str, ports: Mapping[int, int], seconds: float) -> Iterator[Relay]:
    """Relay `ports` (near → far) from the address `here` to `there`, adding `seconds` each way."""
    relay = Relay(here, there, ports, seconds)
    ready, end = threading.Event(), asyncio.Event()
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=lambda: loop.run_until_complete(relay.serve(ready, end)), daemon=True)
    thread.start()
    if not ready.wait(10):
        raise TimeoutError(f"nothing can listen at {here}")
    try:
        yield relay
    finally:
        loop.call_soon_threadsafe(end.set)
        thread.join(10)
        loop.close()
