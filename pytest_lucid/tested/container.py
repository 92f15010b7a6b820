"""A running container: its files are seen through a sidecar, and commands run in it, so it needs no shell."""

from __future__ import annotations

import posixpath
import shlex
import stat
import time
from functools import cached_property
from typing import TYPE_CHECKING, Any

from pytest_lucid.engine.connection import engine_errors
from pytest_lucid.errors import ConfigError, EngineError, NotStartedError
from pytest_lucid.formats.tested import FoundFile, Ran
from pytest_lucid.sidecar.reading import read_files
from pytest_lucid.sidecar.stream import Stream, StreamClosedError
from pytest_lucid.target.testinfra_hosts import visits
from pytest_lucid.tested.declared import read_config
from pytest_lucid.tested.live_container import LiveContainer

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pytest_lucid.engine.shell_protocol import Result
    from pytest_lucid.formats.tested import DeclaredConfig, Invocation, Kind

# How the tools of the sidecar, and the C library, say that a path leads nowhere.
_ABSENT = (b"No such file or directory", b"Not a directory")
# With these codes the engine says that it could not start a command, and says so in its output.
_NOT_STARTED = frozenset({126, 127})
_MOST_BYTES = 16 << 20
_SAYS_SO = b"OCI runtime exec failed"
_FOLDERS = (
    '[ -d {path} ] || exit 1; for each in {path}/* {path}/.[!.]*; do [ -d "$each" ] && [ ! -L "$each" ] && '
    'echo "${{each##*/}}"; done; exit 0'
)
_KINDS: dict[int, Kind] = {
    stat.S_IFREG: "file",
    stat.S_IFDIR: "directory",
    stat.S_IFLNK: "link",
    stat.S_IFBLK: "device",
    stat.S_IFCHR: "character device",
    stat.S_IFIFO: "fifo",
    stat.S_IFSOCK: "socket",
}


class ContainerUnderTest:
    """The container called `name` on the engine of `host`."""

    def __init__(self, name: str, host: str) -> None:
        self.name = name
        self.host = host

    @cached_property
    def document(self) -> Any:
        """What the engine says of it; raises MissingError where it does not run."""
        _ = visits().session(self.name, self.host)
        with engine_errors(f"inspecting {self.name}"):
            return visits().engine(self.host).client.api.inspect_container(self.name)

    def config(self) -> DeclaredConfig:
        """What it declares: its image's configuration, and what was changed when it was made."""
        return read_config(self.document)

    def look(self, path: str) -> FoundFile | None:
        """The file at `path`, itself and not what a link there leads to; None where there is none."""
        return self._stat(path, "")

    def read(self, path: str) -> bytes | None:
        """The content of the regular file at `path`, through all links; None where there is none."""
        found = self._stat(path, "-L ")
        if found is None or found.kind != "file":
            return None
        answer = self.ask(f"cat {_quoted(path)}")
        if answer.code:
            raise EngineError(f"{path} of {self.name} cannot be read: {_text(answer.stderr).strip()}")
        return answer.stdout

    def folders(self, path: str) -> tuple[str, ...] | None:
        """The names of the directories in the directory `path`; None where there is none."""
        answer = self.ask(_FOLDERS.format(path=_quoted(path)))
        return tuple(_text(answer.stdout).splitlines()) if answer.code == 0 else None

    def run(self, command: Invocation) -> Ran:
        """How the command ends in the container, as its user; raises ConfigError for what would change it."""
        if command.setup:
            raise ConfigError(f"setup: {self.name} runs, and setup would change it; test the image instead")
        if command.options.binds or command.options.capabilities:
            raise ConfigError(
                f"containerRunOptions: {self.name} runs already, so it gets no capabilities and no bindMounts; "
                "test the image instead"
            )
        _ = self.document
        api: Any = visits().engine(self.host).client.api
        with engine_errors(f"running {command.argv[0]} in {self.name}"):
            made = api.exec_create(
                self.name,
                list(command.argv),
                user=command.options.user,
                privileged=command.options.privileged,
                tty=command.options.tty,
                environment={**command.options.environment, **command.committed, **command.environment},
            )["Id"]
            stdout, stderr = self._output(made, command)
            code = int(api.exec_inspect(made)["ExitCode"])
        said = stdout + stderr
        if code in _NOT_STARTED and _SAYS_SO in said:
            raise NotStartedError(f"{command.argv[0]} cannot be started in {self.name}: {_text(said).strip()}")
        return Ran(code, _text(stdout), _text(stderr))

    def _output(self, made: str, command: Invocation) -> tuple[bytes, bytes]:
        """What the command wrote. Raises EngineError where it does not end in time, or writes without end.

        It may go on in the container then: the engine ends no command.
        """
        engine = visits().engine(self.host)
        if command.options.tty:
            stdout, stderr = engine.client.api.exec_start(made, demux=True)
            return stdout or b"", stderr or b""
        stream = Stream.of(engine, made)
        deadline = time.monotonic() + command.seconds
        try:
            while sum(map(len, stream.buffers)) <= _MOST_BYTES:
                stream.receive(deadline)
        except StreamClosedError:
            return bytes(stream.buffers[0]), bytes(stream.buffers[1])
        except TimeoutError as error:
            raise EngineError(
                f"{command.argv[0]} in {self.name} did not end within {command.seconds:g} s, and may still run; "
                "expected it to end, or a longer timeout"
            ) from error
        finally:
            stream.close()
        raise EngineError(
            f"{command.argv[0]} in {self.name} wrote more than {_MOST_BYTES} bytes, and may still run; expected less"
        )

    def files(self, path: str) -> Mapping[str, bytes]:
        """The content of each regular file right in the directory `path`, by name; nothing where there is none."""
        found = read_files(visits().session(self.name, self.host), f"{path}/*")
        return {posixpath.basename(each): content for each, content in found.items()}

    def live(self, what: str) -> LiveContainer:  # noqa: ARG002 - all can be judged of what runs
        """What runs in it."""
        return LiveContainer(visits().session(self.name, self.host), str(self.document["Id"]))

    def ask(self, command: str) -> Result:
        """What a shell of the sidecar answers, with the container's root, processes and network."""
        return visits().session(self.name, self.host).run(command)

    def close(self) -> None:
        """Nothing: its sidecar ends with those of the process."""

    def _stat(self, path: str, option: str) -> FoundFile | None:
        answer = self.ask(f"stat {option}-c '%f %u %g %s' {_quoted(path)}")
        if answer.code:
            if any(absent in answer.stderr for absent in _ABSENT):
                return None
            raise EngineError(f"{path} of {self.name} cannot be looked at: {_text(answer.stderr).strip()}")
        mode, uid, gid, size = answer.stdout.split()
        bits = int(mode, 16)
        target = _text(self.ask(f"readlink {_quoted(path)}").stdout).removesuffix("\n") if stat.S_ISLNK(bits) else ""
        return FoundFile(_KINDS[stat.S_IFMT(bits)], stat.S_IMODE(bits), int(uid), int(gid), int(size), target)


def _quoted(path: str) -> str:
    return shlex.quote(path if path.startswith("/") else f"/{path}")


def _text(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")
