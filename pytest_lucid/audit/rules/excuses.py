"""Rules about what excuses findings, comments and entries of lucid.toml: each needs something to excuse."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from pytest_lucid.audit.audit import Audit
from pytest_lucid.audit.ignores import ignored_by_path, read_excuses
from pytest_lucid.audit.rules import (
    copy_sources,
    dependencies,
    hadolint_rules,
    health,
    isolation,
    metadata,
    ownership,
    peers,
    stages,
    start,
    support,
    variables,
    written_secrets,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping

    from pytest_lucid.audit.finding import Finding
    from pytest_lucid.audit.ignores import Excuse
    from pytest_lucid.audit.subject import Subject
    from pytest_lucid.matrix import PathIgnore

    Rule = Callable[[Subject], Iterable[Finding]]

# The rule of each check on Dockerfiles; a test compares them with the checks themselves.
RULES: Mapping[str, Rule] = {
    "DKF-AGREE": variables.contradicting_ports,
    "DKF-AMBIGUOUS": copy_sources.ambiguous_sources,
    "DKF-ARG": variables.empty_variables,
    "DKF-BASE": stages.other_base,
    "DKF-BUILT": copy_sources.build_products,
    "DKF-CARRIED": copy_sources.carried_files,
    "DKF-CODE": ownership.writable_code,
    "DKF-DEVTOOLS": dependencies.development_tools,
    "DKF-ENV": metadata.other_environment,
    "DKF-EXEC": metadata.shell_form,
    "DKF-FROM": stages.unknown_origins,
    "DKF-HADOLINT": hadolint_rules.hadolint,
    "DKF-HASHED": dependencies.unhashed,
    "DKF-HEALTH": health.missing_health_check,
    "DKF-IGNORE": copy_sources.leaky_context,
    "DKF-LABELS": metadata.missing_labels,
    "DKF-MODULE": start.missing_module,
    "DKF-NAME": metadata.other_name,
    "DKF-PACKAGES": dependencies.unreachable_packages,
    "DKF-PARSE": stages.refused,
    "DKF-PEERS": peers.unknown_peers,
    "DKF-PINNED": dependencies.unpinned,
    "DKF-PORTS": metadata.other_ports,
    "DKF-PROBE": start.failing_probe,
    "DKF-PYTHON": dependencies.other_python,
    "DKF-RELEASE": dependencies.other_release,
    "DKF-SCRIPTS": dependencies.broken_scripts,
    "DKF-SECRET": written_secrets.secrets,
    "DKF-SHELL": stages.impossible_runs,
    "DKF-SOURCES": copy_sources.missing_sources,
    "DKF-STAGES": stages.single_stage,
    "DKF-START": start.missing_program,
    "DKF-STORAGE": ownership.unwritable_storage,
    "DKF-SUPPORT": support.unsupported_bases,
    "DKF-TAG": stages.loose_tag,
    "DKF-TRON": isolation.forbidden_words,
    "DKF-USER": metadata.other_user,
}


def needless_excuses(subject: Subject) -> Iterator[Finding]:
    """A comment of the Dockerfile that gives no reason, names no check, or excuses nothing."""
    for excuse in read_excuses(subject.tree.text(subject.path)):
        if not excuse.reason:
            yield subject.at(
                excuse.line,
                f"The ignore of {', '.join(excuse.checks)} gives no reason: write it behind the id.",
                "lucid:",
            )
        for pattern in excuse.checks:
            known = [check for check in RULES if fnmatchcase(check, pattern)]
            if not known:
                yield subject.at(
                    excuse.line, f"There is no check {pattern} on Dockerfiles, so the ignore does nothing.", pattern
                )
            elif not any(_is_needed(subject, excuse, check) for check in known):
                yield subject.at(excuse.line, f"Nothing needs the ignore of {pattern}: delete it.", pattern)


def _is_needed(subject: Subject, excuse: Excuse, check: str) -> bool:
    try:
        found = list(RULES[check](subject))
    except LookupError:
        return False  # what needs a row of the matrix finds nothing without
    return any(finding.file == subject.path and excuse.covers(check, finding.line) for finding in found)


def needless_path_ignore(ignore: PathIgnore, subjects: Collection[Subject]) -> str:
    """Why an entry of lucid.toml excuses nothing in all Dockerfiles of the tree; "" when it does."""
    rules = {**RULES, "DKF-EXCUSES": needless_excuses}
    known = [check for check in rules if fnmatchcase(check, ignore.check)]
    if not known:
        return f"There is no check {ignore.check} on Dockerfiles, so this ignore does nothing."
    if any(_excuses(ignore, check, rules[check], subject) for check in known for subject in subjects):
        return ""
    return f"Nothing needs the ignore of {ignore.check} for {ignore.path}: delete it."


def _excuses(ignore: PathIgnore, check: str, rule: Rule, subject: Subject) -> bool:
    audit = Audit(subject, check=check)
    try:
        audit(rule)
    except (LookupError, OSError):
        return False  # what needs a row of the matrix finds nothing without; and a row's file may not be there
    return any(ignored_by_path((ignore,), check, finding) for finding in audit.ignored)
