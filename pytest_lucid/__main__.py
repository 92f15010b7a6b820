"""`python -m pytest_lucid`: engine, leftovers, shells, bills of materials, schema, stack, lint, watch, prove."""

from __future__ import annotations

import argparse
import datetime as dt
import json
import signal
import sys
import tempfile
from contextlib import closing
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING

from pytest_lucid.config.check import SEVERITIES
from pytest_lucid.config.hosts import LOCAL, read_hosts
from pytest_lucid.engine.bootstrap import ensure_engine, restart_engine
from pytest_lucid.engine.connection import connect
from pytest_lucid.engine.run import Run, exclusive
from pytest_lucid.errors import ConfigError, LucidError
from pytest_lucid.stack.teardown import remove_leftovers

if TYPE_CHECKING:
    from collections.abc import Callable

USAGE_ERROR = 4  # pytest's exit code for what the user can solve
INTERRUPTED = 2  # that of pytest, too
LINT_ERROR = 2  # that of linters
# Formats of the linter that are reports of any run, too.
LINT_WRITERS = ("sarif", "checkstyle", "code-quality")


def main(arguments: list[str] | None = None) -> int:
    """Run one command; returns 0, or 4 with one message where the user has to do something; a shell's own exit code."""
    parser = argparse.ArgumentParser(prog="python -m pytest_lucid", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    starting = commands.add_parser(
        "engine", help="use the running container engine, or install and start one (root on Debian)"
    )
    starting.add_argument("--restart", action="store_true", help="restart it: older engines then count networks anew")
    down = commands.add_parser("down", help="remove what kept or crashed runs of this user left on the engine")
    down.add_argument("--host", default=LOCAL, help="where, as for pytest --lucid-host; this machine unless given")
    bill = commands.add_parser("sbom", help="print the software bill of materials of an image, as CycloneDX JSON")
    bill.add_argument("image", help="its name on the engine, or a file of `docker save`, or an OCI layout directory")
    shell = commands.add_parser("shell", help="open a shell in a running container that has none")
    shell.add_argument("container", help="its name")
    shell.add_argument("--host", default=LOCAL, help="where it runs, as for pytest --lucid-host; here unless given")
    _begin_options(commands.add_parser("init", help="write a lucid.toml for a compose project, or for what runs now"))
    commands.add_parser("schema", help="print the JSON schema of lucid.toml, for editors")
    stack = commands.add_parser("stack", help="print the compose file for `docker stack deploy`, from the matrix")
    stack.add_argument("--project", default=".", help="the folder with lucid.toml; here by default")
    _lint_options(commands.add_parser("lint", help="check Dockerfiles: 0 clean, 1 findings, 2 wrong usage"))
    _watch_options(commands.add_parser("watch", help="make the live checks again and again, and serve what they find"))
    _prove_options(
        commands.add_parser("prove", help="plant defects in a copy of the stack: which does the suite find?")
    )
    given = parser.parse_args(arguments)
    try:
        return _COMMANDS[given.command](given)
    except LucidError as error:
        print(f"ERROR: {error}", file=sys.stderr)  # noqa: T201 - output of a command line
        return LINT_ERROR if given.command == "lint" else USAGE_ERROR


def _engine(given: argparse.Namespace) -> int:
    (restart_engine if given.restart else ensure_engine)(_say)
    return 0


def _down(given: argparse.Namespace) -> int:
    with closing(connect(given.host)) as engine, exclusive(engine):
        remove_leftovers(engine, _say)
    return 0


def _lint_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("path", nargs="*", help="a Dockerfile, or a folder that holds some; here without any")
    parser.add_argument("--project", metavar="DIR", help="the root of the tree, with its lucid.toml if it has one")
    parser.add_argument("--format", choices=("text", "json", *LINT_WRITERS), default="text")
    help_text = "of text: each defect once (cause), a line for each finding (line), or groups, the worst first"
    parser.add_argument("--by", choices=("cause", "line", "file", "check", "severity"), default="cause", help=help_text)
    parser.add_argument("--fail-on", choices=SEVERITIES, default=SEVERITIES[0], help="the least severity that gives 1")
    parser.add_argument("--quiet", action="store_true", help="no line with the count")


def _begin_options(parser: argparse.ArgumentParser) -> None:
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("file", nargs="*", default=[], help="the compose files, each on top of those before it")
    source.add_argument("--running", action="store_true", help="from the containers that run")
    parser.add_argument("--project", help="the name of the compose project; of those that run, only its containers")
    parser.add_argument("--profile", action="append", default=[], help="a profile of the compose files, repeatable")
    parser.add_argument(
        "--host", default=LOCAL, help="where the stack runs, as for pytest --lucid-host; here by default"
    )
    parser.add_argument("--output", default="lucid.toml", help="the file to write, which must not be there yet")


def _watch_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--host", action="append", help="as for pytest --lucid-host, repeatable; this machine by default"
    )
    parser.add_argument("--project", default=".", metavar="DIR", help="the folder with lucid.toml; here by default")
    parser.add_argument("--every", type=float, default=60, metavar="S", help="seconds between two rounds (default: 60)")
    parser.add_argument("--listen", default="127.0.0.1:9188", metavar="ADDRESS:PORT", help="default: 127.0.0.1:9188")
    parser.add_argument("--rounds", type=int, metavar="N", help="end after N rounds; never by default")
    what = "run this for each change, without a shell and with the change in its environment; the last option"
    parser.add_argument("--on-change", nargs=argparse.REMAINDER, default=[], metavar="COMMAND", help=what)


def _prove_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--project", default=".", metavar="DIR", help="the folder with lucid.toml; here by default")
    parser.add_argument("--matrix", metavar="FILE", help="the matrix; lucid.toml of the project by default")
    parser.add_argument("--json", metavar="FILE", help="write what was found to this file, too")
    only = "plant for demands like this only, such as hardening.*; repeatable"
    parser.add_argument("--only", action="append", default=[], metavar="KEY", help=only)
    what = "of pytest, behind --: the tests to run, -k and the like; the live checks of the suite without tests"
    parser.add_argument("arguments", nargs="*", metavar="ARGUMENT", help=what)


def _prove(given: argparse.Namespace) -> int:
    from dataclasses import asdict  # noqa: PLC0415 - only this command needs these

    from pytest_lucid.prove.proof import Suspect, prove, table  # noqa: PLC0415 - likewise

    project = Path(given.project).resolve()
    file = Path(given.matrix).resolve() if given.matrix else project / "lucid.toml"
    if not file.is_file():
        raise ConfigError(f"{file}: no such file; write one with `python -m pytest_lucid init`, or give --matrix")
    if not project.is_dir():
        raise ConfigError(f"--project={given.project}: no such folder; expected the one with lucid.toml")
    if given.json and not Path(given.json).resolve().parent.is_dir():
        raise ConfigError(f"--json={given.json}: its folder is not there; make it first, or name another file")
    # CI systems end a job so; the copy is removed then as after Ctrl-C.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        with closing(connect(LOCAL)) as engine, exclusive(engine):
            bites = prove(engine, Suspect(file, project, given.arguments, given.only or ["*"]), Run.new(), _say)
    except KeyboardInterrupt:
        _warn("interrupted; the copy of the stack is removed")
        return INTERRUPTED
    for line in table(bites):
        print(line)  # noqa: T201 - output of a command line
    if given.json:
        found = [asdict(each) | {"verdict": each.verdict} for each in bites]
        Path(given.json).write_text(json.dumps(found, indent=1) + "\n", "utf-8")
    return int(any(each.verdict == "does not bite" for each in bites))


def _watch(given: argparse.Namespace) -> int:
    from pytest_lucid.watch.loop import Watcher, Wishes  # noqa: PLC0415 - only this command needs these
    from pytest_lucid.watch.round import Plan  # noqa: PLC0415 - likewise
    from pytest_lucid.watch.server import read_address  # noqa: PLC0415 - likewise

    hosts, project = read_hosts(tuple(given.host or [LOCAL])), Path(given.project).resolve()
    if not hosts:
        raise ConfigError("--host: expected a host, such as pi.local; leave the option out for this machine")
    if not project.is_dir():
        raise ConfigError(f"--project={given.project}: no such folder; expected the one with lucid.toml")
    plan = Plan(hosts, project)
    wishes = Wishes(given.every, read_address(given.listen), tuple(given.on_change), given.rounds)
    watcher = Watcher(plan, wishes, lambda line: print(line, flush=True), _warn)  # noqa: T201 - output of a command line

    def end(_signal: int, _frame: object) -> None:
        # In a thread of its own: the main thread, which is interrupted here, may hold what `end` needs.
        Thread(target=watcher.end).start()

    for each in (signal.SIGINT, signal.SIGTERM):
        signal.signal(each, end)
    watcher.watch()
    return 0


def _lint(given: argparse.Namespace) -> int:
    from pytest_lucid.plugin.lint import lint  # noqa: PLC0415 - only this command needs pytest
    from pytest_lucid.report.lint import as_json, as_text, by_cause, grouped, summary  # noqa: PLC0415 - likewise

    with tempfile.TemporaryDirectory(prefix="lucid-lint-") as folder:
        file = Path(folder, "report")
        writes = {given.format: file} if given.format in LINT_WRITERS else {}
        reported, code = lint(given.path, project=given.project, fail_on=given.fail_on, writes=writes)
        written = file.read_text("utf-8") if file.is_file() else ""
    writers = {"cause": by_cause, "line": as_text}
    if written:
        lines = iter(written.rstrip("\n").split("\n"))
    elif given.format == "json":
        lines = as_json(reported)
    else:
        lines = writers[given.by](reported) if given.by in writers else grouped(reported, given.by)
    for line in lines:
        print(line)  # noqa: T201 - output of a command line
    if not given.quiet:
        print(summary(reported), file=sys.stderr)  # noqa: T201 - likewise
    return code


def _bill(given: argparse.Namespace) -> int:
    from pytest_lucid.image.sbom import bill_of_materials  # noqa: PLC0415 - only this command needs its library
    from pytest_lucid.target.images import find_image  # noqa: PLC0415 - likewise

    print(bill_of_materials(*find_image(given.image)))  # noqa: T201 - output of a command line
    return 0


def _shell(given: argparse.Namespace) -> int:
    from pytest_lucid.sidecar.terminal import converse, demand_terminal  # noqa: PLC0415 - likewise
    from pytest_lucid.target.sidecar_pool import SidecarPool  # noqa: PLC0415 - likewise

    demand_terminal()
    with closing(connect(given.host)) as engine:
        pool = SidecarPool(engine, Run.new(), [given.container])
        try:
            return converse(pool.session(given.container))
        finally:
            pool.close()
            pool.remove()


def _begin(given: argparse.Namespace) -> int:
    from pytest_lucid.derive.compose_file import read_compose  # noqa: PLC0415 - likewise
    from pytest_lucid.derive.document import write_matrix  # noqa: PLC0415 - likewise
    from pytest_lucid.derive.look import look, look_ahead  # noqa: PLC0415 - likewise

    output = Path(given.output)
    if output.exists():
        raise ConfigError(f"{output}: it is there already; move it away, or give another --output")
    today = dt.datetime.now(tz=dt.timezone.utc).date()
    if given.running:
        written = write_matrix(*look(given.host, given.project), today)
    else:
        model = read_compose([Path(file) for file in given.file], given.project, given.profile)
        written = write_matrix(*look_ahead(given.host, model, _warn), today, " ".join(given.file))
    try:
        output.write_text(written, "utf-8")
    except OSError as error:
        raise ConfigError(f"{output}: cannot be written: {error.strerror}") from error
    _say(f"wrote {output}; check it with `pytest --pyargs pytest_lucid.suite --lucid-host={given.host}`")
    return 0


def _schema(_given: argparse.Namespace) -> int:
    from pytest_lucid.matrix.schema import lucid_schema  # noqa: PLC0415 - likewise

    print(json.dumps(lucid_schema(), indent=2))  # noqa: T201 - output of a command line
    return 0


def _stack(given: argparse.Namespace) -> int:
    from pytest_lucid.matrix.load import load_matrix  # noqa: PLC0415 - likewise
    from pytest_lucid.stack.swarm_file import write_stack  # noqa: PLC0415 - likewise

    file = Path(given.project, "lucid.toml")
    if not file.is_file():
        raise ConfigError(f'{file}: no such file; expected a matrix with [stack], and engine = "swarm" in it')
    print(write_stack(load_matrix(file)), end="")  # noqa: T201 - output of a command line
    return 0


def _warn(line: str) -> None:
    print(f"lucid: {line}", file=sys.stderr, flush=True)  # noqa: T201 - output of a command line


def _say(line: str) -> None:
    print(f"lucid: {line}", flush=True)  # noqa: T201 - output of a command line


_COMMANDS: dict[str, Callable[[argparse.Namespace], int]] = {
    "engine": _engine,
    "down": _down,
    "sbom": _bill,
    "shell": _shell,
    "init": _begin,
    "schema": _schema,
    "stack": _stack,
    "lint": _lint,
    "watch": _watch,
    "prove": _prove,
}


if __name__ == "__main__":
    sys.exit(main())
