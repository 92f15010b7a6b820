"""The images under test: every fact about them, gathered on first use and then kept. It judges nothing.

An image comes from the engine, or from a file that the user names; only the first needs an engine.
"""

from __future__ import annotations

import platform
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from pytest_lucid.config.cache import cache_directory
from pytest_lucid.content.forbidden import Vocabulary
from pytest_lucid.engine.asking import Once, together
from pytest_lucid.engine.connection import connect
from pytest_lucid.engine.missing import no_image
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
    from collections.abc import Callable, Mapping, Sequence

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
        self._references = settings.references
        self._kept = None if settings.no_cache else cache_directory()
        self._connect = connect
        self._labels = labels
        self._facts = Once()

    def is_given(self, service: Service) -> bool:
        """Whether the image of `service` comes from a file."""
        return service.name in self._given

    def image(self, service: Service) -> Image:
        """The image that the matrix names for `service`."""
        if self.is_given(service):
            return self._read_given(service)[0]
        return self._facts.ask(("image", service.name), lambda: read_image(self._connect(), service.image))

    def inventory(self, service: Service) -> Inventory:
        """Every file of the image of `service`. Raises MissingError where there is no such image."""
        if self.is_given(service):
            return self._read_given(service)[1]
        image = self.image(service)
        if not image.exists:
            raise no_image(image.reference)
        found = self.inventories[service.name]
        if isinstance(found, LucidError):
            raise type(found)(str(found), about=found.about)
        return found

    @property
    def inventories(self) -> Mapping[str, Inventory | LucidError]:
        """The inventories of all images that the engine has, by service, or why one cannot be read."""
        return self._facts.ask("inventories", self._read_from_engine)

    def fact(self, service: Service, inventory: Inventory, gather: Callable[[Inventory], T]) -> T:
        """What `gather` makes of the inventory of `service`, gathered once."""
        return self._facts.ask((service.name, gather), lambda: gather(inventory))

    def probe(self, service: Service) -> Probe:
        """What the interpreter in the image of `service` can import; needs an engine that has the image."""
        return self._facts.ask(
            ("probe", service.name),
            lambda: probe(self._connect(), self.image(service), service.user, self._labels, self._kept),
        )

    def bases(self, service: Service) -> tuple[Image, ...]:
        """The images of the base demanded of `service`: those of the file given for it, else those of the engine."""
        base = service.base
        return self._facts.ask(("bases", base), lambda: self._find_bases(base)) if base else ()

    def _find_bases(self, base: str) -> tuple[Image, ...]:
        if path := self._given.get(base):
            return tuple(image for image, _ in read_path(path, self._layers).images())
        if reference := self._references.get(base):
            return (read_image(self._connect(), reference),)
        if self._given:
            raise MissingError(
                f"{base} was not given, so no image can be compared with it; "
                f"add --lucid-image {base}=PATH, a `docker save` of it or an OCI layout"
            )
        return list_images(self._connect(), base)

    @property
    def _layers(self) -> LayerCache:
        return self._facts.ask("layers", self._open_layers)

    def _open_layers(self) -> LayerCache:
        stated = [(service.environment or {}).get("PYTHONPATH", "") for service in self._matrix.service]
        own = dict.fromkeys(folder.strip("/") for paths in stated for folder in paths.split(":"))
        scanner = Scanner(
            load_toolbox(),
            tuple(f"{folder}/" for folder in own if folder),
            Vocabulary(self._matrix.forbidden_words()),
        )
        return LayerCache(scanner, self._kept / "layers" if self._kept else None)

    def _read_given(self, service: Service) -> tuple[Image, Inventory]:
        return self._facts.ask(("given", service.name), lambda: self._find_given(service))

    def _find_given(self, service: Service) -> tuple[Image, Inventory]:
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
        return named[0]

    def _read_from_engine(self) -> Mapping[str, Inventory | LucidError]:
        """Read the images that were not read before in one stream: what they share comes once."""
        asked = [service for service in self._services if not self.is_given(service)]
        together(partial(self.image, service) for service in asked)
        read: dict[str, Inventory | LucidError] = {}
        wanted: dict[str, list[Service]] = {}
        for service in asked:
            if not (image := self.image(service)).exists:
                continue
            layers = tuple(layer for diff_id in image.layers if (layer := self._layers.find(diff_id)))
            if len(layers) == len(image.layers):
                read[service.name] = Inventory(service.image, layers)
            else:
                wanted.setdefault(service.image, []).append(service)
        if wanted:
            archive = self._save(tuple(wanted))
            archive.listed()  # raises where it is no saved image
            for reference, services in wanted.items():
                # By its layers, and not by its name: engines save images under names of their own, or under none.
                diff_ids = self.image(services[0]).layers
                found = _attempt(partial(archive.inventory, reference, diff_ids))
                read.update(dict.fromkeys((service.name for service in services), found))
        return read

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
    fitting = [pair for pair in found if pair[0].architecture == OWN_ARCHITECTURE] if len(found) > 1 else found
    if len(fitting) != 1:
        held = ", ".join(f"{' '.join(image.tags)} ({image.architecture})" for image, _ in found) or "none"
        raise ConfigError(f"{name}: expected one image, or one for {OWN_ARCHITECTURE}, got {held}")
    return fitting[0]
