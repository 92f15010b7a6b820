"""What every Lucid service shares: configuration, health, errors, logging, registration, serving; no service's own API.

Nothing is imported here, so that the health probe, which runs every 30 s, loads only what it needs.
"""
