"""Write the endpoints of docs/services.md from what the services themselves serve: `nox -s docs`.

With --check it only tells whether the page is what it would write, as `nox -s lint` does. It needs what the services
run on.
"""

from __future__ import annotations

import importlib
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "services.md"
SOURCES = ("common", "03-api-gateway", "blockchain", "service-mesh")
# Package → name, in the order of the page.
SERVICES = {
    "lucid_api_gateway": "lucid-api-gateway",
    "lucid_blockchain_engine": "lucid-blockchain-engine",
    "lucid_session_anchoring": "lucid-session-anchoring",
    "lucid_block_manager": "lucid-block-manager",
    "lucid_data_chain": "lucid-data-chain",
    "lucid_service_mesh_controller": "lucid-service-mesh-controller",
}
sys.path[:0] = [str(ROOT / folder) for folder in SOURCES]


def endpoints(package: str) -> str:
    """The table of one service's own endpoints, from its OpenAPI document."""
    openapi = importlib.import_module("lucid_service.openapi")
    operations = importlib.import_module(f"{package}.handlers").OPERATIONS
    document: dict[str, Any] = openapi.document(SERVICES[package], "", operations)
    rows = ["| method | path | what it does | answers | token |", "| --- | --- | --- | --- | --- |"]
    rows += _rows(document)
    return "\n".join(rows) + "\n"


def _rows(document: dict[str, Any]) -> Iterator[str]:
    for path, methods in document["paths"].items():
        for method, about in methods.items():
            answers = ", ".join(status for status in about["responses"] if status != "default")
            token = "yes" if "security" in about else ""
            yield f"| {method.upper()} | `{path}` | {about['summary']} | {answers} | {token} |"


def written(text: str) -> str:
    """The page with every table as it is now."""
    for package in SERVICES:
        block = re.compile(rf"(<!-- begin {package} -->\n).*?(<!-- end {package} -->)", re.DOTALL)
        text, count = block.subn(lambda match, package=package: match[1] + endpoints(package) + match[2], text)  # type: ignore[misc]
        if count != 1:
            raise SystemExit(f"{PAGE}: expected one block called {package}, found {count}")
    return text


def main() -> int:
    """Write the page, or say that it is stale."""
    before = PAGE.read_text("utf-8")
    after = written(before)
    if sys.argv[1:] != ["--check"]:
        PAGE.write_text(after, "utf-8")
    elif before != after:
        sys.stderr.write(f"{PAGE.name} is not what the services serve: run `nox -s docs`\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
