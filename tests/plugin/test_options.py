from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pytest_lucid.config.options import OPTIONS

if TYPE_CHECKING:
    from collections.abc import Callable

    Run = Callable[..., pytest.RunResult]

pytestmark = pytest.mark.usefixtures("demo")

NO_ENGINE = "unix:///nonexistent/docker.sock"


@pytest.mark.parametrize("option", OPTIONS, ids=lambda option: option.name)
def test_every_option_is_offered_on_the_command_line_and_in_the_ini_file(run: Run, option: object) -> None:
    help_text = run("--help").stdout.str()
    assert option.flag in help_text  # type: ignore[attr-defined]
    assert f"  {option.ini} " in help_text  # type: ignore[attr-defined]


def refused(result: pytest.RunResult, *patterns: str) -> None:
    """The run ended with one message, pytest's usage error, and no traceback."""
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    output = result.stderr.str() + result.stdout.str()
    assert output.count("ERROR: ") == 1
    assert "Traceback" not in output
    result.stderr.fnmatch_lines([f"*{pattern}*" for pattern in patterns])


def test_broken_toml_is_refused(pytester: pytest.Pytester, run: Run) -> None:
    (pytester.path / "lucid.toml").write_text("[network\n")
    refused(run(), "lucid.toml: not valid TOML: *line 1*")


def test_mistake_in_the_matrix_is_refused(pytester: pytest.Pytester, run: Run) -> None:
    (pytester.path / "lucid.toml").write_text('\n[network]\nsubnet = "172.20.0.0/99"\n')
    refused(run("--lucid-up"), "lucid.toml:3: network.subnet: *")


def test_unknown_service_is_refused(run: Run) -> None:
    refused(run("--lucid-service", "lucid-nobody"), "no service 'lucid-nobody'*expected one of lucid-api-gateway,*")


def test_absent_matrix_is_refused(run: Run) -> None:
    refused(run("--lucid-matrix", "absent.toml"), "absent.toml: no such file*")


def test_absent_dockerfiles_are_refused(run: Run) -> None:
    result = run("--lucid-build", "--lucid-service", "lucid-data-chain")
    refused(result, "blockchain?Dockerfile.data: no such file; expected the Dockerfile of lucid-data-chain*")


@pytest.mark.parametrize("option", ["--lucid-up", "--lucid-build", "--lucid-host=local"])
def test_no_engine_is_refused(
    pytester: pytest.Pytester, run: Run, monkeypatch: pytest.MonkeyPatch, option: str
) -> None:
    pytester.mkdir("blockchain").joinpath("Dockerfile.data").touch()
    monkeypatch.setenv("DOCKER_HOST", NO_ENGINE)
    result = run(option, "--lucid-service=lucid-data-chain")
    refused(result, f"no container engine answers at {NO_ENGINE} (*No such file*", "*Start Docker*")


def test_unsupported_host_is_refused(run: Run) -> None:
    refused(run("--lucid-host", "-oProxyCommand=x"), "--lucid-host: *")


def test_variable_that_cannot_be_meant_is_refused(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LUCID_TIMEOUT", "soon")
    refused(run(), "--lucid-timeout: expected a number of seconds above 0, got 'soon'*")


def test_help_works_whatever_the_matrix_says(pytester: pytest.Pytester, run: Run) -> None:
    (pytester.path / "lucid.toml").write_text("[network\n")
    assert run("--help").ret == 0


def test_empty_host_is_refused(run: Run) -> None:
    """An unset variable in a script of CI: nothing would be checked, and the run would end with 0."""
    refused(run("--lucid-host="), "--lucid-host: given, and empty; expected HOST*")


def test_empty_host_of_the_environment_is_refused(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LUCID_HOST", "")
    refused(run(), "LUCID_HOST: given, and empty; expected HOST*")


def test_socket_that_is_not_there_is_refused(pytester: pytest.Pytester, run: Run) -> None:
    """One message, also where warnings are errors: no socket is left open."""
    pytester.makeini("[pytest]\nfilterwarnings = error\n")
    refused(run("--lucid-host=unix:///nope"), "no container engine answers at unix:///nope *")


def test_id_to_explain_may_be_written_small(run: Run) -> None:
    assert run("--lucid-explain", "demo").ret == pytest.ExitCode.OK
