"""Small trees as cases: a folder with a Dockerfile, the files around it, and `expect.toml`.

expect.toml holds
    case       what the tree shows, in words
    findings   the findings, each as "file:line: message"; a message ends in " …" where its rest is not ours
    path       the Dockerfile; svc/Dockerfile where not stated
    service    true when the Dockerfile has a row of the matrix, or a table with keys of its row
    matrix     a table with keys of the matrix
    files      files that git cannot hold as they are (.git, .gitignore, line ends): a path to its text; "-> x" is a
               link to x
A file of the corpus holds several trees of one kind, each a table [[tree]] with a `name`, with all of its `files`, and
    executable the files with an executable bit
    without    which of the `files` at the top, those of every tree, this tree does not have
In such a file, HASH stands for what pip reads as a hash, and the Dockerfile is /Dockerfile where not stated.
"""

from __future__ import annotations

import json
import re
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pytest_lucid.audit.project import Project
from pytest_lucid.config import toml
from pytest_lucid.matrix import Matrix, load_matrix

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from pytest_lucid.audit.finding import Finding
    from pytest_lucid.audit.subject import Subject

EXPECT = "expect.toml"
ROW: dict[str, Any] = {
    "name": "lucid-x",
    "image": "lucid-x:latest",
    "dockerfile": "svc/Dockerfile",
    "cluster": "02-x",
    "ports": [{"number": 8090}],
}
PEER: dict[str, Any] = {
    "name": "lucid-y",
    "image": "lucid-y:latest",
    "dockerfile": "y/Dockerfile",
    "cluster": "02-x",
    "ports": [{"number": 8091}],
}
HASH = "sha256:" + "cd" * 32
_FINDINGS = r"^findings = \[\]\n|^findings = \[\n.*?^\]\n"


@dataclass(frozen=True)
class Case:
    """One tree, and what `file` says of it: an expect.toml beside the tree's files, or a file that holds several."""

    file: Path
    name: str
    expect: Mapping[str, Any]

    @property
    def path(self) -> str:
        """The Dockerfile, relative to the tree."""
        return str(self.expect.get("path", "svc/Dockerfile"))

    @property
    def findings(self) -> list[str]:
        """The findings that are right."""
        return list(self.expect.get("findings", ()))

    def matches(self, findings: Sequence[Finding]) -> bool:
        """Whether exactly these findings are expected."""
        pairs = zip(self.findings, map(str, findings), strict=False)
        same = (found.startswith(text[:-1]) if text.endswith(" …") else found == text for text, found in pairs)
        return len(self.findings) == len(findings) and all(same)

    def write(self, root: Path) -> None:
        """Write the tree to an existing, empty folder."""
        if self.file.name == EXPECT:
            shutil.copytree(self.file.parent, root, dirs_exist_ok=True, ignore=shutil.ignore_patterns(EXPECT))
        for name, content in self.expect.get("files", {}).items():
            file = root / name
            file.parent.mkdir(parents=True, exist_ok=True)
            if content.startswith("-> "):
                file.symlink_to(content.removeprefix("-> "))
            else:
                file.write_text(content, encoding="utf-8", newline="")
        for name in self.expect.get("executable", ()):
            (root / name).chmod(0o755)

    def subject(self, root: Path, *, needs_row: bool) -> tuple[Matrix, Subject]:
        """The matrix and the Dockerfile of the tree that was written to a folder."""
        stated = self.expect.get("service", needs_row)
        own = stated if isinstance(stated, dict) else {}
        row = {**ROW, "dockerfile": self.path if stated else "x/Dockerfile", **own}
        packaged = load_matrix(None).model_dump(mode="json")
        stated_matrix = {**packaged, "service": [row, PEER], **self.expect.get("matrix", {})}
        matrix = Matrix.model_validate(stated_matrix).inherited()
        project = Project(root, matrix, matrix.service[:1] if stated else (), whole=True)
        if stated:
            return matrix, project.subjects(matrix.service[0])[0]
        return matrix, next(other for other in project.others if other.path == self.path)

    def update(self, findings: Sequence[Finding] | Sequence[str]) -> None:
        """Write the findings of today into the file; a person reads the difference."""
        lines = "".join(f"  {_quoted(str(finding))},\n" for finding in findings)
        text = f"findings = [\n{lines}]\n" if lines else "findings = []\n"
        before, start, rest = self.file.read_text("utf-8").rpartition(f'name = "{self.name}"\n')
        rest = re.sub(_FINDINGS, lambda _: text, rest, count=1, flags=re.MULTILINE | re.DOTALL)
        self.file.write_text(before + start + rest, encoding="utf-8", newline="")


def read_case(folder: Path) -> Case:
    """Read one case."""
    file = folder / EXPECT
    return Case(file, folder.name, toml.loads(file.read_text("utf-8")))


def read_corpus(folder: Path) -> list[Case]:
    """Read every tree of the corpus: of folders that hold one each, and of files that hold several."""
    cases = [read_case(file.parent) for file in folder.glob(f"*/{EXPECT}")]
    for file in folder.glob("*.toml"):
        whole = toml.loads(file.read_text("utf-8"))
        for tree in whole["tree"]:
            files = {name: text.replace("HASH", HASH) for name, text in {**whole["files"], **tree["files"]}.items()}
            for name in tree.get("without", ()):
                del files[name]
            cases.append(Case(file, tree["name"], {"path": "Dockerfile", **tree, "files": files}))
    return sorted(cases, key=lambda case: case.name)


def _quoted(text: str) -> str:
    # JSON's escapes are TOML's too.
    return f"'{text}'" if "'" not in text and text.isprintable() else json.dumps(text, ensure_ascii=False)
