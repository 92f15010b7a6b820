"""Variables, and what they tell."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pytest_lucid.audit.rules import peers, variables, written_secrets

if TYPE_CHECKING:
    from pytest_lucid.audit.audit import Audit


@pytest.mark.lucid("DKF-ARG", severity="medium", remedy="Declare the ARG in the stage that uses it, with a default.")
def test_variables_are_set_where_used(lucid_audit: Audit) -> None:
    """No variable is used in a stage that does not set it: an ARG from before FROM is empty there."""
    assert not lucid_audit(variables.empty_variables)


@pytest.mark.lucid(
    "DKF-SECRET",
    severity="critical",
    remedy="Hand it over with RUN --mount=type=secret, or at run time; and revoke it.",
)
def test_no_secret_is_written(lucid_audit: Audit) -> None:
    """No secret is in an instruction, where the image's history keeps it: ENV, ARG, LABEL, RUN, COPY, CMD."""
    assert not lucid_audit(written_secrets.secrets)


@pytest.mark.lucid("DKF-AGREE", demand="contract.port", severity="high", remedy="Give PORT and EXPOSE the same number.")
def test_ports_agree(lucid_audit: Audit) -> None:
    """PORT, which the service listens on, is among the ports that the image exposes."""
    assert not lucid_audit(variables.contradicting_ports)


@pytest.mark.lucid("DKF-PEERS", demand="network", severity="high", remedy="Use the container's name in the matrix.")
def test_peers_resolve(lucid_service_audit: Audit) -> None:
    """Every host in a variable is a container of the matrix, or it will not resolve in the network."""
    assert not lucid_service_audit(peers.unknown_peers)
