"""Facts about images: what they declare and what is in them. No fact asserts, and none talks to pytest."""

from pytest_lucid.image.facts import Image, list_images, read_image

__all__ = ["Image", "list_images", "read_image"]
