"""Gets base images onto an engine: present, else pulled, else assembled as a stand-in that says so."""

from __future__ import annotations

import json
import tempfile
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from docker.errors import ImageNotFound

from pytest_lucid.engine.connection import engine_errors
from pytest_lucid.errors import EngineError
from pytest_lucid.standin import debian_packages, distroless, recipe, system
from pytest_lucid.standin.importing import import_image
from pytest_lucid.standin.pull import Puller

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import docker
    from docker.models.images import Image

    from pytest_lucid.standin.recipe import Recipe

STANDIN_LABEL = "lucid.standin"
RECIPE_LABEL = "lucid.standin.recipe"
Origin = Literal["present", "pulled", "stand-in"]


@dataclass(frozen=True)
class BaseImage:
    """One base image on the engine: how it came there, its Id, and whether it is a stand-in."""

    reference: str
    origin: Origin
    image_id: str
    standin: bool


def ensure(
    client: docker.DockerClient,
    references: Sequence[str],
    progress: Callable[[str], None],
    architecture: str | None = None,
) -> tuple[BaseImage, ...]:
    """Return the base images in the order given, after getting those that are not there.

    `references` are names as in FROM lines; `progress` gets one line for each image. They are for `architecture`, as
    engines name it; unless given, for the engine's own. A real image that is there is never replaced; a stand-in that
    was made from an older recipe, or for another architecture, is. Raises EngineError naming the reference, why the
    pull failed, and what to do.
    """
    recipes = {each.reference: each for each in recipe.load()}
    puller = Puller(client, architecture)
    bases = []
    for reference in references:
        started = time.monotonic()
        with engine_errors(f"base image {reference}"):
            image, origin = _get(puller, reference, recipes.get(normalise(reference)))
        made_of = image.labels.get(STANDIN_LABEL)
        base = BaseImage(reference, origin, str(image.id), made_of is not None)
        note = f" ({made_of.partition(': ')[2]})" if made_of else ""
        progress(f"{reference}: {origin}{note}, {time.monotonic() - started:.1f} s")
        bases.append(base)
    return tuple(bases)


def normalise(reference: str) -> str:
    """Return a reference as the engine lists it: no prefix of Docker Hub, and a tag unless there is a digest."""
    name = reference.removeprefix("docker.io/").removeprefix("library/")
    return name if ":" in name.rpartition("/")[2] else f"{name}:latest"


def _get(puller: Puller, reference: str, known: Recipe | None) -> tuple[Image, Origin]:
    if image := _present(puller, reference, known):
        return image, "present"
    refusal = puller.pull(reference)
    if not refusal:
        return puller.client.images.get(reference), "pulled"
    try:
        return _assemble(puller, known), "stand-in"
    except EngineError as error:
        raise EngineError(
            f"base image {reference} is not on the engine.\n"
            f"  Pulling it failed: {refusal}\n"
            f"  No stand-in could be assembled: {error}\n"
            f"Bring it from a machine that has it: `docker save -o base.tar {reference}` there, "
            "`docker load -i base.tar` here."
        ) from error


def _present(puller: Puller, reference: str, known: Recipe | None) -> Image | None:
    try:
        image = puller.client.images.get(reference)
    except ImageNotFound:
        return None
    made_from = image.labels.get(RECIPE_LABEL)
    found = image.attrs["Architecture"]
    if made_from is None:
        if puller.architecture in {None, found}:
            return image
        raise EngineError(
            f"base image {reference} exists for {found} only; expected {puller.architecture}: "
            f"`docker pull --platform linux/{puller.architecture} {reference}`"
        )
    wanted = puller.architecture or str(puller.client.version()["Arch"])
    outdated = found != wanted or (known is not None and made_from != known.fingerprint)
    return None if outdated else image


def _assemble(puller: Puller, known: Recipe | None) -> Image:
    """Assemble a stand-in and tag it; raise EngineError when that cannot be done."""
    if known is None:
        raise EngineError("there is no recipe for it")
    installed = known.kind == "system"
    client = puller.client
    own = str(client.version()["Arch"])
    architecture = puller.architecture or own
    foreign = None if architecture == own else architecture
    fetched = debian_packages.fetch(known.suite, known.packages, depends=installed, architecture=architecture)
    tree = system.assemble(client, known.suite, fetched, foreign) if installed else distroless.assemble(known, fetched)
    main = next(package for package in fetched if package.name == known.packages[-1])
    made_of = f"{len(fetched)} packages of Debian {known.suite}, {main.name} {main.version}"
    with tempfile.TemporaryFile() as archive:
        tree.write(archive)
        archive.seek(0)
        changes = _changes(known, f"{known.reference}: {made_of}")
        import_image(client, archive, changes, name=f"{known.repository}:{known.tag}", architecture=foreign)
    return client.images.get(known.reference)


def _changes(known: Recipe, made_of: str) -> list[str]:
    """Return the image's configuration as the Dockerfile instructions that an import takes."""
    labels = {STANDIN_LABEL: made_of, RECIPE_LABEL: known.fingerprint}
    changes = [f"ENV {name}={json.dumps(value)}" for name, value in known.env.items()]
    changes += [f"LABEL {name}={json.dumps(value)}" for name, value in labels.items()]
    changes += [f"USER {known.user}"] if known.user else []
    changes += [f"WORKDIR {known.workdir}"]
    changes += [f"ENTRYPOINT {json.dumps(known.entrypoint)}"] if known.entrypoint else []
    changes += [f"CMD {json.dumps(known.cmd)}"] if known.cmd else []
    return changes
