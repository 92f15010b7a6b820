"""What people and machines read after a run. A writer is given a report and returns text; it runs nothing."""

from pytest_lucid.report.model import CellRecord, Outcome, Place, RunRecord, RunReport, ServiceRecord

__all__ = ["CellRecord", "Outcome", "Place", "RunRecord", "RunReport", "ServiceRecord"]
