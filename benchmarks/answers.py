"""Writes the table in docs/testinfra.md: what testinfra answers through its own backend, and through the sidecar.

Run it with `nox -s bench -- answers`.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import testinfra
from scene import playing
from stock_testinfra import QUESTIONS

from pytest_lucid.engine.connection import connect
from pytest_lucid.engine.run import Run
from pytest_lucid.sidecar.session import Session
from pytest_lucid.sidecar.sidecar import Sidecar
from pytest_lucid.sidecar.testinfra_backend import host_through

if TYPE_CHECKING:
    from testinfra.host import Host

DOCUMENT = Path(__file__).parents[1] / "docs" / "testinfra.md"
BEGIN, END = "<!-- begin answers -->", "<!-- end answers -->"
# Where testinfra itself errs, and the sidecar does not.
ERRS = (
    'host.socket("tcp://127.0.0.1:7001").is_listening',
    'host.socket("udp://127.0.0.1:7006").is_listening',
    'host.socket("tcp://0.0.0.0:7002").is_listening',
    'host.socket("tcp://7002").is_listening',
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


def main() -> None:
    """Ask both, and write the table."""
    engine = connect()
    with playing(engine.client) as scene:
        session = Session(Sidecar(engine, scene.distroless, Run.new()))
        try:
            table = rows(host_through(session), testinfra.get_host(f"docker://{scene.debian}"))
        finally:
            session.close()
            session.sidecar.remove()
    before, _, rest = DOCUMENT.read_text("utf-8").partition(BEGIN)
    after = rest.partition(END)[2]
    DOCUMENT.write_text("\n".join([f"{before}{BEGIN}", *table, f"{END}{after}"]), "utf-8")


if __name__ == "__main__":
    main()
