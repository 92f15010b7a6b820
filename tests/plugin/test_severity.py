from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    Run = Callable[..., pytest.RunResult]

pytestmark = pytest.mark.usefixtures("demo")


def test_findings_below_the_threshold_are_reported_and_do_not_fail(run: Run) -> None:
    result = run("--lucid-fail-on=medium", "-rx")
    assert result.ret == 0
    result.assert_outcomes(passed=5, xfailed=1)
    result.stdout.fnmatch_lines(["XFAIL *lucid-data-chain* severity low is below --lucid-fail-on medium"])
    result.stdout.fnmatch_lines(
        ["*1 below the threshold, 5 passed", "*Below the threshold*", "*DEMO (low)  Name it so."]
    )


def test_findings_at_the_threshold_fail(run: Run) -> None:
    assert run("--lucid-fail-on=low").ret == pytest.ExitCode.TESTS_FAILED


def test_a_tree_grades_checks_in_its_own_way(pytester: pytest.Pytester, run: Run) -> None:
    (pytester.path / "lucid.toml").write_text('[severity]\nDEMO = "critical"\n')
    result = run("--lucid-fail-on=high")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["*DEMO (critical)  Name it so."])


def test_a_probe_that_breaks_fails_whatever_its_severity(pytester: pytest.Pytester, run: Run) -> None:
    pytester.makepyfile(
        test_demo="""
        import pytest

        @pytest.fixture
        def broken():
            raise OSError("probe")

        @pytest.mark.lucid("DEMO", severity="low", remedy="R.")
        def test_it(broken): ...
        """
    )
    assert run("--lucid-fail-on=critical").ret == pytest.ExitCode.TESTS_FAILED


def test_unknown_severity_is_refused(run: Run) -> None:
    result = run("--lucid-fail-on=worst")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: --lucid-fail-on: expected one of low, medium, high, critical, got 'worst'"])


def test_a_check_is_explained_and_nothing_runs(run: Run) -> None:
    result = run("--lucid-explain=DEMO")
    assert result.ret == 0
    result.stdout.fnmatch_lines(["DEMO", "", "- Severity: low", "- Remedy: Name it so."])
    result.assert_outcomes()


@pytest.mark.parametrize("ini", ["", "addopts = --never-heard-of"])
def test_a_check_of_ours_is_explained_in_any_tree(pytester: pytest.Pytester, ini: str) -> None:
    pytester.makeini(f"[pytest]\n{ini}")
    pytester.makeconftest("raise RuntimeError('of the tree')")
    pytester.makepyfile("raise RuntimeError('of a test')")
    result = pytester.runpytest_subprocess("--lucid-explain", "dkf-code")
    assert result.ret == 0
    result.stdout.fnmatch_lines(["*DKF-CODE*", "*Remedy: *"])
    assert not result.stderr.str()


def test_explaining_an_unknown_check_is_refused(run: Run) -> None:
    result = run("--lucid-explain=NOPE")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: --lucid-explain: no check 'NOPE'; expected one of DEMO"])
