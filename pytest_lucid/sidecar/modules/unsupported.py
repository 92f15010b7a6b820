"""testinfra's modules about programs that a sidecar does not have: each is an error that says what to ask instead."""

from __future__ import annotations

from typing import NoReturn

from pytest_lucid.errors import EngineError

# By the name that a module has in a Host: why there is no answer.
REASONS = {
    "ansible": "needs Ansible's own connection; give testinfra an ansible:// host",
    "block_device": "runs blockdev on devices, which a container does not have; ask host.mount_point",
    "docker": "runs the docker command inside the container; ask the engine from the outside",
    "facter": "runs facter inside the container; ask host.system_info",
    "iptables": "needs CAP_NET_ADMIN, which the sidecar does not have; ask on the machine that runs the engine",
    "podman": "runs the podman command inside the container; ask the engine from the outside",
    "puppet_resource": "runs puppet inside the container; ask host.file, host.user or host.package",
    "salt": "runs salt-call inside the container; give testinfra a salt:// host",
    "service": "runs the commands of an init system inside the container; ask host.process or host.socket",
    "supervisor": "runs supervisorctl inside the container; ask host.process",
}


class Unsupported:
    """The module `name`: calling it, or asking it anything, raises EngineError."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __call__(self, *_: object, **__: object) -> NoReturn:
        """Raise."""
        raise self._error()

    def __getattr__(self, member: str) -> NoReturn:
        """Raise; what Python and pytest look for in any object is not there."""
        if member.startswith("_"):
            raise AttributeError(member)
        raise self._error()

    def _error(self) -> EngineError:
        return EngineError(f"host.{self._name} is not supported inside a container: it {REASONS[self._name]}.")
