"""The errors for what an engine does not have: the same words, about the same thing, whoever misses it."""

from __future__ import annotations

from pytest_lucid.errors import MissingError


def no_container(name: str, found: str = "", hint: str = "") -> MissingError:
    """There is no container called `name`, or as `found` says; `hint` is a sentence on what is there instead."""
    return not_running(name, found or f"there is no container called {name}", hint)


def not_running(name: str, found: str, hint: str = "") -> MissingError:
    """The container called `name` does not run; `found` is a clause that says what was found, `hint` a sentence."""
    return MissingError(f"{found}; expected it to run" + (f". {hint}" if hint else ""), about=f"container {name}")


def no_network(name: str) -> MissingError:
    """There is no network called `name`."""
    return MissingError(
        f"there is no network called {name}; expected the services to share it", about=f"network {name}"
    )


def no_image(reference: str) -> MissingError:
    """There is no image called `reference`."""
    remedy = "build it with --lucid-build or --lucid-up"
    return MissingError(f"image {reference} is not there; {remedy}", about=f"image {reference}")
