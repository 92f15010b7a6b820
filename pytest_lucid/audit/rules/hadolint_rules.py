"""Rules about hadolint, as the matrix says how: from which level on, and which rules do not apply."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_lucid.dockerfile.hadolint import NOT_PARSED

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_lucid.audit.finding import Finding
    from pytest_lucid.audit.subject import Subject

_LEVELS = ("error", "warning", "info", "style")


def hadolint(subject: Subject) -> Iterator[Finding]:
    """Every finding of hadolint at or above the threshold. Raises ConfigError where hadolint cannot run."""
    policy = subject.matrix.hadolint
    if policy is None:
        return
    levels = _LEVELS[: _LEVELS.index(policy.threshold) + 1]
    ignored = {ignore.rule for ignore in policy.ignore}
    for found in subject.tree.lint(subject.path):
        if found.level not in levels or found.code in ignored:
            continue
        # hadolint cannot read some valid files: what it cannot read counts when builders cannot either.
        if found.code != NOT_PARSED or subject.facts.problems:
            yield subject.at(found.line, f"{found.code} {found.message}")
