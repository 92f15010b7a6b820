"""Asks a host for many facts at the same time: on the way to another machine, every question takes its time.

What is asked for here is asked for by checks anyway; their answers, errors included, are those of the facts themselves.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TYPE_CHECKING

from pytest_lucid.errors import LucidError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence

    from pytest_lucid.matrix import Service
    from pytest_lucid.target.deployment import Deployment
    from pytest_lucid.target.images import Images

    Question = Callable[[], object]


def gather_images(images: Images, services: Sequence[Service], wanted: Collection[str]) -> None:
    """Ask for what `wanted`, the fixtures of the checks to come, need of images."""
    if "lucid_image" in wanted:
        together([lambda s=s: images.image(s) for s in services])  # type: ignore[misc]
    later: list[Question] = []
    if "lucid_bases" in wanted:
        later += [lambda s=s: images.bases(s) for s in {s.base: s for s in services if s.base}.values()]  # type: ignore[misc]
    if "lucid_inventory" in wanted:
        # All come in one stream.
        later.append(lambda: images.inventory(services[0]))
    if "lucid_interpreter" in wanted:
        later += [lambda s=s: images.probe(s) for s in services]  # type: ignore[misc]
    together(later)


def gather_deployment(deployment: Deployment, services: Sequence[Service], wanted: Collection[str]) -> None:
    """Ask for what `wanted`, the fixtures of the checks to come, need of the deployment."""
    questions: list[Question] = []
    if "lucid_container" in wanted or "lucid_deployment" in wanted:
        questions += [lambda n=n: deployment.container(n) for n in deployment.matrix.names]  # type: ignore[misc]
    if "lucid_network" in wanted or "lucid_networks" in wanted:
        questions += [lambda n=n: deployment.network_called(n) for n in deployment.matrix.network_names or ()]  # type: ignore[misc]
    if "lucid_discovery" in wanted and deployment.matrix.consul:
        questions.append(lambda: deployment.discovery)
    if "lucid_drift" in wanted:
        questions += [lambda s=s: deployment.drift(s) for s in services]  # type: ignore[misc]
    if "lucid_health" in wanted:
        questions += _answers(deployment, services)
    if "lucid_runtime" in wanted or "lucid_names" in wanted:
        # All sidecars are made at the same time when the first is asked for.
        questions.append(lambda: deployment.sidecars.session(services[0].name))
    together(questions)
    if "lucid_runtime" in wanted:
        together([lambda s=s: deployment.inside(s) for s in services])  # type: ignore[misc]
    if "lucid_names" in wanted:
        together([lambda s=s: deployment.names(s) for s in services])  # type: ignore[misc]


def together(questions: Sequence[Question]) -> None:
    """Ask all at the same time, and wait for the answers. What cannot be answered is told to whoever asks next."""
    if not questions:
        return
    with ThreadPoolExecutor(len(questions)) as pool:
        for asked in [pool.submit(question) for question in questions]:
            with suppress(LucidError):
                asked.result()


def _answers(deployment: Deployment, services: Sequence[Service]) -> Iterator[Question]:
    for service in services:
        health = service.health.path if service.health else None
        for port in service.web_ports if health else ():
            yield lambda s=service, p=port, h=health: deployment.get(s, h, p)  # type: ignore[misc]
        for path in service.paths or ():
            yield lambda s=service, p=path: deployment.get(s, p)  # type: ignore[misc]
