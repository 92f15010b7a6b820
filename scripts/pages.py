"""The page of each check in docs/checks: claim, remedy, an example before and after, and what proves it."""

from __future__ import annotations

import ast
import difflib
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_lucid.config import toml
from pytest_lucid.config.check import describe

ROOT = Path(__file__).parents[1]
CASES = ROOT / "tests" / "unit" / "audit" / "cases"
sys.path.append(str(ROOT / "tests" / "proof"))

from catalogue import MUTATIONS  # noqa: E402 - found by the line above
from mutation import FileMutation, ImageMutation, Mutation  # noqa: E402 - likewise
from suite import SUITES, read_marks, read_suite  # noqa: E402 - likewise

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pytest_lucid.config.check import Check

# Of a file that is longer, a page shows the name only.
SHOWN_LINES = 40
HEAD = """# The checks

Made by `nox -s docs` from the checks themselves, from their cases, and from the catalogue of planted defects.

| check | severity | claim |
| --- | --- | --- |
"""


@dataclass(frozen=True)
class Tree:
    """One case of a check on Dockerfiles: path → text of the files that are text, and the findings that are right."""

    files: Mapping[str, str]
    findings: Sequence[str]

    @property
    def text(self) -> str:
        """Everything in the tree, for comparing two trees."""
        return "".join(f"{path}\n{text}\n" for path, text in sorted(self.files.items()))


def read_tree(folder: Path) -> Tree:
    """The files of a case; one that is not UTF-8 is left out."""
    expect = toml.loads((folder / "expect.toml").read_text("utf-8"))
    files = {}
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.name != "expect.toml":
            try:
                files[path.relative_to(folder).as_posix()] = path.read_text("utf-8")
            except UnicodeDecodeError:
                continue
    return Tree({**files, **expect.get("files", {})}, tuple(expect.get("findings", ())))


def closest(identity: str) -> tuple[Tree, Tree] | None:
    """The caught tree and the near miss of a check that differ least; None where the check has no such cases."""
    caught, missed = (
        [read_tree(f) for f in sorted((CASES / identity).glob(f"{kind}-*"))] for kind in ("catch", "miss")
    )
    pairs = [(before, after) for before in caught for after in missed if before.text != after.text]

    def likeness(pair: tuple[Tree, Tree]) -> float:
        return difflib.SequenceMatcher(None, pair[0].text, pair[1].text, autojunk=False).ratio()

    return max(pairs, key=likeness, default=None)


def files_that_tell(tree: Tree, other: Tree) -> str:
    """The Dockerfile of a tree and what differs from the other tree, in Markdown."""
    shown = []
    for path, text in tree.files.items():
        if "Dockerfile" in path or other.files.get(path) != text:
            lines = text.rstrip().splitlines() or ["(empty)"]
            body = lines if len(lines) <= SHOWN_LINES else [f"({len(lines)} lines)"]
            kind = "dockerfile" if "Dockerfile" in path else "text"
            shown.append(f"`{path}`\n\n````{kind}\n" + "\n".join(body) + "\n````\n")
    return "\n".join(shown)


def of_dockerfiles(identity: str) -> str:
    """Before and After of a check on Dockerfiles: two of its cases that run in the tests of the rules."""
    pair = closest(identity)
    if pair is None:
        return ""
    before, after = pair
    findings = "\n".join(f"    {finding}" for finding in before.findings)
    return (
        f"\n## Before\n\n{files_that_tell(before, after)}\nFound:\n\n{findings}\n"
        f"\n## After\n\n{files_that_tell(after, before)}\nFound: nothing.\n"
    )


def of_images(proofs: Sequence[Mutation], remedy: str) -> str:
    """Before and After of a check on images: the smallest planted defect."""

    def size(mutation: Mutation) -> tuple[bool, int]:
        return not isinstance(mutation, ImageMutation), len(mutation.kills)

    for defect in sorted(proofs, key=size):
        match defect:
            case ImageMutation(instructions=lines):
                before = f"The Dockerfile ends with these lines: {defect.name}.\n\n````dockerfile\n{lines}\n````\n"
            case FileMutation(change=change):
                before = f"A healthy image with this change, as its test has it:\n\n````text\n{change}\n````\n"
            case _:
                continue
        return f"\n## Before\n\n{before}\n## After\n\nThe same image without the change. {remedy}\n"
    return ""


def scopes() -> dict[str, str]:
    """What each check looks at: id → the first sentence of the module that the check is in."""
    found = {}
    for file in (file for suite in SUITES for file in sorted(suite.rglob("test_*.py"))):
        tree = ast.parse(file.read_text("utf-8"))
        first = " ".join((ast.get_docstring(tree) or "").split()).partition(". ")[0].removesuffix(".")
        found.update({check.id: first for check, _ in read_marks(file)})
    return found


def pages() -> dict[str, str]:
    """Every page: file name → Markdown. README.md is the table of all checks."""
    proofs: dict[str, list[Mutation]] = {}
    for mutation in MUTATIONS:
        for identity in sorted(mutation.proves):
            proofs.setdefault(identity, []).append(mutation)
    scope = scopes()
    rows, found = [], {}
    for check, docstring in sorted(read_suite(), key=lambda pair: pair[0].id):
        found[f"{check.id}.md"] = _page(check, docstring, scope[check.id], proofs.get(check.id, []))
        claim = " ".join(docstring.split()).replace("|", "\\|")
        rows.append(f"| [{check.id}]({check.id}.md) | {check.severity} | {claim} |\n")
    return {**found, "README.md": HEAD + "".join(rows)}


def _page(check: Check, docstring: str, scope: str, proofs: Sequence[Mutation]) -> str:
    names = "\n".join(f"- {mutation.name}" for mutation in proofs) or "- nothing yet"
    example = of_dockerfiles(check.id) or of_images(proofs, check.remedy)
    return (
        f"# {describe(check, docstring)}\n- Scope: {scope}\n- Since: {check.since}\n{example}\n"
        f"## Proven by these planted defects\n\n{names}\n"
    )


def write_pages(folder: Path) -> None:
    """Make `folder` hold the pages, and no page of a check that is gone."""
    folder.mkdir(exist_ok=True)
    wanted = pages()
    for stale in {file.name for file in folder.glob("*.md")} - set(wanted):
        (folder / stale).unlink()
    for name, text in wanted.items():
        (folder / name).write_text(text, "utf-8", newline="\n")
