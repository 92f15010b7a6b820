"""What a build makes before the image is built: files that a clone lacks, and the evidence that they are products."""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING

from pytest_lucid.dockerfile.ignore import parse_ignore

if TYPE_CHECKING:
    from pytest_lucid.audit.source_tree import SourceTree
    from pytest_lucid.audit.subject import Subject

_PLATFORM = re.compile(r"\$\{?TARGET(?:PLATFORM|OS|ARCH|VARIANT)")
# Far above what people write: the work grows with the square of the depth.
_LONGEST_PATH = 1024
_MAKEFILES = ("Makefile", "makefile", "GNUmakefile")


def built_before(subject: Subject, line: int, source: str) -> str:
    """Why a source of the instruction at `line` that is not there is made by a build: half a sentence, or ""."""
    path = posixpath.normpath(source.lstrip("/"))
    folder = _within(subject)
    if folder is None or len(path) > _LONGEST_PATH:
        return ""
    full = posixpath.normpath(posixpath.join(folder, path))
    if name := _ignoring(subject.tree, full):
        return f"{name} keeps it out of git"
    if name := _making(subject.tree, full, path):
        return f"{name} makes it"
    # The last word is the destination.
    named = any(_PLATFORM.search(word) for word in subject.arguments.get(line, "").split()[:-1])
    return "its name has the platform that is built for" if named else ""


def _within(subject: Subject) -> str | None:
    try:
        return subject.context.root.relative_to(subject.tree.root).as_posix()
    except ValueError:
        return None


def _ignoring(tree: SourceTree, path: str) -> str:
    """The .gitignore, relative to the root, that keeps a path out of git; "" for none."""
    parts = path.split("/")
    for depth in range(len(parts)):
        folder = "/".join(parts[:depth])
        text = tree.text(posixpath.join(folder, ".gitignore"))
        if text and parse_ignore(_as_dockerignore(text)).ignores("/".join(parts[depth:])):
            return posixpath.join(folder, ".gitignore")
    return ""


def _as_dockerignore(text: str) -> str:
    """The patterns of git in the other dialect: one without a slash inside matches at any depth."""
    lines = []
    for line in text.splitlines():
        body = line.rstrip()
        if not body or body.startswith("#"):
            continue
        sign, body = ("!", body[1:]) if body.startswith("!") else ("", body)
        body = body.rstrip("/")
        lines.append(f"{sign}{body}" if "/" in body else f"{sign}**/{body}")
    return "\n".join(lines)


def _making(tree: SourceTree, path: str, name: str) -> str:
    """The Makefile, relative to the root, with a rule for a path; "" for none."""
    parts = path.split("/")
    for depth in range(len(parts)):
        folder = "/".join(parts[:depth])
        inner = "/".join(parts[depth:])
        for makefile in _MAKEFILES:
            text = tree.text(posixpath.join(folder, makefile))
            wanted = "|".join(map(re.escape, {inner, name}))
            if text and re.search(
                rf"^(?:[^\s#:][^#:\n]*\s)?(?:\./)?(?:{wanted})(?:\s[^:\n]*)?:(?!=)", text, re.MULTILINE
            ):
                return posixpath.join(folder, makefile)
    return ""
