"""BaseImage images for the build: present, pulled, or stand-ins assembled from distribution packages."""

from pytest_lucid.standin.ensure import BaseImage, ensure

__all__ = ["BaseImage", "ensure"]
