"""Looks into running containers that have no shell: a sidecar, a session in the sidecar, and facts read through it."""
