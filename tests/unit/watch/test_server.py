"""What the watcher serves: the verdict for probes, gauges for Prometheus, the page for people."""

from __future__ import annotations

import json
import socket
import time
from dataclasses import replace
from http import HTTPStatus

import pytest
import requests
from prometheus_client.parser import text_string_to_metric_families
from samples import RUN, cell

from pytest_lucid.errors import ConfigError
from pytest_lucid.report.model import Outcome, RunReport
from pytest_lucid.watch.round import Outcomes
from pytest_lucid.watch.server import answer, read_address, serving
from pytest_lucid.watch.status import Status


def status_of(*outcomes: Outcome, ago: float = 0.0) -> Status:
    cells = tuple(cell(f"CTR-{number}", outcome=outcome) for number, outcome in enumerate(outcomes))
    found = Outcomes(RunReport(RUN, (), cells), "<html>the page</html>")
    return Status(every=60).after(found, time.time() - ago, whole=True)[0]


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (status_of(Outcome.PASSED, Outcome.WAIVED), HTTPStatus.OK),
        (status_of(Outcome.PASSED, Outcome.FAILED), HTTPStatus.SERVICE_UNAVAILABLE),
        (status_of(Outcome.PASSED, Outcome.ERROR), HTTPStatus.SERVICE_UNAVAILABLE),
        (Status(every=60), HTTPStatus.SERVICE_UNAVAILABLE),
        (replace(status_of(Outcome.PASSED), problem="no engine"), HTTPStatus.SERVICE_UNAVAILABLE),
    ],
    ids=["green", "failed", "error", "first round", "problem"],
)
def test_healthz(status: Status, code: HTTPStatus) -> None:
    # The cases were made when the tests were collected, which may be longer ago than a status is believed.
    fresh = replace(status, ended=status.ended and time.time())
    found, kind, body = answer(fresh, "/healthz")
    assert (found, kind) == (code, "application/json")
    assert json.loads(body)["status"] == ("healthy" if code == HTTPStatus.OK else "unhealthy")


def test_result_that_is_too_old_is_not_healthy() -> None:
    # Three pauses of 60 s and three rounds of 25 s: a watcher that hangs knows nothing of now.
    now = time.time()
    assert replace(status_of(Outcome.PASSED), ended=now - 255).is_healthy(now)
    assert not replace(status_of(Outcome.PASSED), ended=now - 256).is_healthy(now)


def test_look_at_one_container_shows_at_once() -> None:
    status = status_of(Outcome.PASSED, Outcome.PASSED)
    red = Outcomes(RunReport(RUN, (), (cell("CTR-1", outcome=Outcome.FAILED),)), "")
    after, changes = status.after(red, time.time(), whole=False)
    code, _, body = answer(after, "/healthz")
    assert code == HTTPStatus.SERVICE_UNAVAILABLE
    assert json.loads(body)["red"] == ["CTR-1[lucid-a]"]
    assert [change.cell.check for change in changes] == ["CTR-1"]
    assert answer(after, "/")[2] == "<html>the page</html>"


def test_metrics_are_read_by_prometheus() -> None:
    text = answer(status_of(Outcome.PASSED, Outcome.FAILED, ago=7), "/metrics")[2]
    families = {family.name: family for family in text_string_to_metric_families(text)}
    red = {sample.labels["check"]: sample.value for sample in families["lucid_cell_red"].samples}
    assert red == {"CTR-0": 0, "CTR-1": 1}
    assert families["lucid_watch_rounds"].samples[0].value == 1
    assert 7 <= families["lucid_watch_age_seconds"].samples[0].value < 60
    first = {family.name for family in text_string_to_metric_families(answer(Status(every=60), "/metrics")[2])}
    assert "lucid_watch_age_seconds" not in first


def test_it_is_served() -> None:
    status = status_of(Outcome.PASSED)
    with serving(lambda: status, ("127.0.0.1", 0)) as port:
        url = f"http://127.0.0.1:{port}"
        assert requests.get(f"{url}/healthz?x=1", timeout=10).json()["rounds"] == 1
        assert requests.get(url, timeout=10).text == "<html>the page</html>"
        assert requests.get(f"{url}/etc/passwd", timeout=10).status_code == HTTPStatus.NOT_FOUND
        head = requests.head(url, timeout=10)
        assert (head.text, head.headers["content-length"]) == ("", "21")
        assert requests.post(url, timeout=10).status_code == HTTPStatus.NOT_IMPLEMENTED


def test_address_that_is_taken_is_one_message() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ConfigError, match=f"--listen=127.0.0.1:{port}: cannot listen there"):  # noqa: SIM117
            with serving(lambda: Status(every=60), ("127.0.0.1", port)):
                pass


@pytest.mark.parametrize(
    ("text", "address"), [("127.0.0.1:9188", ("127.0.0.1", 9188)), ("[::1]:80", ("::1", 80)), ("pi:0", ("pi", 0))]
)
def test_address(text: str, address: tuple[str, int]) -> None:
    assert read_address(text) == address


@pytest.mark.parametrize("text", ["", "9188", ":9188", "host:", "host:x", "host:65536", "host:-1"])
def test_address_that_is_none(text: str) -> None:
    with pytest.raises(ConfigError, match="expected an address and a port"):
        read_address(text)
