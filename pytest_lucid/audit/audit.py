"""One cell's audit: the subjects that a rule is applied to, and what it found; nothing is judged here."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from pytest_lucid.audit.finding import Finding
    from pytest_lucid.audit.subject import Subject

    Rule = Callable[[Subject], Iterable[Finding]]


class Audit:
    """Applies rules to `subjects`; `findings` and `notes` keep all that they found, for the summary."""

    def __init__(self, *subjects: Subject) -> None:
        self.subjects = subjects
        self.findings: list[Finding] = []
        self.notes: list[Finding] = []

    def __call__(self, rule: Rule) -> tuple[Finding, ...]:
        """What the rule finds, sorted, each once; of several contexts that may be meant, in the most favourable."""
        found: set[Finding] = set()
        for subject in self.subjects:
            fewest: set[Finding] = min((set(rule(variant)) for variant in subject.variants), key=len)
            found |= fewest
        defects = sorted(finding for finding in found if not finding.is_note)
        self.notes.extend(sorted(found - set(defects)))
        self.findings.extend(defects)
        return tuple(defects)
