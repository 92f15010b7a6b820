"""The software bill of materials of an image, as CycloneDX JSON: its Debian and its Python packages."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cyclonedx.model import Property
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.model.license import LicenseExpression
from cyclonedx.output.json import JsonV1Dot6
from docker.utils import parse_repository_tag
from packageurl import PackageURL
from packaging.utils import canonicalize_name

from pytest_lucid.image.licences import licence_of
from pytest_lucid.image.packages import debian_packages, distributions

if TYPE_CHECKING:
    from pytest_lucid.image.config import Image
    from pytest_lucid.image.inventory import Inventory
    from pytest_lucid.image.packages import DebianPackage, Distribution


def bill_of_materials(image: Image, inventory: Inventory) -> str:
    """Return the bill as JSON: the image with the hashes of its layers, and one component for each package."""
    bom = Bom()
    bom.metadata.component = Component(
        name=parse_repository_tag(image.reference)[0],
        version=image.labels.get("version", ""),
        type=ComponentType.CONTAINER,
        bom_ref=image.id,
        properties=[Property(name="lucid:layer", value=layer.diff_id) for layer in inventory.layers],
    )
    debian = [_debian(package) for package in debian_packages(inventory)]
    python = [_python(distribution) for distribution in distributions(inventory)]
    bom.components.update(debian, python)
    bom.register_dependency(bom.metadata.component, [*debian, *python])
    return str(JsonV1Dot6(bom).output_as_string(indent=2))


def _debian(package: DebianPackage) -> Component:
    url = PackageURL("deb", "debian", package.name, package.version, {"arch": package.architecture})
    return Component(name=package.name, version=package.version, type=ComponentType.LIBRARY, purl=url, bom_ref=str(url))


def _python(distribution: Distribution) -> Component:
    name = canonicalize_name(distribution.name)
    url = PackageURL("pypi", None, name, distribution.version)
    licence = licence_of(distribution)
    return Component(
        name=name,
        version=distribution.version,
        type=ComponentType.LIBRARY,
        purl=url,
        bom_ref=str(url),
        licenses=[LicenseExpression(licence)] if licence else [],
    )
