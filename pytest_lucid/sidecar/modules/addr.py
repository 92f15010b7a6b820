"""testinfra's Addr: each address of a name is tried, and what cannot be asked is an error."""

from __future__ import annotations

from typing import Any, NoReturn

from testinfra.modules.addr import Addr, _AddrPort

from pytest_lucid.errors import EngineError
from pytest_lucid.sidecar.modules.base import SidecarModule

NOT_FOUND = 2


class SidecarAddr(SidecarModule, Addr):
    """A name or an address, as the target's files and name servers know it."""

    def __init__(self, name: str, namespace: str | None = None) -> None:
        if namespace is not None:
            raise EngineError(
                f"host.addr({name!r}, {namespace!r}): the sidecar cannot enter another network namespace."
            )
        super().__init__(name)  # type: ignore[no-untyped-call]  # testinfra's

    @property
    def namespace_exists(self) -> None:
        """None, as testinfra says where no namespace was asked for."""

    @property
    def is_reachable(self) -> NoReturn:
        """Raise EngineError: without CAP_NET_RAW every answer would be no."""
        raise EngineError(
            f"host.addr({self.name!r}).is_reachable: the sidecar may not send ICMP packets; "
            "ask whether a port is reachable."
        )

    def port(self, port: int | str) -> Any:
        """Return the port of this address."""
        return SidecarAddrPort(self, port)  # type: ignore[no-untyped-call]  # testinfra's

    def _resolve(self, method: str) -> list[str]:
        answer = self._host.run("getent %s %s", method, self.name)
        if answer.rc not in {0, NOT_FOUND}:
            raise EngineError(f"{self.name!r} could not be resolved: {answer.stderr.strip()}")
        return list(dict.fromkeys(line.split()[0] for line in answer.stdout.splitlines()))


class SidecarAddrPort(_AddrPort):
    """A port of an address."""

    @property
    def is_reachable(self) -> bool:
        """Whether one of the addresses takes a connection to the port within a second."""
        session = self._addr.session()
        port = int(self._port)
        return any(
            session.run(f"_connects {address.partition('%')[0]} {port}").code == 0
            for address in self._addr.ip_addresses
        )
