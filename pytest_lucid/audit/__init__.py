"""Audits Dockerfiles as a reviewer would: subjects, rules, findings. No check lives here."""
