"""Files of container-structure-test against an image without a shell, and against a container made of it.

The files are those that peers.py runs through container-structure-test itself. A test called "not …" must fail.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from scene import BOX, DISTROLESS

from pytest_lucid.engine.run import Run
from pytest_lucid.errors import ConfigError, MissingError
from pytest_lucid.formats.kinds import read_questions
from pytest_lucid.target.testinfra_hosts import visits
from pytest_lucid.tested.find import UnderTest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from runs import Things

pytestmark = pytest.mark.engine
CASES = Path(__file__).parent / "structure"
# Each starts a container, or several.
COMMANDS = ("output", "not output", "variables in the arguments after setup", "not there")


@pytest.fixture
def tests() -> Iterator[UnderTest]:
    found = UnderTest(Run.new())
    yield found
    found.close()
    visits().end()


def failed(tests: UnderTest, against: str, file: str, *only: str) -> tuple[set[str], set[str]]:
    """The names of the tests that fail, and of those that must."""
    asked = {question.name.partition(": ")[2]: question for question in read_questions(CASES / file)}
    names = only or tuple(asked)
    found = set()
    for name in names:
        try:
            found |= {name} if asked[name].ask(tests.find(against)) else set()
        except MissingError as error:
            if "cannot be started" not in str(error):
                raise
            found.add(name)
    return found, {name for name in names if name.startswith("not ")}


def test_an_image_without_a_shell(
    tests: UnderTest, things: Callable[[], Things], box: Callable[..., Any], client: Any
) -> None:
    box()  # the image is there
    images = len(client.images.list(all=True))
    found, expected = failed(tests, DISTROLESS, "files.yaml")
    assert found == expected
    found, expected = failed(tests, DISTROLESS, "commands.yaml", *COMMANDS)
    assert found == expected
    tests.close()
    assert len(client.images.list(all=True)) == images
    assert not things().containers


def test_a_container_without_a_shell(tests: UnderTest, box: Callable[..., Any]) -> None:
    box()
    found, expected = failed(tests, f"lucid://{BOX}", "files.yaml")
    assert found == expected
    found, expected = failed(tests, f"lucid://{BOX}", "commands.yaml", "output", "error", "not there")
    assert found == expected
    with pytest.raises(ConfigError, match="setup would change it"):
        failed(tests, f"lucid://{BOX}", "commands.yaml", "setup")
    with pytest.raises(ConfigError, match="no bindMounts"):
        failed(tests, f"lucid://{BOX}", "options.yaml", "bind")


def test_what_is_not_there_is_said(tests: UnderTest) -> None:
    with pytest.raises(MissingError, match="there is no image lucid-scratch-none:1 on"):
        failed(tests, "lucid-scratch-none:1", "files.yaml", "root")
    with pytest.raises(MissingError, match="lucid-scratch-none"):
        failed(tests, "lucid://lucid-scratch-none", "files.yaml", "root")
