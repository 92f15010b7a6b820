"""What test files of other programs ask of an image or a container: the questions, and the shape of the answers.

Who answers, an image on an engine, one in a file, or what runs, is not known here.
"""

from __future__ import annotations

import stat
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

# As Go's fs.FileMode writes them, in its order; permissions follow.
_LETTERS = (("directory", "d"), ("link", "L"), ("device", "D"), ("fifo", "p"), ("socket", "S"))
_SPECIAL = ((stat.S_ISUID, "u"), (stat.S_ISGID, "g"))


Kind = Literal["file", "directory", "link", "device", "character device", "fifo", "socket"]


@dataclass(frozen=True)
class FoundFile:
    """A file: its kind, its 12 permission bits, its owner by number, its size in bytes, and a link's target."""

    kind: Kind
    mode: int
    uid: int
    gid: int
    size: int = 0
    target: str = ""

    @property
    def go_mode(self) -> str:
        """The mode as Go writes it, such as `-rw-r--r--`, `dtrwxrwxrwx`, `Lrwxrwxrwx`."""
        letters = "Dc" if self.kind == "character device" else dict(_LETTERS).get(self.kind, "")
        letters = letters.replace("c", "")
        letters += "".join(letter for bit, letter in _SPECIAL if self.mode & bit)
        letters += "c" if self.kind == "character device" else ""
        letters += "t" if self.mode & stat.S_ISVTX else ""
        return (letters or "-") + stat.filemode(self.mode)[1:].translate(_PLAIN)


# What stat.filemode writes into the place of the x for the bits above.
_PLAIN = str.maketrans("sStT", "x-x-")


@dataclass(frozen=True)
class DeclaredConfig:
    """What an image or a container declares. `entrypoint` and `cmd` are as they are run; `ports` as `8080/tcp`."""

    environment: Mapping[str, str]
    labels: Mapping[str, str]
    entrypoint: tuple[str, ...]
    cmd: tuple[str, ...]
    workdir: str
    ports: frozenset[str]
    volumes: frozenset[str]
    user: str


@dataclass(frozen=True)
class Options:
    """How the container of a command is started, where the file says more than the image."""

    user: str = ""
    privileged: bool = False
    tty: bool = False
    environment: Mapping[str, str] = field(default_factory=dict)
    capabilities: tuple[str, ...] = ()
    binds: tuple[str, ...] = ()


@dataclass(frozen=True)
class Invocation:
    """A program with its arguments, without a shell; `setup` are those to run before, in containers of their own.

    `environment` is added for the program itself, `committed` for all of them.
    """

    argv: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)
    committed: Mapping[str, str] = field(default_factory=dict)
    setup: tuple[tuple[str, ...], ...] = ()
    options: Options = Options()
    # A command that takes longer is stuck.
    seconds: float = 600


@dataclass(frozen=True)
class Ran:
    """How a command ended."""

    code: int
    stdout: str
    stderr: str


@dataclass(frozen=True)
class HttpRequest:
    """A request, and who is trusted: `ca`, `cert` and `key` are files here, `proxy` an address."""

    url: str
    method: str = "GET"
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    verifies: bool = True
    follows: bool = True
    seconds: float = 5
    ca: str = ""
    cert: str = ""
    key: str = ""


@dataclass(frozen=True)
class HttpAnswer:
    """What came back, after redirects."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes


class Live(Protocol):
    """What runs, seen from inside: its processes and its network."""

    def shell(self, command: str) -> Ran:
        """What a shell beside it answers, with its root, its processes and its network."""

    def processes(self) -> tuple[str, ...]:
        """The names of its programs, as the kernel keeps them: 15 bytes at most."""

    def listeners(self, table: str) -> tuple[tuple[str, int], ...]:
        """Address and port of each socket that waits for anybody, of `tcp`, `tcp6`, `udp` or `udp6`."""

    def fetch(self, request: HttpRequest) -> HttpAnswer:
        """What is answered to a request from inside. Raises OSError where there is no answer."""


class Tested(Protocol):
    """An image or a container, as such files see it. Every question raises LucidError where it cannot be answered."""

    def config(self) -> DeclaredConfig:
        """What it declares."""

    def look(self, path: str) -> FoundFile | None:
        """The file at `path`, itself and not what a link there leads to; None where there is none."""

    def read(self, path: str) -> bytes | None:
        """The content of the regular file at `path`, through all links; None where there is none."""

    def folders(self, path: str) -> tuple[str, ...] | None:
        """The names of the directories in the directory `path`; None where there is none."""

    def files(self, path: str) -> Mapping[str, bytes]:
        """The content of each regular file right in the directory `path`, by name; nothing where there is none."""

    def run(self, command: Invocation) -> Ran:
        """How the command ends; raises NotStartedError where it cannot be started."""

    def live(self, what: str) -> Live:
        """What runs; raises ConfigError, which says that `what` cannot be judged, where nothing does."""


@dataclass(frozen=True)
class Question:
    """One test of a file: its name, where it is written, and what is wrong, as sentences, with what is tested.

    `skipped` says why it is not asked, if it is not.
    """

    name: str
    where: str
    ask: Callable[[Tested], list[str]]
    skipped: str = ""
