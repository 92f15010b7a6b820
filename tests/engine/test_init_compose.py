"""`init compose.yaml` on a stranger's stack: green in two commands without an edit, and it finds what is done later."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from foreign import STACKS, Stack, build

if TYPE_CHECKING:
    from pathlib import Path

    import docker

pytestmark = pytest.mark.engine
# What is done to the stack → the cell that speaks of it.
DEFECTS = """\
services:
  worker:
    user: "0:0"
    read_only: false
    cap_drop: !reset []
    pids_limit: !reset null
    networks: !override [back, other]
    depends_on: !reset {}
  migrate:
    command: [fail]
  database:
    networks: !override [back, other]
networks:
  other: {}
"""


def test_two_commands_give_green_and_later_defects_are_found(client: docker.DockerClient, tmp_path: Path) -> None:
    build(client)
    stack = Stack(STACKS / "jobs", tmp_path)
    text = stack.init()
    defects = tmp_path / "defects.yaml"
    try:
        stack.up()
        found, code, said = stack.check()
        assert (found, code) == ({}, 0), f"{text}\n{said}"
        for waived in ("CTR-USER", "CTR-READONLY", "CTR-LIMITS", "IMG-PINNED"):
            assert f'check = "{waived}"\nservice = "foreign-jobs-database-1"' in text
        assert "debugger" not in text

        defects.write_text(DEFECTS, "utf-8")
        # Compose starts nothing that waits for a job that fails, so here the worker waits for none.
        stack.up(defects)
        found, _, said = stack.check()
    finally:
        stack.down(defects)
    assert found["foreign-jobs-worker-1"] >= {"CTR-USER", "CTR-READONLY", "CTR-CAPS", "CTR-LIMITS", "CTR-NETWORK"}, said
    assert "CTR-ENDED" in found["foreign-jobs-migrate-1"], said
    assert found["foreign-jobs-database-1"] >= {"CTR-NETWORK"}, said
