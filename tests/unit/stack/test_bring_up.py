"""In which order services start, and how often an engine probes them."""

from __future__ import annotations

import pytest

from pytest_lucid.matrix import Service, load_matrix
from pytest_lucid.stack.bring_up import PROBES_A_SECOND, SECOND, START_INTERVAL_API, _quick_health, levels


def service(name: str, *needs: str) -> Service:
    return load_matrix(None).service[1].model_copy(update={"name": name, "needs": needs})


def test_each_level_needs_earlier_ones_only() -> None:
    found = levels([service("a"), service("b", "a", "consul"), service("c"), service("d", "b", "c"), service("e", "a")])
    assert [{each.name for each in level} for level in found] == [{"a", "c"}, {"b", "e"}, {"d"}]


def test_services_without_needs_are_one_level() -> None:
    assert [len(level) for level in levels([service(str(number)) for number in range(60)])] == [60]


@pytest.mark.parametrize("services", [1, 6, 20, 60, 600])
def test_an_old_engine_is_not_kept_busy_by_its_probes(services: int) -> None:
    interval = _quick_health((1, 41), services)["Interval"] / SECOND
    # From some number on it is the images' own interval, which is demanded of them.
    assert services / interval <= PROBES_A_SECOND or interval == 30
    assert 2 <= interval <= 30


def test_a_new_engine_probes_a_healthy_container_as_its_image_says() -> None:
    assert _quick_health(START_INTERVAL_API, 60).keys() == {"StartPeriod", "StartInterval"}
