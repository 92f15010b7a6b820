"""Random .dockerignore files and Dockerfiles, compared with what the engine's builder answers.

`python tests/engine/engine_fuzz.py ignore 50000 17` (`nox -s engine_fuzz`) compares so many, made from the seed 17 (16
without one); a test compares a few. An input is known by its kind, the seed and its number. Many sets of patterns go
into one build, each for a folder of its own. Dockerfiles are read by BuildKit's own parser, which the package
`dockerfile` carries.
"""

from __future__ import annotations

import io
import os
import platform
import random
import subprocess
import sys
import tarfile
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_lucid.dockerfile.ignore import parse_ignore
from pytest_lucid.dockerfile.parse import parse
from pytest_lucid.dockerfile.resolve import resolve
from pytest_lucid.standin import debian_packages

if TYPE_CHECKING:
    from collections.abc import Iterator

SEED = 16
BATCH = 250
DEADLINE_SECONDS = 300
ARCHITECTURE = {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())
FILES = ("a", "b.py", ".x", "d/a", "d/b.py", "d/e/a", "d/e/c.md", "d/e/f/b.py", "ab/a", "abc")
PARTS = (
    *("a", "b.py", "d", "e", "f", "*", "**", "?", "a*", "*.py"),
    *("[a-c]", "[^a]", "a?c", ".x", "ab", "abc", "*.*", "\\.x"),
)
PIECES = (
    *("\\\n", "\n", "\\", '"', "'", "#", "# x\n"),
    *("<<EOF\n", "<<-EOF\n", "EOF\n", "$", "${A", "`", " ", "\t", "[", "]", "\r"),
)
DOCKERFILES = (
    'FROM a:1 AS b\nENV P=/x Q=\'y z\'\nCOPY --from=b --chown=1:1 ["a", "/b/"]\n',
    'FROM a:1\nRUN <<EOF\nx\nEOF\nCMD ["a"]\n',
    "# escape=`\nFROM a:1\nCOPY a `\n  b c\nRUN x\n",
    'ARG A=1\nFROM a:${A}\nRUN a && \\\n  # comment\n\n  b\nEXPOSE 80/tcp\nLABEL a=b \\\n  c="d e"\n',
    'FROM a:1\nHEALTHCHECK --interval=3s CMD ["x"]\nONBUILD COPY a b\nCOPY <<A <<"B" /c/\n1\nA\n2\nB\nUSER x\n',
)


def ignore_lines(number: int, seed: int = SEED) -> list[str]:
    """The patterns of one set, for a folder of the set's own name."""
    chance = random.Random(f"{seed}/ignore/{number}")  # noqa: S311 - no secret depends on it
    lines = []
    for _ in range(chance.randint(1, 5)):
        sign = chance.choice(("", "", "!"))
        pattern = "/".join(chance.choice(PARTS) for _ in range(chance.randint(1, 3)))
        pattern += chance.choice(("", "", "", "/", "/."))
        lines.append(f"{sign}{chance.choice(('', '', '/'))}s{number}/{pattern}")
    return lines


def differing_sets(client: str, numbers: range, folder: Path, seed: int = SEED) -> list[str]:
    """Build one context with a folder for each set, and say where the engine keeps other files than we do."""
    sets = {number: ignore_lines(number, seed) for number in numbers}
    for number in sets:
        for name in FILES:
            file = folder / f"s{number}" / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.touch()
    text = "\n".join(line for lines in sets.values() for line in lines)
    (folder / ".dockerignore").write_text(text + "\nDockerfile\n.dockerignore\n", "utf-8")
    (folder / "Dockerfile").write_text("FROM scratch\nCOPY . /\n", "utf-8")
    done = subprocess.run(
        [client, "build", "-q", "--no-cache", "-o", "-", "."],
        check=True,
        cwd=folder,
        capture_output=True,
        env={**os.environ, "DOCKER_CONFIG": str(folder / "s0")},
        timeout=DEADLINE_SECONDS,
    )
    with tarfile.open(fileobj=io.BytesIO(done.stdout)) as archive:
        sent = {member.name for member in archive if member.isfile()}
    wrong = []
    for number, lines in sets.items():
        rules = parse_ignore("\n".join(lines))
        paths = [f"s{number}/{name}" for name in FILES]
        ours = {path for path in paths if not rules.ignores(path)}
        if differing := sorted(ours ^ (sent & set(paths))):
            wrong.append(f"ignore {number}: {lines}: {differing}")
    return wrong


def dockerfile_text(number: int, seed: int = SEED) -> str:
    """A Dockerfile with a few pieces put in, doubled or cut out."""
    chance = random.Random(f"{seed}/dockerfile/{number}")  # noqa: S311 - no secret depends on it
    text = chance.choice(DOCKERFILES)
    for _ in range(chance.randint(1, 4)):
        start = chance.randint(0, len(text))
        end = min(len(text), start + chance.choice((0, 0, 1, 3, 9)))
        middle = chance.choice((chance.choice(PIECES), text[start:end] * 2, ""))
        text = text[:start] + middle + text[end:]
    return text


def differing_dockerfiles(numbers: range, seed: int = SEED) -> Iterator[str]:
    """Say which Dockerfiles BuildKit's parser reads as other instructions, or refuses where we do not."""
    import dockerfile  # type: ignore[import-not-found, unused-ignore]  # noqa: PLC0415 - the session alone installs it

    for number in numbers:
        text = dockerfile_text(number, seed)
        ours = parse(text)
        problems = ours.problems or resolve(ours).problems
        try:
            theirs = [((item.cmd or "").upper(), item.start_line) for item in dockerfile.parse_string(text)]
        except dockerfile.GoParseError as error:
            if not problems:
                yield f"dockerfile {number}: refused ({str(error)[:80]}): {text!r}"
            continue
        mine = [(item.name, item.line) for item in ours.instructions]
        if mine != theirs and not problems:
            yield f"dockerfile {number}: {theirs} and not {mine}: {text!r}"


@contextmanager
def buildx() -> Iterator[str]:
    """Have Debian's docker-buildx: the client matches .dockerignore, and an old one does so in another way."""
    with tempfile.TemporaryDirectory() as folder:
        fetched = debian_packages.fetch("trixie", ["docker-buildx"], depends=False, architecture=ARCHITECTURE)
        subprocess.run(["dpkg-deb", "-x", str(fetched[0].path), folder], check=True, timeout=DEADLINE_SECONDS)
        yield f"{folder}/usr/libexec/docker/cli-plugins/docker-buildx"


def compare_sets(count: int, seed: int) -> int:
    """Compare `count` sets of patterns; returns how many differ, and says which."""
    failed = 0
    with buildx() as client:
        for start in range(0, count, BATCH):
            with tempfile.TemporaryDirectory() as folder:
                wrong = differing_sets(client, range(start, min(count, start + BATCH)), Path(folder), seed)
            failed += len(wrong)
            print("".join(f"{line}\n" for line in wrong), end="", flush=True)  # noqa: T201 - a program
    return failed


def compare_dockerfiles(count: int, seed: int) -> int:
    """Compare `count` Dockerfiles; returns how many differ, and says which."""
    failed = 0
    for line in differing_dockerfiles(range(count), seed):
        failed += 1
        print(line, flush=True)  # noqa: T201 - a program
    return failed


def main(kind: str, count: int, seed: int = SEED) -> int:
    """Compare `count` inputs of a kind; returns how many differ."""
    started = time.monotonic()
    failed = (compare_sets if kind == "ignore" else compare_dockerfiles)(count, seed)
    took = time.monotonic() - started
    print(f"{kind}: {count} of seed {seed} compared in {took:.0f} s, {failed} differ", flush=True)  # noqa: T201 - a program
    return failed


if __name__ == "__main__":
    sys.exit(min(1, main(sys.argv[1], *map(int, sys.argv[2:4]))))
