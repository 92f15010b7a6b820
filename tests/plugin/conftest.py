"""Trees for tests of the plugin; pytest runs in them as a user would run it."""

from __future__ import annotations

from textwrap import dedent
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

CHECK = """
    import pytest

    @pytest.mark.lucid("DEMO", severity="low", remedy="Name it so.")
    def test_name(lucid_service):
        '''It has a name of its own.'''
        assert lucid_service.name != "lucid-data-chain"
"""


@pytest.fixture(autouse=True)
def no_settings_of_the_caller(monkeypatch: pytest.MonkeyPatch) -> None:
    """What whoever runs these tests has set must not reach into them."""
    for name in ("UP", "BUILD", "KEEP", "HOST", "SERVICE", "MATRIX", "PROJECT", "TIMEOUT"):
        monkeypatch.delenv(f"LUCID_{name}", raising=False)


@pytest.fixture
def run(pytester: pytest.Pytester) -> Callable[..., pytest.RunResult]:
    """Run pytest in the tree, in a process of its own."""

    def run(*arguments: str) -> pytest.RunResult:
        return pytester.runpytest_subprocess("-p", "no:cacheprovider", *arguments, timeout=240)

    return run


@pytest.fixture
def demo(pytester: pytest.Pytester) -> pytest.Pytester:
    """A tree with one check that fails for one service."""
    pytester.makepyfile(test_demo=dedent(CHECK))
    return pytester
