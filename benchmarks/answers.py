"""Writes the tables in docs/testinfra.md: what testinfra answers through its own backend, and through the sidecar.

Run it with `nox -s bench -- answers`.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import testinfra
from module_table import CELLS
from scene import playing
from stock_testinfra import QUESTIONS
from tables import write

from pytest_lucid.engine.connection import connect
from pytest_lucid.engine.run import Run
from pytest_lucid.sidecar.session import Session
from pytest_lucid.sidecar.sidecar import Sidecar
from pytest_lucid.sidecar.testinfra_backend import host_through

if TYPE_CHECKING:
    from collections.abc import Iterator

    from testinfra.host import Host

    from pytest_lucid.engine.connection import Engine

# Where testinfra itself errs, and the sidecar does not.
ERRS = (
    'host.socket("tcp://127.0.0.1:7001").is_listening',
    'host.socket("udp://127.0.0.1:7006").is_listening',
    'host.socket("tcp://0.0.0.0:7002").is_listening',
    'host.socket("tcp://7002").is_listening',
    'host.socket("udp://0.0.0.0:7008").is_listening',
)


def rows(sidecar: Host, docker: Host) -> list[str]:
    """One row for each question: module, expression, both answers."""
    table = ["| module | asked | Debian, testinfra's backend | distroless, the sidecar |", "| --- | --- | --- | --- |"]
    scope = {"sorted": sorted, "len": len}
    asked = [(question.module, question.ask) for question in QUESTIONS] + [("socket (1)", ask) for ask in ERRS]
    for module, ask in asked:
        answers = [eval(ask, {**scope, "host": host}) for host in (docker, sidecar)]  # noqa: S307 - this project's own text
        shown = [f"`{answer!r}`".replace("|", "\\|") for answer in answers]
        table.append(f"| {module} | `{ask}` | {shown[0]} | {shown[1]} |")
    return table


def method_rows(sidecar: Host, as_user: Host, as_root: Host) -> list[str]:
    """One row for each question of the table of methods: method, expression, verdict, and what an error says."""
    table = ["| method | asked | verdict | what the error says |", "| --- | --- | --- | --- |"]
    for cell in CELLS:
        verdict, said = cell.judge(as_root if cell.as_root else as_user, sidecar)
        shown = cell.ask.replace("|", "\\|")
        table.append(f"| {cell.method} | `{shown}` | {verdict} | {'' if verdict == 'right' else said} |")
    return table


@contextmanager
def entered(engine: Engine, container: str) -> Iterator[Host]:
    """A Host inside the container."""
    session = Session(Sidecar(engine, container, Run.new()))
    try:
        yield host_through(session)
    finally:
        session.close()
        session.sidecar.remove()


def main() -> None:
    """Ask both, and write the tables."""
    engine = connect()
    with playing(engine.client) as scene:
        docker, root = (testinfra.get_host(f"docker://{user}{scene.debian}") for user in ("", "root@"))
        with entered(engine, scene.distroless) as sidecar:
            write("answers", rows(sidecar, docker))
        with entered(engine, scene.debian) as sidecar:
            write("methods", method_rows(sidecar, docker, root))


if __name__ == "__main__":
    main()
