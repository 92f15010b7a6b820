"""What an image declares: its configuration and its layers, as the engine reports them. Its files belong elsewhere."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from docker.errors import ImageNotFound

from pytest_lucid.engine.asking import together
from pytest_lucid.engine.connection import engine_errors
from pytest_lucid.engine.missing import no_image

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pytest_lucid.engine.connection import Engine

STANDIN_LABEL = "lucid.standin"
SECOND = 1_000_000_000


@dataclass(frozen=True)
class HealthCheck:
    """A health check as the engine runs it: `test` as CMD or CMD-SHELL with its arguments; times in seconds."""

    test: tuple[str, ...]
    interval: float
    timeout: float
    retries: int

    @property
    def is_exec(self) -> bool:
        """Whether it runs a program; CMD-SHELL needs a shell, which a distroless image has not."""
        return self.test[:1] == ("CMD",)


@dataclass(frozen=True)
class Image:
    """The image called `reference`. Asking anything of one that is not there raises MissingError."""

    reference: str
    document: Mapping[str, Any] | None

    @property
    def exists(self) -> bool:
        """Whether the engine has it."""
        return self.document is not None

    @property
    def id(self) -> str:
        """The engine's id; not comparable between hosts."""
        return str(self._document["Id"])

    @property
    def tags(self) -> tuple[str, ...]:
        """Every name that this image goes by."""
        return tuple(self._document.get("RepoTags") or ())

    @property
    def names(self) -> frozenset[str]:
        """The last parts of its names, without registry, tag and digest: `lucid-x` of `registry:5000/lucid-x:1`."""
        digests = tuple(self._document.get("RepoDigests") or ())
        return frozenset(name.rpartition("/")[2].split("@")[0].split(":")[0] for name in (*self.tags, *digests))

    @property
    def user(self) -> str:
        """The user as declared, empty for root."""
        return str(self._config.get("User") or "")

    @property
    def entrypoint(self) -> tuple[str, ...]:
        """ENTRYPOINT, in the form in which the engine runs it."""
        return tuple(self._config.get("Entrypoint") or ())

    @property
    def argv(self) -> tuple[str, ...]:
        """The effective command: ENTRYPOINT and CMD together, as the kernel gets it."""
        return (*self.entrypoint, *(self._config.get("Cmd") or ()))

    @property
    def ports(self) -> frozenset[str]:
        """The declared ports, as `8080/tcp`."""
        return frozenset(self._config.get("ExposedPorts") or ())

    @property
    def environment(self) -> Mapping[str, str]:
        """The declared variables."""
        return dict(entry.partition("=")[::2] for entry in self._config.get("Env") or ())

    @property
    def labels(self) -> Mapping[str, str]:
        """The labels, those inherited from the base included."""
        return dict(self._config.get("Labels") or {})

    @property
    def health_check(self) -> HealthCheck | None:
        """The declared health check; None for none. What is not declared has the engine's default."""
        return health_check(self._config)

    @property
    def layers(self) -> tuple[str, ...]:
        """The diff-ids of the layers, lowest first: the same on every host, for the same content."""
        return tuple(self._document["RootFS"].get("Layers") or ())

    @property
    def standin(self) -> str | None:
        """What the base was assembled from, where a stand-in took the place of the published base."""
        return self.labels.get(STANDIN_LABEL)

    @property
    def architecture(self) -> str:
        """The architecture, as engines name it: amd64, arm64, …."""
        return str(self._document.get("Architecture") or "")

    @property
    def created(self) -> dt.datetime | None:
        """When it was built; None for an image that does not say."""
        return read_time(str(self._document.get("Created") or ""))

    @property
    def size(self) -> int:
        """The bytes of all its layers together."""
        return int(self._document.get("Size") or 0)

    @property
    def volumes(self) -> frozenset[str]:
        """The paths for which the engine makes a volume without a name, unless it is given one."""
        return frozenset(self._config.get("Volumes") or ())

    @property
    def stop_signal(self) -> str:
        """The signal that asks it to stop; the engine's default where it does not say."""
        return str(self._config.get("StopSignal") or "SIGTERM")

    @property
    def workdir(self) -> str:
        """The directory that the program starts in."""
        return str(self._config.get("WorkingDir") or "/")

    @property
    def history(self) -> tuple[str, ...]:
        """The instructions that made it, oldest first, as far as the image still knows them."""
        entries = self._document.get("History") or ()
        return tuple(f"{entry.get('created_by') or ''} {entry.get('comment') or ''}".strip() for entry in entries)

    @property
    def _config(self) -> Mapping[str, Any]:
        config: Mapping[str, Any] = self._document.get("Config") or {}
        return config

    @property
    def _document(self) -> Mapping[str, Any]:
        if self.document is None:
            raise no_image(self.reference)
        return self.document


def health_check(config: Mapping[str, Any]) -> HealthCheck | None:
    """Read the health check of the configuration of an image or a container; None for none."""
    declared = config.get("Healthcheck") or {}
    test = tuple(declared.get("Test") or ())
    if not test or test == ("NONE",):
        return None
    return HealthCheck(
        test=test,
        interval=(declared.get("Interval") or 30 * SECOND) / SECOND,
        timeout=(declared.get("Timeout") or 30 * SECOND) / SECOND,
        retries=declared.get("Retries") or 3,
    )


def read_time(text: str) -> dt.datetime | None:
    """Read a time as RFC 3339 writes it; None where it is none. A time without a zone is UTC."""
    try:
        # Python before 3.11 reads neither `Z` nor more than six digits of a second.
        time = dt.datetime.fromisoformat(re.sub(r"\.(\d{1,6})\d*", r".\1", text).replace("Z", "+00:00"))
    except ValueError:
        return None
    return time if time.tzinfo else time.replace(tzinfo=dt.timezone.utc)


def read_image(engine: Engine, reference: str) -> Image:
    """Ask the engine for the image called `reference`."""
    with engine_errors(f"inspecting image {reference}"):
        try:
            api = engine.client.api
            document, history = together([partial(api.inspect_image, reference), partial(api.history, reference)])
        except ImageNotFound:
            return Image(reference, None)
    steps = [{"created_by": entry["CreatedBy"], "comment": entry["Comment"]} for entry in reversed(history)]
    return Image(reference, {**document, "History": steps})


def list_images(engine: Engine, repository: str) -> tuple[Image, ...]:
    """Ask the engine for the images of `repository`, one for each tag."""
    with engine_errors(f"listing images of {repository}"):
        listed = engine.client.api.images(name=repository)
        tags = sorted({tag for image in listed for tag in image["RepoTags"] or () if tag.startswith(f"{repository}:")})
    return tuple(read_image(engine, tag) for tag in tags)
