"""A reference to an image, as written in FROM: its parts. What may stand in them belongs to `refusals`."""

from __future__ import annotations


def split_reference(text: str) -> tuple[str, str | None, str | None]:
    """The name with its registry, the tag, and the digest; None for a part that is not written."""
    rest, at, digest = text.partition("@")
    name, colon, tag = rest.rpartition(":")
    if not colon or "/" in tag:
        # The colon is that of a registry's port.
        return rest, None, digest if at else None
    return name, tag, digest if at else None
