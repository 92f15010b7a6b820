"""The CI files that users copy: they parse, and their commands are ones that work here."""

from __future__ import annotations

import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
GITHUB = ROOT / "docs" / "ci" / "github-actions.yml"
GITLAB = ROOT / "docs" / "ci" / "gitlab-ci.yml"


def commands(data: dict[str, Any]) -> list[str]:
    jobs = data.get("jobs", data)
    found: list[str] = []
    for job in jobs.values():
        if isinstance(job, dict):
            found += job.get("before_script", []) + job.get("script", [])
            found += [step["run"] for step in job.get("steps", []) if "run" in step]
    return found


def load(file: Path) -> dict[str, Any]:
    data: dict[str, Any] = yaml.safe_load(file.read_text("utf-8"))
    return data


@pytest.mark.parametrize("file", [GITHUB, GITLAB], ids=lambda file: file.stem)
def test_every_pytest_command_is_accepted(file: Path) -> None:
    runs = [shlex.split(line) for line in commands(load(file)) if line.startswith("pytest ")]
    assert len(runs) == 2
    for _, *arguments in runs:
        # Nothing runs: options are read, the suite is collected.
        command = [sys.executable, "-m", "pytest", *arguments, "--collect-only", "-q", "-p", "no:cacheprovider"]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=120)
        assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("file", [GITHUB, GITLAB], ids=lambda file: file.stem)
def test_every_other_command_installs_this_package(file: Path) -> None:
    others = {line for line in commands(load(file)) if not line.startswith("pytest ")}
    assert others == {"python -m pip install pytest-lucid"}


def test_reports_are_kept_where_they_are_written() -> None:
    gitlab = load(GITLAB)
    for job in ("dockerfiles", "stack"):
        assert gitlab[job]["artifacts"]["reports"]["junit"] in " ".join(gitlab[job]["script"])
