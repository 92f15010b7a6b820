"""What a proof says of planted defects: which checks found each, the table, and the errors of what cannot be proven."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest

from pytest_lucid.engine.run import Run
from pytest_lucid.errors import ConfigError
from pytest_lucid.prove.defect import Defect
from pytest_lucid.prove.judge import Judge, names_tests
from pytest_lucid.prove.proof import Bite, Suspect, found_in, prove, table
from pytest_lucid.report.model import CellRecord, Outcome, Place

if TYPE_CHECKING:
    from pathlib import Path


def cell(check: str, service: str | None = "web", outcome: Outcome = Outcome.FAILED) -> CellRecord:
    return CellRecord(check, "high", "", "", outcome, Place("f", 1), "t", service)


def test_a_defect_bites_where_a_check_that_speaks_of_it_is_red() -> None:
    defect = Defect("user", "runs as root", frozenset({"CTR-USER", "RUN-USER"}))
    cells = [cell("CTR-USER"), cell("OWN-CHECK"), cell("OWN-STACK", None)]
    assert found_in(cells, {"web": defect}) == {"web": ("CTR-USER", "OWN-CHECK", "OWN-STACK")}
    for other in (
        cell("CTR-HEALTHY"),  # it broke, and nothing says why
        cell("CTR-USER", "db"),
        cell("CTR-USER", outcome=Outcome.PASSED),
        cell("CTR-USER", outcome=Outcome.WAIVED),
        cell("CTR-USER", outcome=Outcome.UNJUDGED),  # another check says why it says nothing
    ):
        assert found_in([other], {"web": defect}) == {"web": ()}


def test_a_check_of_the_whole_stack_finds_none_of_several_defects() -> None:
    batch = {name: Defect("user", "runs as root", frozenset({"CTR-USER"})) for name in ("web", "db")}
    cells = [cell("OWN-STACK", None), cell("CTR-USER", "db")]
    # It may be red for the one or the other: the one that nothing else found has to be looked at alone.
    assert found_in(cells, batch) == {"web": None, "db": ("CTR-USER",)}
    assert found_in([cell("CTR-USER", "db")], batch) == {"web": (), "db": ("CTR-USER",)}


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
def test_an_interrupt_stays_one_where_the_suite_does_not_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "test_slow.py").write_text(
        "import pathlib, signal, time\n"
        "def test_slow():\n"
        "    signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "    pathlib.Path('begun').touch()\n"
        "    time.sleep(60)\n",
        "utf-8",
    )
    monkeypatch.setattr("pytest_lucid.prove.judge.GRACE_SECONDS", 0.1)

    matrix = tmp_path / "lucid.toml"
    matrix.write_text('extends = "nothing"\n[[service]]\nname = "web"\nimage = "web:1"\n', "utf-8")

    def interrupt() -> None:
        deadline = time.monotonic() + 60
        while not (tmp_path / "begun").exists() and time.monotonic() < deadline:
            time.sleep(0.01)
        os.kill(os.getpid(), signal.SIGINT)

    # A process that a shell started in the background ignores the signal, unless it says otherwise.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    threading.Thread(target=interrupt, daemon=True).start()
    try:
        with pytest.raises(KeyboardInterrupt):
            Judge(tmp_path, matrix, [str(tmp_path / "test_slow.py")]).cells()
    finally:
        signal.signal(signal.SIGINT, before)


def test_the_table_counts() -> None:
    bites: list[Any] = [
        Bite("web", "user", "runs as root", ("CTR-USER",)),
        Bite("web", "ports", "published elsewhere"),
        Bite("web", "api", "", unplanted="why"),
    ]
    assert table(bites) == [
        "row  demand  verdict        defect               found by, or why not",
        "web  user    bites          runs as root         CTR-USER",
        "web  ports   does not bite  published elsewhere",
        "web  api     not planted                         why",
        "",
        "1 of 2 planted defects were found; 1 demand was not planted",
    ]


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["infra"], True),
        (["-x", "infra/test_a.py::test_b"], True),
        (["--pyargs", "shop.checks"], True),
        (["-k", "infra"], False),
        (["-x", "-m", "infra"], False),
        (["--", "nothing"], False),
        ([], False),
    ],
)
def test_a_word_to_choose_by_names_no_tests(arguments: list[str], named: bool, tmp_path: Path) -> None:  # noqa: FBT001 - a column
    (tmp_path / "infra").mkdir()
    (tmp_path / "infra" / "test_a.py").touch()
    assert names_tests(tmp_path, arguments) is named


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('[stack]\nengine = "swarm"\nname = "shop"\n', "of a swarm"),
        ('[consul]\ncontainer = "consul"\nimage = "c:1"\nport = 8500\n', "has a Consul"),
    ],
)
def test_what_is_not_copied_is_one_error(text: str, told: str, tmp_path: Path) -> None:
    file = tmp_path / "lucid.toml"
    file.write_text(f'extends = "nothing"\n{text}[[service]]\nname = "web"\nimage = "web:1"\n', "utf-8")
    with pytest.raises(ConfigError, match=f"prove: .*{told}"):
        prove(cast("Any", SimpleNamespace(is_local=True)), Suspect(file, tmp_path), Run.new(), print)
