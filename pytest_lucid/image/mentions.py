"""What the content of an image says of what is forbidden to it, by where it says it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_lucid.image.compiled_python import unsourced

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pytest_lucid.content.forbidden import Vocabulary
    from pytest_lucid.image.inventory import Inventory


def named(inventory: Inventory, vocabulary: Vocabulary) -> Iterator[str]:
    """Yield each path of any layer that has a forbidden word: packages, their metadata, modules, files."""
    return (where for where, entry in inventory.everywhere if vocabulary.found_in(entry.path))


def imported(inventory: Inventory, vocabulary: Vocabulary) -> Iterator[str]:
    """Yield each forbidden import in a source file of any layer."""
    for where, entry in inventory.everywhere:
        yield from (f"{where}: import {module}" for module in _of(vocabulary, entry.content.mentions.modules))


def said(inventory: Inventory, prefix: str, vocabulary: Vocabulary, *, knows_url: bool) -> Iterator[str]:
    """Yield each forbidden name or string in code and configuration of any layer, and in bytecode without its source.

    `prefix` is PYTHONPYCACHEPREFIX, or empty. With `knows_url` the name of a URL and a host whose URL may be
    known are allowed.
    """
    alone = {id(entry) for entry in unsourced(inventory, prefix)}
    visible = {id(entry) for entry in inventory.files}
    for where, entry in inventory.everywhere:
        content = entry.content
        # What bytecode says, its source says too; what is hidden has no source that could be looked up.
        sourced = content.bytecode is not None and id(entry) in visible and id(entry) not in alone
        words = content.mentions.words if sourced else (*content.mentions.words, *content.words)
        yield from (
            f"{where}: {word}" for word in _of(vocabulary, words) if not (knows_url and vocabulary.is_url_word(word))
        )
        if content.problem and not sourced:
            yield f"{where}: cannot be judged ({content.problem})"


def packed(inventory: Inventory, vocabulary: Vocabulary) -> Iterator[str]:
    """Yield each forbidden word in an archive of any layer, and each archive that could not be read to its end."""
    for where, entry in inventory.everywhere:
        if found := entry.content.packed:
            yield from (f"{where}: {word}" for word in _of(vocabulary, found.words))
            if found.problem:
                yield f"{where}: cannot be judged ({found.problem})"


def _of(vocabulary: Vocabulary, tokens: Iterable[str]) -> Iterator[str]:
    """Those of `tokens` that are forbidden here: images are read for the words of all rules together."""
    return (token for token in tokens if vocabulary.found_in(token))
