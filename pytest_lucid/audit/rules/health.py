"""Rules about HEALTHCHECK: whether there is one, and its times; the program that it starts is for `start`."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_lucid.audit.finding import Finding
    from pytest_lucid.audit.subject import Subject
    from pytest_lucid.dockerfile.facts import HealthcheckInstruction
    from pytest_lucid.matrix import Health

# The engine's own values where a flag is not given.
_INTERVAL, _TIMEOUT, _RETRIES = 30.0, 30.0, 3


def short_start(subject: Subject, check: HealthcheckInstruction, demanded: Health) -> Iterator[Finding]:
    """A start period below the one of the matrix."""
    shortest = demanded.start_period or 0
    if check.start_period is not None and check.start_period < shortest:
        short = f"A start period of {check.start_period:g} s is short"
        message = f"{short}: on a Raspberry Pi all services start at once; give at least {shortest:g} s."
        yield subject.at(check.line, message, "--start-period")


def missing_health_check(subject: Subject) -> Iterator[Finding]:
    """A service without a health check, or with other times than the matrix demands."""
    final, demanded = subject.final, subject.row.health
    if final is None or demanded is None or demanded.interval is None:
        return
    check = final.healthcheck
    if check is None:
        yield subject.at(final.line, "The final stage has no HEALTHCHECK.")
    elif check.command is None:
        yield subject.at(check.line, "HEALTHCHECK NONE switches the health check off.")
    else:
        times = (
            _INTERVAL if check.interval is None else check.interval,
            _TIMEOUT if check.timeout is None else check.timeout,
            _RETRIES if check.retries is None else check.retries,
        )
        yield from short_start(subject, check, demanded)
        expected = (demanded.interval, demanded.timeout, demanded.retries)
        if times != expected:
            stated = "{:g} s, timeout {:g} s, {} retries".format(*times)
            wanted = "{:g} s, timeout {:g} s, {} retries".format(*expected)
            yield subject.at(check.line, f"The health check runs every {stated}; expected every {wanted}.")
