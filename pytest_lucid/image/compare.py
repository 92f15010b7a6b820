"""What differs between two images: two builds of the same commit may differ in dates, and in nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_lucid.image.config import Image
    from pytest_lucid.image.entries import Entry
    from pytest_lucid.image.inventory import Inventory

# The labels that say when, which may differ.
_DATES = ("build_date",)


def differences(first: tuple[Image, Inventory], second: tuple[Image, Inventory]) -> Iterator[str]:
    """Yield each difference but those of dates: in what the images declare, and in their files, layer by layer."""
    yield from _declared(first[0], second[0])
    layers, others = first[1].layers, second[1].layers
    if len(layers) != len(others):
        yield f"{len(layers)} layers and {len(others)}"
    for number, (layer, other) in enumerate(zip(layers, others, strict=False), 1):
        if (layer.removed, layer.emptied) != (other.removed, other.emptied):
            yield f"layer {number} removes other files"
        for path in sorted(layer.entries.keys() | other.entries.keys()):
            found = _entry(layer.entries.get(path), other.entries.get(path))
            yield from (f"/{path} (layer {number}): {what}" for what in found)


def _declared(first: Image, second: Image) -> Iterator[str]:
    for name in (
        "user",
        "argv",
        "environment",
        "ports",
        "volumes",
        "workdir",
        "stop_signal",
        "health_check",
        "architecture",
    ):
        if getattr(first, name) != getattr(second, name):
            yield f"{name}: {getattr(first, name)} and {getattr(second, name)}"
    for label in sorted(first.labels.keys() | second.labels.keys()):
        if label not in _DATES and first.labels.get(label) != second.labels.get(label):
            yield f"label {label}: {first.labels.get(label)} and {second.labels.get(label)}"


def _entry(first: Entry | None, second: Entry | None) -> Iterator[str]:
    if first is None or second is None:
        yield f"only in the {'second' if first is None else 'first'}"
        return
    for name in ("kind", "mode", "uid", "gid", "size", "sha256", "target", "capabilities"):
        one, other = getattr(first, name), getattr(second, name)
        if one != other:
            yield f"{name} {one:04o} and {other:04o}" if name == "mode" else f"{name} {one} and {other}"
