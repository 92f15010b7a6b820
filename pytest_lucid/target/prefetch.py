"""Asks a host for all that the collected checks need, side by side, before the first of them runs.

What is asked for here is asked for by checks anyway; their answers, errors included, are those of the facts themselves.
A question that rests on others asks them itself, and waits for them.
"""

from __future__ import annotations

from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING

from pytest_lucid.engine.asking import together
from pytest_lucid.errors import LucidError
from pytest_lucid.target.need import Need

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Sequence

    from pytest_lucid.matrix import Service
    from pytest_lucid.target.deployment import Deployment
    from pytest_lucid.target.images import Images

    Question = Callable[[], object]
    Questions = Iterable[Question]

# In the order in which they are asked, where there are more than can be asked at once: what takes longest comes first.
OF_IMAGES: dict[Need, Callable[[Images, Sequence[Service]], Questions]] = {
    Need.INTERPRETER: lambda images, services: (partial(images.probe, s) for s in services if not images.is_given(s)),
    # All come in one stream.
    Need.INVENTORY: lambda images, _: (lambda: images.inventories,),
    Need.BASES: lambda images, services: (partial(images.bases, s) for s in services),
    Need.IMAGE: lambda images, services: (partial(images.image, s) for s in services),
}
OF_DEPLOYMENT: dict[Need, Callable[[Deployment, Sequence[Service]], Questions]] = {
    Need.RUNTIME: lambda facts, services: (partial(facts.inside, s) for s in services),
    Need.NAMES: lambda facts, services: (partial(facts.names, s) for s in services),
    Need.WAYS: lambda facts, services: (question for s in services for question in _ways(facts, s)),
    Need.SESSION: lambda facts, services: (partial(facts.sidecars.session, s.name) for s in services),
    Need.DISCOVERY: lambda facts, _: (lambda: facts.discovery,),
    Need.DRIFT: lambda facts, services: (partial(facts.drift, s) for s in services),
    Need.ANSWERS: lambda facts, services: (question for s in services for question in _requests(facts, s)),
    Need.CONTAINER: lambda facts, _: (partial(facts.container, name) for name in facts.matrix.names),
    Need.VOLUMES: lambda facts, _: (lambda: facts.volumes,),
    Need.NETWORK: lambda facts, _: (partial(facts.network_called, name) for name in facts.matrix.network_names or ()),
}


def prefetch(
    images: Images, deployment: Deployment | None, services: Sequence[Service], needs: Collection[Need]
) -> None:
    """Ask for what `needs` names of the images, and of the deployment if there is one, at the same time."""
    questions: list[Question] = []
    if deployment:
        questions += [q for need, ask in OF_DEPLOYMENT.items() if need in needs for q in ask(deployment, services)]
    questions += [q for need, ask in OF_IMAGES.items() if need in needs for q in ask(images, services)]
    together(partial(_remember, question) for question in questions)


def _remember(question: Question) -> None:
    """Ask; the next caller gets the error of a question that failed."""
    with suppress(LucidError):
        question()


def _ways(facts: Deployment, service: Service) -> Iterator[Question]:
    said = (service.reaches, service.isolated_from)
    yield from (partial(facts.ways, service, each) for each in said if each and service.stays)


def _requests(facts: Deployment, service: Service) -> Iterator[Question]:
    if service.health:
        path = service.health.path or "/"
        yield partial(facts.get, service, path)
        yield from (partial(facts.get, service, path, port) for port in service.web_ports)
    yield from (partial(facts.get, service, path) for path in service.paths or ())
