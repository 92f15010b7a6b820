"""The versions that pinned requirements demand of one platform. Comparing them with an image is a check's business."""

from __future__ import annotations

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from pytest_lucid.errors import ConfigError

# What markers call the architectures that engines name otherwise.
_MACHINES = {"amd64": "x86_64", "arm64": "aarch64"}


def read_pins(text: str, origin: str, python: str, architecture: str) -> dict[str, str]:
    """Return name → version of the requirements that apply to Linux with a Python (`3.11`) and an architecture.

    Raises ConfigError, naming `origin`, where a requirement is not pinned.
    """
    environment = {
        "python_version": python,
        "python_full_version": f"{python}.0",
        "implementation_name": "cpython",
        "platform_python_implementation": "CPython",
        "os_name": "posix",
        "sys_platform": "linux",
        "platform_system": "Linux",
        "platform_machine": _MACHINES.get(architecture, architecture),
    }
    pins: dict[str, str] = {}
    # A requirement goes on over the lines that end in a backslash, which carry its hashes.
    for line in text.replace("\\\n", " ").splitlines():
        stated = line.partition(" --hash")[0].partition(" #")[0].strip()
        if not stated or stated.startswith(("#", "-")):
            continue
        try:
            requirement = Requirement(stated)
        except (InvalidRequirement, RecursionError) as error:
            raise ConfigError(f"{origin}: expected NAME==VERSION, got {stated[:200]!r}") from error
        pin = next(iter(requirement.specifier), None)
        if pin is None or pin.operator != "==" or len(requirement.specifier) != 1:
            raise ConfigError(f"{origin}: expected NAME==VERSION, got {stated!r}")
        if requirement.marker is None or requirement.marker.evaluate(environment):
            pins[canonicalize_name(requirement.name)] = pin.version
    return pins
