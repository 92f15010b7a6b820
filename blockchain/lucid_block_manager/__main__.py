"""Assembles the block manager and runs it; logic belongs in modules of its own."""

from __future__ import annotations

from lucid_chain.follower import start_follower

from lucid_block_manager.handlers import OPERATIONS
from lucid_block_manager.manager import Manager, manager


def condition(service: Manager) -> str:
    """Say how the block manager is."""
    return service.condition


if __name__ == "__main__":
    start_follower("BLOCKS_DIR", OPERATIONS, manager, condition)
