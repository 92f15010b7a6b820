"""Assembles the API gateway and runs it; logic belongs in modules of its own."""

from lucid_service.start import start

start(
    needs=(
        "lucid-service-mesh-controller",
        "lucid-blockchain-engine",
        "lucid-session-anchoring",
        "lucid-block-manager",
        "lucid-data-chain",
    )
)
