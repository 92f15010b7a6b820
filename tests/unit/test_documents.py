from __future__ import annotations

import runpy
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_readme_has_the_table_of_options_as_it_is() -> None:
    script = runpy.run_path(str(ROOT / "scripts" / "document.py"))
    readme = (ROOT / "README.md").read_text("utf-8")
    assert script["write"](readme, "options", script["options"]()) == readme, "run `nox -s docs`"
