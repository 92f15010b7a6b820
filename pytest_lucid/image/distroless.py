"""What a distroless base image brings by itself: its packages by name (distroless.toml), and the files of those.

Debian 13's python3 base has ldd, getent and ensurepip. The base decides that, and no check accuses a service of it.
A file counts as the base's only where all of this holds, so that a service cannot claim its own files to be the base's:
the package is one that the base's build files list; the file is in the layers that brought these packages, no later one
replaces it, and it has the sum that the package gives in the lowest layer that has the package.
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Any

from pytest_lucid.config import toml
from pytest_lucid.image.inventory import Inventory
from pytest_lucid.image.packages import OS_RELEASE, STATUS, SUMS, os_release, read_sums

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


# The richest of the images: a service on a smaller one has no more of these packages than that one brings.
_RICHEST = "python3"
_REPOSITORY = re.compile(r"(?P<name>static|base|cc|python3)-(?P<release>debian\d+)$")


@cache
def packages_of(repository: str) -> tuple[str, ...]:
    """The Debian packages of the image `NAME-debianN`, whichever registry it comes from, in the order of its layers.

    Raises KeyError for an image that is not known.
    """
    match = _REPOSITORY.search(repository)
    if match is None:
        raise KeyError(repository)
    images = _read()[match["release"]]
    found: tuple[str, ...] = ()
    name = match["name"]
    while name:
        found = (*images[name]["packages"], *found)
        name = images[name].get("on", "")
    return found


def base_files(inventory: Inventory) -> frozenset[str]:
    """Return the paths of the files that the base's own packages brought; empty for a release that is not known."""
    sums, count = _base_packages(inventory)
    return frozenset(
        path
        for layer in inventory.layers[:count]
        for path, entry in layer.entries.items()
        if path in sums and entry.content.md5 == sums[path] and inventory.merged.get(path) is entry
    )


def count_base_layers(inventory: Inventory, bases: Iterable[Sequence[str]]) -> int:
    """Return how many of the lowest layers are the base's.

    `bases` are the diff-ids of the bases that are known; of one that is not, its packages show the layers. An image of
    the distroless project has a layer for each package, some thirty.
    """
    own = tuple(layer.diff_id for layer in inventory.layers)
    known = [len(base) for base in bases if base and own[: len(base)] == tuple(base)]
    return max(known, default=0) or _base_packages(inventory)[1]


def _base_packages(inventory: Inventory) -> tuple[dict[str, str], int]:
    """The MD5 sums of the files of the base's packages, by path, and the number of layers that have these packages."""
    sums: dict[str, str] = {}
    count = 0
    # The base's own word, and not that of a service which replaces it.
    first = next((n for n, layer in enumerate(inventory.layers) if OS_RELEASE in layer.entries), 0)
    base = Inventory(inventory.reference, inventory.read[: first + 1])
    try:
        names = packages_of(f"{_RICHEST}-debian{os_release(base).get('VERSION_ID', '')}")
    except KeyError:
        return sums, count
    for name in names:
        path = f"{STATUS}{name}{SUMS}"
        lowest = next((n for n, layer in enumerate(inventory.layers) if path in layer.entries), None)
        if lowest is not None:
            sums |= read_sums(inventory.layers[lowest].entries[path].content.text)
            count = max(count, lowest + 1)
    return sums, count


@cache
def _read() -> dict[str, Any]:
    return toml.packaged("pytest_lucid.image", "distroless.toml")
