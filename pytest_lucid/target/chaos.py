"""Stops, freezes and kills containers of a deployment, starts them again, and watches what the others say meanwhile.

What is hurt is healed on every way out. What was seen is kept as it was; judging it is left to the checks.
"""

from __future__ import annotations

import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

from docker.errors import APIError, NotFound

from pytest_lucid.engine.asking import Once, together
from pytest_lucid.engine.connection import engine_errors
from pytest_lucid.engine.missing import no_container
from pytest_lucid.errors import LucidError
from pytest_lucid.inspect.consul import read_discovery
from pytest_lucid.inspect.http import Request
from pytest_lucid.inspect.tokens import SECRET, bearer, token

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from pytest_lucid.inspect.consul import Registration
    from pytest_lucid.inspect.http import Response
    from pytest_lucid.matrix import Health, Service
    from pytest_lucid.target.deployment import Deployment

# How long what is wrong may go unnoticed.
NOTICE_SECONDS = 15.0
# A start, a registration and Consul's interval of 10 s; a circuit's 30 s.
RECOVERY_SECONDS = 60.0
POLL_SECONDS = 0.25
# As many failures open a circuit; some more, because one may be answered while the container is just ending.
ATTEMPTS = 8
ROUNDS = 3
SUBJECT = "lucid-chaos"
UNHEALTHY, HEALTHY = "unhealthy", "healthy"


@dataclass(frozen=True)
class Episode:
    """One container away for a while.

    `reported` has what each service that needs it said of it at last, within NOTICE_SECONDS; `others` how each
    service was meanwhile, by itself; `lost` what was not as it should be RECOVERY_SECONDS after it was back.
    """

    reported: Mapping[str, str] = field(default_factory=dict)
    others: Mapping[str, str] = field(default_factory=dict)
    lost: tuple[str, ...] = ()


@dataclass(frozen=True)
class Outage:
    """What the gateway answered while a service behind it was dead, what the mesh controller said, and afterwards."""

    answers: tuple[Response, ...]
    circuits: Response
    lost: tuple[str, ...]


class Chaos:
    """Hurts the deployment, one container at a time."""

    def __init__(self, deployment: Deployment) -> None:
        self._deployment = deployment
        self._matrix = deployment.matrix
        self._client: Any = deployment.engine.client
        # Several services may need the same container: it is hurt once for all of them.
        self._episodes = Once()
        self._asked = [(each, each.health) for each in self._matrix.service if each.health and each.health.path]

    def stopped(self, name: str) -> Episode:
        """Stop the container called `name`, and start it again."""
        return self._episodes.ask(("stopped", name), lambda: self._episode(name, lambda c: c.stop(), _revive))

    def frozen(self, name: str) -> Episode:
        """Freeze it and go on: it holds its connections, and says nothing."""
        return self._episodes.ask(("frozen", name), lambda: self._episode(name, lambda c: c.pause(), _thaw))

    def killed(self, name: str) -> Episode:
        """Kill it as the kernel would, and start it again."""
        return self._episodes.ask(("killed", name), lambda: self._episode(name, lambda c: c.kill(), _revive))

    def outage(self, gateway: Service, name: str, path: str) -> Outage:
        """Kill the service called `name`, ask the gateway for `path` of it over and over, and start it again.

        Where Consul takes the service off its list first, the gateway has nobody to ask and no circuit opens. Then the
        outage says nothing, and is repeated.
        """
        for _ in range(ROUNDS):
            outage, noticed = self._outage(gateway, name, path)
            if not noticed:
                break
        return outage

    def _outage(self, gateway: Service, name: str, path: str) -> tuple[Outage, bool]:
        secret = self._deployment.container(gateway.name).environment.get(SECRET, "")

        def ask(path: str) -> Response:
            return self._deployment.ask(gateway, path, Request(headers=bearer(token(secret, SUBJECT, "reader"))))

        with self._hurt(name, lambda c: c.kill(), _revive):
            # At once, because each may take seconds to fail and Consul notices within ten.
            failed = together([partial(ask, path)] * ATTEMPTS)
            answers = (*failed, ask(path))
            circuits = ask("/api/v1/service-discovery/circuit-breakers")
            noticed = self._is_off_the_list(name)
        self._lost()
        deadline = time.monotonic() + RECOVERY_SECONDS
        # The circuit lets one request through at a time, and closes after two.
        while (last := ask(path)).status not in {200, 404} and time.monotonic() < deadline:
            time.sleep(POLL_SECONDS)
        return Outage(answers, circuits, () if last.status in {200, 404} else (str(last),)), noticed

    def _is_off_the_list(self, name: str) -> bool:
        found = self._registrations([name])
        return bool(found) and not any(instance.passing for instance in found[name])

    def _episode(self, name: str, hurt: Callable[[Any], object], heal: Callable[[Any], object]) -> Episode:
        needing = [(service, health) for service, health in self._asked if name in service.needs]
        others = [(service, health) for service, health in self._asked if service.name != name]
        reported: dict[str, str] = {}
        with self._hurt(name, hurt, heal):
            deadline = time.monotonic() + NOTICE_SECONDS
            while time.monotonic() < deadline:
                reported = {service.name: self._reported(service, health, name) for service, health in needing}
                if set(reported.values()) <= {UNHEALTHY}:
                    break
                time.sleep(POLL_SECONDS)
            by_themselves = {s.name: self._answer(s, h).document.get("status", "silent") for s, h in others}
        return Episode(reported, by_themselves, self._lost())

    @contextmanager
    def _hurt(self, name: str, hurt: Callable[[Any], object], heal: Callable[[Any], object]) -> Iterator[None]:
        with engine_errors(f"disturbing {name}"):
            try:
                container = self._client.containers.get(self._deployment.container(name).name)
            except NotFound as error:
                raise no_container(name) from error
            try:
                hurt(container)
                yield
            finally:
                heal(container)

    def _reported(self, service: Service, health: Health, name: str) -> str:
        answer = self._answer(service, health).document
        reported = str(answer.get(health.dependencies or "", {}).get(name, "not named"))
        # To name what is unhealthy and to be healthy all the same is no truth either.
        return reported if answer.get("status") != HEALTHY else f"{reported}, and itself {HEALTHY}"

    def _lost(self) -> tuple[str, ...]:
        """Wait until all is as it should be; return what is not, in time."""
        deadline = time.monotonic() + RECOVERY_SECONDS
        while (lost := tuple(self._complaints())) and time.monotonic() < deadline:
            time.sleep(POLL_SECONDS)
        return lost

    def _complaints(self) -> Iterator[str]:
        for service, health in self._asked:
            answer = self._answer(service, health)
            if answer.document.get("status") != HEALTHY:
                yield str(answer)
        names = [service.name for service in self._matrix.service if service.registered]
        try:
            found = self._registrations(names)
        except LucidError as error:
            yield str(error)
            return
        for name in found:
            if [instance.passing for instance in found[name]] != [True]:
                yield f"{name} is not registered once and passing in Consul"

    def _registrations(self, names: list[str]) -> Mapping[str, Sequence[Registration]]:
        """The instances of services by name, as Consul knows them; nothing where the matrix has no Consul."""
        consul = self._matrix.consul
        if consul is None:
            return {}
        session = self._deployment.sidecars.session(consul.container)
        return read_discovery(session, consul.port, names).registrations

    def _answer(self, service: Service, health: Health) -> Response:
        return self._deployment.ask(service, str(health.path))


def _revive(container: Any) -> None:
    # An interrupted run may leave the engine still at ending it: a restart waits for that, a start would not.
    container.restart()


def _thaw(container: Any) -> None:
    try:
        container.unpause()
    except APIError:
        # It may not have come to be frozen.
        container.reload()
        if container.status == "paused":
            raise
