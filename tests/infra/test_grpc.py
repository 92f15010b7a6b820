"""What the services answer over gRPC, on ports that only the network reaches."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pytest_lucid.matrix import Service
    from pytest_lucid.target.deployment import Deployment


@pytest.mark.lucid(
    "GRPC-HEALTH",
    demand="grpc_ports",
    severity="critical",
    remedy="Serve grpc.health.v1.Health on the port; read the service's log.",
)
def test_grpc_serves(lucid_service: Service, lucid_deployment: Deployment) -> None:
    """Every gRPC port reports SERVING through gRPC's standard health service."""
    for port in lucid_service.grpc_ports or ():
        answer = lucid_deployment.grpc_health(lucid_service, port)
        assert answer.status == "SERVING", f"port {port.number}: {answer}"
