"""Whether BuildKit finds what the corpus copies from the build context: the engine's answer against the findings.

Of each tree only the instructions that take files from the context are built, on scratch, so that no registry is asked.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from builders import buildkit

from pytest_lucid.dockerfile.parse import parse

AUDIT = Path(__file__).parents[1] / "unit" / "audit"
sys.path.insert(0, str(AUDIT))

from case_files import read_case  # noqa: E402 - the unit tests' own reader of the trees

if TYPE_CHECKING:
    from pytest_lucid.dockerfile.syntax import Instruction

TREES = sorted((AUDIT / "corpus").iterdir())
# A build takes about a second: one tree in three, another third each time that a tree is added.
SAMPLE = TREES[len(TREES) % 3 :: 3]
DEADLINE_SECONDS = 120
KEPT = frozenset({"ARG", "ENV", "WORKDIR"})
# What old engines do not know yet, and what needs a base with users, or another stage.
LEFT_OUT = frozenset({"parents", "exclude", "link", "chmod", "checksum", "chown", "from"})


@pytest.fixture(autouse=True)
def nothing_left() -> None:
    """These tests start no run: a build leaves no tag."""


def is_kept(instruction: Instruction) -> bool:
    if instruction.name in KEPT:
        return True
    plain = not instruction.heredocs and not any(flag.name in LEFT_OUT for flag in instruction.flags)
    return instruction.name in {"COPY", "ADD"} and plain and "://" not in instruction.arguments


@pytest.mark.engine
@pytest.mark.parametrize("folder", [pytest.param(folder, id=folder.name) for folder in SAMPLE])
def test_sources_are_there_when_buildkit_finds_them(folder: Path, tmp_path: Path) -> None:
    case = read_case(folder)
    case.write(tmp_path)
    _, subject = case.subject(tmp_path, needs_row=False)
    subject = subject.variants[0]
    text = (tmp_path / case.path).read_text("utf-8")
    source = parse(text)
    if source.problems or source.escape != "\\":
        pytest.skip("no builder for Linux reads it")
    kept = [instruction for stage in source.stages for instruction in stage.instructions if is_kept(instruction)]
    if not any(instruction.name in {"COPY", "ADD"} for instruction in kept):
        pytest.skip("it copies nothing from the context that an old engine can copy")
    lines = text.split("\n")
    built = ["FROM scratch", *("\n".join(lines[item.line - 1 : item.end]) for item in kept)]
    done = subprocess.run(
        [buildkit(), "build", "-q", "-f", "-", "."],
        check=False,
        cwd=subject.context.root,
        input="\n".join(built) + "\n",
        capture_output=True,
        text=True,
        env={**os.environ, "DOCKER_BUILDKIT": "1"},
        timeout=DEADLINE_SECONDS,
    )
    own = {item.line for item in kept}
    missing = [text for text in case.findings if text.startswith(("DKF-SOURCES ", "DKF-BUILT "))]
    expected = [text for text in missing if int(text.split(":")[1]) in own]
    assert (done.returncode == 0) is not bool(expected), done.stderr
