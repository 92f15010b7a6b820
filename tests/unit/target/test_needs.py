"""What fixtures declare is prefetched. That no check asks for more is shown with a real engine."""

from __future__ import annotations

import inspect
from typing import Any

import pytest

from pytest_lucid.plugin import hooks
from pytest_lucid.plugin.fixtures import core, image, runtime
from pytest_lucid.plugin.needs import DECLARED, needs_of
from pytest_lucid.target.need import Need
from pytest_lucid.target.prefetch import OF_DEPLOYMENT, OF_IMAGES

# What asks a host for nothing, or only hands on what others ask for.
WITHOUT = {"lucid_architecture", "lucid_engine_host", "lucid_images", "lucid_target"}
GATES = {"lucid_images", "lucid_deployment", "lucid_target", "lucid_image"}


def test_every_need_is_prefetched_in_one_way() -> None:
    assert set(OF_IMAGES) | set(OF_DEPLOYMENT) == set(Need)
    assert not set(OF_IMAGES) & set(OF_DEPLOYMENT)


def test_every_need_is_declared_by_a_fixture() -> None:
    assert frozenset[Need]().union(*DECLARED.values()) == set(Need)


@pytest.mark.parametrize("module", [core, image, runtime])
def test_every_fixture_that_takes_a_host_has_a_need(module: Any) -> None:
    fixtures = {name: inspect.unwrap(value) for name, value in vars(module).items() if name.startswith("lucid_")}
    taking = {name: set(inspect.signature(getattr(f, "func", f)).parameters) for name, f in fixtures.items()}
    assert taking, "no fixtures were seen"
    needing = {name for name, parameters in taking.items() if parameters & GATES and name not in WITHOUT}
    handed_on = {name for name, parameters in taking.items() if parameters & set(DECLARED)}
    assert not needing - set(DECLARED) - handed_on


def test_needs_of_a_test_are_those_of_all_its_fixtures() -> None:
    class Item:
        fixturenames = ("lucid_service", "lucid_container", "lucid_deployment", "lucid_network")

    assert needs_of([Item()]) == {Need.CONTAINER, Need.NETWORK}  # type: ignore[list-item]


def test_the_modules_looked_at_are_those_of_the_plugin() -> None:
    loaded = {name.rpartition(".")[2] for name in hooks.MODULES if ".fixtures." in name}
    # The fixtures of api hold dialogues with services, of which nothing can be asked in advance.
    assert loaded - {"api", "dockerfile", "deprecated"} == {"core", "image", "runtime"}


def test_no_name_is_looked_for_among_the_entry_points_of_all_packages() -> None:
    """As pytest does for each name in `pytest_plugins`, in every run of an environment that has the plugin."""
    assert not hasattr(hooks, "pytest_plugins")
