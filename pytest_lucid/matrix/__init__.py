"""The service matrix: what is demanded of the deployment, as validated data. It knows nothing of Docker or pytest."""

from pytest_lucid.matrix.load import load_matrix
from pytest_lucid.matrix.model import Consul, Matrix, Network, Port, Service, Waiver

__all__ = ["Consul", "Matrix", "Network", "Port", "Service", "Waiver", "load_matrix"]
