"""Rules about TRON isolation in what a Dockerfile copies and sets: imports, names, requirements, variables, hosts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_lucid.audit.finding import Finding
from pytest_lucid.content.tron import is_payment_url_word, tron_variables

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_lucid.audit.subject import Subject


def tron(subject: Subject) -> Iterator[Finding]:
    """Words of TRON in the variables and in the copied files of a service that must not hold any."""
    final, row = subject.final, subject.row
    if final is None:
        return
    values = {name: located.value for name, located in final.env.items()}
    for match_ in tron_variables(values, knows_payment_url=row.knows_payment_url):
        name = match_.partition("=")[0]
        yield subject.at(final.env[name].line, f"The variable {match_} speaks of TRON.")
    copied = [
        entry.source
        for files in subject.simulation.stages.values()
        for entry in files.entries
        if entry.kind == "context"
    ]
    for source in dict.fromkeys(copied):
        for word in subject.tree.tron_matches(subject.context, source):
            if not (row.knows_payment_url and is_payment_url_word(word.word)):
                yield Finding(word.file, word.line, f"{word.word} speaks of TRON, and {subject.path} copies it.")
