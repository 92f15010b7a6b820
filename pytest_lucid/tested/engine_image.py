"""An image on an engine: files come from a container that is made of it and never started, commands run in new ones."""

from __future__ import annotations

import posixpath
import tarfile
from contextlib import contextmanager, suppress
from functools import cached_property
from typing import TYPE_CHECKING, Any, BinaryIO, cast

import requests
from docker.errors import APIError, ImageNotFound, NotFound
from docker.types import LogConfig

from pytest_lucid.engine.connection import engine_errors
from pytest_lucid.errors import EngineError, MissingError, NotStartedError
from pytest_lucid.formats.tested import FoundFile, Ran
from pytest_lucid.image.config import read_image
from pytest_lucid.tested.at_rest import AtRest
from pytest_lucid.tested.declared import read_config

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pytest_lucid.engine.connection import Engine
    from pytest_lucid.engine.run import Run
    from pytest_lucid.formats.tested import DeclaredConfig, Invocation, Kind

_MOST_PRINTED = "16m"
_MOST_LINKS = 40
_MOST_BYTES = 256 << 20
# Never started.
_NOTHING = ["lucid-never-started"]
_NO_DIRECTORY = "not a directory"


class EngineImage(AtRest):
    """The image called `reference` on `engine`; what is made of it is labelled as of `run`, and removed."""

    def __init__(self, engine: Engine, reference: str, run: Run) -> None:
        self.name = reference
        self._engine = engine
        self._run = run
        self._api: Any = engine.client.api
        self._container: str | None = None

    @cached_property
    def _document(self) -> Any:
        image = read_image(self._engine, self.name)
        if image.document is None:
            raise MissingError(
                f"there is no image {self.name} on {self._engine}; `docker pull {self.name}`, or build it",
                about=f"image {self.name}",
            )
        return image.document

    def config(self) -> DeclaredConfig:
        """What it declares."""
        return read_config(self._document)

    def look(self, path: str) -> FoundFile | None:
        """The file at `path`; of a directory, nothing but its own entry is read."""
        with self._members(path) as members:
            member = next(members, None)
            return _found(member[0]) if member else None

    def read(self, path: str) -> bytes | None:
        """The content of the regular file at `path`, through all links; None where there is none."""
        for _ in range(_MOST_LINKS):
            with self._members(path) as members:
                first = next(members, None)
                if first is None:
                    return None
                member, archive = first
                if not member.issym():
                    return _content(archive, member, path)
            path = posixpath.join(posixpath.dirname(path), member.linkname)
        return None

    def folders(self, path: str) -> tuple[str, ...] | None:
        """The names of the directories in the directory `path`; None where there is none."""
        with self._members(path) as members:
            found = [member for member, _ in members if member.isdir()]
        parts = [member.name.strip("/").split("/") for member in found]
        return tuple(each[1] for each in parts if len(each) == 2) if found else None  # noqa: PLR2004 - FOLDER/NAME

    def files(self, path: str) -> Mapping[str, bytes]:
        """The content of each regular file right in the directory `path`, by name; nothing where there is none."""
        with self._members(path) as members:
            return {
                parts[1]: content
                for member, archive in members
                if len(parts := member.name.strip("/").split("/")) == 2  # noqa: PLR2004 - FOLDER/NAME
                and (content := _content(archive, member, path)) is not None
            }

    def run(self, command: Invocation) -> Ran:
        """How the command ends in a new container, after its setup; all of that is removed."""
        images: list[str] = []
        try:
            for argv in command.setup:
                with self._made(command, argv, images, dict(command.committed)) as container:
                    self._end(container, argv, command.seconds)
                    with engine_errors(f"keeping what {argv[0]} made in {self.name}"):
                        images.append(self._api.commit(container)["Id"])
            environment = {**command.committed, **command.environment}
            with self._made(command, command.argv, images, environment) as container:
                code = self._end(container, command.argv, command.seconds)
                with engine_errors(f"reading what {command.argv[0]} wrote in {self.name}"):
                    stdout = self._api.logs(container, stdout=True, stderr=False)
                    stderr = self._api.logs(container, stdout=False, stderr=True)
            return Ran(code, _text(stdout), _text(stderr))
        finally:
            with engine_errors(f"removing what the setup made of {self.name}"):
                for image in reversed(images):
                    # With an image go those below it that have no name.
                    with suppress(ImageNotFound):
                        self._api.remove_image(image, force=True)

    def close(self) -> None:
        """Remove the container that the files came from."""
        if self._container:
            with engine_errors(f"removing the container that files of {self.name} came from"):
                self._api.remove_container(self._container, force=True, v=True)
            self._container = None

    @contextmanager
    def _made(
        self, command: Invocation, argv: tuple[str, ...], images: list[str], environment: dict[str, str]
    ) -> Iterator[str]:
        options = command.options
        _ = self._document
        with engine_errors(f"making a container of {self.name}"):
            host = self._api.create_host_config(
                privileged=options.privileged,
                cap_add=list(options.capabilities),
                binds=list(options.binds),
                # The engine's own driver may not give back what was written.
                log_config=LogConfig(type=LogConfig.types.JSON, config={"max-size": _MOST_PRINTED}),
            )
            made = self._api.create_container(
                images[-1] if images else self.name,
                entrypoint=list(argv[:1]),
                command=list(argv[1:]),
                user=options.user or None,
                tty=options.tty,
                environment={**options.environment, **environment},
                healthcheck={"test": ["NONE"]},
                labels=self._run.labels,
                host_config=host,
            )["Id"]
        try:
            yield made
        finally:
            with engine_errors(f"removing a container of {self.name}"):
                self._api.remove_container(made, force=True, v=True)

    def _end(self, container: str, argv: tuple[str, ...], seconds: float) -> int:
        try:
            self._api.start(container)
        except APIError as error:
            raise NotStartedError(
                f"{argv[0]} cannot be started in {self.name}: {error.explanation or error}"
            ) from error
        with engine_errors(f"waiting for {argv[0]} in {self.name}"):
            try:
                return int(self._api.wait(container, timeout=seconds)["StatusCode"])
            except (requests.exceptions.ReadTimeout, requests.exceptions.ConnectionError) as error:
                raise EngineError(
                    f"{argv[0]} did not end in {self.name} within {seconds:g} s; expected a longer timeout"
                ) from error

    @contextmanager
    def _members(self, path: str) -> Iterator[Iterator[tuple[tarfile.TarInfo, tarfile.TarFile]]]:
        """The members of the archive of `path`, read one after the other; none where there is no such file."""
        if self._container is None:
            _ = self._document
            with engine_errors(f"making a container of {self.name}"):
                made = self._api.create_container(self.name, command=_NOTHING, labels=self._run.labels)
                self._container = str(made["Id"])
        with engine_errors(f"reading {path} of {self.name}"):
            try:
                stream, _ = self._api.get_archive(self._container, path)
            except APIError as error:
                # Of a path below a file, engines say it with another code.
                if not isinstance(error, NotFound) and _NO_DIRECTORY not in str(error.explanation):
                    raise
                yield iter(())
                return
            try:
                with tarfile.open(fileobj=cast("BinaryIO", _Chunks(stream)), mode="r|") as archive:
                    yield ((member, archive) for member in archive)
            except tarfile.TarError as error:
                raise EngineError(f"{path} of {self.name} cannot be read: {error}") from error
            finally:
                stream.close()


class _Chunks:
    """The chunks of a response as a file that is read once."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks = chunks
        self._held = bytearray()

    def read(self, size: int) -> bytes:
        while len(self._held) < size and (chunk := next(self._chunks, b"")):
            self._held += chunk
        taken = bytes(self._held[:size])
        del self._held[:size]
        return taken


def _found(member: tarfile.TarInfo) -> FoundFile:
    kinds: dict[bytes, Kind] = {
        tarfile.DIRTYPE: "directory",
        tarfile.SYMTYPE: "link",
        tarfile.CHRTYPE: "character device",
        tarfile.BLKTYPE: "device",
        tarfile.FIFOTYPE: "fifo",
    }
    kind = kinds.get(member.type, "file")
    return FoundFile(kind, member.mode & 0o7777, member.uid, member.gid, member.size, member.linkname)


def _content(archive: tarfile.TarFile, member: tarfile.TarInfo, path: str) -> bytes | None:
    if member.size > _MOST_BYTES:
        raise EngineError(f"{path} has {member.size} bytes; expected at most {_MOST_BYTES}")
    file = archive.extractfile(member) if member.isreg() else None
    return file.read() if file else None


def _text(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")
