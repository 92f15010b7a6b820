"""Variables, and what they tell."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pytest_lucid.review import peers, variables
from pytest_lucid.review.finding import listing

if TYPE_CHECKING:
    from pytest_lucid.review.review import Review


@pytest.mark.lucid("DKF-ARG", severity="medium", remedy="Declare the ARG in the stage that uses it, with a default.")
def test_variables_are_set_where_used(review: Review) -> None:
    """No variable is used in a stage that does not set it: an ARG from before FROM is empty there."""
    findings = review(variables.empty_variables)
    assert not findings, listing(findings)


@pytest.mark.lucid(
    "DKF-SECRET",
    severity="critical",
    remedy="Hand it over with RUN --mount=type=secret, or at run time; and revoke it.",
)
def test_no_secret_is_written(review: Review) -> None:
    """No secret is in ENV, ARG or RUN, where the image's history keeps it."""
    findings = review(variables.secrets)
    assert not findings, listing(findings)


@pytest.mark.lucid("DKF-AGREE", severity="high", remedy="Give PORT and EXPOSE the same number.")
def test_ports_agree(review: Review) -> None:
    """PORT, which the service listens on, is among the ports that the image exposes."""
    findings = review(variables.contradicting_ports)
    assert not findings, listing(findings)


@pytest.mark.lucid("DKF-PEERS", severity="high", remedy="Use the container's name in the matrix.")
def test_peers_resolve(service_review: Review) -> None:
    """Every host in a variable is a container of the matrix, or it will not resolve in the network."""
    findings = service_review(peers.unknown_peers)
    assert not findings, listing(findings)
