"""Checks of Dockerfiles; the wheel carries them as pytest_lucid.suite.dockerfile."""
