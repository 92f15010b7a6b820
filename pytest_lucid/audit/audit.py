"""One cell's audit: the subjects that a rule is applied to, and what it found; nothing is judged here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_lucid.audit.ignores import ignored_by_path, read_excuses

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from pytest_lucid.audit.finding import Finding
    from pytest_lucid.audit.subject import Subject

    Rule = Callable[[Subject], Iterable[Finding]]


class Audit:
    """Applies rules to `subjects` for a check; `findings` and `notes` keep all that they found, for the summary.

    `ignored` are the findings that people said no to, which count as not found.
    """

    def __init__(self, *subjects: Subject, check: str = "") -> None:
        self.subjects = subjects
        self.check = check
        self.ignored: list[Finding] = []
        self.findings: list[Finding] = []
        self.notes: list[Finding] = []

    def __call__(self, rule: Rule) -> tuple[Finding, ...]:
        """What the rule finds, sorted, each once; of several contexts that may be meant, in the most favourable."""
        found: set[Finding] = set()
        for subject in self.subjects:
            fewest: set[Finding] = min((set(rule(variant)) for variant in subject.variants), key=len)
            found |= fewest
        notes = {finding for finding in found if finding.is_note}
        excused = {finding for finding in found - notes if self._is_excused(finding)}
        defects = sorted(found - notes - excused)
        self.notes.extend(sorted(notes))
        self.ignored.extend(sorted(excused))
        self.findings.extend(defects)
        return tuple(defects)

    def _is_excused(self, finding: Finding) -> bool:
        tree = self.subjects[0].tree
        if ignored_by_path(tree.matrix.ignore, self.check, finding):
            return True
        return any(excuse.covers(self.check, finding.line) for excuse in read_excuses(tree.text(finding.file)))
