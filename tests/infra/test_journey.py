"""One session's way through all services. It writes, under a session of its own, and the run says which."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pytest_lucid.inspect.journey import Journey


@pytest.mark.lucid(
    "JRN-STORED", demand="gateway", severity="critical", remedy="Read the log lines of gateway and data chain."
)
def test_chunks_come_back(lucid_journey: Journey) -> None:
    """What is stored through the gateway comes back byte for byte."""
    assert lucid_journey.steps["store"].status in {200, 201}, lucid_journey.shown("store")
    assert lucid_journey.returned == (True,) * len(lucid_journey.hashes), lucid_journey.shown("read")


@pytest.mark.lucid(
    "JRN-ANCHORED",
    demand="gateway",
    severity="critical",
    remedy="Read the log lines of session anchoring and the engine.",
)
def test_session_is_anchored(lucid_journey: Journey) -> None:
    """The Merkle root of the session is on the chain, and the anchoring names the block."""
    assert lucid_journey.answer_to("anchor").get("session_id") == lucid_journey.session, lucid_journey.shown("anchor")
    assert lucid_journey.answer_to("confirm").get("status") == "confirmed", lucid_journey.shown("confirm")
    assert lucid_journey.answer_to("confirm").get("block_height", 0) > 0, lucid_journey.shown("confirm")


@pytest.mark.lucid(
    "JRN-BLOCK", demand="gateway", severity="critical", remedy="Read the log lines of the block manager and the engine."
)
def test_block_holds_the_anchoring(lucid_journey: Journey) -> None:
    """The block manager has the block that the anchoring names, with the anchoring's transaction in it."""
    anchoring, block = lucid_journey.answer_to("confirm"), lucid_journey.answer_to("block")
    assert block.get("hash") == anchoring.get("block_hash", "none"), lucid_journey.shown("block")
    assert anchoring["transaction_id"] in block.get("transaction_ids", ()), lucid_journey.shown("block")


@pytest.mark.lucid(
    "JRN-VERIFIED", demand="gateway", severity="critical", remedy="Read the log lines of session anchoring."
)
def test_every_chunk_is_verified(lucid_journey: Journey) -> None:
    """Each chunk's proof leads to the anchored root, by the services and by what is computed here without them."""
    assert lucid_journey.proven == (True,) * len(lucid_journey.hashes), lucid_journey.shown("prove")
    assert lucid_journey.answer_to("verify").get("verified") is True, lucid_journey.shown("verify")
    assert lucid_journey.answer_to("verify").get("merkle_proof_valid") is True, lucid_journey.shown("verify")


@pytest.mark.lucid(
    "JRN-TAMPERED", demand="gateway", severity="critical", remedy="Refuse contents and proofs whose hashes differ."
)
def test_tampering_is_refused(lucid_journey: Journey) -> None:
    """A chunk that was tampered with is not stored under the old hash, and is never verified."""
    assert lucid_journey.steps["tampered chunk"].status == 422, lucid_journey.shown("tampered chunk")
    assert lucid_journey.answer_to("tampered claim").get("verified") is False, lucid_journey.shown("tampered claim")
