"""How the engine's document of a container is changed, so that the container is created with a defect."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pytest_lucid.engine.run import OWNER, RUN

if TYPE_CHECKING:
    from collections.abc import Callable

    from mutation import Document

PYTHON = "/home/app/.local/bin/python"
# Of the user that services run as: one that cannot write does not start, and nothing else can be seen of it.
OWNED = "uid=65532,gid=65532,mode=0700"


def variable(name: str, value: str) -> Callable[[Document], None]:
    """Set one variable."""

    def change(document: Document) -> None:
        kept = [entry for entry in document["Env"] if entry.partition("=")[0] != name]
        document["Env"] = [*kept, f"{name}={value}"]

    return change


def host(**options: Any) -> Callable[[Document], None]:
    """Set options of the container's host side."""
    return lambda document: document["HostConfig"].update(options)


def published(shift: int) -> Callable[[Document], None]:
    """Publish every port elsewhere on the host; a shift of 0 publishes none."""

    def change(document: Document) -> None:
        bindings = document["HostConfig"]["PortBindings"]
        moved = {
            p: [{"HostIp": "127.0.0.1", "HostPort": str(int(b[0]["HostPort"]) + shift)}] for p, b in bindings.items()
        }
        document["HostConfig"]["PortBindings"] = moved if shift else {}

    return change


def another_port(document: Document) -> None:
    """Publish a port that the matrix does not know, beside the others."""
    document["ExposedPorts"] = {**document["ExposedPorts"], "9999/tcp": {}}
    bindings = document["HostConfig"]["PortBindings"]
    document["HostConfig"]["PortBindings"] = {**bindings, "9999/tcp": [{"HostIp": "127.0.0.1", "HostPort": "19999"}]}


def udp_instead(document: Document) -> None:
    """Publish a port of the matrix as UDP as well."""
    number, bindings = next(iter(document["HostConfig"]["PortBindings"].items()))
    udp = number.replace("tcp", "udp")
    document["ExposedPorts"] = {**document["ExposedPorts"], udp: {}}
    document["HostConfig"]["PortBindings"] = {**document["HostConfig"]["PortBindings"], udp: bindings}


def lie(code: str) -> Callable[[Document], None]:
    """Run the real service with one thing changed in it by `code`, which sees its health module as `h`."""

    def change(document: Document) -> None:
        start = "import os, runpy; runpy.run_module(os.environ['SERVICE_NAME'].replace('-', '_'), run_name='__main__')"
        document["Entrypoint"] = [PYTHON, "-c", f"import lucid_service.health as h\n{code}\n{start}"]

    return change


def without_field(name: str) -> str:
    """Code that leaves a field out of every answer."""
    return (
        "import msgspec\nH = h.Health\n"
        f"h.Health = lambda *given: {{k: v for k, v in msgspec.to_builtins(H(*given)).items() if k != {name!r}}}"
    )


def health_check(*test: str) -> Callable[[Document], None]:
    """Replace the health check, with timings that show its verdict soon."""
    second = 1_000_000_000
    timings = {"Interval": second, "Timeout": second, "Retries": 1, "StartPeriod": 1_000_000}
    return lambda document: document.update(Healthcheck={"Test": list(test), **timings})


def mount(path: str, volume: str = "") -> Callable[[Document], None]:
    """Mount a volume at `path`: one with a name to be read, one without a name as engines make it."""

    def change(document: Document) -> None:
        mounts = document["HostConfig"].get("Mounts") or []
        added = {"Type": "volume", "Target": path, "Source": volume, "ReadOnly": bool(volume)}
        document["HostConfig"]["Mounts"] = [*mounts, added]

    return change


def special_volume(document: Document) -> None:
    """Mount, in place of its first volume, one that is a folder of the host; the folder of that very volume."""
    first = document["HostConfig"]["Mounts"][0]
    device = f"/var/lib/docker/volumes/{first['Source']}/_data"
    first["VolumeOptions"] = {
        "DriverConfig": {"Name": "local", "Options": {"type": "none", "o": "bind", "device": device}},
        # Torn down with the run.
        "Labels": {name: document["Labels"][name] for name in (RUN, OWNER)},
    }
    first["Source"] = f"{first['Source']}-proof"


def alias(name: str) -> Callable[[Document], None]:
    """Let it answer on its network to `name`, too; to its own name where none is given."""

    def change(document: Document) -> None:
        for endpoint in document["NetworkingConfig"]["EndpointsConfig"].values():
            endpoint["Aliases"] = [name or document["Hostname"]]

    return change


def tmpfs_for_volumes(document: Document) -> None:
    """Mount memory where volumes should be."""
    mounts = document["HostConfig"].pop("Mounts")
    document["HostConfig"]["Tmpfs"] = {**document["HostConfig"]["Tmpfs"], **{m["Target"]: OWNED for m in mounts}}
