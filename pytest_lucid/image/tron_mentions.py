"""What the content of an image says of TRON, by where it says it. Who may say what is decided in `isolation`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_lucid.content.tron import is_payment_url_word, tron_tokens
from pytest_lucid.image.compiled_python import unsourced

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pytest_lucid.image.inventory import Inventory


def named(inventory: Inventory) -> Iterator[str]:
    """Yield each path of any layer that has a word of TRON: packages, their metadata, modules, files."""
    return (where for where, entry in inventory.everywhere if tron_tokens(entry.path))


def imported(inventory: Inventory) -> Iterator[str]:
    """Yield each import of TRON in a source file of any layer."""
    for where, entry in inventory.everywhere:
        yield from (f"{where}: import {module}" for module in entry.content.speech.modules)


def said(inventory: Inventory, prefix: str, *, knows_payment_url: bool) -> Iterator[str]:
    """Yield each name or string of TRON in code and configuration of any layer, and in bytecode without its source.

    `prefix` is PYTHONPYCACHEPREFIX, or empty. With `knows_payment_url` the name of a URL and a host of the platform
    are allowed.
    """
    alone = {id(entry) for entry in unsourced(inventory, prefix)}
    visible = {id(entry) for entry in inventory.files}
    for where, entry in inventory.everywhere:
        content = entry.content
        # What bytecode says, its source says too; what is hidden has no source that could be looked up.
        sourced = content.bytecode is not None and id(entry) in visible and id(entry) not in alone
        words = content.speech.words if sourced else (*content.speech.words, *content.words)
        yield from (f"{where}: {word}" for word in _forbidden(words, knows_payment_url=knows_payment_url))
        if content.problem and not sourced:
            yield f"{where}: cannot be judged ({content.problem})"


def packed(inventory: Inventory) -> Iterator[str]:
    """Yield each word of TRON in an archive of any layer, and each archive that could not be read to its end."""
    for where, entry in inventory.everywhere:
        if found := entry.content.packed:
            yield from (f"{where}: {word}" for word in found.words)
            if found.problem:
                yield f"{where}: cannot be judged ({found.problem})"


def _forbidden(words: Iterable[str], *, knows_payment_url: bool) -> list[str]:
    return [word for word in words if not (knows_payment_url and is_payment_url_word(word))]
