"""Makes the Python code of the engine's gRPC interface from chain.proto; `nox -s protocol` runs it.

The code is committed, so that no image needs a compiler; a test makes it anew and compares.
"""

from __future__ import annotations

import sys
from importlib.resources import files
from pathlib import Path

from grpc_tools import protoc

SOURCES = Path(__file__).parents[1] / "blockchain"
PROTO = "lucid_chain/rpc/chain.proto"


def generate(target: Path) -> int:
    """Write the modules and their stubs below the directory `target`; return protoc's exit code."""
    options = (f"--python_out={target}", f"--pyi_out={target}", f"--grpc_python_out={target}")
    own = files("grpc_tools") / "_proto"
    code: int = protoc.main(["protoc", f"-I{SOURCES}", f"-I{own}", *options, PROTO])
    return code


if __name__ == "__main__":
    sys.exit(generate(Path(sys.argv[1]) if sys.argv[1:] else SOURCES))
