"""What the modules share: the session behind a testinfra Host."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    from testinfra.host import Host

    from pytest_lucid.sidecar.session import Session


class SidecarModule:
    """Mixed into a testinfra module: testinfra sets `_host`, and its backend has the session."""

    _host: ClassVar[Any]

    @classmethod
    def get_module_class(cls, _: Host) -> type:
        """Return this class: the target is Linux, and no program in it decides."""
        return cls

    @classmethod
    def session(cls) -> Session:
        """Return the session inside the target."""
        session: Session = cls._host.backend.session
        return session

    @classmethod
    def read(cls, *patterns: str) -> dict[str, bytes]:
        """Read the files that match; see reading.read_files."""
        files: dict[str, bytes] = cls._host.backend.read(*patterns)
        return files
