"""How long the audit of a tree takes, and how much memory: `nox -s bench`, or `python benchmarks/dockerfiles.py`.

Makes a tree of Dockerfiles as people write them (a seeded mixture, each with a fresh service beside it) and runs
tests/dockerfile on it, with every check and without hadolint, each in a process of its own.
"""

from __future__ import annotations

import argparse
import os
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from pytest_lucid.dockerfile.find import find_dockerfiles
from pytest_lucid.dockerfile.hadolint_program import find_program

ROOT = Path(__file__).parents[1]
NAMES = ("Dockerfile", "Dockerfile.{name}", "{name}.Dockerfile", "dockerfile.{name}", "Dockerfile.distroless")
BUILDERS = (
    "python:3.11-slim-bookworm",
    "python:3.11-slim",
    "python:3.12-slim-bookworm",
    "python:3.11-alpine3.20",
    "debian:12-slim",
    "debian:bookworm",
)
RUNTIMES = (
    "gcr.io/distroless/python3-debian12:nonroot",
    "gcr.io/distroless/python3-debian12:latest",
    "gcr.io/distroless/python3-debian12",
    "gcr.io/distroless/python3-debian13:nonroot",
    "gcr.io/distroless/python3-debian12:debug",
)
VENV = r"""RUN python3 -m venv /opt/venv
ENV PATH=/opt/venv/bin:$PATH
RUN pip install --upgrade pip setuptools wheel \
    && pip install --no-cache-dir -r requirements.txt"""
INSTALLS = (
    ("RUN pip install --user --no-cache-dir -r requirements.txt", "/root/.local", "/home/nonroot/.local"),
    ("RUN pip install --user --no-cache-dir -r requirements.txt", "/root/.local", "/home/app/.local"),
    ("RUN pip install --no-cache-dir --target=/deps -r requirements.txt", "/deps", "/deps"),
    (VENV, "/opt/venv", "/opt/venv"),
    (
        "RUN pip install --no-cache-dir --prefix=/install -r requirements.txt",
        "/install/lib/python3.11/site-packages",
        "/usr/local/lib/python3.11/dist-packages",
    ),
)
STARTS = (
    'ENTRYPOINT ["python3", "-m", "{name}"]',
    'CMD ["-m", "{name}"]',
    'CMD ["python", "-m", "{name}"]',
    "ENTRYPOINT python3 -m {name}",
    'ENTRYPOINT ["/usr/bin/tini", "--"]\nCMD ["python3", "-m", "uvicorn", "{name}.main:app"]',
    'ENTRYPOINT ["/opt/venv/bin/python", "/app/{name}/main.py"]',
)
TEMPLATE = """\
# syntax=docker/dockerfile:1
# The service {name}; built from the root.
ARG VERSION=1.0.0
ARG BUILD_DATE

FROM {builder} AS builder
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 \\
    PYTHONDONTWRITEBYTECODE=1 \\
    DEBIAN_FRONTEND=noninteractive
WORKDIR /build
RUN apt-get update && apt-get install -y --no-install-recommends \\
        build-essential \\
        # for the compiled packages
        libffi-dev \\
        libssl-dev pkg-config curl ca-certificates tini \\
    && apt-get clean \\
    && rm -rf /var/lib/apt/lists/* /tmp/* /var/tmp/*
COPY {folder}/requirements.txt ./requirements.txt
{install}
RUN python3 -c "import fastapi, uvicorn; print('installed')" && \\
    test -d {made} && echo "packages: $(ls -1 {made} | wc -l)"
COPY {folder}/{name} /app/{name}
RUN mkdir -p /data/{name} /app-dirs/logs \\
    && printf 'made_%s' "$(date +%s)" > /app-dirs/logs/.keep \\
    && chown -R 65532:65532 /data/{name} /app-dirs
RUN cat > /app/start.sh <<'EOF' && chmod +x /app/start.sh
set -eu
exec python3 -m {name}
EOF

FROM {runtime} AS runtime
ARG VERSION
ARG BUILD_DATE
LABEL maintainer="Lucid Development Team" \\
      description="The service {name}" \\
      version="${{VERSION}}" build_date="${{BUILD_DATE}}" git_commit="${{GIT_COMMIT}}" \\
      phase="2" cluster="0{number}-x" service="lucid-{name}"
COPY --from=builder {made} {place}
COPY --from=builder{chown} /app /app
COPY --from=builder --chown=65532:65532 /data/{name} /data/{name}
COPY --from=builder /usr/bin/tini /usr/bin/tini
ENV PATH=/home/app/.local/bin:$PATH \\
    PYTHONPATH=/app:/deps \\
    SERVICE_NAME=lucid-{name} PORT={port} LOG_LEVEL=INFO \\
    CONSUL_URL=http://consul:8500
WORKDIR /app
USER 65532:65532
EXPOSE {port}
HEALTHCHECK --interval=30s --timeout=10s --start-period=30s --retries=3 \\
    CMD ["python3", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:{port}/health', timeout=5)"]
{start}
"""


def make_tree(root: Path, number: int, seed: int = 12) -> None:
    """Write `number` Dockerfiles, each with its service and its requirements."""
    choose = random.Random(seed)  # noqa: S311 - a mixture, no secret
    (root / ".dockerignore").write_text(".git\n**/tests\n**/.env\n**/__pycache__\n", "utf-8")
    for index in range(number):
        name = f"service_{index}"
        folder = root / f"group{index % 10}" / name
        package = folder / name
        package.mkdir(parents=True)
        for module in ("__init__", "__main__", "main", "config", "models"):
            (package / f"{module}.py").write_text(f'"""Module {module}."""\n\nVALUE = {index}\n' * 20, "utf-8")
        lines = [f"package-{item}=={item}.0 --hash=sha256:{'0' * 64}" for item in range(30)]
        (folder / "requirements.txt").write_text("\n".join(["fastapi==0.116.0", "uvicorn==0.35.0", *lines]), "utf-8")
        install, made, place = choose.choice(INSTALLS)
        text = TEMPLATE.format(
            name=name,
            number=index % 10,
            folder=folder.relative_to(root).as_posix(),
            builder=choose.choice(BUILDERS),
            runtime=choose.choice(RUNTIMES),
            install=install,
            made=made,
            place=place,
            port=8000 + index,
            chown=choose.choice(("", "", " --chown=65532:65532", " --chown=nonroot:nonroot")),
            start=choose.choice(STARTS).format(name=name),
        )
        ends = choose.choice(("\n", "\n", "\n", "\r\n"))
        file = folder / choose.choice(NAMES).format(name=name)
        file.write_text(text, "utf-8", newline=ends)


def measure(title: str, tree: Path, compiled: Path, *options: str) -> float:
    """Run the suite on a tree; print times, memory and the last lines of the report, and return the seconds."""
    command = [sys.executable, "-m", "pytest", str(ROOT / "tests" / "dockerfile"), f"--lucid-project={tree}"]
    command += ["--lucid-all-dockerfiles", "--tb=no", "-q", "-p", "no:cacheprovider", *options]
    before, started = _children(), time.monotonic()
    # As everywhere else, whatever this shell says: what was compiled once is kept.
    environ = {**os.environ, "PYTHONPYCACHEPREFIX": str(compiled), "PYTHONDONTWRITEBYTECODE": ""}
    run = subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, check=False)  # noqa: S603 - argv only
    seconds, after = time.monotonic() - started, _children()
    last = [line for line in run.stdout.splitlines() if "findings in" in line or " passed" in line or " error" in line]
    figures = f"{seconds:.2f} s, {after[0] - before[0]:.2f} s of CPU, at most {after[1]} MB a process"
    print(f"{title}: {figures}; {'; '.join(last[-2:])}")
    return seconds


def measure_hadolint(tree: Path) -> float:
    """Run hadolint alone on the same files, in a process for each core as the suite does; print and return the time."""
    files = [str(file) for file in find_dockerfiles(tree)]
    count = os.cpu_count() or 1
    command = [str(find_program()), "--no-fail", "--format", "json"]
    before, started = _children(), time.monotonic()
    parts = [files[start::count] for start in range(count)]
    running = [subprocess.Popen([*command, *part], stdout=subprocess.DEVNULL) for part in parts if part]  # noqa: S603 - argv only
    for process in running:
        process.wait()
    seconds, after = time.monotonic() - started, _children()
    print(f"hadolint alone: {seconds:.2f} s, {after[0] - before[0]:.2f} s of CPU")
    return seconds


def _children() -> tuple[float, int]:
    """CPU seconds of all children so far, and the memory of the largest in MB; zeros where the system does not tell."""
    try:
        import resource  # noqa: PLC0415 - not on Windows
    except ImportError:
        return 0.0, 0
    unit = 1024 if sys.platform == "linux" else 1024 * 1024
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss // unit


def main() -> None:
    """Make the tree and measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--number", type=int, default=150)
    number = parser.parse_args().number
    with tempfile.TemporaryDirectory(prefix="lucid-bench-") as folder:
        tree, compiled = Path(folder, "tree"), Path(folder, "compiled")
        tree.mkdir()
        make_tree(tree, number)
        measure(f"{number} Dockerfiles, the first time Python reads the suite", tree, compiled, "-k", "not hadolint")
        measure(f"{number} Dockerfiles without hadolint", tree, compiled, "-k", "not hadolint")
        measure(f"{number} Dockerfiles, every check", tree, compiled)
        measure_hadolint(tree)


if __name__ == "__main__":
    main()
