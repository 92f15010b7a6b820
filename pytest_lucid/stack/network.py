"""Networks of runs: made, removed, and used again where the engine cannot part with one.

Engines before 28.1 may lose count of a network's endpoints when containers start and stop side by side. They then
refuse to remove a network that nobody is on, until they start again and count anew (moby/moby#42119).
"""

from __future__ import annotations

import time
from http import HTTPStatus
from ipaddress import ip_network
from typing import TYPE_CHECKING, Any

from docker.errors import APIError, NotFound
from docker.types import IPAMConfig, IPAMPool

from pytest_lucid.engine.connection import engine_errors
from pytest_lucid.engine.run import OWNER, owner
from pytest_lucid.errors import EngineError

if TYPE_CHECKING:
    from pytest_lucid.engine.connection import Engine
    from pytest_lucid.engine.run import Run
    from pytest_lucid.matrix import Network

# For containers that are just being removed; what is on a network longer than that stays.
REMOVAL_SECONDS = 3
POLL_SECONDS = 0.2
RESTART = "restart the engine (Debian: `sudo systemctl restart docker`), which then counts anew"


def create_network(engine: Engine, network: Network, run: Run) -> None:
    """Create it, unless the engine kept the same one of an earlier run."""
    with engine_errors(f"creating network {network.name}"):
        if any(is_same(found, network) for found in engine.client.api.networks(names=[network.name])):
            return
        engine.client.networks.create(
            network.name,
            driver=network.driver or "bridge",
            internal=bool(network.internal),
            enable_ipv6=network.subnet6 is not None,
            ipam=IPAMConfig(pool_configs=[IPAMPool(subnet=str(subnet)) for subnet in network.subnets]),
            labels=run.labels,
        )


def is_own(found: dict[str, Any]) -> bool:
    """Whether a run of this owner made it; after the leftovers were removed, only a miscounted network is there."""
    return bool((found.get("Labels") or {}).get(OWNER) == owner())


def is_same(found: dict[str, Any], wanted: Network) -> bool:
    """Whether it is this owner's, and such as `create_network` would make it."""
    pools = {ip_network(pool["Subnet"]) for pool in (found.get("IPAM") or {}).get("Config") or ()}
    return (
        is_own(found)
        and found["Name"] == wanted.name
        and found["Driver"] == (wanted.driver or "bridge")
        and found["Internal"] == bool(wanted.internal)
        and found["EnableIPv6"] == (wanted.subnet6 is not None)
        and not found["Options"]
        # Where the matrix gives no subnet, the engine chose one.
        and pools.issuperset(wanted.subnets)
    )


def remove_network(engine: Engine, identity: str) -> str | None:
    """Remove it; return its name if the engine keeps it although nobody is on it.

    Raises EngineError where others are on it.
    """
    api = engine.client.api
    deadline = time.monotonic() + REMOVAL_SECONDS
    while True:
        try:
            api.remove_network(identity)
        except NotFound:
            return None
        except APIError as error:
            if error.status_code != HTTPStatus.FORBIDDEN:
                raise
            refusal = error
        else:
            return None
        if time.monotonic() > deadline:
            break
        time.sleep(POLL_SECONDS)
    try:
        found = api.inspect_network(identity)
    except NotFound:
        return None
    name = str(found["Name"])
    if others := sorted(member["Name"] for member in (found["Containers"] or {}).values()):
        disconnect = "; ".join(f"docker network disconnect -f {name} {other}" for other in others)
        raise EngineError(
            f"network {name} cannot be removed, because containers that no run made are on it: {', '.join(others)}. "
            f"Take them off: `{disconnect}`"
        ) from refusal
    return name
