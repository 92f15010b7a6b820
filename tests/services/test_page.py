from __future__ import annotations

import runpy
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def test_page_of_services_has_their_endpoints_as_they_are(root: Path) -> None:
    script = runpy.run_path(str(root / "scripts" / "services.py"))
    page = (root / "docs" / "services.md").read_text("utf-8")
    assert script["written"](page) == page, "run `python scripts/services.py`"
