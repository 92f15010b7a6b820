"""Rules about variables: those that are empty where they are used, and ports that contradict each other."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pytest_lucid.audit.known_bases import read_base
from pytest_lucid.audit.rootfs.shell_commands import script

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_lucid.audit.finding import Finding
    from pytest_lucid.audit.subject import Subject
    from pytest_lucid.dockerfile.facts import Located, StageFacts

# Variables that builders and shells set by themselves.
_AUTOMATIC = frozenset(
    {"HOME", "PATH", "PWD", "OLDPWD", "HOSTNAME", "USER", "UID", "SHELL", "IFS", "RANDOM", "TERM", "LANG", "SECONDS"}
    | {"HTTP_PROXY", "HTTPS_PROXY", "FTP_PROXY", "NO_PROXY", "ALL_PROXY", "SOURCE_DATE_EPOCH"}
    | {"http_proxy", "https_proxy", "ftp_proxy", "no_proxy", "all_proxy"}
)
_USE = re.compile(r"\\.|'[^']*'|\$(?:\{(\w+)\}|([A-Za-z_]\w*))")
_SET = re.compile(
    r"(?:^|[;&|({\n]|\b(?:then|do|else|export|local|readonly|declare)\b)\s*(?:-\w+\s+)?((?:[A-Za-z_]\w*=\S*\s*)+)|"
    r"\bfor\s+(\w+)|\bread\s+(?:-\w+\s+)*(\w+)"
)
_NAME = re.compile(r"(?:^|\s)([A-Za-z_]\w*)=")


def empty_variables(subject: Subject) -> Iterator[Finding]:
    """A variable that is used in a stage which does not set it, so that it is empty there."""
    facts = subject.facts
    everywhere = set(facts.global_args) | {name for stage in facts.stages for name in stage.args}
    for stage in facts.stages:
        base = read_base(stage.image.value)
        known = set(base.variables) | _AUTOMATIC if base and base.variables is not None else None
        for line, name in sorted(set(_unset(stage))):
            if name in (_AUTOMATIC if known is None else known):
                continue
            complaint = _complaint(stage, line, name, declared=name in everywhere, known=known is not None)
            if complaint:
                yield subject.at(line, complaint, name)
        if known is not None:
            yield from _empty_in_heredocs(subject, stage, known)
            yield from _empty_in_runs(subject, stage, known)
    for image in facts.images:
        for name in image.unset:
            if name not in facts.global_args:
                yield subject.at(image.line, f"{name} is empty in FROM: declare its ARG before the first FROM.", name)


def _complaint(stage: StageFacts, line: int, name: str, *, declared: bool, known: bool) -> str:
    """Why a variable without a value is a defect; "" when it is none, or may be none."""
    own = next((ancestor.args[name] for ancestor in stage.lineage if name in ancestor.args), None)
    if own is not None:
        # Above its use: the build gives the value.
        return f"{name} is empty here: its ARG is declared below." if own.line > line else ""
    if declared:
        return f"{name} is empty in this stage: add ARG {name} to it."
    # An unknown base may set it.
    return f"{name} is not set anywhere." if known else ""


def _unset(stage: StageFacts) -> Iterator[tuple[int, str]]:
    located: list[Located[str] | Located[tuple[str, ...]] | None] = [
        *stage.own_env.values(),
        *stage.own_labels.values(),
        *stage.own_volumes,
    ]
    located += [stage.user, stage.workdir, stage.stop_signal] if stage.parent is None else []
    located += stage.own_exposed
    for item in located:
        if item is not None:
            yield from ((item.line, name) for name in item.unset)
    for copy in stage.own_copies:
        yield from ((copy.line, name) for name in copy.unset)


def _empty_in_heredocs(subject: Subject, stage: StageFacts, known: set[str]) -> Iterator[Finding]:
    for copy in stage.own_copies:
        if empty := [name for name in copy.text_unset if name not in known]:
            message = f"The builder expands {', '.join(empty)} in this here-document, and nothing sets the variable"
            yield subject.at(copy.line, f'{message}: write <<"{copy.heredocs[0].name}" to keep the $.', "<<")


def _empty_in_runs(subject: Subject, stage: StageFacts, known: set[str]) -> Iterator[Finding]:
    declared = {name for ancestor in stage.lineage for name in (*ancestor.args, *ancestor.own_env)}
    for run in stage.own_runs:
        text = script(run)
        if text is None:
            continue
        assigned = {name for found in _SET.findall(text) for name in (*_NAME.findall(found[0]), *found[1:])}
        for match in _USE.finditer(text):
            name = match[1] or match[2]
            if name in subject.facts.global_args and name not in declared | assigned | known:
                yield subject.at(run.line, f"{name} is empty in this stage: add ARG {name} to it.", name)
                break


def contradicting_ports(subject: Subject) -> Iterator[Finding]:
    """PORT, which the service listens on, is not among the exposed ports."""
    final = subject.final
    if final is None or not final.ports:
        return
    port = final.env.get("PORT")
    if port and port.value.isdecimal() and int(port.value) not in {item.number for item in final.ports}:
        exposed = ", ".join(str(item.number) for item in final.ports)
        yield subject.at(port.line, f"PORT is {port.value}, and EXPOSE says {exposed}.", "PORT")
