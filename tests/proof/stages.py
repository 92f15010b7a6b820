"""Where defects are planted: a copy of the tree, the images, the containers, the running stack, the bring-up."""

from __future__ import annotations

import io
import shutil
import tempfile
from contextlib import closing, contextmanager
from copy import deepcopy
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import docker
from mutation import (
    ChaosMutation,
    ContainerMutation,
    ImageMutation,
    LiveMutation,
    Mutation,
    StackMutation,
    TreeMutation,
)
from stack import INFRA, Running, say
from suite import ROOT, Cell, red_cells

from pytest_lucid.engine.asking import together
from pytest_lucid.matrix import load_matrix

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    from mutation import Document

    Batch = dict[str, Any]

# What pytest runs find of the stack they check, and of the tree.
CONTEXT = ("03-api-gateway", "blockchain", "service-mesh", "common", "lucid.toml", ".dockerignore")


# The checks of what runs.
LIVE_FILES = tuple(
    str(file) for file in sorted(Path(INFRA).glob("test_*.py")) if not file.name.startswith("test_image")
)
# The tests that hurt the stack, by what they claim.
CHAOS = {
    "CHS-STOP": "stopped_dependency",
    "CHS-FREEZE": "frozen_dependency",
    "CHS-BREAKER": "circuit_opens",
    "CHS-KILL": "killed_service",
    "CHS-CONSUL": "consul_may_be_away",
}


class Stage(Protocol):
    """One way to plant a batch of defects, service → mutation, to check, and to uproot them."""

    def plant(self, batch: Batch) -> None: ...
    def uproot(self, batch: Batch) -> None: ...
    def check(self, batch: Batch) -> frozenset[Cell]: ...


class Tree:
    """A copy of the tree, which is edited."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._files = {s.name: folder / s.dockerfile for s in load_matrix(None).service if s.dockerfile}
        self._texts: dict[Path, str | None] = {}

    def plant(self, batch: dict[str, TreeMutation]) -> None:
        """Edit the files."""
        for service, mutation in batch.items():
            file = self._folder / mutation.file if mutation.file else self._files[service]
            before = file.read_bytes().decode() if file.exists() else None
            after = mutation.edit(before or "")
            if after == before:
                raise SystemExit(f"{mutation.name}: changes nothing in {file.name} of {service}")
            self._texts[file] = before
            self._write(file, after)

    def uproot(self, batch: dict[str, TreeMutation]) -> None:
        """Write them back."""
        del batch
        for file, text in self._texts.items():
            self._write(file, text)
        self._texts.clear()

    def _write(self, file: Path, text: str | None) -> None:
        if text is None:
            file.unlink()
        else:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(text.encode())

    def check(self, batch: dict[str, TreeMutation]) -> frozenset[Cell]:
        """Run the Dockerfile suite on the copy."""
        del batch
        return red_cells(str(ROOT / "tests" / "dockerfile"), f"--lucid-project={self._folder}")


class Images:
    """Images derived from the healthy ones, under their names."""

    def __init__(self, running: Running) -> None:
        self._running = running
        self._healthy = {name: running.client.images.get(s.image).id for name, s in running.services.items()}

    def plant(self, batch: dict[str, ImageMutation]) -> None:
        """Build the mutants, and give them the names."""
        for service, mutation in batch.items():
            reference = self._running.services[service].image
            text = f"FROM {reference}\n{mutation.instructions}\n".encode()
            self._running.client.images.build(fileobj=io.BytesIO(text), tag=reference, rm=True, forcerm=True)

    def uproot(self, batch: dict[str, ImageMutation]) -> None:
        """Give the names back, and remove the mutants."""
        for service in batch:
            reference = self._running.services[service].image
            mutant = self._running.client.images.get(reference).id
            self._running.client.images.get(str(self._healthy[service])).tag(reference)
            if mutant != self._healthy[service]:
                self._running.client.images.remove(str(mutant))

    def check(self, batch: dict[str, ImageMutation]) -> frozenset[Cell]:
        """Run the image suite."""
        del batch
        files = sorted((ROOT / "tests" / "infra").glob("test_image*.py"))
        return red_cells("--lucid-host=local", *map(str, files))


class Containers:
    """Containers created anew, in another way than the healthy ones."""

    def __init__(self, running: Running) -> None:
        self._running = running
        self._documents = {name: running.client.api.inspect_container(name) for name in running.services}
        self._changed: set[str] = set()

    def plant(self, batch: dict[str, ContainerMutation]) -> None:
        """Replace the containers, and those of the batch before by ones like the first."""
        changes = dict.fromkeys(self._changed, _unchanged) | {name: each.change for name, each in batch.items()}
        self._changed = set(batch)
        together([partial(self._replace, service, change) for service, change in changes.items()])
        self._running.settle(*changes)

    def uproot(self, batch: dict[str, ContainerMutation]) -> None:
        """Nothing yet: the next batch replaces the containers anyway, and `close` those of the last."""
        del batch

    def close(self) -> None:
        """Replace what is still changed by containers like the first."""
        self.plant({})

    def check(self, batch: dict[str, ContainerMutation]) -> frozenset[Cell]:
        """Run all checks but those of images, which stay as they are; journey and chaos only where they are proven."""
        proven = {check for mutation in batch.values() for check in mutation.proves}
        journey = ["--lucid-journey"] if any(check.startswith("JRN-") for check in proven) or not batch else []
        # What each hurts takes its time to recover, so no other of them is run; the rest of the suite is.
        spared = [f"not {CHAOS[check]}" for check in sorted(CHAOS.keys() - proven)]
        chaos = ["--lucid-chaos", *(["-k", " and ".join(spared)] if spared else [])] if proven & CHAOS.keys() else []
        return red_cells("--lucid-host=local", *LIVE_FILES, *journey, *chaos)

    def _replace(self, service: str, change: Callable[[Document], object]) -> None:
        document = deepcopy(self._documents[service])
        networks: Document = {name: {} for name in document["NetworkSettings"]["Networks"]}
        config: Document = {
            **document["Config"],
            "HostConfig": document["HostConfig"],
            "NetworkingConfig": {"EndpointsConfig": networks},
        }
        change(config)
        api = self._running.client.api
        # With a stop it takes its entry out of Consul.
        try:
            api.stop(service)
            api.remove_container(service, v=True)
        except docker.errors.NotFound:
            say(f"  ({service} was gone)")
        api.create_container_from_config(config, service)
        api.start(service)


class Live:
    """The running stack, hurt while it runs."""

    def __init__(self, running: Running) -> None:
        self._running = running

    def plant(self, batch: dict[str, LiveMutation]) -> None:
        """Do what hurts."""
        for service, mutation in batch.items():
            mutation.plant(self._running.client, service)

    def uproot(self, batch: dict[str, LiveMutation]) -> None:
        """Undo it."""
        for service, mutation in batch.items():
            mutation.uproot(self._running.client, service)
        self._running.settle(*self._running.services)

    def check(self, batch: dict[str, LiveMutation]) -> frozenset[Cell]:
        """Run all checks but those of images, which stay as they are."""
        del batch
        return red_cells("--lucid-host=local", *LIVE_FILES)


class BringUps:
    """Another bring-up, by a matrix that is not the true one, or the true stack and another claim."""

    def __init__(self, running: Running) -> None:
        self._running = running

    def plant(self, batch: dict[str, StackMutation]) -> None:
        """Bring up the wrong stack."""
        for mutation in batch.values():
            if mutation.brought_up:
                with _file(mutation.brought_up) as matrix:
                    self._running.up(f"--lucid-matrix={matrix}")

    def uproot(self, batch: dict[str, StackMutation]) -> None:
        """Bring up the right one."""
        if any(mutation.brought_up for mutation in batch.values()):
            self._running.up()

    def check(self, batch: dict[str, StackMutation]) -> frozenset[Cell]:
        """Run the whole infra suite."""
        with _file("".join(mutation.claimed for mutation in batch.values())) as matrix:
            return red_cells("--lucid-host=local", INFRA, f"--lucid-matrix={matrix}")


def _unchanged(document: Document) -> None:
    """The change that leaves a container as it was."""
    del document


@contextmanager
def _file(text: str) -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "matrix.toml"
        file.write_text(text, "utf-8")
        yield file


@contextmanager
def _tree(running: Running) -> Iterator[Tree]:
    del running
    with tempfile.TemporaryDirectory() as folder:
        for name in CONTEXT:
            source = ROOT / name
            if source.is_dir():
                shutil.copytree(source, Path(folder) / name, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy(source, folder)
        yield Tree(Path(folder))


@contextmanager
def _containers(running: Running) -> Iterator[Containers]:
    running.ensure_up()
    with closing(Containers(running)) as stage:
        yield stage


def _on_stack(make: Callable[[Running], Stage]) -> Callable[[Running], AbstractContextManager[Stage]]:
    @contextmanager
    def stage(running: Running) -> Iterator[Stage]:
        running.ensure_up()
        yield make(running)

    return stage


STAGES: dict[type[Mutation], Callable[[Running], AbstractContextManager[Stage]]] = {
    TreeMutation: _tree,
    ImageMutation: _on_stack(Images),
    ContainerMutation: _containers,
    ChaosMutation: _containers,
    LiveMutation: _on_stack(Live),
    StackMutation: _on_stack(BringUps),
}
