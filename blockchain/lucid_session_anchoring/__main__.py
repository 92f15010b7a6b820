"""Assembles session anchoring and runs it; logic belongs in modules of its own."""

from __future__ import annotations

from lucid_chain.follower import start_follower

from lucid_session_anchoring.anchoring import condition, session_anchoring
from lucid_session_anchoring.handlers import OPERATIONS

if __name__ == "__main__":
    start_follower("ANCHORING_DIR", OPERATIONS, session_anchoring, condition)
