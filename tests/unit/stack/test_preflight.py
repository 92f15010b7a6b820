"""Whether a host is fit: what cannot be arranged with a real engine. Those are in tests/engine and tests/pi."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest
from engine_server import INFO
from local_engine import LocalEngine, reached

from pytest_lucid.errors import ConfigError
from pytest_lucid.stack import preflight
from pytest_lucid.stack.preflight import demand_memory_limits

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="an engine at a Unix socket")

BOTH = "cgroup_enable=memory cgroup_memory=1"


@pytest.mark.parametrize(
    ("line", "added"),
    [
        ("console=tty1 rootwait", f"add {BOTH} to"),
        ("cgroup_disable=memory console=tty1", f"add {BOTH} to"),
        ("cgroup_disable=memory console=tty1 cgroup_enable=memory", "add cgroup_memory=1 to"),
        (f"{BOTH} cgroup_disable=memory", f"add {BOTH} to"),
        (f"cgroup_disable=memory console=tty1 {BOTH}", "its kernel was told to"),
        (None, f"add {BOTH} to"),
    ],
    ids=["plain", "firmware", "half", "overruled", "told", "unknown"],
)
def test_the_words_that_the_kernel_lacks(
    line: str | None, added: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kernel_line = tmp_path / "cmdline"
    if line is not None:
        kernel_line.write_text(f"{line}\n")
    monkeypatch.setattr(preflight, "KERNEL_LINE", str(kernel_line))
    local, message = (
        LocalEngine(info={**INFO, "MemoryLimit": False}),
        f"cannot limit the memory of containers.*: {added}",
    )
    with reached(local, tmp_path) as engine, pytest.raises(ConfigError, match=message):
        demand_memory_limits(engine)


def test_a_rootless_engine_is_told_what_its_user_lacks(tmp_path: Path) -> None:
    info = {**INFO, "MemoryLimit": False, "SecurityOptions": ["name=seccomp,profile=default", "name=rootless"]}
    message = "its user may not: add `Delegate=memory pids`"
    with reached(LocalEngine(info=info), tmp_path) as engine, pytest.raises(ConfigError, match=message):
        demand_memory_limits(engine)


@pytest.mark.parametrize("told", [{}, {"MemoryLimit": True}], ids=["silent", "limits"])
def test_an_engine_that_limits_memory_is_fit(told: dict[str, bool], tmp_path: Path) -> None:
    with reached(LocalEngine(info={**INFO, **told}), tmp_path) as engine:
        demand_memory_limits(engine)
