"""Dockerfiles as facts: text to instructions, stages, build context, and hadolint's findings; no check lives here."""
