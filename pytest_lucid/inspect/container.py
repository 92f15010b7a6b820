"""What the engine reports of a container. What goes on inside it belongs elsewhere."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from docker.errors import APIError, NotFound

from pytest_lucid.engine.connection import engine_errors
from pytest_lucid.engine.missing import no_container, not_running
from pytest_lucid.inspect.documents import ContainerDocument, understood
from pytest_lucid.inspect.find import hint_for

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pytest_lucid.engine.connection import Engine
    from pytest_lucid.errors import MissingError

LOG_LINES = 100
HEALTH_CHARACTERS = 2000


@dataclass(frozen=True)
class Container:
    """The container called `name`, and the last lines it logged. One that is not there raises MissingError.

    Of one that is not there, `missing` is the error that says what was looked for, if that was not only its name.
    """

    name: str
    document: Mapping[str, Any] | None
    log: str = ""
    missing: MissingError | None = field(default=None, compare=False)

    @property
    def status(self) -> str:
        """`running`, `exited`, `paused`, …; `missing` where there is no such container."""
        return str(self.document["State"]["Status"]) if self.document else "missing"

    def demand_running(self) -> None:
        """Raise MissingError where it does not run, or is frozen."""
        if self._state["Status"] != "running":
            raise self._not_running()

    @property
    def health(self) -> str:
        """`healthy`, `unhealthy` or `starting`; `unchecked` where the container has no health check."""
        return str((self._state.get("Health") or {}).get("Status") or "unchecked")

    @property
    def health_output(self) -> str:
        """What the health check printed when it last ran; empty where there is none, or it has not run."""
        log = (self._state.get("Health") or {}).get("Log") or [{}]
        return str(log[-1].get("Output") or "")[-HEALTH_CHARACTERS:]

    @property
    def restarts(self) -> int:
        """How often the engine has started it again."""
        return int(self._document["RestartCount"])

    @property
    def exit_code(self) -> int:
        """What its first process ended with; 0 while it runs."""
        return int(self._state["ExitCode"])

    @property
    def image_id(self) -> str:
        """The id of the image it was made from, which may have lost its name since."""
        return str(self._document["Image"])

    @property
    def user(self) -> str:
        """The user it was started as."""
        return str(self.config.get("User") or "")

    @property
    def id(self) -> str:
        """The engine's id of it, 64 hexadecimal digits."""
        return str(self._document["Id"])

    @property
    def argv(self) -> tuple[str, ...]:
        """The command it was started with."""
        return (self._document["Path"], *(self._document.get("Args") or ()))

    @property
    def workdir(self) -> str:
        """The directory that its program starts in."""
        return str(self.config.get("WorkingDir") or "/")

    @property
    def stop_signal(self) -> str:
        """The signal that asks it to stop; the engine's default where it does not say."""
        return str(self.config.get("StopSignal") or "SIGTERM")

    @property
    def hostname(self) -> str:
        """What it calls itself, without its domain."""
        return str(self.config.get("Hostname") or "")

    @property
    def domain(self) -> str:
        """The domain of its own name; empty for none."""
        return str(self.config.get("Domainname") or "")

    @property
    def has_init(self) -> bool:
        """Whether the engine put an init in front of the command, as its first process."""
        return bool(self.host.get("Init"))

    @property
    def health_command(self) -> tuple[str, ...]:
        """The command by which the engine sees that it is healthy; empty for none, or one that needs a shell."""
        kind, *command = (self.config.get("Healthcheck") or {}).get("Test") or [""]
        return tuple(command) if kind == "CMD" else ()

    @property
    def shared_namespaces(self) -> Mapping[str, str]:
        """The namespaces that are not its own: kind → whose, as the engine writes it (`host`, `container:…`)."""
        kinds = {"ipc": "IpcMode", "net": "NetworkMode", "pid": "PidMode", "uts": "UTSMode", "user": "UsernsMode"}
        modes = {kind: str(self.host.get(key) or "") for kind, key in kinds.items()}
        return {kind: mode for kind, mode in modes.items() if mode == "host" or mode.startswith("container:")}

    @property
    def environment(self) -> Mapping[str, str]:
        """The variables it was started with, those of the image included."""
        return dict(entry.partition("=")[::2] for entry in self.config.get("Env") or ())

    @property
    def published(self) -> Mapping[str, frozenset[int]]:
        """The ports that the engine publishes now: `8080/tcp` → ports on the host. It must have started."""
        self._demand_started()
        ports = self._document["NetworkSettings"].get("Ports") or {}
        given = {port: [b["HostPort"] for b in bindings or () if b["HostPort"]] for port, bindings in ports.items()}
        return {port: frozenset(map(int, numbers)) for port, numbers in given.items() if numbers}

    @property
    def published_at(self) -> Mapping[str, frozenset[str]]:
        """The addresses of the host that its ports are published on: `8080/tcp` → addresses. It must have started."""
        self._demand_started()
        ports = self._document["NetworkSettings"].get("Ports") or {}
        return {port: frozenset(str(b["HostIp"]) for b in bindings) for port, bindings in ports.items() if bindings}

    @property
    def networks(self) -> Mapping[str, str]:
        """The networks it is attached to: name → its address there (empty while it does not run)."""
        networks = self._document["NetworkSettings"]["Networks"]
        return {name: str(endpoint.get("IPAddress") or "") for name, endpoint in networks.items()}

    def aliases(self, network: str) -> frozenset[str]:
        """The names by which others on `network` find it, as far as it was given them; empty where it is not on it."""
        endpoint = self._document["NetworkSettings"]["Networks"].get(network) or {}
        return frozenset((*(endpoint.get("Aliases") or ()), *(endpoint.get("DNSNames") or ())))

    @property
    def addresses(self) -> Mapping[str, frozenset[str]]:
        """Its addresses on each network, IPv4 and IPv6. It must have started."""
        self._demand_started()
        networks = self._document["NetworkSettings"]["Networks"]
        keys = ("IPAddress", "GlobalIPv6Address")
        return {name: frozenset(filter(None, map(endpoint.get, keys))) for name, endpoint in networks.items()}

    @property
    def gateways(self) -> frozenset[str]:
        """The addresses of the host on its networks, as far as the engine tells them."""
        networks = self._document["NetworkSettings"]["Networks"].values()
        keys = ("Gateway", "IPv6Gateway")
        return frozenset(address for endpoint in networks for key in keys if (address := endpoint.get(key)))

    @property
    def read_only(self) -> bool:
        """Whether its root file system is read-only."""
        return bool(self.host.get("ReadonlyRootfs"))

    @property
    def tmpfs(self) -> Mapping[str, frozenset[str]]:
        """Its tmpfs mounts: path → mount options."""
        return {path: frozenset(options.split(",")) for path, options in (self.host.get("Tmpfs") or {}).items()}

    @property
    def capabilities_dropped(self) -> frozenset[str]:
        """The capabilities taken away, upper case, without CAP_."""
        return _capabilities(self.host.get("CapDrop"))

    @property
    def capabilities_added(self) -> frozenset[str]:
        """The capabilities given beyond the engine's default, upper case, without CAP_."""
        return _capabilities(self.host.get("CapAdd"))

    @property
    def privileged(self) -> bool:
        """Whether it runs with every privilege of the host."""
        return bool(self.host.get("Privileged"))

    @property
    def security_options(self) -> frozenset[str]:
        """The security options, `no-new-privileges:true` written as `no-new-privileges`."""
        return frozenset(option.removesuffix(":true") for option in self.host.get("SecurityOpt") or ())

    @property
    def memory_limit(self) -> int:
        """Bytes of memory it may use; 0 for no limit."""
        return int(self.host.get("Memory") or 0)

    @property
    def pids_limit(self) -> int:
        """Processes it may have; 0 for no limit."""
        return max(0, int(self.host.get("PidsLimit") or 0))

    @property
    def mounts(self) -> Mapping[str, str]:
        """What is mounted into it: path inside → type (`volume`, `bind`, `tmpfs`, …)."""
        return {mount["Destination"]: mount["Type"] for mount in self.document_mounts}

    @property
    def document_mounts(self) -> Sequence[Mapping[str, Any]]:
        """What is mounted into it, as the engine reports it: `Type`, `Destination`, `Source`, for volumes `Name`."""
        mounts: Sequence[Mapping[str, Any]] = self._document["Mounts"]
        return mounts

    def _demand_started(self) -> None:
        # One that is frozen has started, too, and keeps what it was given.
        if not self._state["Running"]:
            raise self._not_running()

    def _not_running(self) -> MissingError:
        ended = f", exit code {self._state['ExitCode']}" if self.status in {"exited", "dead"} else ""
        return not_running(self.name, f"{self.name} is {self.status}{ended}")

    @property
    def _state(self) -> Mapping[str, Any]:
        state: Mapping[str, Any] = self._document["State"]
        return state

    @property
    def config(self) -> Mapping[str, Any]:
        """What it was started as, in the engine's words: variables, health check, user, …."""
        config: Mapping[str, Any] = self._document["Config"]
        return config

    @property
    def host(self) -> Mapping[str, Any]:
        """How the host runs it, in the engine's words: limits, devices, namespaces, …."""
        host: Mapping[str, Any] = self._document["HostConfig"]
        return host

    @property
    def _document(self) -> Mapping[str, Any]:
        if self.document is None:
            raise self.missing or no_container(self.name)
        return self.document


def _capabilities(names: list[str] | None) -> frozenset[str]:
    return frozenset(name.upper().removeprefix("CAP_") for name in names or ())


def read_container(engine: Engine, name: str) -> Container:
    """Ask the engine for the container called exactly `name`, and for its last log lines."""
    doing = f"inspecting container {name}"
    with engine_errors(doing):
        try:
            document = understood(ContainerDocument, engine.client.api.inspect_container(name), doing)
            # The engine also answers to the beginning of an id.
            if document["Name"] != f"/{name}":
                return Container(name, None, missing=no_container(name, hint=hint_for(engine, name)))
        except NotFound:
            return Container(name, None, missing=no_container(name, hint=hint_for(engine, name)))
        try:
            log = engine.client.api.logs(document["Id"], tail=LOG_LINES).decode("utf-8", "replace")
        except NotFound:
            return Container(name, None)
        except APIError as error:
            # Not every log driver lets its logs be read; that is no reason to see nothing of the container.
            log = f"(the engine does not show it: {error.explanation or error})"
    return Container(name, document, log)
