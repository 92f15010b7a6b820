"""Runs the same files through container-structure-test itself and through this plugin, and compares test by test.

`python tests/engine/peers.py [--page FILE] [FOLDER…]`, with the peer on PATH: the files of `structure` beside this one,
and those of the folders, against an image without a shell and one with; each as an image of the engine, as a saved file
and as a running container. Fails where a verdict differs and the table of known differences does not say so.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import docker
from scene import DEBIAN, DISTROLESS

from pytest_lucid import standin
from pytest_lucid.engine.run import Run
from pytest_lucid.errors import ConfigError, LucidError
from pytest_lucid.formats.kinds import read_questions
from pytest_lucid.sidecar.sidecar import TOOLBOX
from pytest_lucid.target.testinfra_hosts import visits
from pytest_lucid.tested.find import UnderTest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_lucid.formats.tested import Question, Tested

CASES = Path(__file__).parent / "structure"
PEER = "container-structure-test"
BOX = "lucid-scratch-peers"
FORMS = ("image on the engine", "saved image", "running container")
SAME, DIFFERS, REFUSED = "same", "differs", "refused"
# Test → the form in which its verdict differs, and why.
KNOWN = {
    "what the engine adds": ("saved image", "a file of the engine's, not of the image"),
}


def peer(file: Path, image: str) -> dict[str, bool]:
    """The verdicts of the peer, by test; two tests of one name are told apart by their number."""
    command = [PEER, "test", "--image", image, "--config", str(file), "--output", "json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    answer = json.loads(done.stdout)["Results"]
    return dict(_numbered((result["Name"], result["Pass"]) for result in answer))


def ours(questions: list[Question], tested: Tested) -> dict[str, bool | None]:
    """This plugin's verdicts; None for a test that it refuses, with a message."""
    return dict(_numbered((question.name, _verdict(question, tested)) for question in questions))


def _verdict(question: Question, tested: Tested) -> bool | None:
    try:
        return not question.ask(tested)
    except ConfigError:
        return None
    except LucidError:
        return False


def _numbered(pairs: Any) -> Iterator[tuple[str, Any]]:
    seen: Counter[str] = Counter()
    for name, verdict in pairs:
        seen[name] += 1
        yield (name if seen[name] == 1 else f"{name} {seen[name]}"), verdict


def compare(file: Path, image: str, forms: dict[str, Tested]) -> tuple[str, list[str]]:
    """A row of the table, and the differences that nothing explains."""
    expected = peer(file, image)
    questions = list(read_questions(file))
    cells, unexplained = [], []
    for form, tested in forms.items():
        counts: Counter[str] = Counter()
        for name, verdict in ours(questions, tested).items():
            known = KNOWN.get(name.partition(": ")[2], ("", ""))[0] == form
            outcome = REFUSED if verdict is None else SAME if verdict == expected.get(name) else DIFFERS
            counts[f"{outcome} (known)" if known and outcome == DIFFERS else outcome] += 1
            if outcome == DIFFERS and not known:
                unexplained.append(f"{file.name}, {image}, {form}, {name}: {expected.get(name)} there")
        if len(expected) != len(questions):
            unexplained.append(f"{file.name}, {image}: {len(expected)} tests there, {len(questions)} here")
        cells.append(", ".join(f"{number} {outcome}" for outcome, number in counts.items()))
    passed = sum(expected.values())
    return (
        f"| `{file.name}` | {image} | {passed} pass, {len(expected) - passed} fail | {' | '.join(cells)} |",
        unexplained,
    )


def report(line: str) -> None:
    """Write a line as soon as it is known."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main() -> int:
    """Compare all; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--page", type=Path)
    parser.add_argument("folders", nargs="*", type=Path)
    given = parser.parse_args()
    files = [file for folder in (CASES, *given.folders) for file in sorted(folder.iterdir())]
    client = docker.from_env()
    standin.ensure(client, [DISTROLESS, DEBIAN, TOOLBOX], report)
    rows = ["| file | image | peer | " + " | ".join(FORMS) + " |", "| --- " * (3 + len(FORMS)) + "|"]
    unexplained: list[str] = []
    tests = UnderTest(Run.new())
    for image in (DISTROLESS, DEBIAN):
        # What the image declares is to be declared by the container, too.
        python = [] if client.images.get(image).attrs["Config"]["Entrypoint"] else ["/usr/bin/python3"]
        command = [*python, "-c", "import time; time.sleep(3000)"]
        box = client.containers.run(image, command, name=BOX, detach=True)
        try:
            with tempfile.TemporaryDirectory() as folder:
                saved = Path(folder, "image.tar")
                with saved.open("wb") as stream:
                    stream.writelines(client.images.get(image).save())
                named = (image, str(saved), f"lucid://{BOX}")
                forms: dict[str, Tested] = {form: tests.find(name) for form, name in zip(FORMS, named, strict=True)}
                for file in files:
                    row, differing = compare(file, image, forms)
                    report(row)
                    rows.append(row)
                    unexplained += differing
        finally:
            tests.close()
            tests = UnderTest(Run.new())
            visits().end()
            box.remove(force=True, v=True)
    report("\n".join(unexplained) or "no difference that is not known")
    if given.page:
        text = given.page.read_text("utf-8")
        block = re.compile(r"(<!-- begin peer -->\n).*?(<!-- end peer -->)", re.DOTALL)
        table = "\n".join(rows)
        given.page.write_text(block.sub(lambda match: f"{match[1]}{table}\n{match[2]}", text), "utf-8")
    return 1 if unexplained else 0


if __name__ == "__main__":
    sys.exit(main())
