"""A docker command that builds with BuildKit."""

from __future__ import annotations

import os
import shutil
import subprocess

import pytest
from runs import DEADLINE_SECONDS


def buildkit() -> str:
    """A `docker` command that can ask for BuildKit; skips the test where there is none."""
    for program in filter(None, (shutil.which("docker"), shutil.which("docker", path="/usr/bin"))):
        # Newer ones need a plugin for it.
        asked = subprocess.run(
            [program, "build", "--help"],
            check=False,
            env={**os.environ, "DOCKER_BUILDKIT": "1"},
            capture_output=True,
            text=True,
            timeout=DEADLINE_SECONDS,
        )
        if "--secret" in asked.stdout:
            return program
    pytest.skip("no docker command here can build with BuildKit: install docker-buildx")
