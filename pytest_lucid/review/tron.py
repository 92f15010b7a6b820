"""Judges TRON isolation in what a Dockerfile copies and sets: imports, names, requirements, variables, hosts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_lucid.isolation import is_payment_url_word, tron_variables
from pytest_lucid.review.finding import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_lucid.review.subject import Subject


def tron(subject: Subject) -> Iterator[Finding]:
    """Words of TRON in the variables and in the copied files of a service that must not hold any."""
    final, row = subject.final, subject.row
    if final is None:
        return
    values = {name: located.value for name, located in final.env.items()}
    for spoken in tron_variables(values, knows_payment_url=row.knows_payment_url):
        name = spoken.partition("=")[0]
        yield subject.at(final.env[name].line, f"The variable {spoken} speaks of TRON.")
    copied = [
        piece.source for files in subject.flow.stages.values() for piece in files.pieces if piece.kind == "context"
    ]
    for source in dict.fromkeys(copied):
        for word in subject.tree.speech(subject.context, source):
            if not (row.knows_payment_url and is_payment_url_word(word.word)):
                yield Finding(word.file, word.line, f"{word.word} speaks of TRON, and {subject.path} copies it.")
