"""Assembles session anchoring and runs it; logic belongs in modules of its own."""

from lucid_service.start import start

start(needs=("lucid-blockchain-engine",))
