"""Rules about hadolint, as the matrix says how: from which level on, and which rules do not apply.

Where hadolint is known to be wrong, this module looks again at what BuildKit makes of the line.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pytest_lucid.audit.finding import Finding
from pytest_lucid.audit.rootfs.requirement_text import is_path
from pytest_lucid.audit.rootfs.shell_commands import commands, script
from pytest_lucid.audit.rules.written_secrets import secrets
from pytest_lucid.dockerfile.hadolint import LEFT_OUT, NOT_PARSED

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pytest_lucid.audit.subject import Subject
    from pytest_lucid.dockerfile.facts import Copy, RunInstruction, StageFacts

_LEVELS = ("error", "warning", "info", "style")
_PIPEFAIL = re.compile(r"\bset\s+-\w*o\s+pipefail")
_IMAGE = re.compile(r".*[/:@.].*")
_NPM_VALUED = frozenset(
    {"--prefix", "--registry", "--cache", "--loglevel", "--omit", "--include", "-C", "--userconfig"}
)
_NPM_VERSION = re.compile(r".+@[^@/]+|.*(?:\.tgz|\.tar\.gz)|(?:git|github|gitlab|https?|file|git\+\w+):.*")


def hadolint(subject: Subject) -> Iterator[Finding]:
    """Every finding of hadolint at or above the threshold. Raises ConfigError where hadolint cannot run."""
    policy = subject.matrix.hadolint
    if policy is None:
        return
    levels = _LEVELS[: _LEVELS.index(policy.threshold) + 1]
    ignored = {ignore.rule for ignore in policy.ignore}
    if config := subject.tree.hadolint_config:
        message = "This file's settings of hadolint apply to every Dockerfile, as hadolint itself reads them."
        yield Finding(config.name, 1, message, is_note=True)
    for found in subject.tree.lint(subject.path):
        if found.code == LEFT_OUT:
            yield subject.note(found.line, found.message)
            continue
        if found.level not in levels or found.code in ignored or _is_wrong(subject, found.code, found.line):
            continue
        # hadolint cannot read some valid files: what it cannot read counts when builders cannot either.
        if found.code != NOT_PARSED or subject.facts.problems:
            text = f"{found.code} {found.message}"
            column = max(found.column, subject.at(found.line, text).column)
            yield Finding(subject.path, found.line, text, column=column, cause=found.code)


def _is_wrong(subject: Subject, code: str, line: int) -> bool:
    look = _SECOND_LOOKS.get(code)
    return look is not None and look(subject, line)


def _is_another_stage(subject: Subject, line: int) -> bool:
    """DL3002: whether root is the user of a stage that is not the image."""
    return subject.final is not None and line < subject.final.line


def _is_no_stage(subject: Subject, line: int) -> bool:
    """DL3022: whether COPY takes from an image, or from a context that compose or bake names."""
    copy = _copy(subject, line)
    written = copy.origin.written if copy else ""
    return bool(_IMAGE.fullmatch(written)) or written in subject.tree.named_contexts or written.isdecimal()


def _is_folder(subject: Subject, line: int) -> bool:
    """DL3021: whether the destination is a folder by BuildKit's rule, or there is one source only."""
    copy = _copy(subject, line)
    return copy is not None and (copy.target.endswith("/") or len(copy.sources) + len(copy.heredocs) < len("ab"))


def _needs_a_shell(subject: Subject, line: int) -> bool:
    """DL3025: whether it is a health command on a base that may have a shell."""
    checks = [(stage, stage.healthcheck) for stage in subject.facts.stages if stage.healthcheck]
    at = next((stage for stage, check in checks if check.line == line), None)
    return at is not None and _has_shell(subject, at)


def _has_shell(subject: Subject, stage: StageFacts) -> bool:
    base = subject.base if stage is subject.final else None
    return base is None or base.has_shell


def _is_pinned(subject: Subject, line: int) -> bool:
    """DL3016: whether every package that npm installs has a version, or is a path or an address."""
    run = _run(subject, line)
    for simple in (commands(run, {}) or ()) if run else ():
        if simple.program == "npm" and not all(map(_is_fixed, _npm_packages(simple.words))):
            return False
    return run is not None


def _npm_packages(words: tuple[str | None, ...]) -> list[str]:
    plain: list[str] = []
    before: str | None = ""
    for word in words[1:]:
        if word is not None and not word.startswith("-") and before not in _NPM_VALUED:
            plain.append(word)
        before = word
    return plain[1:] if plain[:1] in (["install"], ["i"], ["add"]) else []


def _is_fixed(package: str) -> bool:
    path = is_path(package) and not package.startswith("@")
    return path or _NPM_VERSION.fullmatch(package.removeprefix("@")) is not None


def _sets_pipefail(subject: Subject, line: int) -> bool:
    """DL4006: whether the command sets the option itself."""
    run = _run(subject, line)
    return run is not None and _PIPEFAIL.search(script(run) or "") is not None


def _is_no_secret(subject: Subject, line: int) -> bool:
    """DL3064: whether the rule about secrets, which reads values too, finds nothing there."""
    return all(finding.line != line for finding in secrets(subject))


def _copy(subject: Subject, line: int) -> Copy | None:
    copies = (copy for stage in subject.facts.stages for copy in stage.own_copies)
    return next((copy for copy in copies if copy.line <= line <= copy.end), None)


def _run(subject: Subject, line: int) -> RunInstruction | None:
    runs = (run for stage in subject.facts.stages for run in stage.own_runs)
    return next((run for run in runs if run.line <= line <= run.end), None)


_SECOND_LOOKS: dict[str, Callable[[Subject, int], bool]] = {
    "DL3002": _is_another_stage,
    "DL3016": _is_pinned,
    "DL3021": _is_folder,
    "DL3022": _is_no_stage,
    "DL3025": _needs_a_shell,
    "DL3064": _is_no_secret,
    "DL4006": _sets_pipefail,
}
