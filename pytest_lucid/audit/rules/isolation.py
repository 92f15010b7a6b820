"""Rules about isolation in what a Dockerfile copies and sets: imports, names, requirements, variables, hosts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_lucid.content.forbidden import Vocabulary

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_lucid.audit.finding import Finding
    from pytest_lucid.audit.subject import Subject


def forbidden_words(subject: Subject) -> Iterator[Finding]:
    """Words in the variables and in the copied files of a service that rules of the matrix forbid to it."""
    final, row = subject.final, subject.row
    if final is None:
        return
    matrix = subject.matrix
    vocabulary = Vocabulary(matrix.forbidden_words(row), matrix.known_hosts, matrix.forbidden_networks)
    values = {name: located.value for name, located in final.env.items()}
    for match_ in vocabulary.variables(values, knows_url=row.knows_payment_url):
        name = match_.partition("=")[0]
        message = f"The variable {match_} contains a {matrix.forbidden_names} keyword."
        yield subject.at(final.env[name].line, message, name)
    copied = [
        entry.source
        for files in subject.simulation.stages.values()
        for entry in files.entries
        if entry.kind == "context"
    ]
    for source in dict.fromkeys(copied):
        for word in subject.tree.word_matches(subject.context, source, vocabulary):
            if not (row.knows_payment_url and vocabulary.is_url_word(word.word)):
                message = f"contains the {matrix.forbidden_names} keyword {word.word}"
                text = f"{subject.path} copies this file, which {message}."
                yield subject.in_file(word.file, word.line, text, word.word, cause=word.word)
