"""The writers of files, by the name of their option: each is given a report and returns the text of the file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_lucid.report import (
    checkstyle,
    code_quality,
    csv_file,
    html_file,
    json_file,
    junit,
    markdown,
    prometheus,
    sarif,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pytest_lucid.report.model import RunReport

WRITERS: Mapping[str, Callable[[RunReport], str]] = {
    "report": html_file.write,
    "json": json_file.write,
    "junit": junit.write,
    "sarif": sarif.write,
    "code_quality": code_quality.write,
    "checkstyle": checkstyle.write,
    "summary": markdown.write,
    "prometheus": prometheus.write,
    "csv": csv_file.write,
}
