from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    Run = Callable[..., pytest.RunResult]

SUITE = str(Path(__file__).parents[1] / "dockerfile" / "test_waivers.py")

pytestmark = pytest.mark.usefixtures("demo")


def write(pytester: pytest.Pytester, check: str, service: str, expires: str = "2999-12-31") -> None:
    (pytester.path / "lucid.toml").write_text(
        f'[[waiver]]\ncheck = "{check}"\nservice = "{service}"\nreason = "It is known."\nexpires = {expires}\n'
    )


@pytest.mark.parametrize(("check", "service"), [("DEMO", "lucid-data-chain"), ("D*", "lucid-data-*")])
def test_waived_cell_is_expected_to_fail(pytester: pytest.Pytester, run: Run, check: str, service: str) -> None:
    write(pytester, check, service)
    result = run("-rx")
    result.assert_outcomes(passed=5, xfailed=1)
    assert result.ret == 0
    result.stdout.fnmatch_lines(["XFAIL *waived until 2999-12-31: It is known.*"])
    result.stdout.fnmatch_lines(["lucid-data-chain * 1w", "*1 waived, 5 passed", "waived until 2999-12-31: *"])


@pytest.mark.parametrize(("check", "service"), [("DEM", "*"), ("OTHER", "*"), ("DEMO", "lucid-api-gateway-2")])
def test_a_waiver_of_something_else_excuses_nothing(
    pytester: pytest.Pytester, run: Run, check: str, service: str
) -> None:
    write(pytester, check, service)
    run().assert_outcomes(passed=5, failed=1)


def test_a_matrix_without_a_waiver_says_so(pytester: pytest.Pytester, run: Run) -> None:
    (pytester.path / "lucid.toml").write_text(
        'extends = "nothing"\nphase = 1\n[[service]]\nname = "shop"\nimage = "shop"\n'
    )
    result = run("--rootdir=.", SUITE)
    result.assert_outcomes(skipped=3)
    result.stdout.fnmatch_lines(["skipped: WVR-* (3 cells): the matrix has no waiver"])


def test_an_expired_waiver_excuses_nothing(pytester: pytest.Pytester, run: Run) -> None:
    write(pytester, "DEMO", "lucid-data-chain", "2020-01-01")
    run().assert_outcomes(passed=5, failed=1)


def test_a_waiver_that_is_not_needed_fails_and_says_what_to_delete(pytester: pytest.Pytester, run: Run) -> None:
    write(pytester, "DEMO", "lucid-api-gateway")
    result = run()
    result.assert_outcomes(passed=4, failed=2)
    result.stdout.fnmatch_lines(
        ["*it passes, so its waiver no longer applies", "*DEMO (low)  Delete the waiver from lucid.toml."]
    )


def test_a_broken_probe_is_not_waived(pytester: pytest.Pytester, run: Run) -> None:
    pytester.makepyfile(
        test_demo="""
        import pytest

        @pytest.fixture
        def broken():
            raise OSError("probe")

        @pytest.mark.lucid("DEMO", severity="low", remedy="R.")
        def test_it(lucid_service, broken): ...
        """
    )
    write(pytester, "DEMO", "*")
    run().assert_outcomes(errors=6)


def test_a_marker_that_is_not_understood_is_refused(pytester: pytest.Pytester, run: Run) -> None:
    pytester.makepyfile(test_demo="import pytest\n@pytest.mark.lucid('DEMO')\ndef test_it(): ...\n")
    result = run()
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: test_demo.py::test_it: invalid lucid marker; expected *"])


@pytest.mark.parametrize("check", ["CTR-USER", "CTR-*", "DEMO", "MINE"])
def test_a_waiver_may_speak_of_any_check_of_the_suite_or_of_the_tree(
    pytester: pytest.Pytester, run: Run, check: str
) -> None:
    pytester.makeini("[pytest]\ntestpaths = test_demo.py mine\n")
    (pytester.mkdir("mine") / "test_mine.py").write_text("""@pytest.mark.lucid(\n    'MINE', severity="low")\n""")
    write(pytester, check, "*")
    run(SUITE, "--rootdir=.", "-c", "tox.ini").assert_outcomes(passed=3)


def test_a_waiver_of_no_check_says_what_to_delete(pytester: pytest.Pytester, run: Run) -> None:
    write(pytester, "DEMOO", "*")
    result = run(SUITE, "--rootdir=.", "test_demo.py", "-k", "waiver")
    result.assert_outcomes(passed=2, failed=1, deselected=6)
    result.stdout.fnmatch_lines(
        ["*DEMOO matches none of the 1?? checks that are known here", "*Delete it from lucid.toml, or correct the id."]
    )
