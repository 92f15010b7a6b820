"""What nobody should write ends in findings, soon, and never in a crash."""

from __future__ import annotations

import random
import time
from typing import TYPE_CHECKING

import pytest

from pytest_lucid.audit.project import Project
from pytest_lucid.audit.rules.excuses import RULES
from pytest_lucid.matrix import Matrix, load_matrix

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_lucid.audit.finding import Finding

# hadolint is another program, with tests of its own.
JUDGES = tuple(rule for check, rule in RULES.items() if check != "DKF-HADOLINT")
DISTROLESS = "FROM gcr.io/distroless/python3-debian12\n"
HOSTILE = {
    "a line of 1 MB": "FROM python:3.11\nRUN " + "pip install a " * 80_000,
    "a word of 1 MB": "FROM python:3.11\nENV A=" + "x" * 1_000_000 + "\nRUN echo $A\n",
    "10,000 copies": "FROM python:3.11 AS b\n"
    + "COPY a /x/\n" * 5_000
    + DISTROLESS
    + "COPY --from=b /x/a /y/\n" * 5_000,
    "10,000 runs": "FROM python:3.11\n" + "RUN pip install --target /t a && mkdir -p /d && mv /d /e\n" * 10_000,
    "10,000 stages": "".join(f"FROM a:1 AS s{n}\nCOPY --from=s{n + 1} / /a\n" for n in range(10_000)),
    "stages that copy each other twice": "".join(
        f"FROM scratch AS s{n}\nCOPY --from={n - 1 if n else 'x'} / /a\nCOPY --from={n - 1 if n else 'x'} / /b\n"
        for n in range(100)
    ),
    "a long lineage": "FROM a:1 AS s0\n" + "".join(f"FROM s{n} AS s{n + 1}\nENV A{n}=$A\n" for n in range(10_000)),
    "10,000 variables": DISTROLESS + "".join(f"ENV A{n}_URL=http://h{n}:1/$B{n}\n" for n in range(10_000)),
    "10,000 ports": DISTROLESS + "EXPOSE 1-65535\nENV PORT=x\n",
    "quotes that never end": 'FROM a:1\nRUN "' + "$(" * 30_000 + "\n",
    "open substitutions": "FROM a:1\nRUN " + "`$(${" * 10_000 + "\n",
    "assignments": "ARG X\nFROM debian:12\nRUN " + "a=" * 30_000 + " $X\n",
    "a health command of 1 MB": DISTROLESS
    + 'HEALTHCHECK CMD ["python3", "-c", "'
    + "http://localhost:1/" * 50_000
    + '"]\n',
    "braces": DISTROLESS + "RUN mkdir " + "{a," * 20_000 + "\n",
    "paths out of the context": "FROM a:1\nCOPY ../../../../etc/passwd /a\nCOPY ../.. /b\nADD ../x.tar /\n",
    "a path of 1 MB": "FROM a:1\nCOPY " + "a/" * 500_000 + " /x\n",
    "wildcards": "FROM a:1\nCOPY " + "*/" * 2_000 + "* /x\n",
    "an entry point of nothing": DISTROLESS + 'ENTRYPOINT [""]\nCMD []\nUSER :\nWORKDIR \n',
    "nothing": "",
}
SLOWEST_SECONDS = 20


def apply_all_rules(root: Path, path: str, *, whole: bool = False) -> list[Finding]:
    packaged = load_matrix(None).model_dump(mode="json")
    packaged["service"][1] |= {"dockerfile": path, "storage": ["/data/blocks"]}
    matrix = Matrix.model_validate(packaged).inherited()
    project = Project(root, matrix, matrix.service[1:2], whole=whole)
    subject = project.subjects(matrix.service[1])[0]
    return [finding for rule in JUDGES for finding in rule(subject)]


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_files_end_in_findings(tmp_path: Path, name: str) -> None:
    (tmp_path / "Dockerfile").write_text(HOSTILE[name], "utf-8")
    started = time.process_time()
    findings = apply_all_rules(tmp_path, "Dockerfile")
    assert findings
    assert all(finding.line >= 1 for finding in findings)
    assert time.process_time() - started < SLOWEST_SECONDS


def test_bytes_that_are_no_text(tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_bytes(b"FROM a:1\nLABEL a=\xff\xfe\x00\nRUN \x80\n\xc3\x28")
    (tmp_path / "requirements.txt").write_bytes(b"\xff\xfe\x00==")
    assert any("UTF-8" in finding.message for finding in apply_all_rules(tmp_path, "Dockerfile"))


def test_links_in_circles_in_the_context(tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text("FROM a:1\nCOPY loop /a\nCOPY up /b\nCOPY . /c\nCOPY up/up/up/* /d\n", "utf-8")
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "up").symlink_to(".")
    (tmp_path / "out").symlink_to("/")
    assert any("link to nothing" in finding.message for finding in apply_all_rules(tmp_path, "Dockerfile"))


@pytest.mark.parametrize("marked", ["Dockerfile", "requirements.txt", ".dockerignore"])
def test_a_byte_order_mark_changes_no_finding(tmp_path: Path, marked: str) -> None:
    """Editors of Windows write one; builders and pip read past it."""
    files = {
        "Dockerfile": "FROM python:3.11\nCOPY requirements.txt secret.pem /\nRUN pip install -r /requirements.txt\n",
        "requirements.txt": "flask\nrequests==2.32.3\n",
        ".dockerignore": "secret.pem\n",
    }
    found = []
    for start in ("", "\ufeff"):
        for name, text in files.items():
            (tmp_path / name).write_text((start if name == marked else "") + text, "utf-8")
        (tmp_path / "secret.pem").touch()
        found.append(apply_all_rules(tmp_path, "Dockerfile"))
    plain, with_mark = found
    assert plain == with_mark
    assert [f.line for f in plain if "flask" in str(f)], "the first line of the requirements is judged"
    assert [f for f in plain if "secret.pem" in str(f)], "the first line of .dockerignore is heeded"


def test_requirements_that_include_each_other(tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text("FROM python:3.11\nCOPY a.txt b.txt /\nRUN pip install -r /a.txt\n", "utf-8")
    (tmp_path / "a.txt").write_text("-r b.txt\nx\n", "utf-8")
    (tmp_path / "b.txt").write_text("-r a.txt\ny\n", "utf-8")
    apply_all_rules(tmp_path, "Dockerfile")


SEED = """# syntax=docker/dockerfile:1
ARG V=1
FROM python:3.11-slim-bookworm AS builder
ENV PATH=/venv/bin:$PATH HOME=/root
RUN apt-get update && python3 -m venv /venv && . /venv/bin/activate && pip install --user -r requirements.txt
COPY --from=0 --chown=65532:65532 src/ a*.py ./app/
RUN <<EOF
install -d -o 65532 /data/{a,b} && mv /app /srv/app; ln -s x y
EOF
FROM --platform=$X gcr.io/distroless/python3-debian12:nonroot
ARG V
LABEL service=lucid-x version=${V:-1}
COPY --from=builder /venv /venv
ENV PYTHONPATH=/app A_URL=http://consul:8500 PORT=8084 TOKEN=$V
USER 65532:65532
EXPOSE 8084-8086/tcp
HEALTHCHECK --interval=30s --timeout=10s CMD ["python3", "-c", "x('http://localhost:8084/health')"]
ENTRYPOINT ["tini", "--"]
CMD ["/venv/bin/python", "-m", "uvicorn", "app.main:app"]
"""
PARTS = [*"\n\\\"'$`{}[]()<>&|;=:/.,-# \t\0\r*?~@%", "é", "ONBUILD ", "FROM ", "RUN ", "<<EOF", "${", "$(", "AS "]
PARTS += ["COPY --from=1 ", "USER ", "&& mv /app "]
FUZZ_INPUTS = 3_000


def test_fuzzed_files_never_crash_a_judge(tmp_path: Path) -> None:
    choose = random.Random(8084)  # noqa: S311 - a fixed sequence, so that a failure can be repeated
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "a.py").write_text("import tronpy\n", "utf-8")
    (tmp_path / "requirements.txt").write_text("fastapi\n", "utf-8")
    for _ in range(FUZZ_INPUTS):
        text = list(SEED)
        for _ in range(choose.randrange(1, 12)):
            at = choose.randrange(len(text))
            text[at : at + choose.choice((0, 0, 1, 5, 40))] = choose.choice(PARTS)
        (tmp_path / "Dockerfile").write_text("".join(text), "utf-8", newline="")
        assert all(finding.line >= 1 for finding in apply_all_rules(tmp_path, "Dockerfile"))
