"""An interpreter's answer is kept for as long as everything is the same that it depends on, and no longer."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from pytest_lucid.errors import EngineError
from pytest_lucid.image.config import Image
from pytest_lucid.image.probe import Probe, probe

if TYPE_CHECKING:
    from pathlib import Path

ANSWER = json.dumps({"error": "", "distributions": {"six": "1"}, "bytecode": [], "version": [3, 11, 2]}).encode()


@dataclass
class Engine:
    """Starts containers that say `answer`, and counts them."""

    identity: str = "one"
    version: str = "26.1"
    answer: bytes = ANSWER
    started: int = 0
    client: Any = field(init=False)

    def __post_init__(self) -> None:
        self.client = SimpleNamespace(containers=SimpleNamespace(create=self.create))

    def create(self, **_: object) -> Any:
        self.started += 1
        quiet = SimpleNamespace(start=lambda: None, wait=lambda **_: None, remove=lambda **_: None)
        quiet.logs = lambda **_: self.answer
        return quiet


def ask(engine: Engine, folder: Path | None, identity: str = "sha256:1", user: str = "65532:65532") -> Probe:
    config = {"Entrypoint": ["python", "-m", "app.main"], "Env": ["PYTHONPATH=/app"]}
    return probe(engine, Image("x", {"Id": identity, "Config": config}), user, {}, folder)  # type: ignore[arg-type]


def test_the_same_question_starts_one_container(tmp_path: Path) -> None:
    engine = Engine()
    assert ask(engine, tmp_path) == ask(engine, tmp_path)
    assert engine.started == 1


@pytest.mark.parametrize(
    ("engine", "options"),
    [
        (Engine(), {"identity": "sha256:2"}),
        (Engine(), {"user": "1:1"}),
        (Engine(identity="another"), {}),
        (Engine(version="27.0"), {}),
    ],
    ids=["image", "user", "engine", "engine's version"],
)
def test_an_answer_holds_for_what_it_depends_on(tmp_path: Path, engine: Engine, options: dict[str, str]) -> None:
    ask(Engine(), tmp_path)
    ask(engine, tmp_path, **options)
    assert engine.started == 1


def test_without_a_cache_every_question_is_asked() -> None:
    engine = Engine()
    ask(engine, None)
    ask(engine, None)
    assert engine.started == 2


def test_no_answer_is_not_kept(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match="gave no answer; its last lines:\n  Killed"):
        ask(Engine(answer=b"Killed"), tmp_path)
    assert not list(tmp_path.rglob("*.json"))


def test_what_is_kept_and_cannot_be_read_is_asked_again(tmp_path: Path) -> None:
    engine = Engine()
    found = ask(engine, tmp_path)
    (kept,) = tmp_path.rglob("*.json")
    kept.write_bytes(b"{")
    assert ask(engine, tmp_path) == found
    assert engine.started == 2
    assert kept.read_bytes() == ANSWER
