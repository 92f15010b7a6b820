"""What the health check of an image asks, by its argv. Whether the service answers is for those who look at it live."""

from __future__ import annotations

import ast
import posixpath
import re
from itertools import pairwise
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from pytest_lucid.image.inventory import Inventory

_PYTHON = re.compile(r"python(?:3(?:\.\d+)?)?")
_URL = re.compile(r"https?://[^\s'\"()<>,;\\]+")
# The rest is put together at run time.
_CONTINUED = re.compile(r"['\"]\s*[+%.]")
_SELF = frozenset({"localhost", "127.0.0.1", "0.0.0.0", "::1"})  # noqa: S104 - read, not bound
_DEFAULT_PORTS = {"http": 80, "https": 443}


def probe_problems(
    argv: tuple[str, ...], inventory: Inventory, ports: Collection[int], path: str | None
) -> Iterator[str]:
    """Yield what is wrong with what a health check (its argv) asks of a service that listens at `ports`.

    `path` is what it must ask for, None where any will do.

    What is put together at run time, and what a program of the service's own does, is not judged.
    """
    if not argv:
        return
    option = argv[1] if len(argv) > 1 and _PYTHON.fullmatch(posixpath.basename(argv[0])) else ""
    if option == "-m":
        yield from _module(argv[2] if len(argv) > 2 else "", inventory)  # noqa: PLR2004 - PROGRAM -m MODULE
        return
    text = " ".join(argv)
    addresses = list(_addresses(argv[2])) if option == "-c" and len(argv) > 2 else []  # noqa: PLR2004 - likewise
    for url in _URL.finditer(text):
        try:
            parts = urlsplit(url.group())
            host, port = parts.hostname, parts.port
        except ValueError:
            continue
        if host not in _SELF or _is_composed(text, url):
            continue
        addresses.append(port or _DEFAULT_PORTS[parts.scheme])
        if path and parts.path != path:
            yield f"it asks {parts.path or '/'}; the matrix demands {path}"
    for port in addresses:
        if port not in ports:
            known = ", ".join(map(str, sorted(ports)))
            yield f"it asks port {port}; the matrix gives the service {known}"
    if option == "-c" and not addresses and "PORT" not in text and not _URL.search(text):
        yield "it asks the service nothing"


def _is_composed(text: str, url: re.Match[str]) -> bool:
    whole = url.group()
    return whole.endswith(":") or "{" in whole or "$" in whole or _CONTINUED.match(text, url.end()) is not None


def _module(name: str, inventory: Inventory) -> Iterator[str]:
    path = name.replace(".", "/")
    ends = (f"/{path}.py", f"/{path}/__main__.py")
    if not name or not any(f"/{entry.path}".endswith(ends) for entry in inventory.files):
        yield f"it runs the module {name!r}, which is not in the image"


def _addresses(code: str) -> Iterator[int]:
    """Yield each port of this machine that code names beside a host, as in `("127.0.0.1", 80)`."""
    try:
        nodes = list(ast.walk(ast.parse(code)))
    except (SyntaxError, ValueError, RecursionError):
        return
    for node in nodes:
        parts = node.elts if isinstance(node, ast.Tuple) else node.args if isinstance(node, ast.Call) else []
        for host, port in pairwise(parts):
            both = isinstance(host, ast.Constant) and isinstance(port, ast.Constant)
            if both and host.value in _SELF and isinstance(port.value, int):  # type: ignore[attr-defined]
                yield port.value  # type: ignore[attr-defined]
