"""Checks of images, containers, network, HTTP and Consul; the wheel carries them as pytest_lucid.suite.infra."""
