"""The rule about secrets that a Dockerfile itself holds: they stay in the image's history or in the builder's cache.

No message shows any character of a secret.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pytest_lucid.audit.rootfs.shell_commands import commands
from pytest_lucid.content.secrets import find_secrets, find_variables

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pytest_lucid.audit.finding import Finding
    from pytest_lucid.audit.subject import Subject
    from pytest_lucid.dockerfile.facts import Command, Copy, Located, RunInstruction, StageFacts

# A value that is written as such: no expansion, no option, no template.
_VALUE = r"[\"']?(?![\"']?[$<{%-])[^\s\"'$<>{}]"
_IN_TEXT = (
    ("a header", re.compile(r"(?i)authorization:\s*(?:bearer|token|basic)\s+[A-Za-z0-9._~+/=-]{12,}")),
    (
        "an option",
        re.compile(
            r"(?i)(?<![\w-])--?(?:[\w-]+-)?(?:password|passwd|passphrase|token|api-?key|secret|pass)"
            rf"(?:=|\s+)(?!(?:id|type|src|env)=|(?:true|false|none|yes|no)\b)(?![\"']?[/.]){_VALUE}{{6,}}"
        ),
    ),
    ("the login of curl", re.compile(rf"\bcurl\b[^;&|\n]*?\s(?:-\w*u\s*|--user[= ]){_VALUE}+?:(?!\$){_VALUE}{{2,}}")),
    ("a login", re.compile(rf"\b(?:mysql|mysqldump|mysqladmin|mariadb|mariadb-\w+)\b[^;&|\n]*?\s-p{_VALUE}{{3,}}")),
    (
        "a login",
        re.compile(rf"\b(?:sshpass\s+-p|docker\s+login\b[^;&|\n]*?\s-p|redis-cli\b[^;&|\n]*?\s-a)\s*{_VALUE}{{3,}}"),
    ),
    ("a login", re.compile(r"\becho\s+[\"']?[\w.-]+:[^\s\"'$<>{}*!]{3,}[\"']?\s*\|\s*chpasswd")),
    ("a login", re.compile(rf"\bmachine\s+\S+\s+login\s+\S+\s+password\s+{_VALUE}{{4,}}")),
    ("a passphrase", re.compile(rf"-pass(?:in|out)?\s+[\"']?pass:{_VALUE}{{3,}}")),
)
_URL = re.compile(r"://[^\s:/@\"'<>{}$%\\]*:(?P<value>[^\s/:@\"'<>{}$%\\*]{3,})@[A-Za-z0-9]")
_URL_PLACEHOLDER = re.compile(r"(?i)pass(?:word|wd)?|secret|token|x{3,}|y?our.*|change-?me|pw|placeholder|redacted")
# What stands for a value is none: an expansion, a template, a switch, a path.
_NO_VALUE = re.compile(r"(?i)\s*|\$\{?\w.*|.*(?:\{\{|\$\{).*|<.*>|%.*%|__\w+__|true|false|yes|no|on|off|none|null|[01]")
_PATHLIKE = re.compile(r"(?:/|\./|~/).*|/run/secrets/.*")
_LINE = re.compile(r"^\s*(?:export\s+)?([A-Za-z_][\w.]*)\s*[=:]\s*(.*?)\s*$", re.MULTILINE)
_MOUNTED = "/run/secrets/"


def secrets(subject: Subject) -> Iterator[Finding]:
    """A secret in an instruction: ENV, ARG, LABEL, RUN, COPY, ADD, and what the image starts."""
    facts = subject.facts
    for name, arg in facts.global_args.items():
        yield from _in_arg(subject, name, arg)
    for stage in facts.stages:
        for name, arg in stage.args.items():
            # An ARG of a stage repeats the one from before FROM.
            outer = facts.global_args.get(name)
            if outer is None or outer.value != arg.value:
                yield from _in_arg(subject, name, arg)
        yield from _in_values(subject, "ENV", stage.own_env)
        yield from _in_values(subject, "LABEL", stage.own_labels)
        for run in stage.own_runs:
            yield from _in_run(subject, run)
        for copy in stage.own_copies:
            yield from _in_copy(subject, copy)
        for name, command in _commands(stage):
            if why := _in_text(" ".join(command.argv)):
                yield subject.at(command.line, f"{name} holds a secret ({why}).")


def _commands(stage: StageFacts) -> Iterator[tuple[str, Command]]:
    parent = stage.parent
    probe = stage.healthcheck.command if stage.healthcheck else None
    inherited = (parent.cmd, parent.entrypoint) if parent else ()
    for name, command in (("CMD", stage.cmd), ("ENTRYPOINT", stage.entrypoint), ("HEALTHCHECK", probe)):
        if command is not None and command not in inherited:
            yield name, command


def _in_arg(subject: Subject, name: str, arg: Located[str | None]) -> Iterator[Finding]:
    if find_variables({name: "given"}) and (arg.value is None or _is_value(arg.value)):
        yield subject.at(arg.line, f"ARG {name} hands a secret to the build; its value stays in the history.", name)
    elif arg.value and (why := _in_value(name, arg.value)):
        yield subject.at(arg.line, f"ARG {name} holds a secret ({why}).", name)


def _in_values(subject: Subject, instruction: str, values: Mapping[str, Located[str]]) -> Iterator[Finding]:
    for name, located in values.items():
        if find_variables({name: located.value}) and _is_value(located.value):
            yield subject.at(located.line, f"{instruction} {name} holds a secret.", name)
        elif why := _in_value(name, located.value):
            yield subject.at(located.line, f"{instruction} {name} holds a secret ({why}).", name)


def _in_value(name: str, value: str) -> str:
    found = find_secrets(f"{name}={value}".encode(), code=False)
    return found[0] if found else _in_url(value)


def _is_value(value: str) -> bool:
    return not _NO_VALUE.fullmatch(value) and not _PATHLIKE.fullmatch(value)


def _in_url(text: str) -> str:
    values = (match["value"] for match in _URL.finditer(text))
    return "a password in a URL" if any(not _URL_PLACEHOLDER.fullmatch(value) for value in values) else ""


def _in_text(text: str) -> str:
    """What of a text is a secret; "" for nothing."""
    found = find_secrets(text.encode(), code=False)
    if found:
        return found[0]
    return _in_url(text) or next((name for name, pattern in _IN_TEXT if pattern.search(text)), "")


def _in_run(subject: Subject, run: RunInstruction) -> Iterator[Finding]:
    text = "\n".join((" ".join(run.command.argv), *(heredoc.content for heredoc in run.heredocs)))
    if _MOUNTED in text and "://" not in text:
        return
    why = _in_text(text) or _assigned(run)
    if why:
        yield subject.at(run.line, f"RUN holds a secret ({why}): it stays in the history.")


def _assigned(run: RunInstruction) -> str:
    """The variable of the shell that is named like a secret and gets a value; "" for none."""
    for simple in commands(run, {}) or ():
        pairs = [*simple.assigned]
        if simple.program in {"export", "env"}:
            words = [word.partition("=") for word in simple.words[1:] if word]
            pairs += [(name, value) for name, equals, value in words if equals]
        for name, value in pairs:
            if value and _is_value(value) and find_variables({name: value}):
                return f"the variable {name}"
    return ""


def _in_copy(subject: Subject, copy: Copy) -> Iterator[Finding]:
    for heredoc in copy.heredocs:
        lines = _LINE.findall(heredoc.content)
        named = [name for name, value in lines if _is_value(value.strip("\"'")) and find_variables({name: value})]
        if named or (why := _in_text(heredoc.content)):
            why = f"the value of {named[0]}" if named else why
            yield subject.at(copy.line, f"The here-document {heredoc.name} holds a secret ({why}).")
    for source in copy.sources:
        if "://" in source and (why := _in_text(source)):
            yield subject.at(copy.line, f"{copy.name} holds a secret ({why}).")
