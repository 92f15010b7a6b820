"""The fixtures of the checks on Dockerfiles: a review of one row's Dockerfile, or of all that belong to no row."""

from __future__ import annotations

from glob import iglob
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pytest_lucid.check import shipped, written_in
from pytest_lucid.review.review import Review
from pytest_lucid.stash import CHECK, REVIEW, lucid_of

if TYPE_CHECKING:
    from pytest_lucid.matrix import Service

NO_DOCKERFILE = "there is no Dockerfile to review: see DKF-FILE"
NO_OTHERS = "every Dockerfile of the tree belongs to a row of the matrix"


@pytest.fixture
def review(lucid_service: Service | None, request: pytest.FixtureRequest) -> Review:
    """Review what needs no row: of each service's Dockerfile and, with --lucid-all-dockerfiles, of all others."""
    project = lucid_of(request.config).project
    subjects = project.others if lucid_service is None else (project.subject(lucid_service),)
    if not subjects:
        pytest.skip(NO_OTHERS)
    if lucid_service and not (project.root / lucid_service.dockerfile).is_file():
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
    return lucid_of(pytestconfig).project.root / service.dockerfile


@pytest.fixture(scope="session")
def known_checks(request: pytest.FixtureRequest) -> frozenset[str]:
    """The ids of all checks: of this package's suite, of this run, and of the tests that a whole run would collect.

    A run of one folder must not accuse the waiver of a check that lies in another.
    """
    collected = {item.stash[CHECK].id for item in request.session.items if CHECK in item.stash}
    patterns = [str(request.config.rootpath / path) for path in request.config.getini("testpaths")]
    places = [Path(place) for pattern in patterns for place in iglob(pattern, recursive=True)]  # noqa: PTH207 - may be absolute
    return frozenset(shipped()) | collected | written_in(places)
