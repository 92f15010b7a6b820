"""The errors for what an engine does not have: the same words, about the same thing, whoever misses it."""

from __future__ import annotations

from pytest_lucid.errors import MissingError


def no_container(name: str) -> MissingError:
    """There is no container called `name`."""
    return not_running(name, f"there is no container called {name}")


def not_running(name: str, found: str) -> MissingError:
    """The container called `name` does not run; `found` is a clause that says what was found."""
    return MissingError(f"{found}; expected it to run", about=f"container {name}")


def no_network(name: str) -> MissingError:
    """There is no network called `name`."""
    return MissingError(
        f"there is no network called {name}; expected the services to share it", about=f"network {name}"
    )


def no_image(reference: str) -> MissingError:
    """There is no image called `reference`."""
    remedy = "build it with --lucid-build or --lucid-up"
    return MissingError(f"image {reference} is not there; {remedy}", about=f"image {reference}")
