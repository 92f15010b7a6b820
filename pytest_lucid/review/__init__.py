"""Judges Dockerfiles as a reviewer would: each judge says what it found, with file and line; no check lives here."""
