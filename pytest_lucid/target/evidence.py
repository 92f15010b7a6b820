"""What reports tell of services beside their cells: asked once, at the end of a run, while everything still stands."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from pytest_lucid.content.masking import clean
from pytest_lucid.content.secrets import find_variables
from pytest_lucid.engine.asking import together
from pytest_lucid.errors import LucidError
from pytest_lucid.image.licences import licence_of
from pytest_lucid.image.packages import debian_packages, distributions
from pytest_lucid.report.loglines import without_own
from pytest_lucid.report.model import Package, PortRecord, ServiceRecord

if TYPE_CHECKING:
    from collections.abc import Collection

    from pytest_lucid.inspect.container import Container
    from pytest_lucid.matrix import Service
    from pytest_lucid.target.target import Target
    from pytest_lucid.target.workspace import Workspace

_AT_ONCE = 8
_LOG_LINES = 20


@dataclass(frozen=True)
class Evidence:
    """The services, and the values of their variables that are named like secrets: these must not be shown."""

    services: tuple[ServiceRecord, ...]
    secrets: frozenset[str]


def gather_evidence(workspace: Workspace, red: Collection[tuple[str, str]], *, whole: bool, packages: bool) -> Evidence:
    """Ask for the containers of the cells that are `red`, as (service, host), and for all of them if `whole`.

    With `packages` the images are read for what is in them. What cannot be had is empty, and no error.
    """
    settings = workspace.settings
    hosts = workspace.hosts if settings.wants_engine else (None,)
    rows = [(service, host) for host in hosts for service in workspace.services]

    def ask(row: tuple[Service, str | None]) -> tuple[ServiceRecord, frozenset[str]]:
        service, host = row
        record, secrets = _row(service, host), frozenset[str]()
        target = workspace.targets[host or workspace.hosts[0]] if host or packages else None
        if target and host and settings.wants_deployment and (whole or (service.name, host) in red):
            record, secrets = _with_container(record, service, target, fresh=(service.name, host) in red)
        if target and packages and settings.wants_images:
            record = replace(record, packages=_packages(service, target))
        return record, secrets

    answers = together((partial(ask, row) for row in rows), most=_AT_ONCE)
    return Evidence(tuple(record for record, _ in answers), frozenset[str]().union(*(found for _, found in answers)))


def _row(service: Service, host: str | None) -> ServiceRecord:
    ports = tuple(
        PortRecord(port.number, None if port.internal else port.host, port.scheme) for port in service.ports or ()
    )
    return ServiceRecord(
        name=service.name,
        image=service.image,
        cluster=clean(service.cluster or ""),
        dockerfile=clean(service.dockerfile or ""),
        ports=ports,
        needs=service.needs,
        host=host,
    )


def _with_container(
    record: ServiceRecord, service: Service, target: Target, *, fresh: bool
) -> tuple[ServiceRecord, frozenset[str]]:
    """The record with what its container says; with `fresh` as it is now, and not as it was first seen."""
    try:
        container = (
            target.deployment.read_container(service.name) if fresh else target.deployment.container(service.name)
        )
    except LucidError as error:
        return replace(record, status="unknown", log=(clean(f"(not to be had: {error})"),)), frozenset()
    if not container.document:
        return replace(record, status="missing"), frozenset()
    secrets = _secrets(container, service)
    return replace(
        record,
        status=clean(container.status),
        health=clean(container.health),
        address=next(iter(container.networks.values()), ""),
        log=_last_lines(clean(container.log, secrets)),
        health_output=tuple(clean(container.health_output, secrets).splitlines()),
    ), secrets


def _last_lines(log: str) -> tuple[str, ...]:
    """The last lines of a log; the run's own requests, which would fill it, are counted instead."""
    lines, own = without_own(log.splitlines())
    return (*lines[-_LOG_LINES:], *([f"(left out: {own} lines about requests of this run)"] if own else ()))


def _secrets(container: Container, service: Service) -> frozenset[str]:
    environment = container.environment
    names = {*find_variables(environment), *(name for name in service.secrets if environment.get(name))}
    return frozenset(environment[name] for name in names)


def _packages(service: Service, target: Target) -> tuple[Package, ...]:
    try:
        inventory = target.images.inventory(service)
        debian = [Package("deb", clean(each.name), clean(each.version)) for each in debian_packages(inventory)]
        python = [
            Package("pypi", clean(each.name), clean(each.version), clean(licence_of(each)))
            for each in distributions(inventory)
        ]
    except LucidError:
        return ()
    return (*debian, *python)
