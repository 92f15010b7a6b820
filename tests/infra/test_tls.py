"""The TLS of the ports that clients reach from outside."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pytest_lucid.inspect.tls import Tls
    from pytest_lucid.matrix import Service
    from pytest_lucid.target.deployment import Deployment

LEAST_LIFE = dt.timedelta(days=30)


@pytest.mark.lucid(
    "TLS-CHAIN",
    demand="https_ports",
    severity="critical",
    remedy="Let the authority whose ca.pem is beside the certificate sign it.",
)
def test_chain_leads_to_authority(lucid_tls: tuple[Tls, ...]) -> None:
    """The certificate is valid, and its chain leads to the authority that clients trust."""
    assert {tls.number: tls.distrust for tls in lucid_tls} == {tls.number: "" for tls in lucid_tls}


@pytest.mark.lucid(
    "TLS-NAMES",
    demand="https_ports",
    severity="high",
    remedy="Issue the certificate for the service's name and the host's address.",
)
def test_certificate_has_names(
    lucid_service: Service, lucid_tls: tuple[Tls, ...], lucid_deployment: Deployment
) -> None:
    """The certificate is for the service's name inside the network, and for the names of this host."""
    for tls in lucid_tls:
        assert tls.certificate.names >= {lucid_service.name, lucid_deployment.engine.address}


@pytest.mark.lucid(
    "TLS-EXPIRY", demand="https_ports", severity="high", remedy="Issue a new certificate, and restart the service."
)
def test_certificate_lives_on(lucid_tls: tuple[Tls, ...]) -> None:
    """The certificate is valid for more than 30 days, which leaves time to replace the certificate."""
    for tls in lucid_tls:
        left = tls.certificate.expires - dt.datetime.now(dt.timezone.utc)
        assert left > LEAST_LIFE, f"port {tls.number}: {left.days} days are left"


@pytest.mark.lucid(
    "TLS-VERSION", demand="https_ports", severity="high", remedy="Let the server take TLS 1.2 and newer only."
)
def test_old_versions_are_refused(lucid_tls: tuple[Tls, ...]) -> None:
    """A client that has nothing newer than SSL 3.0, TLS 1.0 or TLS 1.1 is refused: RFC 8996 forbids these."""
    taken = {
        f"{tls.number}, {name}": str(hello)
        for tls in lucid_tls
        for name, hello in tls.old.items()
        if hello.suite is not None
    }
    assert not taken


@pytest.mark.lucid(
    "TLS-CIPHERS",
    demand="https_ports",
    severity="high",
    remedy="Let the server take suites with ECDHE and AES-GCM or ChaCha20 only.",
)
def test_weak_suites_are_refused(lucid_tls: tuple[Tls, ...]) -> None:
    """A client that offers only suites without forward secrecy or authenticated encryption is refused (RFC 9325)."""
    taken = {tls.number: str(tls.weak) for tls in lucid_tls if tls.weak.suite is not None}
    assert not taken, "see IANA's list of TLS cipher suites"
