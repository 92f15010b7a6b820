"""Every need that a fixture of the suite declares is met by the prefetch, on a real stack."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from runs import SUITE

if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest

# Their checks send requests of their own, one after another, and judge the answers: these are no facts to prefetch.
DIALOGUES = ("api", "chaos", "gateway", "grpc", "journey", "tls")


def test_no_check_asks_for_what_was_not_prefetched(
    run: Callable[..., tuple[int, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(__file__).rpartition("/")[0])
    # The journey goes on beside the other checks, so its requests would be put down to whichever runs.
    code, output = run("--lucid-up", SUITE, "-p", "late_questions", "-k", "not test_journey")
    assert code == 0, output
    assert re.search(r"^prefetched for [1-9]", output, re.MULTILINE), output
    late = re.findall(r"^late: .*", output, re.MULTILINE)
    assert not [line for line in late if not any(f"/test_{name}.py::" in line for name in DIALOGUES)]
