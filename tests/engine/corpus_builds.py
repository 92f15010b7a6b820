"""What an engine says of a tree of the corpus: whether its image builds, and whether it starts.

Bases become stand-ins that have the same programs for this purpose; a tree that needs more, such as a network, another
image or a newer builder, cannot be decided here and says why.
"""

from __future__ import annotations

import os
import re
import subprocess
from typing import TYPE_CHECKING

from builders import buildkit

from pytest_lucid.audit.rootfs.programs import MAKES_NOTHING
from pytest_lucid.audit.rootfs.shell_commands import commands

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pytest_lucid.audit.subject import Subject
    from pytest_lucid.dockerfile.facts import StageFacts

DEADLINE_SECONDS = 120
# What runs so long has started.
RUNNING_SECONDS = 10
TAG = "lucid-test-corpus"
PYTHON = "gcr.io/distroless/python3-debian13:nonroot"
DEBIAN = "debian:13-slim"
BUSYBOX = "busybox:1.36.1-musl"
REFERENCES = (PYTHON, DEBIAN, BUSYBOX)
# A base as the corpus names it, and what stands for it.
STAND_INS = (
    (r"scratch", "scratch"),
    (r"gcr\.io/distroless/python3-debian13:nonroot", PYTHON),
    (r"gcr\.io/distroless/(?:static|base|cc)-debian13(?::nonroot)?", "lucid-corpus-bare"),
    (r"(?:debian|ubuntu)(?::(?:13|trixie).*)?", DEBIAN),
    (r"python:3\.13-(?:slim-)?trixie", "lucid-corpus-python"),
    (r"alpine:3\.2\d", BUSYBOX),
)
OWN = {
    "lucid-corpus-bare": f"FROM {PYTHON}\nENTRYPOINT []\nUSER 65532\nWORKDIR /\n",
    "lucid-corpus-python": f"FROM {DEBIAN}\nRUN for n in python python3 python3.13; do "
    "ln -s /usr/bin/python3.13 /usr/local/bin/$n; done\nENV PYTHONDONTWRITEBYTECODE=1\n",
}
# What the builder of engine 20.10 does not know.
NEWER = ("parents", "exclude", "link", "checksum", "keep-git-dir", "unpack", "start-interval", "security", "network")
NEWER_SYNTAX = re.compile(r"^# *syntax=|\$\{\w+[#%/]|^HEALTHCHECK .*=0s", re.MULTILINE)
LOCAL = frozenset({"mkdir", "touch", "cp", "mv", "chmod", "chown", "rm", "ln", "tee", "install", "xargs", "sed", "cd"})
BUILD_FAILS = ("DKF-PARSE ", "DKF-SOURCES ", "DKF-BUILT ", "DKF-SHELL ", "DKF-FROM ")
START_FAILS = ("DKF-START ", "DKF-MODULE ", "DKF-SCRIPTS ", "DKF-EXEC ")


def undecidable(subject: Subject) -> str:
    """Why this engine cannot decide about a tree; "" when it can."""
    return next(_reasons(subject), "")


def _reasons(subject: Subject) -> Iterator[str]:
    facts = subject.facts
    if facts.source.escape != "\\" or facts.final is None:
        yield "no Linux builder reads it"
    if any(flag.name in NEWER for item in facts.source.instructions for flag in item.flags):
        yield "its options are newer than the engine's builder"
    if any(item.heredocs for item in facts.source.instructions):
        yield "here-documents are newer than the engine's builder"
    if NEWER_SYNTAX.search((subject.tree.root / subject.path).read_text("utf-8")):
        yield "its expansions are newer than the engine's builder, or it asks for another one"
    if facts.demanded:
        yield "whoever builds has to give an argument"
    sources = [source for copy in subject.context_copies for source in copy.sources]
    if any("*" in source and not subject.context.find(source).paths for source in sources):
        yield "what a wildcard will match nobody knows"
    for stage in facts.needed():
        yield from _stage_reasons(stage)


def _stage_reasons(stage: StageFacts) -> Iterator[str]:
    if stage.parent is None and (stage.base.unset or not stand_in(stage.image.value)):
        yield f"nothing stands in for {stage.image.value}"
    for copy in stage.own_copies:
        if copy.origin.kind == "image":
            yield "it copies from an image"
        if any("://" in source or source.startswith("git@") for source in copy.sources):
            yield "it needs a network"
        if copy.chmod and not copy.chmod.isdecimal():
            yield "its modes are newer than the engine's builder"
    for run in stage.own_runs:
        if run.mounts:
            yield "mounts are bound otherwise by the engine's builder"
        for simple in commands(run, {}) or ():
            if simple.program not in {*LOCAL, *MAKES_NOTHING, None}:
                yield f"{simple.program} may need more than is here"


def stand_in(image: str) -> str:
    """What stands for a base; "" for nothing."""
    return next((name for pattern, name in STAND_INS if re.fullmatch(pattern, image)), "")


def rewrite(subject: Subject) -> str:
    """Put the Dockerfile on bases that are here; returns its path."""
    file = subject.tree.root / subject.path
    lines = file.read_text("utf-8").split("\n")
    for stage in subject.facts.stages:
        if stage.parent is None and (name := stand_in(stage.image.value)):
            at = stage.line - 1
            lines[at] = lines[at].replace(stage.image.value, name, 1)
    file.write_text("\n".join(lines), "utf-8")
    return str(file)


def run(
    *arguments: str, folder: Path, text: str = "", deadline: float = DEADLINE_SECONDS
) -> subprocess.CompletedProcess[str]:
    """Ask the engine for something."""
    return subprocess.run(
        [buildkit(), *arguments],
        check=False,
        cwd=folder,
        input=text,
        capture_output=True,
        text=True,
        env={**os.environ, "DOCKER_BUILDKIT": "1"},
        timeout=deadline,
    )


def start(folder: Path) -> str:
    """Start the image; returns why it does not start, or ends in failure, and "" when it runs on or ends well."""
    made = run("run", "--detach", "--network=none", TAG, folder=folder)
    if made.returncode:
        return made.stderr
    name = made.stdout.strip()
    try:
        ended = run("wait", name, folder=folder, deadline=RUNNING_SECONDS)
    except subprocess.TimeoutExpired:
        return ""
    else:
        return "" if ended.stdout.strip() == "0" else run("logs", name, folder=folder).stderr or ended.stdout
    finally:
        run("rm", "--force", name, folder=folder)


def make_bases(folder: Path) -> None:
    """Build what stands for several bases."""
    for name, text in OWN.items():
        run("build", "-q", "-t", name, "-f", "-", ".", folder=folder, text=text).check_returncode()
