"""Facts about what lies between containers: the network, what answers over HTTP, what Consul knows."""

from pytest_lucid.network.answer import Answer, fetch
from pytest_lucid.network.discovery import Discovery, Registration, read_discovery
from pytest_lucid.network.facts import Network, read_network

__all__ = ["Answer", "Discovery", "Network", "Registration", "fetch", "read_discovery", "read_network"]
