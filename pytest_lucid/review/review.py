"""One cell's review: the subjects that a judge is applied to, and what it found; nothing is judged here."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from pytest_lucid.review.finding import Finding
    from pytest_lucid.review.subject import Subject

    Judge = Callable[[Subject], Iterable[Finding]]


class Review:
    """Applies judges to `subjects`; `findings` keeps all that they found, for the summary."""

    def __init__(self, *subjects: Subject) -> None:
        self.subjects = subjects
        self.findings: list[Finding] = []

    def __call__(self, judge: Judge) -> tuple[Finding, ...]:
        """What the judge finds, sorted, each once; of several contexts that may be meant, in the most favourable."""
        found: set[Finding] = set()
        for subject in self.subjects:
            fewest: set[Finding] = min((set(judge(variant)) for variant in subject.variants), key=len)
            found |= fewest
        self.findings.extend(sorted(found))
        return tuple(sorted(found))
