"""The metrics of a service, read as Prometheus reads them. Judging them is left to the checks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prometheus_client.parser import text_string_to_metric_families

from pytest_lucid.errors import MissingError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pytest_lucid.inspect.http import Response


def read_metrics(answer: Response) -> Mapping[str, int]:
    """The families of an answer in Prometheus's text format: name → number of samples.

    Raises MissingError where the text is not in that format.
    """
    try:
        return {family.name: len(family.samples) for family in text_string_to_metric_families(answer.text)}
    except ValueError as error:
        raise MissingError(f"{answer.url} is not in Prometheus's text format: {error}") from error
