"""What people read after a run. It is given outcomes and returns text; it runs nothing."""

from pytest_lucid.report.cells import Cell, Outcome
from pytest_lucid.report.terminal import render_findings, render_matrix

__all__ = ["Cell", "Outcome", "render_findings", "render_matrix"]
