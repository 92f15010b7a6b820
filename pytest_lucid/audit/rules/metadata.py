"""Rules about what an image says of itself: names, labels, variables, ports, user, as its row of the matrix demands."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_lucid.audit.finding import Finding
    from pytest_lucid.audit.subject import Subject
    from pytest_lucid.dockerfile.facts import Command, StageFacts


def other_name(subject: Subject) -> Iterator[Finding]:
    """A container or an image without the prefix, or a name that the Dockerfile contradicts."""
    row, final = subject.row, subject.final
    for what, name in (("container", row.name), ("image", row.image.rpartition("/")[2])):
        if row.prefix and not name.startswith(row.prefix):
            yield subject.at(1, f"The {what} name {name} lacks the prefix {row.prefix}.")
    if final is None:
        return
    variable = row.contract.service if row.contract else None
    stated = (final.labels.get("service"), final.env.get(variable) if variable else None)
    for located in stated:
        if located and located.value and located.value != row.name:
            yield subject.at(
                located.line, f"The name is {located.value}; the matrix requires {row.name}.", located.value
            )


def other_environment(subject: Subject) -> Iterator[Finding]:
    """A variable that the matrix demands and the image sets otherwise, or not at all."""
    if subject.final is None:
        return
    stated = subject.final.env
    for name, value in (subject.row.variables or {}).items():
        if name not in stated:
            yield subject.at(subject.final.line, f"The final stage does not set {name}={value}.")
        elif stated[name].value != value:
            yield subject.at(
                stated[name].line, f"{name} is {stated[name].value!r}; the matrix requires {value!r}.", name
            )


def other_ports(subject: Subject) -> Iterator[Finding]:
    """A port of the matrix that is not exposed, or another that is."""
    if subject.final is None:
        return
    demanded = {(port.number, port.protocol) for port in subject.row.ports or ()}
    exposed = {(port.number, port.protocol) for port in subject.final.ports}
    for port in subject.final.ports:
        if (port.number, port.protocol) not in demanded:
            yield subject.at(
                port.line,
                f"EXPOSE {port.number}/{port.protocol} is not a port of this service in the matrix.",
                str(port.number),
            )
    for number, protocol in sorted(demanded - exposed):
        shown = number if protocol == "tcp" else f"{number}/{protocol}"
        yield subject.at(subject.final.line, f"The final stage does not expose {shown}.")


def missing_labels(subject: Subject) -> Iterator[Finding]:
    """A label of the matrix that is absent, empty, or says something else than the row."""
    if subject.final is None:
        return
    row, stated = subject.row, subject.final.labels
    demanded_labels = {"service": row.name}
    if row.phase is not None:
        demanded_labels["phase"] = str(row.phase)
    if row.cluster is not None:
        demanded_labels["cluster"] = row.cluster
    for name in row.labels or ():
        label = stated.get(name)
        if label is None:
            yield subject.at(subject.final.line, f"The final stage has no label {name}.")
        elif not label.value.strip():
            why = f": {', '.join(label.unset)} is not set in this stage" if label.unset else ""
            yield subject.at(label.line, f"The label {name} is empty{why}.", name)
        elif name in demanded_labels and label.value != demanded_labels[name]:
            yield subject.at(
                label.line, f"The label {name} is {label.value!r}; the matrix requires {demanded_labels[name]!r}.", name
            )


def other_user(subject: Subject) -> Iterator[Finding]:
    """A final stage that does not run as the user of the matrix, by number."""
    final, demanded = subject.final, (subject.service or subject.matrix).user
    if final is None or demanded is None or not subject.is_lucid:
        return
    if final.user is None:
        yield subject.at(final.line, f"The final stage has no USER; expected {demanded}.")
    elif final.user.value != demanded:
        yield subject.at(
            final.user.line, f"The final stage runs as {final.user.value!r}; expected {demanded}.", final.user.value
        )


def shell_form(subject: Subject) -> Iterator[Finding]:
    """ENTRYPOINT, CMD or a health command in shell form, which needs a shell and keeps signals from the service."""
    final = subject.final
    if final is None or not (subject.is_lucid or (subject.base and not subject.base.has_shell)):
        return
    for name, command in _commands(final):
        if command is not None and command.form == "shell":
            hint = " (an array in JSON has double quotes)" if command.argv[-1].startswith("[") else ""
            lost = "and the base has no shell"
            if subject.base and subject.base.has_shell:
                lost = "so a shell stands between the engine's signals and the service"
            yield subject.at(command.line, f"{name} is in shell form{hint}, {lost}.")


def _commands(final: StageFacts) -> Iterator[tuple[str, Command | None]]:
    yield "ENTRYPOINT", final.entrypoint
    yield "CMD", final.cmd
    yield "HEALTHCHECK", final.healthcheck.command if final.healthcheck else None
