from __future__ import annotations

import pytest

from pytest_lucid.inspect import http
from pytest_lucid.report import loglines
from pytest_lucid.report.loglines import short, without_own


def test_log_lines_in_json_are_told_in_short() -> None:
    answer = {
        '{"timestamp": "2026-11-28T00:05:42.788107+00:00", "level": "INFO", "message": "it ends", "x": 1}': (
            "00:05:42 INFO it ends"
        ),
        '{"ts": 1795809600, "msg": "it ends"}': "1795809600 it ends",
        '{"level": "INFO"}': '{"level": "INFO"}',
        '{"message": ': '{"message": ',
        '{"message": ' + "[" * 200_000: '{"message": ' + "[" * 200_000,
        "plain": "plain",
        "[1]": "[1]",
    }
    assert {line: short(line) for line in answer} == answer


@pytest.mark.parametrize(
    "line",
    [
        '{"level": "INFO", "logger": "access", "message": "GET /metrics 200", "request_id": "pytest-lucid-00ff"}',
        '10.0.0.1 - - [27/Nov/2026] "GET / HTTP/1.1" 404 12 "-" "pytest-lucid"',
    ],
)
def test_requests_of_the_run_are_counted_and_not_shown(line: str) -> None:
    assert without_own(["started", line, line]) == (["started"], 2)


@pytest.mark.parametrize(
    "line",
    [
        '{"level": "INFO", "message": "GET /metrics 200", "request_id": "a1"}',
        '{"level": "ERROR", "message": "unhandled", "request_id": "pytest-lucid-00ff"}',
        '{"level": "INFO", "message": "GET /metrics 503", "request_id": "pytest-lucid-00ff"}',
        '10.0.0.1 - - "GET / HTTP/1.1" 500 12 "-" "pytest-lucid"',
        "Traceback of pytest-lucid-00ff",
    ],
)
def test_what_tells_of_a_defect_is_shown_whoever_asked(line: str) -> None:
    assert without_own([line]) == ([line], 0)


def test_requests_call_themselves_what_logs_are_searched_for() -> None:
    assert http.AGENT == loglines.AGENT
