"""Write what the documents show from what the project does: `nox -s docs`.

A block between `<!-- begin NAME -->` and `<!-- end NAME -->` is replaced by what the function NAME below returns.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

from pytest_lucid.config.check import describe
from pytest_lucid.config.settings import OPTIONS

ROOT = Path(__file__).parents[1]
sys.path.append(str(ROOT / "tests" / "proof"))

from catalogue import MUTATIONS  # noqa: E402 - found by the line above
from suite import read_suite  # noqa: E402 - likewise

SHOWN_ROWS = 3
BLOCK = r"(<!-- begin {name} -->\n).*?(<!-- end {name} -->)"


def options() -> str:
    """The table of all options."""
    rows = ["| command line | environment | ini | what it does |", "| --- | --- | --- | --- |"]
    for option in OPTIONS:
        flag = f"{option.flag} {option.metavar}" if option.metavar else option.flag
        rows.append(f"| `{flag}` | `{option.variable}` | `{option.ini}` | {option.help} |")
    return "\n".join(rows) + "\n"


def checks() -> str:
    """Every check of the suite: what it claims, why it matters, what to do, and which defects prove it."""
    proofs: dict[str, list[str]] = {}
    for mutation in MUTATIONS:
        for identity in sorted(mutation.proves):
            proofs.setdefault(identity, []).append(mutation.name)
    sections = []
    for check, docstring in sorted(read_suite(), key=lambda pair: pair[0].id):
        proven = "; ".join(proofs.get(check.id, [])) or "nothing yet"
        sections.append(f"## {describe(check, docstring)}\n- Proven by: {proven}\n")
    head = "# The checks\n\nMade by `nox -s docs` from the checks themselves and from the catalogue of defects.\n"
    return "\n".join((head, *sections))


def run() -> str:
    """What `pytest --lucid-up` prints, from a real run; of each family of checks only the first rows."""
    command = [sys.executable, "-m", "pytest", "--lucid-up", "--color=no", "--no-header"]
    output = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout  # noqa: S603 - argv only
    shown: list[str] = []
    rows: Counter[str] = Counter()
    for line in output.splitlines():
        family = match[1] if (match := re.match(r"([A-Z]+)-[A-Z-]+ +[.sx ]", line)) else None
        rows.update([family] if family else [])
        if family is None or rows[family] <= SHOWN_ROWS:
            shown.append(line)
        elif rows[family] == SHOWN_ROWS + 1:
            shown.append("⋮")
    text = "\n".join(shown)
    return f"```text\n$ pytest --lucid-up --no-header\n{text}\n```\n"


def write(document: str, name: str, content: str) -> str:
    """Replace the block called `name` in the text of a document."""
    pattern = re.compile(BLOCK.format(name=name), re.DOTALL)
    replaced, count = pattern.subn(lambda match: f"{match[1]}{content}{match[2]}", document)
    if count != 1:
        raise SystemExit(f"expected one block called {name}, found {count}")
    return replaced


if __name__ == "__main__":
    readme = ROOT / "README.md"
    text = readme.read_text("utf-8")
    for produce in (options, run):
        text = write(text, produce.__name__, produce())
    readme.write_text(text, "utf-8")
    (ROOT / "docs" / "checks.md").write_text(checks(), "utf-8")
