"""The images under test: every fact about them, gathered on first use and then kept. It judges nothing.

An image comes from the engine, or from a file that the user names; only the first needs an engine.
"""

from __future__ import annotations

import platform
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from pytest_lucid.config.cache import cache_directory
from pytest_lucid.engine.connection import connect
from pytest_lucid.errors import ConfigError, LucidError, MissingError
from pytest_lucid.image.config import Image, list_images, read_image
from pytest_lucid.image.inventory import Inventory
from pytest_lucid.image.layer_cache import LayerCache
from pytest_lucid.image.probe import Probe, probe
from pytest_lucid.image.saved import Archive, read_path, read_stream
from pytest_lucid.image.scan import Scanner
from pytest_lucid.image.tools import load_toolbox
from pytest_lucid.stack.transfer import saved

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Mapping, Sequence

    from pytest_lucid.config.settings import Settings
    from pytest_lucid.engine.connection import Engine
    from pytest_lucid.matrix import Matrix, Service

T = TypeVar("T")
# Engines' name of what platform.machine() answers; of an image for several platforms, the one that runs here is meant.
_MACHINES = {"x86_64": "amd64", "AMD64": "amd64", "aarch64": "arm64"}
OWN_ARCHITECTURE = _MACHINES.get(platform.machine(), platform.machine())


class Images:
    """The images of `services`; those that `settings` names a file for, a service's or the base's, come from there.

    `connect` reaches the engine when it is needed, and not before; what is made there bears `labels`.
    """

    def __init__(
        self,
        settings: Settings,
        matrix: Matrix,
        services: Sequence[Service],
        connect: Callable[[], Engine],
        labels: Mapping[str, str],
    ) -> None:
        self._matrix = matrix
        self._services = services
        self._given = settings.images
        self._kept = None if settings.no_cache else cache_directory() / "layers"
        self._connect = connect
        self._labels = labels
        self._images: dict[str, Image] = {}
        # An image that cannot be read is not read again by each of its checks.
        self._inventories: dict[str, Inventory | LucidError] = {}
        self._probes: dict[str, Probe | LucidError] = {}
        self._bases: dict[str, tuple[Image, ...]] = {}
        self._facts: dict[Hashable, object] = {}

    def is_given(self, service: Service) -> bool:
        """Whether the image of `service` comes from a file."""
        return service.name in self._given

    def image(self, service: Service) -> Image:
        """The image that the matrix names for `service`."""
        if service.name not in self._images:
            if self.is_given(service):
                self._read_given(service)
            else:
                self._images[service.name] = read_image(self._connect(), service.image)
        return self._images[service.name]

    def inventory(self, service: Service) -> Inventory:
        """Every file of the image of `service`. Raises MissingError where there is no such image."""
        image = self.image(service)
        if service.name not in self._inventories:
            if not image.exists:
                raise MissingError(f"image {image.reference} is not there; build it with --lucid-build or --lucid-up")
            self._read_from_engine()
        found = self._inventories[service.name]
        if isinstance(found, LucidError):
            raise found
        return found

    def fact(self, service: Service, inventory: Inventory, gather: Callable[[Inventory], T]) -> T:
        """What `gather` makes of the inventory of `service`, gathered once."""
        key = (service.name, gather)
        if key not in self._facts:
            self._facts[key] = gather(inventory)
        fact: T = self._facts[key]  # type: ignore[assignment]  # one function always returns facts of one type
        return fact

    def probe(self, service: Service) -> Probe:
        """What the interpreter in the image of `service` can import; needs an engine that has the image."""
        if service.name not in self._probes:
            # An error is remembered, too: asking again would start another container for each check.
            self._probes[service.name] = _attempt(
                lambda: probe(self._connect(), self.image(service), service.user, self._labels)
            )
        found = self._probes[service.name]
        if isinstance(found, LucidError):
            raise found
        return found

    def bases(self, service: Service) -> tuple[Image, ...]:
        """The images of the base demanded of `service`: those of the file given for it, else those of the engine."""
        base = service.base
        if base is None:
            return ()
        if base not in self._bases:
            self._bases[base] = self._find_bases(base)
        return self._bases[base]

    def _find_bases(self, base: str) -> tuple[Image, ...]:
        if path := self._given.get(base):
            return tuple(image for image, _ in read_path(path, self._layers).images())
        if self._given:
            raise MissingError(
                f"{base} was not given, so no image can be compared with it; "
                f"add --lucid-image {base}=PATH, a `docker save` of it or an OCI layout"
            )
        return list_images(self._connect(), base)

    @cached_property
    def _layers(self) -> LayerCache:
        stated = [(service.environment or {}).get("PYTHONPATH", "") for service in self._matrix.service]
        own = dict.fromkeys(folder.strip("/") for paths in stated for folder in paths.split(":"))
        scanner = Scanner(load_toolbox(), tuple(f"{folder}/" for folder in own if folder))
        return LayerCache(scanner, self._kept)

    def _read_given(self, service: Service) -> None:
        archive = read_path(self._given[service.name], self._layers)
        found = list(archive.images())
        named = [pair for pair in found if service.image in pair[0].tags] or found
        if len(named) > 1:
            wanted = self._matrix.architecture or OWN_ARCHITECTURE
            named = [pair for pair in named if pair[0].architecture == wanted] or named
        if len(named) != 1:
            held = ", ".join(tag for image, _ in found for tag in image.tags) or "none with a name"
            raise ConfigError(
                f"--lucid-image: expected {service.image} in {self._given[service.name]}, or one image only; got {held}"
            )
        self._images[service.name], self._inventories[service.name] = named[0]

    def _read_from_engine(self) -> None:
        """Read the images that were not read before in one stream: what they share comes once."""
        wanted: dict[str, list[str]] = {}
        for service in self._services:
            if self.is_given(service) or not (image := self.image(service)).exists:
                continue
            layers = tuple(layer for diff_id in image.layers if (layer := self._layers.find(diff_id)))
            if len(layers) == len(image.layers):
                self._inventories[service.name] = Inventory(service.image, layers)
            else:
                wanted.setdefault(service.image, []).append(service.name)
        if not wanted:
            return
        archive = self._save(tuple(wanted))
        for listed in archive.listed():
            read = _attempt(lambda listed=listed: archive.load(listed)[1])  # type: ignore[misc]
            for tag in set(listed.tags) & set(wanted):
                self._inventories.update(dict.fromkeys(wanted[tag], read))

    def _save(self, references: tuple[str, ...]) -> Archive:
        return save(self._connect(), references, self._layers)


def _attempt(question: Callable[[], T]) -> T | LucidError:
    try:
        return question()
    except LucidError as error:
        return error


def save(engine: Engine, references: tuple[str, ...], cache: LayerCache) -> Archive:
    """Read images of an engine in one stream."""
    with saved(engine, references) as stream:
        return read_stream(stream, str(engine), cache)


def find_image(name: str) -> tuple[Image, Inventory]:
    """Return one image by the path of its file, or else by its name on the engine."""
    cache = LayerCache(Scanner(load_toolbox(), ()))
    archive = read_path(Path(name), cache) if Path(name).exists() else save(connect(), (name,), cache)
    found = list(archive.images())
    if len(found) != 1:
        raise ConfigError(f"{name}: expected one image, got {len(found)}")
    return found[0]
