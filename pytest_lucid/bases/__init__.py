"""Base images for the build: present, pulled, or stand-ins assembled from distribution packages."""

from pytest_lucid.bases.ensure import Base, ensure

__all__ = ["Base", "ensure"]
