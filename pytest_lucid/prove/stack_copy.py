"""A copy of a stack beside it: containers, networks and volumes of its own, all with the labels of the run."""

from __future__ import annotations

import secrets
import socket
import time
from contextlib import ExitStack, suppress
from typing import TYPE_CHECKING, Any

from docker.errors import APIError, NotFound
from docker.types import IPAMConfig, IPAMPool

from pytest_lucid.engine.connection import engine_errors
from pytest_lucid.errors import ConfigError, EngineError
from pytest_lucid.inspect.find import name_of
from pytest_lucid.prove.creation import CopyPlace, aliases, creation_of, networks_of
from pytest_lucid.sidecar.sidecar import TOOLBOX
from pytest_lucid.stack.bring_up import await_health
from pytest_lucid.stack.teardown import tear_down, uninterrupted

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from pytest_lucid.engine.connection import Engine
    from pytest_lucid.engine.run import Run
    from pytest_lucid.matrix import Matrix, Service
    from pytest_lucid.prove.creation import Creation
    from pytest_lucid.prove.defect import Defect

SETTLE_SECONDS = 60
VISIT_SECONDS = 20
POLL_SECONDS = 0.1
LARGEST_VOLUME_BYTES = 1024 * 1024 * 1024
BRIDGE = "bridge"


class StackCopy:
    """The copy of the stack of `matrix` that runs on `engine`; `make` makes it, and `remove` leaves nothing of it."""

    def __init__(self, engine: Engine, matrix: Matrix, run: Run) -> None:
        self._engine = engine
        self._api: Any = engine.client.api
        self._run = run
        self._rows = {row.name: row for row in matrix.service}
        self._order = matrix.start_order
        self._originals = {row.name: self._inspect(row) for row in matrix.service}
        self._ports: dict[str, int] = {}
        self._images: dict[str, str] = {}
        self.names = {row: f"{row}-prove-{run.id}" for row in self._rows}
        used = {network for document in self._originals.values() for network in networks_of(document)}
        self.networks = {network: f"{network}-prove-{run.id}" for network in sorted(used)}
        self.spare = f"lucid-prove-{run.id}"
        self._internal: set[str] = set()
        volumes = [mount["Name"] for document in self._originals.values() for mount in _volumes(document)]
        self._volumes = {name: f"lucid-prove-{run.id}-{at}" for at, name in enumerate(dict.fromkeys(volumes))}

    def make(self) -> None:
        """Make networks and volumes, and start a copy of each container after what it needs."""
        with engine_errors("copying the stack"):
            for network, own in self.networks.items():
                self._copy_network(network, own)
            self._api.create_network(self.spare, driver=BRIDGE, internal=True, labels=self._run.labels)
            for volume in self._volumes.values():
                self._api.create_volume(volume, labels=self._run.labels)
            filled: set[str] = set()
            for row in self._order:
                self.settle(row.needs)
                self._create(row.name, None)
                for mount in _volumes(self._originals[row.name]):
                    if mount["Name"] not in filled:
                        filled.add(mount["Name"])
                        self._fill(row.name, mount["Destination"])
                self._start(row.name, None)
        self.settle(self._rows)

    def replace(self, defects: Mapping[str, Defect | None]) -> None:
        """Create the copies of these rows anew, each with its defect; without one as the original is."""
        with engine_errors("planting defects"):
            for row, defect in defects.items():
                if defect and defect.of_other_image:
                    self._make_other_image(row)
            for row in (row.name for row in self._order if row.name in defects):
                self._remove_container(f"{self.names[row]}-guest")
                self._remove_container(self.names[row])
                self._create(row, defects[row])
                self._start(row, defects[row])
            self.settle(defects)
            for row, defect in defects.items():
                if defect and defect.act:
                    defect.act(self, row)

    def settle(self, names: Iterable[str]) -> None:
        """Wait, within a bound, until the copies of these rows are healthy, have given up, or have ended."""
        rows = [self._rows[name] for name in names if name in self._rows]
        as_copies = [row.model_copy(update={"name": self.names[row.name]}) for row in rows]
        await_health(self._engine, as_copies, time.monotonic() + SETTLE_SECONDS)

    def remove(self) -> None:
        """Remove all that was made, whatever of it there is."""
        with uninterrupted(), ExitStack() as removals:
            # Each is done whatever becomes of the others, the last one first.
            for image in reversed(self._images.values()):
                removals.callback(self._remove_image, image)
            removals.callback(tear_down, self._engine, self._run.id)

    def port(self, row: str, key: str) -> int:
        """The number of the host at which the copy of a row has the port `NUMBER/PROTOCOL HOSTPORT`."""
        return self._ports.get(f"{row} {key}") or self._free_port(row, key)

    def subnets(self, network: str) -> list[str]:
        """The address pools that the engine gave the copy of a network."""
        with engine_errors(f"looking at the copy of {network}"):
            found = self._api.inspect_network(self.networks[network])
        return [str(pool["Subnet"]) for pool in (found.get("IPAM") or {}).get("Config") or ()]

    def networks_of(self, row: str) -> list[str]:
        """The networks that the copy of a row is on."""
        return [self.networks[network] for network in networks_of(self._originals[row])]

    def can_publish(self, row: str) -> bool:
        """Whether the engine publishes ports of this row: not on internal networks."""
        on = networks_of(self._originals[row])
        return not on or any(network not in self._internal for network in on)

    def stop(self, row: str) -> None:
        """Stop the copy of a row."""
        self._api.stop(self.names[row], timeout=0)

    def attach(self, row: str, network: str) -> None:
        """Put the copy of a row on a network of the copy."""
        self._api.connect_container_to_network(self.names[row], network)

    def detach(self, row: str, network: str) -> None:
        """Take the copy of a row off a network of the copy."""
        self._api.disconnect_container_from_network(self.names[row], network, force=True)

    def visit(self, row: str, command: list[str], port: int | None = None) -> None:
        """Run a command of busybox among the processes of the copy of a row, or one that listens at `port` beside it.

        Raises EngineError where it does not: the defect would not be there.
        """
        kind = "network_mode" if port else "pid_mode"
        mode: dict[str, Any] = {kind: f"container:{self.names[row]}"}
        name = f"{self.names[row]}-guest"
        guest = self._engine.client.containers.run(
            TOOLBOX,
            entrypoint=["/bin/busybox"],
            command=command,
            name=name,
            labels=self._run.labels,
            detach=True,
            **mode,
        )
        deadline = time.monotonic() + VISIT_SECONDS
        # As the kernel's table has it.
        while port and guest.exec_run(["/bin/busybox", "grep", "-qi", f":{port:04x} ", "/proc/net/tcp"]).exit_code:
            if time.monotonic() > deadline:
                raise EngineError(f"prove: {name} does not listen at {port}")
            time.sleep(POLL_SECONDS)
        if self._api.inspect_container(name)["State"]["Status"] != "running":
            raise EngineError(f"prove: {name} has ended; expected it to stay")

    def _inspect(self, row: Service) -> Mapping[str, Any]:
        name = name_of(self._engine, row)
        with engine_errors(f"looking at {name}"):
            try:
                found: Mapping[str, Any] = self._api.inspect_container(name)
            except NotFound as error:
                raise ConfigError(
                    f"prove: there is no container called {name}; start the stack first, as it is to be copied"
                ) from error
        return found

    def _copy_network(self, network: str, own: str) -> None:
        found = self._api.inspect_network(network)
        if found["Driver"] != BRIDGE:
            raise ConfigError(
                f"prove: network {network} is of the kind {found['Driver']}; expected {BRIDGE} to copy it"
            )
        if found["Internal"]:
            self._internal.add(network)
        options = {key: value for key, value in (found.get("Options") or {}).items() if not key.endswith("bridge.name")}
        # Engines have no pools of IPv6 to choose from before version 27: one of those that anybody may use, at random.
        pools = [IPAMPool(subnet=f"fd{secrets.token_hex(1)}:{secrets.token_hex(2)}:{secrets.token_hex(2)}::/64")]
        self._api.create_network(
            own,
            driver=BRIDGE,
            ipam=IPAMConfig(pool_configs=pools) if found["EnableIPv6"] else None,
            internal=found["Internal"],
            enable_ipv6=found["EnableIPv6"],
            options=options,
            labels=self._run.labels,
        )

    def _create(self, row: str, defect: Defect | None) -> None:
        document = self._originals[row]
        name = document["Name"].removeprefix("/")
        place = CopyPlace(self._volumes, self.networks, self._run.labels, lambda key: self.port(row, key))
        creation: Creation = creation_of(name, document, place)
        if defect and defect.of_other_image:
            creation["Image"] = self._images[row]
        if defect and defect.change:
            defect.change(creation)
        self._api.create_container_from_config(creation, self.names[row])
        for network in networks_of(document)[1:]:
            known = aliases(name, document, network)
            self._api.connect_container_to_network(self.names[row], self.networks[network], aliases=known)

    def _start(self, row: str, defect: Defect | None) -> None:
        try:
            self._api.start(self.names[row])
        except APIError:
            # Some defects keep it from starting, which the suite is to find.
            if defect is None:
                raise

    def _fill(self, row: str, path: str) -> None:
        """Copy what the original has at `path`, a volume, into that of the copy, which does not run yet."""
        chunks, _ = self._api.get_archive(self._originals[row]["Id"], f"{path}/.")
        self._api.put_archive(self.names[row], path, b"".join(_bounded(chunks, f"{path} of {row}")))

    def _make_other_image(self, row: str) -> None:
        """Make an image like that of the row, but not the same."""
        made = self._api.commit(self.names[row], changes=[f'LABEL lucid.prove="{self._run.id}"'], pause=False)
        self._images[row] = made["Id"]

    def _remove_container(self, name: str) -> None:
        with suppress(NotFound):
            self._api.remove_container(name, v=True, force=True)

    def _remove_image(self, image: str) -> None:
        with engine_errors("removing an image of the copy"), suppress(NotFound):
            self._api.remove_image(image)

    def _free_port(self, row: str, key: str) -> int:
        with socket.create_server(("127.0.0.1", 0)) as server:
            number = int(server.getsockname()[1])
        if number in self._ports.values():
            return self._free_port(row, key)
        self._ports[f"{row} {key}"] = number
        return number


def _volumes(document: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [mount for mount in document["Mounts"] if mount["Type"] == "volume"]


def _bounded(chunks: Iterable[bytes], what: str) -> Iterator[bytes]:
    size = 0
    for chunk in chunks:
        size += len(chunk)
        if size > LARGEST_VOLUME_BYTES:
            raise EngineError(f"prove: the volume at {what} holds more than 1 GiB, which is not copied")
        yield chunk
