"""The Python packages inside: which they are, whether they are what they say, whether the service can import them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from packaging.utils import canonicalize_name

from pytest_lucid.image.compiled_python import bytecode_problems
from pytest_lucid.image.licences import is_allowed, licence_of
from pytest_lucid.image.packages import record_problems
from pytest_lucid.image.strays import startup_code

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pytest_lucid.image.config import Image
    from pytest_lucid.image.inventory import Inventory
    from pytest_lucid.image.packages import Distribution
    from pytest_lucid.image.probe import Probe
    from pytest_lucid.matrix import ImagePolicy


@pytest.mark.lucid(
    "IMG-PY-RECORD",
    demand="content.python",
    severity="high",
    remedy="Install from hashed requirements, and change nothing after.",
)
def test_packages_match_their_records(
    lucid_inventory: Inventory, lucid_python_packages: tuple[Distribution, ...]
) -> None:
    """Every file of a Python package is there with the hash of its RECORD, and every file is in a RECORD."""
    assert not list(record_problems(lucid_inventory, lucid_python_packages))


@pytest.mark.lucid(
    "IMG-PY-PINS",
    demand="content.requirements",
    severity="high",
    remedy="Install exactly the pinned requirements in the builder stage.",
)
def test_packages_are_the_pinned_ones(
    lucid_python_packages: tuple[Distribution, ...], lucid_pins: Mapping[str, str]
) -> None:
    """The packages inside, and their versions, are exactly those of the pinned requirements."""
    assert {canonicalize_name(package.name): package.version for package in lucid_python_packages} == lucid_pins


@pytest.mark.lucid(
    "IMG-PY-IMPORT",
    demand="content.python",
    severity="critical",
    remedy="Install what the service imports where it looks for it.",
)
def test_entry_module_imports(lucid_interpreter: Probe) -> None:
    """Every import of the service works as its user, without network and without a writable folder."""
    assert not lucid_interpreter.error, lucid_interpreter.error


@pytest.mark.lucid(
    "IMG-PY-VISIBLE",
    demand="content.python",
    severity="high",
    remedy="Install for the minor version of the runtime's interpreter.",
)
def test_interpreter_sees_every_package(
    lucid_interpreter: Probe, lucid_python_packages: tuple[Distribution, ...]
) -> None:
    """The interpreter that runs the service finds every package of the image, and in that version."""
    seen = {canonicalize_name(name): version for name, version in lucid_interpreter.distributions.items()}
    assert seen == {canonicalize_name(package.name): package.version for package in lucid_python_packages}


@pytest.mark.lucid(
    "IMG-PY-BYTECODE",
    demand="content.python",
    severity="high",
    remedy="Compile in the build, from the sources that are copied.",
)
def test_bytecode_has_its_source(
    lucid_image: Image, lucid_inventory: Inventory, lucid_python_packages: tuple[Distribution, ...]
) -> None:
    """Every compiled file belongs to a source file in the image, so that people can read the code that runs."""
    prefix = lucid_image.environment.get("PYTHONPYCACHEPREFIX", "")
    own = [folder for folder in lucid_image.environment.get("PYTHONPATH", "").split(":") if folder]
    folders = tuple(f"{folder.strip('/')}/" for folder in (*own, *(package.place for package in lucid_python_packages)))
    assert not list(bytecode_problems(lucid_inventory, prefix, folders))


@pytest.mark.lucid(
    "IMG-PY-COMPILED",
    demand="content.python",
    severity="high",
    remedy="Compile in the build, from the sources that are copied.",
)
def test_bytecode_of_the_service_is_its_source(lucid_interpreter: Probe) -> None:
    """Compiling the service's sources again gives the bytecode that is cached, whatever its headers state."""
    assert not lucid_interpreter.bytecode


@pytest.mark.lucid(
    "IMG-PY-LICENCE",
    demand="content.licences",
    severity="medium",
    remedy="Replace the package, or allow its licence in the matrix.",
)
def test_licences_are_allowed(lucid_content: ImagePolicy, lucid_python_packages: tuple[Distribution, ...]) -> None:
    """Every Python package states a licence that the matrix allows."""
    stated = {str(package): licence_of(package) for package in lucid_python_packages}
    assert not {
        name: licence or "none stated"
        for name, licence in stated.items()
        if not is_allowed(licence, lucid_content.licences or ())
    }


@pytest.mark.lucid(
    "IMG-STARTUP",
    demand="content.python",
    severity="critical",
    remedy="Remove it; what the service needs to do first, its own module does.",
)
def test_nothing_runs_before_the_service(
    lucid_inventory: Inventory, lucid_base_layers: int, lucid_python_packages: tuple[Distribution, ...]
) -> None:
    """No code but the base's and the packages' own runs whenever the interpreter starts: .pth files, sitecustomize."""
    found = list(startup_code(lucid_inventory, lucid_base_layers, lucid_python_packages))
    assert not found, ", ".join(found)
