"""Write the table of docs/speed.md: what this project takes, and what a peer takes for the like, in one run.

`nox -s bench -- speed`, on a computer that does nothing else; it needs an engine there. Both columns of a row are
measured in turns, and each is the best of its turns, which depends least on what else the computer does.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks import dockerfiles, plain, sidecar
from benchmarks.image import write_gib
from pytest_lucid.config.settings import Settings
from pytest_lucid.engine.connection import Engine, connect
from pytest_lucid.matrix import Matrix, load_matrix
from pytest_lucid.stack.build import BuildPlan, build_images, provenance
from pytest_lucid.target.images import Images

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "speed.md"
BEGIN, END = "<!-- begin table -->", "<!-- end table -->"
TURNS = 3
DOCKERFILES = 150
# Below it a time is shown in ms, and a ratio as a fraction.
SMALL = 0.1
REPOSITORY = "lucid-speed"

Work = Callable[[], object]


@dataclass(frozen=True)
class Compared:
    """One row: seconds here, seconds of the peer, and what the ratio of both is meant to be."""

    work: str
    ours: float
    peer: str
    theirs: float
    aim: str

    def __str__(self) -> str:
        """The row in Markdown."""
        ratio = self.ours / self.theirs
        shown = f"{ratio:.2f} ×" if ratio > SMALL else f"1 / {1 / ratio:.0f}"
        return f"| {self.work} | {amount(self.ours)} | {self.peer} | {amount(self.theirs)} | {shown} | {self.aim} |"


def amount(seconds: float) -> str:
    """A time as people read it."""
    return f"{seconds:.2f} s" if seconds > SMALL else f"{seconds * 1000:.2f} ms"


def in_turns(*works: Work) -> list[float]:
    """The least seconds of each, in turns; the first turn, which compiles and fills caches, does not count."""
    taken: list[list[float]] = [[] for _ in works]
    for _ in range(TURNS + 1):
        for work, seconds in zip(works, taken, strict=True):
            started = time.perf_counter()
            work()
            seconds.append(time.perf_counter() - started)
    return [min(seconds[1:]) for seconds in taken]


def command(*words: str, folder: Path = ROOT) -> str:
    """Run a command; returns what it prints. Raises CalledProcessError where it fails."""
    environ = {**os.environ, "PYTHONDONTWRITEBYTECODE": "", "DOCKER_BUILDKIT": "0"}
    done = subprocess.run(words, cwd=folder, env=environ, check=True, capture_output=True, text=True)  # noqa: S603 - ours
    return done.stdout


def pytest(*words: str, folder: Path = ROOT) -> str:
    """Run pytest; returns what it prints."""
    return command(sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *words, folder=folder)


def cells() -> Iterator[Compared]:
    """All live and image cells of the six services that run, in one process and in two."""
    pytest("--lucid-up", "--lucid-keep", "tests/infra/test_network.py")
    suite = ("--lucid-host=local", "tests/infra")
    try:
        last = pytest(*suite).splitlines()[-1]
        number = sum(map(int, re.findall(r"(\d+) (?:passed|skipped|xfailed|waived)", last)))
        with tempfile.TemporaryDirectory() as folder:
            empty = "import pytest\n@pytest.mark.parametrize('n', range({}))\ndef test_empty(n):\n    pass\n"
            Path(folder, "test_empty.py").write_text(empty.format(number), "utf-8")
            Path(folder, "pytest.ini").write_text("[pytest]\n", "utf-8")
            one, two, empty_one, empty_two = in_turns(
                lambda: pytest(*suite),
                lambda: pytest(*suite, "-n2"),
                lambda: pytest(folder=Path(folder)),
                lambda: pytest("-n2", folder=Path(folder)),
            )
        yield Compared(
            f"{number} live and image cells, six services up", one, "as many empty tests", empty_one, "2.0 s"
        )
        yield Compared("the same with `-n 2`", two, "as many empty tests with `-n 2`", empty_two, "not slower than one")
    finally:
        command(sys.executable, "-m", "pytest_lucid", "down")


def inside() -> Iterator[Compared]:
    """One question to testinfra inside a distroless container."""
    names = ("File", "Process.get(pid)", "Socket")
    for name, (ours, theirs) in sidecar.compare(names).items():
        yield Compared(f"testinfra inside: {name}", ours, "testinfra's docker backend", theirs, "1 / 100")


def builds(engine: Engine, matrix: Matrix) -> Iterator[Compared]:
    """The six images, unchanged and after a change of what all copy, against `docker build` one after another."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name, "tree")
        command("git", "clone", "-q", str(ROOT), str(folder))
        arguments = {**provenance(folder), **matrix.build_arguments}
        services = [
            service.model_copy(update={"image": f"{REPOSITORY}:{service.name}"})
            for service in matrix.service
            if service.dockerfile
        ]
        given = [word for key, value in arguments.items() for word in ("--build-arg", f"{key}={value}")]

        def change() -> None:
            shared = next((folder / "common").rglob("__init__.py"))
            shared.write_text(f"# {time.time_ns()}\n", "utf-8")

        def ours() -> None:
            build_images(engine, BuildPlan(folder, arguments), services, lambda _line: None)

        def theirs() -> None:
            for service in services:
                command(
                    "docker", "build", "-f", str(service.dockerfile), "-t", service.image, *given, ".", folder=folder
                )

        def changed(build: Work) -> Work:
            def work() -> None:
                change()
                build()

            return work

        unchanged = in_turns(ours, theirs)
        anew = in_turns(changed(ours), changed(theirs))
    for work, pair in (
        ("six images built, nothing changed", unchanged),
        ("six images built, shared code changed", anew),
    ):
        yield Compared(work, pair[0], "`docker build` six times", pair[1], "0.5 ×")


def first_look(engine: Engine) -> Iterator[Compared]:
    """Every file of an image of one GiB, by somebody who has never seen it, against saving it."""
    reference = f"{REPOSITORY}:gib"
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "root.tar"
        write_gib(path)
        command("docker", "import", str(path), reference)
        path.unlink()
        row = f'extends = "nothing"\n[[service]]\nname = "gib"\nimage = "{reference}"\n'
        Path(folder, "lucid.toml").write_text(row, "utf-8")
        matrix = load_matrix(Path(folder, "lucid.toml"))
        service = matrix.service[0]

        def ours() -> None:
            Images(Settings(ROOT, no_cache=True), matrix, (service,), lambda: engine, {}).inventory(service)

        def theirs() -> None:
            with Path(os.devnull).open("wb") as nowhere:
                subprocess.run(["docker", "save", reference], stdout=nowhere, check=True)  # noqa: S603, S607 - ours

        look, save = in_turns(ours, theirs)
    yield Compared("an image of 1 GiB, 8,449 files, first look", look, "`docker save` of it alone", save, "1.5 ×")


def texts() -> Iterator[Compared]:
    """The checks of Dockerfiles on a tree of many, against hadolint alone."""
    with tempfile.TemporaryDirectory() as folder:
        tree, compiled = Path(folder, "tree"), Path(folder, "compiled")
        tree.mkdir()
        dockerfiles.make_tree(tree, DOCKERFILES)
        every, hadolint = in_turns(
            lambda: dockerfiles.measure("every check", tree, compiled), lambda: dockerfiles.measure_hadolint(tree)
        )
    yield Compared(f"{DOCKERFILES} Dockerfiles, all checks", every, "hadolint alone", hadolint, "1.2 ×")


def elsewhere() -> Iterator[Compared]:
    """A pytest run of somebody else, with the plugin installed and without."""
    found = plain.measure()
    with_it, without = found[plain.INSTALLED][0], found[plain.WITHOUT][0]
    yield Compared("a plain pytest run, plugin installed", with_it, "the same without it", without, "50 ms more")


@contextmanager
def images_removed(engine: Engine) -> Iterator[None]:
    """Remove at the end what was built under this benchmark's name."""
    try:
        yield
    finally:
        for image in engine.client.images.list(REPOSITORY):
            for tag in image.tags:
                engine.client.images.remove(tag, force=True)


def rows() -> Iterator[Compared]:
    """All rows, each as soon as it is measured."""
    engine, matrix = connect(), load_matrix(ROOT / "lucid.toml")
    yield from elsewhere()
    yield from texts()
    yield from cells()
    yield from inside()
    with images_removed(engine):
        yield from builds(engine, matrix)
        yield from first_look(engine)


def main() -> None:
    """Measure, print, and write."""
    table = ["| work | here | peer | the peer | ratio | aim |", "| --- | --: | --- | --: | --: | --: |"]
    for row in rows():
        print(row, flush=True)
        table.append(str(row))
    before, _, rest = PAGE.read_text("utf-8").partition(BEGIN)
    said = f"Measured in one run on {os.cpu_count()} processors, the best of {TURNS} turns each:"
    PAGE.write_text("\n".join((before + BEGIN, said, "", *table, END + rest.partition(END)[2])), "utf-8")


if __name__ == "__main__":
    main()
