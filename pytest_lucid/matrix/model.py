"""The matrix as a whole. Rules that need more than the data itself (files, an engine) do not belong here."""

from __future__ import annotations

from fnmatch import fnmatchcase
from functools import cached_property
from graphlib import CycleError, TopologicalSorter
from ipaddress import IPv4Network, IPv6Network
from typing import Literal

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from pytest_lucid.matrix.demands import Demands, ImagePolicy, inherit, is_key
from pytest_lucid.matrix.excuses import Hadolint, PathIgnore, Waiver
from pytest_lucid.matrix.forbidden import Forbidden
from pytest_lucid.matrix.reach import Peer
from pytest_lucid.matrix.service import Service
from pytest_lucid.matrix.swarm import Stack
from pytest_lucid.matrix.types import Model, Name, Reference, Variable


class Network(Model):
    """A network that services share."""

    name: Name
    driver: str | None = Field(None, description="Of what kind it is, such as bridge.")
    subnet: IPv4Network | None = Field(None, description="Its one pool of IPv4 addresses.")
    subnet6: IPv6Network | None = Field(None, description="Its one pool of IPv6 addresses.")
    internal: bool | None = Field(None, description="Nothing on it reaches the world outside.")
    exclusive: bool | None = Field(None, description="Only containers of the matrix are on it, under their own names.")

    @property
    def subnets(self) -> tuple[IPv4Network | IPv6Network, ...]:
        """The demanded address pools."""
        return tuple(subnet for subnet in (self.subnet, self.subnet6) if subnet)


class Consul(Model):
    """The service discovery: reachable inside the network under its container name, never published.

    A run reads a token and TLS from the variables of Consul's own command line: CONSUL_HTTP_TOKEN (or
    CONSUL_HTTP_TOKEN_FILE), CONSUL_HTTP_SSL, CONSUL_CACERT, CONSUL_TLS_SERVER_NAME, CONSUL_HTTP_SSL_VERIFY,
    CONSUL_CLIENT_CERT and CONSUL_CLIENT_KEY. The token needs service:read and node:read. A list from which Consul
    leaves out what the token may not read is an error, and not "not registered".
    """

    container: Name
    image: Reference
    port: int = Field(ge=1, le=65535, strict=True)


class Matrix(Demands):
    """All that is demanded of a deployment. What stands at the top is demanded of every service; see `Demands`."""

    phase: int | None = Field(None, ge=1, strict=True, description="What the label `phase` of the images says.")
    network: Network | None = Field(None, description="The network of every service that names no other.")
    networks: tuple[Network, ...] = Field((), description="Further networks, for rows that name them.")
    consul: Consul | None = Field(None, description="The service discovery.")
    stack: Stack | None = Field(None, description="On which cluster the services run; none for one engine.")
    service: tuple[Service, ...] = Field(min_length=1)
    build_arguments: dict[Variable, str] = Field(
        default_factory=dict, description="Handed to every build, beside commit and date."
    )
    image: ImagePolicy | None = Field(None, description="What is demanded of every image.")
    pinned_base: bool = Field(default=False, description="The final stage names its base by digest.")
    hadolint: Hadolint | None = None
    severity: dict[str, Literal["low", "medium", "high", "critical"]] = Field(
        default_factory=dict, description="Id of a check → how bad its failure is here, where that differs."
    )
    waiver: tuple[Waiver, ...] = ()
    ignore: tuple[PathIgnore, ...] = ()
    forbidden: tuple[Forbidden, ...] | None = Field(None, description="What only some services may hold.")

    @property
    def path_ignores(self) -> tuple[PathIgnore, ...] | None:
        """What is ignored by path; None for nothing, so that a check of it is not made."""
        return self.ignore or None

    @model_validator(mode="after")
    def _names_and_ports_are_unique(self) -> Matrix:
        names: dict[str, str] = {self.consul.container: "consul"} if self.consul else {}
        ports: dict[tuple[str | None, str], str] = {}
        images: dict[str, str] = {}
        for index, service in enumerate(self.service):
            for name in {service.name, *service.instance_names}:
                if name in names:
                    raise _problem(index, "name", f"a name of its own; {name} is taken by another row")
                names[name] = service.name
            if unknown := set(service.networks or ()) - {network.name for network in self.all_networks}:
                raise _problem(index, "networks", f"networks of this matrix; {min(unknown)} is none")
            for said, texts in (("reaches", service.reaches), ("isolated_from", service.isolated_from)):
                if nobody := self._nobody(texts or ()):
                    raise _problem(index, said, f"containers or networks of this matrix; {nobody} means none")
            if service.dockerfile and service.image in images:
                raise _problem(
                    index, "image", f"an image of its own; {service.image} belongs to {images[service.image]}"
                )
            images[service.image] = service.name
            for port in service.published:
                key = (port.address, f"{port.host}/{port.protocol}")
                if key in ports:
                    raise _problem(index, "ports", f"host ports of its own; {port.host} belongs to {ports[key]}")
                ports[key] = service.name
        return self

    @model_validator(mode="after")
    def _needs_are_known_and_acyclic(self) -> Matrix:
        names = {service.name for service in self.service} | ({self.consul.container} if self.consul else set())
        for index, service in enumerate(self.service):
            for need in service.needs:
                if need not in names:
                    raise _problem(
                        index, "needs", f"names of this matrix; {need} is not among {', '.join(sorted(names))}"
                    )
        try:
            self.start_order  # noqa: B018 - computing it is the check
        except CycleError as error:
            cycle = " → ".join(error.args[1])
            first = next(i for i, service in enumerate(self.service) if service.name == error.args[1][0])
            raise _problem(first, "needs", f"needs without a circle; here: {cycle}") from error
        return self

    @model_validator(mode="after")
    def _keys_left_out_are_known(self) -> Matrix:
        for where, keys in (
            ("without", self.without),
            *((f"service.{i}.without", s.without) for i, s in enumerate(self.service)),
        ):
            for key in keys:
                if key.islower() and "*" not in key and not is_key(key):
                    raise PydanticCustomError(
                        "matrix",
                        "{expected}",
                        {"expected": f"a key of the matrix or the id of a check; {key} is none", "at": where},
                    )
        return self

    @property
    def architecture(self) -> str | None:
        """The architecture that all images are for, as engines name it; None for that of the engine."""
        return self.image.architecture if self.image else None

    @property
    def content(self) -> ImagePolicy | None:
        """What is demanded of every image."""
        return self.image

    @property
    def gateway(self) -> Service | None:
        """The row of the service that clients ask for everything; None without one."""
        return next((service for service in self.service if service.api and service.api.gateway), None)

    @property
    def all_networks(self) -> tuple[Network, ...]:
        """Every network, the shared one first."""
        return (*((self.network,) if self.network else ()), *self.networks)

    def forbidden_words(self, service: Service | None = None) -> tuple[str, ...]:
        """The words that `service` must not hold; without one, the words of all rules."""
        rules = (rule for rule in self.forbidden or () if service is None or rule.concerns(service.name))
        return tuple(dict.fromkeys(word for rule in rules for word in rule.all_words))

    @property
    def forbidden_networks(self) -> tuple[str, ...]:
        """The networks that rules name."""
        return tuple(network for rule in self.forbidden or () for network in rule.networks)

    @property
    def forbidden_names(self) -> str:
        """What the rules are called, for messages."""
        return " or ".join(rule.name for rule in self.forbidden or ())

    @property
    def known_hosts(self) -> tuple[str, ...]:
        """The hosts whose URLs may be known to some."""
        return tuple(host for rule in self.forbidden or () for host in rule.known_hosts)

    @property
    def network_names(self) -> tuple[str, ...] | None:
        """The names of all networks; None without any."""
        return tuple(network.name for network in self.all_networks) or None

    @property
    def network_drivers(self) -> dict[str, str] | None:
        """The demanded kinds of networks; None without any. Those of a swarm are overlays, whatever one engine has."""
        return {
            each.name: "overlay" if self.stack else each.driver for each in self.all_networks if each.driver
        } or None

    @property
    def network_internals(self) -> dict[str, bool] | None:
        """Which networks must be internal, and which must not; None where the matrix does not say."""
        return {each.name: each.internal for each in self.all_networks if each.internal is not None} or None

    @property
    def network_subnets(self) -> dict[str, set[IPv4Network | IPv6Network]] | None:
        """The demanded address pools of networks; None without any."""
        return {network.name: set(network.subnets) for network in self.all_networks if network.subnets} or None

    @property
    def exclusive_networks(self) -> tuple[str, ...] | None:
        """The names of the networks that only containers of the matrix are on; None without any."""
        return tuple(network.name for network in self.all_networks if network.exclusive) or None

    def networks_of(self, service: Service) -> tuple[Network, ...]:
        """The networks of `service`: those that its row names, else the shared one."""
        if service.networks is None:
            return (self.network,) if self.network else ()
        by_name = {network.name: network for network in self.all_networks}
        return tuple(by_name[name] for name in service.networks)

    def peers(self, row: Service, said: tuple[str, ...]) -> tuple[Peer, ...]:
        """Whom `said` means: names of containers (`*` matches any letters), or of networks for all that are on them.

        The row itself is never meant, nor what does not stay.
        """
        return tuple(dict.fromkeys(peer for text in said for peer in self._meant(text) if peer.name != row.name))

    def _meant(self, text: str) -> tuple[Peer, ...]:
        name, _, port = text.partition(":")
        on_it = {row.name for row in self.service if name in {network.name for network in self.networks_of(row)}}
        staying = [*(row.name for row in self.service if row.stays), *([self.consul.container] if self.consul else [])]
        return tuple(
            Peer(each, int(port) if port else None) for each in staying if each in on_it or fnmatchcase(each, name)
        )

    def _nobody(self, said: tuple[str, ...]) -> str | None:
        networks = {network.name for network in self.all_networks}
        return next((text for text in said if text not in networks and not self._meant(text)), None)

    def _isolation(self, row: Service) -> tuple[str, ...] | None:
        """What the row must not reach: what it says, and the networks of rules that concern it; None for no demand."""
        rules = [rule for rule in self.forbidden or () if rule.concerns(row.name)]
        own = {network.name for network in self.networks_of(row)}
        ruled = {name for rule in rules for name in rule.networks} & {network.name for network in self.networks} - own
        return tuple(dict.fromkeys((*(row.isolated_from or ()), *sorted(ruled)))) or None

    def _to_instances(self, row: Service) -> Service:
        """The row with the names of instances in place of the rows that have several."""
        several = {each.name: each.instance_names for each in self.service if (each.instances or 1) > 1}

        def called(said: tuple[str, ...] | None) -> tuple[str, ...] | None:
            if said is None:
                return None
            parts = [text.partition(":") for text in said]
            return tuple(f"{each}{colon}{port}" for name, colon, port in parts for each in several.get(name, (name,)))

        keys = ("needs", "reaches", "isolated_from")
        return row.model_copy(update={key: called(getattr(row, key)) for key in keys}) if several else row

    def inherited(self) -> Matrix:
        """The matrix with rows that say all that is demanded of them, what stands at the top included."""
        rows = (inherit(row, self, self.image) for row in self.service)
        rows = (row if row.phase else row.model_copy(update={"phase": self.phase}) for row in rows)
        if self.network:
            shared = (self.network.name,)
            rows = (row if row.networks is not None else row.model_copy(update={"networks": shared}) for row in rows)
        rows = (row.model_copy(update={"isolated_from": self._isolation(row)}) for row in rows)
        rows = (each for row in rows for each in self._to_instances(row).each_instance())
        copied = self.model_copy(update={"service": tuple(rows)})
        # A copy keeps what was cached, and that is of the rows before.
        copied.__dict__.pop("start_order", None)
        return copied

    @cached_property
    def start_order(self) -> tuple[Service, ...]:
        """The services, each after everything it needs; otherwise in the order of the matrix."""
        graph = {service.name: service.needs for service in self.service}
        by_name = {service.name: service for service in self.service}
        return tuple(by_name[name] for name in TopologicalSorter(graph).static_order() if name in by_name)

    @property
    def names(self) -> tuple[str, ...]:
        """The containers that find each other by name: the services and Consul."""
        return (*(service.name for service in self.service), *((self.consul.container,) if self.consul else ()))

    def closure(self, services: tuple[Service, ...]) -> tuple[Service, ...]:
        """`services` and all that they need, in start order."""
        wanted = {service.name for service in services}
        for service in reversed(self.start_order):
            if service.name in wanted:
                wanted.update(service.needs)
        return tuple(service for service in self.start_order if service.name in wanted)

    def select(self, names: tuple[str, ...]) -> tuple[Service, ...]:
        """The rows called `names` (all rows for none), in the order of the matrix; unknown names raise KeyError."""
        known = {service.name for service in self.service}
        for name in names:
            if name not in known:
                raise KeyError(name)
        return tuple(service for service in self.service if not names or service.name in names)


def _problem(index: int, field: str, expected: str) -> PydanticCustomError:
    """Build an error about one row; `load` reads row and field from the context to find the line."""
    return PydanticCustomError("matrix", "{expected}", {"expected": expected, "at": f"service.{index}.{field}"})
