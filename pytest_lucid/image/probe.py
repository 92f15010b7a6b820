"""What the interpreter inside an image can import, asked in a throw-away container.

It has no network, nothing to write to and no privileges. What the service does when it runs belongs to the facts about
containers.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from docker.types import LogConfig
from pydantic import BaseModel

from pytest_lucid.config.cache import keep, read_kept
from pytest_lucid.engine.connection import engine_errors
from pytest_lucid.errors import EngineError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from pytest_lucid.engine.connection import Engine
    from pytest_lucid.image.config import Image

_DEADLINE_SECONDS = 60
_MEMORY_BYTES = 256 << 20
_PIDS = 64
_SHOWN_LINES = 5
_MOST_PRINTED = "4m"


class _ProbeReport(BaseModel):
    """What the script prints in the image. The image may print something else in its place."""

    error: str
    distributions: dict[str, str | None]
    bytecode: list[str]
    version: list[int]


@dataclass(frozen=True)
class Probe:
    """What the interpreter answered: `error` is that of importing the entry module, empty when it imports.

    `distributions` (name → version) are those that it finds, `bytecode` the sources of the service's own code whose
    compiled file holds another program, `version` is the interpreter's.
    """

    module: str
    error: str
    distributions: Mapping[str, str]
    bytecode: tuple[str, ...]
    version: tuple[int, ...]


def entry_module(image: Image) -> str | None:
    """Return the module that the image's command runs with `-m`; None where it runs none."""
    argv = image.argv
    at = argv.index("-m") + 1 if "-m" in argv else len(argv)
    return argv[at] if at < len(argv) else None


def probe(
    engine: Engine, image: Image, user: str | None, labels: Mapping[str, str], cache: Path | None = None
) -> Probe:
    """Ask the interpreter of an image that starts with `PROGRAM -m MODULE`; the container runs as `user` (uid:gid).

    An answer is kept below `cache`, and given again where everything is the same that it depends on: the image, the
    engine, and how the container is made. Raises EngineError where no answer comes: then nothing is known, which is not
    the same as a failed import.
    """
    module = entry_module(image)
    if module is None:
        raise EngineError(f"{image.reference} runs no module (`python -m …`), so none can be imported: {image.argv}")
    script = (files("pytest_lucid.image") / "probe_script.py").read_text("utf-8")
    folders = [folder for folder in image.environment.get("PYTHONPATH", "").split(":") if folder]
    options = _options(image, user, [image.argv[0], "-c", script, module, *folders])
    kept = cache / "imports" / f"{_digest(engine, options)}.json" if cache else None
    if kept and (found := _parsed(module, read_kept(kept))):
        return found
    answer = _run(engine, image, labels, options)
    found = _parsed(module, answer)
    if found is None:
        shown = "\n  ".join(answer.decode("utf-8", "replace").splitlines()[-_SHOWN_LINES:])
        raise EngineError(f"{image.argv[0]} of {image.reference} gave no answer; its last lines:\n  {shown}")
    if kept:
        keep(kept, answer)
    return found


def _parsed(module: str, answer: bytes | None) -> Probe | None:
    try:
        report = _ProbeReport.model_validate_json(answer or b"")
    except ValueError:
        return None
    return Probe(
        module=module,
        error=report.error,
        distributions={name: version or "" for name, version in report.distributions.items()},
        bytecode=tuple(report.bytecode),
        version=tuple(report.version),
    )


def _options(image: Image, user: str | None, argv: Sequence[str]) -> dict[str, Any]:
    """How the container is made, but for the labels of the run."""
    return {
        "image": image.id,
        "entrypoint": argv[:1],
        "command": argv[1:],
        "user": user,
        "network_disabled": True,
        "network_mode": "none",
        "read_only": True,
        "cap_drop": ["ALL"],
        "security_opt": ["no-new-privileges:true"],
        "mem_limit": _MEMORY_BYTES,
        "pids_limit": _PIDS,
        "healthcheck": {"test": ["NONE"]},
        # What the image prints is kept on the host's disk, and read from there.
        "log_config": LogConfig(type=LogConfig.types.JSON, config={"max-size": _MOST_PRINTED}),
    }


def _digest(engine: Engine, options: Mapping[str, Any]) -> str:
    """Name all that an answer depends on."""
    return hashlib.sha256(repr((engine.identity, engine.version, options)).encode()).hexdigest()


def _run(engine: Engine, image: Image, labels: Mapping[str, str], options: Mapping[str, Any]) -> bytes:
    with engine_errors(f"starting the interpreter of {image.reference}"):
        container = engine.client.containers.create(labels=dict(labels), **options)
        try:
            container.start()
            container.wait(timeout=_DEADLINE_SECONDS)
            said: bytes = container.logs(stdout=True, stderr=False) or container.logs()
        finally:
            container.remove(force=True, v=True)
    return said
