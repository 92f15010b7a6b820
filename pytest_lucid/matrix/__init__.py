"""The service matrix: what is demanded of the deployment, as validated data. It knows nothing of Docker or pytest."""

from pytest_lucid.matrix.demands import Hardening, Health, ImagePolicy, Interface
from pytest_lucid.matrix.excuses import PathIgnore, Waiver
from pytest_lucid.matrix.load import load_matrix
from pytest_lucid.matrix.model import Consul, Matrix, Network
from pytest_lucid.matrix.service import ComposeService, Port, Service

__all__ = [
    "ComposeService",
    "Consul",
    "Hardening",
    "Health",
    "ImagePolicy",
    "Interface",
    "Matrix",
    "Network",
    "PathIgnore",
    "Port",
    "Service",
    "Waiver",
    "load_matrix",
]
