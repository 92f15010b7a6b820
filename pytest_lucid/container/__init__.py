"""Facts about running containers. No fact asserts, and none talks to pytest."""

from pytest_lucid.container.facts import Container, read_container

__all__ = ["Container", "read_container"]
