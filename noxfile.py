"""Every task a person runs. `nox -s validate` and `nox -s tests` need nothing but Python, git and (as root) Debian."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import nox

PYTHONS = ["3.10", "3.11", "3.12", "3.13"]
PYTESTS = ["8.0", "8.4", "9.0"]

nox.options.sessions = ["lint", "tests", "validate"]
nox.options.reuse_venv = "yes"
nox.options.error_on_external_run = True

REPORTS = Path("reports")
# What a sidecar's shell reads.
SHIMS = Path("pytest_lucid") / "sidecar" / "shims"
# The services have no place in a wheel: their sources are checked, and tested, where they lie.
SERVICES = ["common", "03-api-gateway", "blockchain", "service-mesh"]
REQUIREMENTS = [
    "common/requirements.txt",
    "03-api-gateway/requirements.txt",
    "blockchain/requirements.data.txt",
    "blockchain/requirements.grpc.txt",
    "service-mesh/requirements.txt",
]
# Where benchmarks find what they measure, and their helpers.
BENCHED = [".", "tests/engine", "tests/services", "tests/unit/engine", "tests/unit/report", "common", "blockchain"]
# How tests/pi/machine.py says that no machine can be made here; the tests then skip with the same reason.
UNABLE = 77


def install(session: nox.Session, *groups: str) -> None:
    """Install the plugin as users get it: the wheel, not the source tree. `groups` are of pyproject.toml."""
    session.install(".", *nox.project.dependency_groups(nox.project.load_toml("pyproject.toml"), *groups))


def install_services(session: nox.Session) -> None:
    """Install what the services run on."""
    for file in REQUIREMENTS:
        session.install("--require-hashes", "-r", file)


@nox.session
def validate(session: nox.Session) -> None:
    """Build the six images, bring them up, check them, tear everything down; writes what is found to reports/."""
    install(session)
    REPORTS.mkdir(exist_ok=True)
    session.run("python", "-m", "pytest_lucid", "engine")
    files = {"report": "report.html", "junit": "junit.xml", "json": "report.json", "sarif": "lucid.sarif"}
    written = (f"--lucid-{name}={REPORTS / file}" for name, file in files.items())
    session.run("pytest", "--lucid-up", *written, *session.posargs)


@nox.session
def tests(session: nox.Session) -> None:
    """The project's own tests, those on a real engine included."""
    install(session, "tests")
    install_services(session)
    if not session.posargs or any("tests/engine" in word for word in session.posargs):
        session.run("python", "-m", "pytest_lucid", "engine")
    if session.posargs:
        session.run("pytest", *session.posargs)
        return
    session.run("pytest", "-n", "auto", "tests/unit", "tests/plugin", "tests/services")
    # One engine has room for one run.
    session.run("pytest", "tests/engine")


@nox.session
def browser(session: nox.Session) -> None:
    """Open reports in the Chromium of this machine; as root on Debian, it is installed where there is none."""
    install(session, "browser")
    here = any(map(shutil.which, ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")))
    if not here and shutil.which("apt-get") and hasattr(os, "geteuid") and os.geteuid() == 0:
        session.run("apt-get", "update", external=True, success_codes=[0, 100])
        package = ("--yes", "--no-install-recommends", "chromium-headless-shell")
        session.run("apt-get", "install", *package, external=True, success_codes=[0, 100])
    session.run("pytest", "-rs", "tests/browser", *session.posargs)


@nox.session
def pi(session: nox.Session) -> None:
    """The tests against another machine: a second Debian in namespaces of this one, made and removed here (root)."""
    install(session)
    session.run("python", "-m", "pytest_lucid", "engine")
    try:
        session.run("python", "tests/pi/machine.py", "up", success_codes=[0, UNABLE])
        session.run("pytest", "-rs", *(session.posargs or ["tests/pi"]))
    finally:
        session.run("python", "tests/pi/machine.py", "down")


@nox.session
def lint(session: nox.Session) -> None:
    """Style, types, and the formatting of everything that is Python."""
    install(session, "lint")
    install_services(session)
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")
    session.run("lint-imports")
    session.run("python", "scripts/structure.py")
    session.run("python", "scripts/services.py", "--check")
    session.run("shellcheck", f"--rcfile={SHIMS / '.shellcheckrc'}", *sorted(map(str, SHIMS.glob("*.sh"))))
    session.run("mypy", "pytest_lucid", "scripts", "benchmarks", "noxfile.py", "conftest.py")
    for platform in ("win32", "darwin"):
        # What a check of the platform keeps for Linux cannot be reached there.
        session.run("mypy", "--platform", platform, "--no-warn-unreachable", "pytest_lucid")
    # One at a time: conftest.py is a module's name in each of them.
    for folder in (*SERVICES, *sorted(map(str, Path("tests").iterdir()))):
        session.run("mypy", folder)


@nox.session(python=PYTHONS)
@nox.parametrize("pytest", PYTESTS)
def compatibility(session: nox.Session, pytest: str) -> None:
    """The tests that need no engine, with each supported Python that is here and each supported pytest."""
    install(session, "tests")
    session.install(f"pytest=={pytest}.*")
    session.run("pytest", "-n", "auto", *(session.posargs or ["tests/unit", "tests/plugin"]))


@nox.session
def wheel(session: nox.Session) -> None:
    """Build the wheel and the source archive, check both, and collect the suite from the installed wheel."""
    session.install("build", "twine", "check-wheel-contents")
    distributions = Path(session.create_tmp(), "distributions")
    shutil.rmtree(distributions, ignore_errors=True)
    session.run("python", "-m", "build", "--outdir", str(distributions), ".")
    built = sorted(map(str, distributions.iterdir()))
    session.run("twine", "check", "--strict", *built)
    wheels = [name for name in built if name.endswith(".whl")]
    # W002: two files of one content; the packages of this tree have several empty or one-line modules.
    session.run("check-wheel-contents", "--ignore=W002", *wheels)
    session.install(*wheels)
    with session.chdir(session.create_tmp()):
        session.run("pytest", "--pyargs", "pytest_lucid.suite", "--collect-only", "-qq")


@nox.session
def down(session: nox.Session) -> None:
    """Remove what kept or crashed runs left on the engine."""
    install(session)
    session.run("python", "-m", "pytest_lucid", "down")


@nox.session
def kills(session: nox.Session) -> None:
    """Kill the blockchain services 200 times at random moments under load, and demand all that they confirmed."""
    install(session, "tests")
    install_services(session)
    session.run("python", "tests/services/kills.py", *(session.posargs or ["200"]))


@nox.session
def fuzz(session: nox.Session) -> None:
    """Give whatever reads what other people wrote 100,000 random inputs each: an answer, or one clear error."""
    install(session, "tests")
    session.run("python", "tests/unit/fuzz/fuzzing.py", *(session.posargs or ["100000"]))


@nox.session
def faults(session: nox.Session) -> None:
    """Hurt a run in every phase of its life, and write what it says and leaves to docs/faults.md; 20 min.

    With `--engine` among the arguments the engine itself is ended, too, with all that it runs.
    """
    install(session)
    session.install("libfaketime")
    session.run("python", "-m", "pytest_lucid", "engine")
    session.run("python", "tests/engine/faults.py", *(session.posargs or ["--page", "docs/faults.md"]))


@nox.session
def foreign(session: nox.Session) -> None:
    """Stacks that are not Lucid's, and its later phases: green without an edit, and each planted defect is named."""
    install(session, "tests")
    session.run("python", "-m", "pytest_lucid", "engine")
    session.run("pytest", *(session.posargs or ["tests/foreign"]))


@nox.session
def engine_fuzz(session: nox.Session) -> None:
    """Compare 50,000 random .dockerignore files and 200,000 Dockerfiles with the engine's builder and its parser."""
    install(session, "tests")
    session.run("python", "-m", "pytest_lucid", "engine")
    session.run("python", "tests/engine/engine_fuzz.py", "ignore", *(session.posargs[:1] or ["50000"]))
    session.run("python", "tests/engine/engine_fuzz.py", "dockerfile", *(session.posargs[1:] or ["200000"]))


@nox.session
def corpus(session: nox.Session) -> None:
    """Build, and start, every tree of the corpus that an engine without a registry can decide."""
    install(session, "tests")
    session.run("python", "-m", "pytest_lucid", "engine")
    session.run("pytest", "-q", "tests/engine/test_corpus_builds.py", *session.posargs, env={"LUCID_WHOLE_CORPUS": "1"})


@nox.session
def peers(session: nox.Session) -> None:
    """Run the same files through container-structure-test itself, and compare; `-- --page FILE [FOLDER…]`."""
    install(session)
    session.install("container-structure-test>=1.19.1")
    session.run("python", "-m", "pytest_lucid", "engine")
    session.run("python", "tests/engine/peers.py", *(session.posargs or ["--page", "docs/structure-tests.md"]))


@nox.session
def protocol(session: nox.Session) -> None:
    """Make the code of the engine's gRPC interface from chain.proto."""
    install(session, "tests")
    install_services(session)
    session.run("python", "scripts/protocol.py")


@nox.session
def docs(session: nox.Session) -> None:
    """Write the documents' tables and outputs anew, from the code and a real run (not `-- --without-run`)."""
    install(session)
    if "--without-run" not in session.posargs:
        install_services(session)
        session.run("python", "scripts/services.py")
    session.run("python", "scripts/document.py", *session.posargs)


@nox.session
def bench(session: nox.Session) -> None:
    """How fast Dockerfiles, images, containers and services are.

    `-- answers` and `-- sidecar --write` write the tables of docs/testinfra.md, `-- figures` those of docs/services.md,
    `-- speed` that of docs/speed.md; `-- rows` shows how a run grows with the matrix.
    """
    install(session)
    options = [word for word in session.posargs if word.startswith("-")]
    names = [word for word in session.posargs if word not in options]
    for name in names or ("image", "watch", "sidecar", "dockerfiles", "services", "stack", "plain", "reports"):
        if name in {"services", "figures"}:
            install_services(session)
        if name == "reports":
            install(session, "browser")
        session.run("python", f"benchmarks/{name}.py", *options, env={"PYTHONPATH": os.pathsep.join(BENCHED)})


@nox.session
def watch_rounds(session: nox.Session) -> None:
    """Make many rounds of a watcher (1,000), and show that they leave neither memory nor file descriptors behind."""
    install(session)
    session.run("python", "-m", "pytest_lucid", "engine")
    session.run("python", "benchmarks/watch.py", *(session.posargs or ["1000"]))


@nox.session
def proof(session: nox.Session) -> None:
    """Plant every defect of the catalogue in the real thing, and show that exactly the right cells turn red."""
    install(session)
    session.run("python", "-m", "pytest_lucid", "engine")
    session.run("python", "tests/proof", *session.posargs)


@nox.session
def pictures(session: nox.Session) -> None:
    """Make the pictures of the documents from real runs; needs an engine and Chromium."""
    install(session, "browser")
    session.run("python", "scripts/pictures.py", *session.posargs)
