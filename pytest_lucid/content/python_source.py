"""What a Python source file says of what is forbidden, by its syntax tree. Comments and docstrings do not run."""

from __future__ import annotations

import ast
import io
import tokenize
import unicodedata
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_lucid.content.forbidden import Vocabulary


_DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
# In these, ASCII text is what it looks like; in UTF-7, say, it is not.
_PLAIN_ENCODINGS = ("utf-8", "utf-8-sig", "iso-8859-1", "ascii")


@dataclass(frozen=True, slots=True)
class PythonMentions:
    """What a file says of what is forbidden: the modules it imports, its names and strings.

    `imports` counts all imports.
    """

    modules: tuple[str, ...] = ()
    words: tuple[str, ...] = ()
    imports: int = 0


NO_MENTIONS = PythonMentions()


def scan_python(source: bytes, vocabulary: Vocabulary, *, own: bool) -> PythonMentions:
    """Read a source file; that of others (not `own`) is parsed only when a forbidden word stands in it somewhere.

    A file that is no Python of this interpreter's version is judged as text.
    """
    try:
        encoding, _ = tokenize.detect_encoding(io.BytesIO(source).readline)
        if not own and encoding in _PLAIN_ENCODINGS and source.isascii() and not vocabulary.may_be_in(source):
            return NO_MENTIONS
        text = source.decode(encoding)
    except (SyntaxError, UnicodeDecodeError, LookupError):
        text = source.decode("latin-1")
    # Python reads identifiers in this normal form, so that look-alike letters are no hiding place.
    normal = text if text.isascii() else unicodedata.normalize("NFKC", text)
    if not own and not vocabulary.found_in(normal):
        return NO_MENTIONS
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError):
        return PythonMentions(words=vocabulary.tokens_in(normal))
    modules = [name for node in ast.walk(tree) for name in _imported(node)]
    words = [token for text in _words(tree) for token in vocabulary.tokens_in(text)]
    found = tuple(dict.fromkeys(name for name in modules if vocabulary.found_in(name)))
    return PythonMentions(found, tuple(dict.fromkeys(words)), len(modules))


def _imported(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        yield from (f"{node.module or '.'}.{alias.name}" for alias in node.names)


def _words(tree: ast.AST) -> Iterator[str]:
    """Yield every identifier and string that is no import and no docstring."""
    nodes = list(ast.walk(tree))
    docstrings = {id(value) for node in nodes if (value := _docstring(node))}
    for node in nodes:
        if isinstance(node, ast.Constant):
            if isinstance(node.value, bytes):
                yield node.value.decode("latin-1")
            elif isinstance(node.value, str) and id(node) not in docstrings:
                yield node.value
        elif isinstance(node, ast.alias):
            yield node.asname or ""
        elif not isinstance(node, ast.ImportFrom):
            yield from (value for _, value in ast.iter_fields(node) if isinstance(value, str))


def _docstring(node: ast.AST) -> ast.expr | None:
    first = node.body[0] if isinstance(node, _DOCUMENTED) and node.body else None
    return first.value if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) else None
