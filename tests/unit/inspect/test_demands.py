from __future__ import annotations

import datetime as dt

import pytest

from pytest_lucid.errors import MissingError
from pytest_lucid.inspect.container import Container
from pytest_lucid.inspect.http import Response

NOW = dt.datetime(2026, 11, 28, tzinfo=dt.timezone.utc)
PORTS = {"Ports": {"80/tcp": [{"HostIp": "127.0.0.1", "HostPort": "8080"}]}, "Networks": {}}


def container(status: str, *, running: bool, code: int = 0) -> Container:
    return Container(
        "lucid-a",
        {"State": {"Status": status, "Running": running, "ExitCode": code}, "NetworkSettings": PORTS, "Mounts": []},
    )


def test_one_that_runs_is_as_demanded() -> None:
    made = container("running", running=True)
    made.demand_running()
    assert made.published == {"80/tcp": {8080}}


def test_one_that_ended_has_no_ports_that_could_be_right() -> None:
    made = container("exited", running=False, code=137)
    for ask in (made.demand_running, lambda: made.published, lambda: made.published_at, lambda: made.addresses):
        with pytest.raises(MissingError, match="lucid-a is exited, exit code 137; expected it to run") as caught:
            ask()
        assert caught.value.about == "container lucid-a"


def test_one_that_is_frozen_keeps_its_ports() -> None:
    made = container("paused", running=True)
    assert made.published == {"80/tcp": {8080}}
    with pytest.raises(MissingError, match="lucid-a is paused; expected it to run"):
        made.demand_running()


def test_one_that_is_not_there_is_missed_whatever_is_asked() -> None:
    missing = Container("lucid-a", None)
    for ask in (missing.demand_running, lambda: missing.published, lambda: missing.mounts, lambda: missing.id):
        with pytest.raises(MissingError, match="there is no container called lucid-a") as caught:
            ask()
        assert caught.value.about == "container lucid-a"


def test_silence_is_about_the_port_and_an_answer_is_not() -> None:
    silent = Response("http://127.0.0.1:8080/health", NOW, error="no answer: refused")
    with pytest.raises(MissingError, match="no answer: refused") as caught:
        silent.demand()
    assert caught.value.about == "answers of http://127.0.0.1:8080"
    answer = Response("http://127.0.0.1:8080/health", NOW, 500, "oops")
    assert answer.demand() is answer
