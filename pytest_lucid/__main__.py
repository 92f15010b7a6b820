"""`python -m pytest_lucid`: what needs no pytest: the engine, leftovers, bills of materials, the schema."""

from __future__ import annotations

import argparse
import json
import sys
from contextlib import closing

from pytest_lucid.config.hosts import LOCAL
from pytest_lucid.engine.bootstrap import ensure_engine
from pytest_lucid.engine.connection import connect
from pytest_lucid.engine.run import exclusive
from pytest_lucid.errors import LucidError
from pytest_lucid.stack.teardown import remove_leftovers

USAGE_ERROR = 4  # pytest's exit code for what the user can solve


def main(arguments: list[str] | None = None) -> int:
    """Run one command; returns 0, or 4 with one message where the user has to do something."""
    parser = argparse.ArgumentParser(prog="python -m pytest_lucid", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("engine", help="use the running container engine, or install and start one (root on Debian)")
    down = commands.add_parser("down", help="remove what kept or crashed runs of this user left on the engine")
    down.add_argument("--host", default=LOCAL, help="where, as for pytest --lucid-host; this machine unless given")
    bill = commands.add_parser("sbom", help="print the software bill of materials of an image, as CycloneDX JSON")
    bill.add_argument("image", help="its name on the engine, or a file of `docker save`, or an OCI layout directory")
    commands.add_parser("schema", help="print the JSON schema of lucid.toml, for editors")
    given = parser.parse_args(arguments)
    try:
        if given.command == "engine":
            ensure_engine(_say)
        elif given.command == "sbom":
            _bill(given.image)
        elif given.command == "schema":
            _schema()
        else:
            with closing(connect(given.host)) as engine, exclusive(engine):
                remove_leftovers(engine, _say)
    except LucidError as error:
        print(f"ERROR: {error}", file=sys.stderr)  # noqa: T201 - a command line speaks
        return USAGE_ERROR
    return 0


def _bill(name: str) -> None:
    from pytest_lucid.image.sbom import bill_of_materials  # noqa: PLC0415 - only this command needs its library
    from pytest_lucid.target.images import find_image  # noqa: PLC0415 - likewise

    print(bill_of_materials(*find_image(name)))  # noqa: T201 - a command line speaks


def _schema() -> None:
    from pytest_lucid.matrix.schema import lucid_schema  # noqa: PLC0415 - likewise

    print(json.dumps(lucid_schema(), indent=2))  # noqa: T201 - a command line speaks


def _say(line: str) -> None:
    print(f"lucid: {line}", flush=True)  # noqa: T201 - a command line speaks


if __name__ == "__main__":
    sys.exit(main())
