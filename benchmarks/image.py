"""How fast images are read and judged, against a plain export by the same engine in the same minutes; `nox -s bench`.

Figures are printed, not asserted: a busy machine must not fail a test. It needs an engine with the six images.
"""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pytest_lucid.config.settings import Settings
from pytest_lucid.engine.connection import connect
from pytest_lucid.image.config import read_image
from pytest_lucid.image.layer import read_layer
from pytest_lucid.image.scan import Scanner
from pytest_lucid.image.tools import load_toolbox
from pytest_lucid.matrix import load_matrix
from pytest_lucid.plugin.state import WORKSPACE
from pytest_lucid.target.images import Images

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

ROUNDS = 5
ROOT = Path(__file__).parents[1]
GIB = 1 << 30


def main() -> None:
    """Run one benchmark after the other; `memory FILE` is what the last one starts as a process of its own."""
    if sys.argv[1:2] == ["memory"]:
        peak(Path(sys.argv[2]))
        return
    # What users have cached is none of a benchmark's business.
    with tempfile.TemporaryDirectory() as folder:
        os.environ["XDG_CACHE_HOME"] = folder
        inventory()
        checks(Path(folder))
        memory()


def inventory() -> None:
    """One image: its inventory against `docker export`, with no layer, all but the service's own, and all known."""
    engine = connect()
    matrix = load_matrix(None)
    service = matrix.select(("lucid-data-chain",))[0]
    container = engine.client.containers.create(service.image, labels={"lucid.bench": "image"})
    own = read_image(engine, service.image).layers[-1].removeprefix("sha256:")
    known = Path(os.environ["XDG_CACHE_HOME"], "pytest-lucid", "layers")

    def export() -> None:
        subprocess.run(["docker", "export", str(container.id)], stdout=subprocess.DEVNULL, check=True)  # noqa: S603, S607 - ours

    def read() -> None:
        Images(Settings(ROOT), matrix, (service,), lambda: engine, {}).inventory(service)

    def cold() -> None:
        shutil.rmtree(known, ignore_errors=True)

    def changed() -> None:
        for file in known.glob(f"*/{own}.json"):
            file.unlink()

    try:
        plain, first, rebuilt, unchanged = best((nothing, export), (cold, read), (changed, read), (nothing, read))
    finally:
        container.remove()
    say(f"{service.image}: docker export {plain:.2f} s")
    for name, ours in (("read first", first), ("built anew", rebuilt), ("unchanged", unchanged)):
        say(f"inventory, {name}: {ours:.2f} s, {ours / plain:.1f} times")


def checks(cache: Path) -> None:
    """Six images: all checks, cold, again by another process of later, and again with what was gathered."""
    shutil.rmtree(cache / "pytest-lucid")
    # Another run in this process finds modules that are loaded already.
    arguments = [
        "-q",
        "-W",
        "ignore::pytest.PytestAssertRewriteWarning",
        "-p",
        "no:cacheprovider",
        "--no-header",
        "--lucid-host=local",
        f"--lucid-project={ROOT}",
    ]
    arguments += [str(ROOT / "tests" / "infra"), "-k", "test_image", "--no-summary", "-r", "N", f"--rootdir={ROOT}"]
    keeper = Keeper()
    for name in ("cold", "in a later run", "with the inventory cached"):
        if name == "in a later run":
            keeper.forget()
        pytest.main(arguments, plugins=[keeper])
        say(f"all image checks on six images, {name}: {keeper.seconds:.2f} s for {keeper.cells} cells")


def memory() -> None:
    """An image of one GiB, half of it one file: the peak of a process that reads it."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "layer.tar"
        write_gib(path)
        subprocess.run([sys.executable, __file__, "memory", str(path)], check=True)  # noqa: S603 - this program


def write_gib(path: Path) -> None:
    """Write a layer of one GiB in 8,449 files, half of it one file."""
    with tarfile.open(path, "w") as archive:
        for number, size in enumerate([GIB // 2, *[1 << 20] * 256, *[32 << 10] * 8192]):
            info = tarfile.TarInfo(f"opt/{number}")
            info.size = size
            archive.addfile(info, Noise(size))


def peak(path: Path) -> None:
    """Read a layer and print this process's peak memory."""
    import resource  # noqa: PLC0415 - not everywhere

    scanner = Scanner(load_toolbox(), ("app/",))
    started = time.perf_counter()
    with path.open("rb") as file:
        layer = read_layer(file, scanner)
    mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    size = path.stat().st_size / (1 << 20)
    say(f"{len(layer.entries)} files, {size:.0f} MiB: peak {mib:.0f} MiB, {time.perf_counter() - started:.1f} s")


def nothing() -> None:
    """What needs no preparation."""


def best(*pairs: tuple[Callable[[], None], Callable[[], None]]) -> list[float]:
    """Return the shortest time of the second of each pair, in seconds, taken in turns; the first prepares it."""
    times: list[list[float]] = [[] for _ in pairs]
    for _ in range(ROUNDS):
        for (prepare, function), taken in zip(pairs, times, strict=True):
            prepare()
            started = time.perf_counter()
            function()
            taken.append(time.perf_counter() - started)
    return [min(taken) for taken in times]


class Keeper:
    """Hands what one run of pytest has gathered to the next, and measures how long the tests take."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.cells = 0
        self._lucid: Any = None

    def forget(self) -> None:
        """Hand over nothing."""
        self._lucid = None

    @pytest.hookimpl(trylast=True)
    def pytest_configure(self, config: pytest.Config) -> None:
        """Use what was gathered before."""
        if self._lucid is not None:
            config.stash[WORKSPACE] = self._lucid

    @pytest.hookimpl(wrapper=True)
    def pytest_runtestloop(self, session: pytest.Session) -> Generator[None, object, object]:
        """Measure."""
        started = time.perf_counter()
        try:
            return (yield)
        finally:
            self.seconds, self.cells = time.perf_counter() - started, len(session.items)
            self._lucid = session.config.stash[WORKSPACE]


class Noise(io.RawIOBase):
    """A file of bytes that do not repeat, of any size."""

    def __init__(self, size: int) -> None:
        self._left = size
        self._block = bytes(range(256)) * 4096

    def read(self, size: int = -1) -> bytes:
        """Return the next bytes."""
        count = min(size, self._left, len(self._block))
        self._left -= count
        return self._block[:count]


def say(line: str) -> None:
    """Print a figure."""
    print(line, flush=True)


if __name__ == "__main__":
    main()
