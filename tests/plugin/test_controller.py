"""What the controlling process does around the tests: one stack, up before them and down after them, however they end.

The stack itself is replaced by one that says what happens to it; real ones are brought up in `tests/engine`.
"""

from __future__ import annotations

import sys
import xml.etree.ElementTree as ET
from textwrap import dedent
from typing import TYPE_CHECKING

import pytest
from local_engine import LocalEngine, reached

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    Run = Callable[..., pytest.RunResult]

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="an engine at a Unix socket")

ROWS = """
    extends = "nothing"
    [[service]]
    name = "one"
    image = "one:1"
"""
STACK = """
    import contextlib
    import pathlib

    from pytest_lucid.errors import EngineError
    from pytest_lucid.stack import lifecycle

    HERE = pathlib.Path(__file__).parent

    def note(what):
        with (HERE / "notes").open("a") as notes:
            notes.write(what + "\\n")

    @contextlib.contextmanager
    def prepared(engine, matrix, settings, progress):
        note("up")
        progress("it is up")
        if (HERE / "cannot-come-up").exists():
            raise EngineError("the stack does not come up")
        try:
            yield
        finally:
            note("down")
            progress("it is down")
        if (HERE / "cannot-go").exists():
            raise EngineError("the stack is still there")

    lifecycle.prepared = prepared
"""
TESTS = """
    import pytest
    from conftest import note

    @pytest.mark.parametrize("number", range(4))
    def test_of_the_stack(number):
        note("test")
"""


@pytest.fixture
def tree(pytester: pytest.Pytester) -> Path:
    pytester.makeconftest(dedent(STACK))
    pytester.makepyfile(test_demo=dedent(TESTS))
    (pytester.path / "lucid.toml").write_text(dedent(ROWS), "utf-8")
    return pytester.path


@pytest.fixture
def up(tree: Path, run: Run, tmp_path: Path) -> Iterator[Run]:
    """Run pytest with --lucid-up on an engine that has nothing."""
    del tree
    with reached(LocalEngine(), tmp_path) as engine:
        yield lambda *arguments: run("--lucid-up", f"--lucid-host={engine.host}", *arguments)


def notes(tree: Path) -> list[str]:
    file = tree / "notes"
    return file.read_text("utf-8").split() if file.exists() else []


def test_one_stack_is_up_while_the_tests_run_and_the_engine_is_named(tree: Path, up: Run) -> None:
    result = up("--junitxml=junit.xml")
    assert result.ret == pytest.ExitCode.OK
    assert notes(tree) == ["up", *["test"] * 4, "down"]
    result.stdout.fnmatch_lines(["*it is up*", "*it is down*", "*4 passed*"])
    properties = ET.parse(tree / "junit.xml").getroot().iter("property")  # noqa: S314 - pytest's own file
    assert {each.get("name"): each.get("value", "")[:13] for each in properties} == {"lucid.engine": "Docker 29.1.0"}


def test_workers_share_the_stack_of_their_controller(tree: Path, up: Run) -> None:
    assert up("-n", "2").ret == pytest.ExitCode.OK
    assert notes(tree) == ["up", *["test"] * 4, "down"]


def test_a_stack_that_cannot_be_removed_fails_the_run_and_leaves_the_outcomes(tree: Path, up: Run) -> None:
    (tree / "cannot-go").touch()
    result = up()
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    assert notes(tree) == ["up", *["test"] * 4, "down"]
    result.stdout.fnmatch_lines(["*the stack is still there*", "*4 passed*"])


def test_a_stack_that_does_not_come_up_is_one_message_and_no_test_runs(tree: Path, up: Run) -> None:
    (tree / "cannot-come-up").touch()
    result = up()
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert notes(tree) == ["up"]
    assert "the stack does not come up" in result.stderr.str() + result.stdout.str()
    assert "Traceback" not in result.stderr.str()


def test_nothing_is_brought_up_for_tests_that_do_not_run(tree: Path, up: Run) -> None:
    assert up("--collect-only").ret == pytest.ExitCode.OK
    (tree / "test_broken.py").write_text("import nowhere\n", "utf-8")
    assert up().ret == pytest.ExitCode.INTERRUPTED
    assert notes(tree) == []


def test_a_job_that_is_cancelled_ends_with_everything_torn_down(tree: Path, up: Run) -> None:
    lines = "import os, signal, time\ndef test_it():\n    os.kill(os.getpid(), signal.SIGTERM)\n    time.sleep(60)\n"
    (tree / "test_demo.py").write_text(lines, "utf-8")
    assert up().ret == pytest.ExitCode.INTERRUPTED
    assert notes(tree) == ["up", "down"]
