"""The fixtures of the checks on Dockerfiles: a review of one row's Dockerfile, or of all that belong to no row."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pytest_lucid.plugin import REVIEW, lucid_of
from pytest_lucid.review.review import Review

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_lucid.matrix import Service

NO_DOCKERFILE = "there is no Dockerfile to review: see DKF-FILE"
NO_OTHERS = "every Dockerfile of the tree belongs to a row of the matrix"


@pytest.fixture
def review(lucid_service: Service | None, request: pytest.FixtureRequest) -> Review:
    """Review what needs no row: of each service's Dockerfile and, with --lucid-all-dockerfiles, of all others."""
    tree = lucid_of(request.config).tree
    subjects = tree.others if lucid_service is None else (tree.subject(lucid_service),)
    if not subjects:
        pytest.skip(NO_OTHERS)
    if lucid_service and not (tree.root / lucid_service.dockerfile).is_file():
        pytest.skip(NO_DOCKERFILE)
    request.node.stash[REVIEW] = made = Review(*subjects)
    return made


@pytest.fixture
def service_review(service: Service, review: Review) -> Review:  # noqa: ARG001 - who asks for a row gets no other cell
    """Review what a row of the matrix demands of its Dockerfile."""
    return review


@pytest.fixture
def service_file(service: Service, pytestconfig: pytest.Config) -> Path:
    """The path of the service's Dockerfile, which may not be there."""
    return lucid_of(pytestconfig).tree.root / service.dockerfile
