"""The fixtures of the checks on images. Each hands over one fact, and none before it has shown that it can be seen.

A check that something is absent passes when nothing is found; so the probe must first have found what is surely there.
Where it has not, the fixture raises, and the cell is an error: nothing was judged.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from pytest_lucid.errors import MissingError
from pytest_lucid.stash import lucid_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pytest_lucid.image.facts import Image
    from pytest_lucid.image.inventory import Inventory
    from pytest_lucid.image.packages import DebianPackage, Distribution
    from pytest_lucid.image.probe import Probe
    from pytest_lucid.images import Images
    from pytest_lucid.matrix import Matrix, Service
    from pytest_lucid.site import Site

NO_IMAGES = "no images were asked for: give --lucid-build, --lucid-up, --lucid-host HOST, or --lucid-image NAME=PATH"
NOT_GIVEN = "only images in files were asked for, and none was given for this service"
NO_ENGINE = "the image is in a file, and no engine was asked for that could run it"
# A Python image has thousands of files; with fewer, something went wrong on the way.
FEWEST_FILES = 500
STICKY_FOR_ALL = 0o1777


@pytest.fixture
def images(site: Site, pytestconfig: pytest.Config) -> Images:
    """The images under test, with every fact about them."""
    if not lucid_of(pytestconfig).settings.wants_images:
        pytest.skip(NO_IMAGES)
    return site.images


@pytest.fixture
def image(service: Service, images: Images, pytestconfig: pytest.Config) -> Image:
    """The image of the service."""
    if not images.is_given(service) and not lucid_of(pytestconfig).settings.wants_engine:
        pytest.skip(NOT_GIVEN)
    return images.image(service)


@pytest.fixture
def bases(images: Images, site: Site, matrix: Matrix) -> tuple[Image, ...]:
    """The variants of the matrix's base image that are there; none is an error: nothing can be compared then."""
    found = images.bases
    if not found:
        raise MissingError(
            f"{matrix.base} is not on {site.engine}, so no image can be compared with it; "
            f"`docker pull {matrix.base}`, or load it from a file"
        )
    return found


@pytest.fixture
def inventory(service: Service, image: Image, images: Images) -> Inventory:
    """Every file of the image, those that a later layer hides included."""
    found = images.inventory(service)
    kinds = {entry.kind for entry in found.merged.values()}
    tmp = found.merged.get("tmp")
    _demand(image, len(found.files) >= FEWEST_FILES, f"{len(found.files)} files; expected {FEWEST_FILES} or more")
    _demand(image, kinds >= {"file", "directory", "link"}, f"only {', '.join(sorted(kinds))} in its layers")
    _demand(image, tmp is not None and tmp.mode == STICKY_FOR_ALL, "no /tmp that everybody may write to")
    return found


@pytest.fixture
def programs(service: Service, image: Image, images: Images, inventory: Inventory) -> Mapping[str, tuple[str, ...]]:
    """The programs of the image by kind. The interpreter was recognised by name and by content, as any would be."""
    from pytest_lucid.image.tools import INTERPRETER, find_programs  # noqa: PLC0415 - loads the engine's libraries

    found = images.fact(service, inventory, find_programs)
    seen = found.get(INTERPRETER, ())
    _demand(image, any("by its name" in program for program in seen), "no Python interpreter that its name gives away")
    _demand(image, any("by its content" in p for p in seen), "no Python interpreter that its content gives away")
    return found


@pytest.fixture
def texts(image: Image, inventory: Inventory) -> Inventory:
    """The inventory, after text was read in it, the service's own code included."""
    own = [entry for entry in inventory.files if entry.content.speech.imports]
    _demand(image, bool(own), "no import of the service's own code was seen; is it below PYTHONPATH?")
    _demand(image, sum(entry.content.is_text for entry in inventory.files) >= FEWEST_FILES, "hardly any text was read")
    return inventory


@pytest.fixture
def packages(service: Service, image: Image, images: Images, inventory: Inventory) -> tuple[DebianPackage, ...]:
    """The Debian packages of the image, with the sums of their files."""
    from pytest_lucid.image.packages import debian_packages  # noqa: PLC0415 - loads the engine's libraries

    found = images.fact(service, inventory, debian_packages)
    _demand(image, any(package.name == "libc6" for package in found), "no libc6 among its Debian packages")
    _demand(image, any(package.sums for package in found), "no sums of its Debian packages' files")
    return found


@pytest.fixture
def packaged(service: Service, image: Image, images: Images, inventory: Inventory) -> frozenset[str]:
    """The paths of the files that Debian packages brought, changed or not."""
    from pytest_lucid.image.packages import packaged_paths  # noqa: PLC0415 - loads the engine's libraries

    found = images.fact(service, inventory, packaged_paths)
    _demand(image, found, "no file of a Debian package")
    return found


@pytest.fixture
def python_packages(service: Service, image: Image, images: Images, inventory: Inventory) -> tuple[Distribution, ...]:
    """The Python distributions of the image."""
    from pytest_lucid.image.packages import distributions  # noqa: PLC0415 - loads the engine's libraries

    found = images.fact(service, inventory, distributions)
    _demand(image, bool(found), "no Python distribution; without one, no service could run")
    return found


@pytest.fixture
def pinned(image: Image, python_packages: tuple[Distribution, ...], pytestconfig: pytest.Config) -> Mapping[str, str]:
    """The versions that the pinned requirements of the tree demand of this image, by normalised name."""
    from pytest_lucid.image.pins import read_pins  # noqa: PLC0415 - loads the engine's libraries

    lucid = lucid_of(pytestconfig)
    if lucid.matrix.image.requirements is None:
        pytest.skip("the matrix names no pinned requirements")
    path = lucid.settings.project / lucid.matrix.image.requirements
    versions = [match[1] for package in python_packages if (match := re.search(r"/python(3\.\d+)/", package.place))]
    _demand(image, versions, "no Python package in a folder of a Python's version")
    try:
        text = path.read_text("utf-8")
    except OSError as error:
        raise MissingError(f"{path}: cannot be read ({error.strerror}); expected the pinned requirements") from error
    return read_pins(text, str(path), versions[0], image.architecture)


@pytest.fixture
def architecture(image: Image, site: Site, pytestconfig: pytest.Config) -> str:
    """The architecture that the image is meant for: the matrix's, else that of the engine which is to run it."""
    lucid = lucid_of(pytestconfig)
    if lucid.matrix.image.architecture:
        return lucid.matrix.image.architecture
    if not lucid.settings.wants_engine:
        pytest.skip(f"{image.reference} is in a file, and the matrix asks for no architecture")
    return site.engine.architecture


@pytest.fixture
def interpreter(service: Service, image: Image, images: Images, pytestconfig: pytest.Config) -> Probe:
    """What the interpreter inside the image answered, in a throw-away container."""
    if images.is_given(service) or not lucid_of(pytestconfig).settings.wants_engine:
        pytest.skip(NO_ENGINE)
    _demand(image, image.exists, "nothing at all; there is no such image")
    return images.probe(service)


def _demand(image: Image, seen: object, otherwise: str) -> None:
    if not seen:
        raise MissingError(f"{image.reference} cannot be judged: it has {otherwise}")
