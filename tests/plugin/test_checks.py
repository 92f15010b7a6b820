from __future__ import annotations

import xml.etree.ElementTree as ET
from textwrap import dedent
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    Run = Callable[..., pytest.RunResult]

pytestmark = pytest.mark.usefixtures("demo")


def test_a_check_runs_once_for_each_service(run: Run) -> None:
    result = run("-v")
    result.assert_outcomes(passed=5, failed=1)
    result.stdout.fnmatch_lines(["*test_name?lucid-api-gateway? PASSED*", "*test_name?lucid-data-chain? FAILED*"])


def test_service_option_selects_rows(run: Run) -> None:
    result = run("--lucid-service=lucid-api-gateway", "--lucid-service=lucid-data-chain")
    result.assert_outcomes(passed=1, failed=1)


def test_matrix_option_selects_the_file(pytester: pytest.Pytester, run: Run) -> None:
    (pytester.path / "other.toml").write_text(
        '[[service]]\nname = "lucid-x"\nimage = "x"\ndockerfile = "D"\ncluster = "c"\nports = [{ number = 1234 }]\n'
    )
    run("--lucid-matrix=other.toml", "--lucid-service=lucid-x").assert_outcomes(passed=1)


def test_options_in_the_ini_file_and_the_environment(
    pytester: pytest.Pytester, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytester.makeini("[pytest]\nlucid_service = lucid-data-chain")
    run().assert_outcomes(failed=1)
    monkeypatch.setenv("LUCID_SERVICE", "lucid-api-gateway")
    run().assert_outcomes(passed=1)


@pytest.mark.parametrize("workers", [(), ("-n2",)], ids=["alone", "xdist"])
def test_the_matrix_is_printed_once_after_the_run(run: Run, workers: tuple[str, ...]) -> None:
    result = run(*workers)
    result.stdout.fnmatch_lines(["*service × area*", "* DEMO", "lucid-data-chain * 1✗", "and 5 more without a failure"])
    assert result.stdout.str().count("service × area ") == 1
    result.stdout.fnmatch_lines(["6 cells of 1 check and 6 services: 1 failed, 5 passed"])


def test_a_failure_shows_the_remedy_in_terminal_and_junit(pytester: pytest.Pytester, run: Run) -> None:
    result = run("--junitxml=junit.xml")
    result.stdout.fnmatch_lines(
        [
            "*lucid-data-chain: 1 failed*",
            "*✗ DEMO (low) It has a name of its own.",
            "*What to do*",
            "*DEMO (low)  Name it so.",
        ]
    )
    cases = ET.parse(pytester.path / "junit.xml").getroot().findall(".//testcase")  # noqa: S314 - likewise
    assert len(cases) == 6
    failed = next(case for case in cases if case.get("name") == "test_name[lucid-data-chain]")
    assert "Name it so." in (failed.findtext("failure") or "")
    properties = {p.get("name"): p.get("value") for p in failed.findall(".//property")}
    assert properties == {"lucid.check": "DEMO", "lucid.severity": "low"}


def test_cells_without_a_deployment_are_skipped_with_one_reason(pytester: pytest.Pytester, run: Run) -> None:
    pytester.makepyfile(
        test_infra=dedent("""
            import pytest

            @pytest.mark.lucid("I", severity="low", remedy="R.")
            def test_image(lucid_image): ...

            @pytest.mark.lucid("C", severity="low", remedy="R.")
            def test_container(lucid_container): ...

            @pytest.mark.lucid("N", severity="low", remedy="R.")
            def test_network(lucid_network): ...
        """)
    )
    result = run("test_infra.py", "-rs")
    result.assert_outcomes(skipped=13)
    result.stdout.fnmatch_lines(
        [
            "SKIPPED ?6? *image.py:* no images were asked for*",
            "SKIPPED ?7? *core.py:* no deployment was asked for*",
        ]
    )


def test_a_fixture_of_the_same_name_in_another_project_is_left_alone(pytester: pytest.Pytester, run: Run) -> None:
    pytester.makepyfile(
        test_other=dedent("""
            import pytest

            @pytest.fixture
            def service():
                return "mine"

            def test_it(service):
                assert service == "mine"
        """)
    )
    run("test_other.py").assert_outcomes(passed=1)


def test_an_old_name_of_a_fixture_still_works_and_warns(pytester: pytest.Pytester, run: Run) -> None:
    pytester.makepyfile(test_old="def test_it(service):\n    assert service.name == 'lucid-data-chain'")
    result = run("test_old.py", "--lucid-service=lucid-data-chain")
    result.assert_outcomes(passed=1, warnings=1)
    result.stdout.fnmatch_lines(["*PytestDeprecationWarning: the fixture service is now called lucid_service*"])


# What a run of somebody else must not load: libraries, and whatever of ours has many patterns or classes.
HEAVY = frozenset(
    {
        "blake3", "cryptography", "cyclonedx", "docker", "filelock", "h2", "jinja2", "jsonschema", "jwt",
        "license_expression", "prometheus_client", "pydantic", "requests", "trustme", "urllib3", "yaml",
        *(f"pytest_lucid.{each}" for each in ("audit", "content", "engine", "inspect", "matrix", "report", "stack")),
        *(f"pytest_lucid.plugin.{each}" for each in ("controller", "foreign_file", "gathered", "records", "shown")),
    }
)  # fmt: skip
PRINTING = "import sys\ndef test_it():\n    print(*sorted(sys.modules), sep='\\n')"


def loaded_by(pytester: pytest.Pytester, *arguments: str) -> set[str]:
    """The modules that a process of pytest has when it runs a test of ours, found as an installed plugin."""
    pytester.makepyfile(test_other=PRINTING)
    result = pytester.runpytest_subprocess("-s", "-q", "test_other.py", *arguments)
    assert result.ret == 0
    return set(result.outlines)


def test_runs_of_other_projects_load_nothing_heavy(pytester: pytest.Pytester) -> None:
    loaded = loaded_by(pytester)
    assert "pytest_lucid.plugin.hooks" in loaded
    assert not HEAVY & loaded


def test_what_a_run_that_reads_the_matrix_loads_is_seen(pytester: pytest.Pytester) -> None:
    assert {"pydantic", "pytest_lucid.matrix"} <= HEAVY & loaded_by(pytester, "--lucid-service=lucid-data-chain")


def test_what_the_matrix_does_not_demand_is_not_collected(pytester: pytest.Pytester, run: Run) -> None:
    (pytester.path / "lucid.toml").write_text(
        dedent("""
            extends = "nothing"
            [[service]]
            name = "one"
            image = "one"
            user = "1:1"
            [[service]]
            name = "two"
            image = "two"
            without = ["OWN"]
        """)
    )
    pytester.makepyfile(
        test_demo=dedent("""
            import pytest

            @pytest.mark.lucid("USER", severity="low", remedy="R.", demand="user")
            def test_user(lucid_service): ...

            @pytest.mark.lucid("OWN", severity="low", remedy="R.")
            def test_own(lucid_service): ...

            @pytest.mark.lucid("CONSUL", severity="low", remedy="R.")
            def test_consul(lucid_discovery): ...

            @pytest.mark.lucid("FILE", severity="low", remedy="R.")
            def test_file(lucid_dockerfile_path): ...
        """)
    )
    result = run("-v")
    result.assert_outcomes(passed=2)
    result.stdout.fnmatch_lines(["*collected 2 items", "*test_user?one? PASSED*", "*test_own?one? PASSED*"])


def test_a_demand_that_no_matrix_can_make_is_refused(pytester: pytest.Pytester, run: Run) -> None:
    pytester.makepyfile(
        test_demo=dedent("""
            import pytest

            @pytest.mark.lucid("A", severity="low", remedy="R.", demand="usr")
            def test_it(lucid_service): ...
        """)
    )
    result = run()
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*A: it demands 'usr', which is no key of the matrix"])
