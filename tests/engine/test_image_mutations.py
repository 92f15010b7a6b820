"""Every check of an image is shown to fail when its claim is false, and no other check with it.

The table says which checks each defect turns red. One run of the suite judges all mutants, each a row of one matrix.
"""

from __future__ import annotations

import hashlib
import importlib.util
import io
import marshal
import struct
import xml.etree.ElementTree as ET
import zipfile
from typing import TYPE_CHECKING, Any

import pytest
from mutants import File, Mutant, folder, gone, load, read
from runs import SUITE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    import docker

    Run = Callable[..., tuple[int, str]]

HEALTHY = "lucid-data-chain:latest"
BUILDER = "debian:12-slim"
LIBC = "lib/x86_64-linux-gnu/libc.so.6"
SITE = "home/app/.local/lib/python3.11/site-packages"
CACHE = "home/app/.pycache/app/lucid_service"
PYTHON = "/home/app/.local/bin/python"
ASK = "import urllib.request as r; r.urlopen"
SCRIPT = b"#!/usr/bin/python3.11\n"
# Made up; each has the shape of the real thing.
GITHUB = b"deploy with ghp_" + b"Zk3Vq8Lm2Xw7Rt5Yb9Nc4Hd6Jf1Gs0Pa3Ue8" + b"\n"


def config(**values: Any) -> Callable[[dict[str, Any]], object]:
    return lambda document: document["config"].update(values)


def label(**values: str) -> Callable[[dict[str, Any]], object]:
    return lambda document: document["config"]["Labels"].update(
        {name.replace("__", "."): v for name, v in values.items()}
    )


def variable(name: str, value: str) -> Callable[[dict[str, Any]], object]:
    def change(document: dict[str, Any]) -> None:
        kept = [entry for entry in document["config"]["Env"] if not entry.startswith(f"{name}=")]
        document["config"]["Env"] = [*kept, f"{name}={value}"]

    return change


def mutant(name: str, red: str, *files: File, **more: Any) -> Mutant:
    return Mutant(name, frozenset(red.split()), layers=(files,) if files else (), **more)


def zipped(**members: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in members.items():
            archive.writestr(name, text)
    return buffer.getvalue()


def elf_header(machine: int) -> bytes:
    """A shared object of that machine with nothing in it."""
    return (
        b"\x7fELF\x02\x01\x01"
        + bytes(9)
        + struct.pack("<HHIQQQIHHHHHH", 3, machine, 1, 0, 64, 0, 0, 64, 56, 0, 64, 0, 0)
    )


def bytecode(source: str) -> bytes:
    return importlib.util.MAGIC_NUMBER + bytes(12) + marshal.dumps(compile(source, "ghost.py", "exec"))


def health(*words: str) -> Callable[[dict[str, Any]], object]:
    return lambda document: document["config"]["Healthcheck"].update(Test=["CMD", PYTHON, *words])


def claimed(package: str, path: str, data: bytes) -> tuple[File, ...]:
    """A file, and a package's list of sums that has it: the package's own where there is one."""
    status = f"Package: {package}\nVersion: 1\nArchitecture: amd64\n".encode()
    sums = f"{hashlib.md5(data, usedforsecurity=False).hexdigest()}  {path}\n".encode()
    listed = f"var/lib/dpkg/status.d/{package}"
    return File(path, data), File(listed, status), File(f"{listed}.md5sums", sums)


def mutants(client: docker.DockerClient) -> list[Mutant]:
    shell, cat, getconf = read(client, BUILDER, "/usr/bin/dash", "/usr/bin/cat", "/usr/bin/getconf")
    libc, probed, other = read(
        client, HEALTHY, f"/{LIBC}", f"/{CACHE}/probe.cpython-311.pyc", f"/{CACHE}/logs.cpython-311.pyc"
    )
    metadata = read(client, HEALTHY, f"/{SITE}/h11-0.16.0.dist-info/METADATA")[0]
    size = client.images.get(HEALTHY).attrs["Size"]
    lost = metadata.replace(b"\nVersion: 0.16.0", b"\nVersion: 0.15.0")
    bought = metadata.replace(b"\nVersion:", b"\nLicense-Expression: GPL-3.0-only\nVersion:")
    stray = b"Metadata-Version: 2.4\nName: stray\nVersion: 1\nLicense-Expression: MIT\n\n"
    return [
        mutant("none", ""),
        # Programs and rights.
        mutant("shell-renamed", "IMG-SHELL", File("app/assets/logo.bin", shell)),
        mutant("shell-named", "IMG-SHELL IMG-STRAY", File("usr/bin/sh", SCRIPT, 0o755)),
        mutant("pip", "IMG-PKGMGR", File("opt/pip/__main__.py", b"")),
        mutant("coreutils-renamed", "IMG-COREUTILS", File("opt/helper", cat, 0o755)),
        mutant("compiler", "IMG-COMPILER", File("opt/gcc-12", SCRIPT, 0o755)),
        mutant("debugger", "IMG-DEBUGGER", File("opt/strace", SCRIPT, 0o755)),
        mutant("download", "IMG-DOWNLOAD", File("usr/local/bin/curl", SCRIPT, 0o755)),
        mutant("setuid", "IMG-SETID", File("opt/data", b"x", 0o4644)),
        mutant("capability", "IMG-CAPABILITY", File("opt/data", b"x", capability=True)),
        mutant("writable", "IMG-WRITABLE", folder("app/cache", 0o777)),
        mutant("pipe", "IMG-DEVICE", File("opt/pipe", kind=b"6")),
        # The base.
        mutant("base-swapped", "IMG-BASE", below=(File("opt/base", b"another\n"),)),
        mutant("stand-in-hidden", "IMG-STANDIN", change=label(lucid__standin="")),
        mutant("libc-modified", "IMG-INTACT", File(LIBC, libc + b"\0", 0o755)),
        mutant("not-distroless", "IMG-DISTROLESS", File("usr/lib/os-release", b'PRETTY_NAME="Debian"\nID=debian\n')),
        # What Debian 13's base has, put there by a service, and claimed to be a package's.
        mutant("ldd", "IMG-SHEBANG IMG-STRAY", File("usr/bin/ldd", b"#!/bin/bash\n", 0o755)),
        mutant("venv", "IMG-PKGMGR IMG-STRAY", File("usr/lib/python3.11/ensurepip/__main__.py", b"x = 1\n")),
        mutant("claimed", "IMG-PKGMGR", *claimed("libc-bin", "usr/lib/python3.11/ensurepip/__main__.py", b"x = 1\n")),
        mutant("claimed-again", "IMG-PKGMGR", *claimed("libuuid1", "opt/pip/__main__.py", b"x = 1\n")),
        # What was left behind.
        Mutant(
            "secret-deleted",
            frozenset({"IMG-SECRET"}),
            layers=((File("app/notes.txt", GITHUB),), (gone("app/notes.txt"),)),
        ),
        mutant("secret-file", "IMG-SECRET-FILE", File("app/.env", b"LOG_LEVEL=DEBUG\n")),
        mutant("secret-label", "IMG-SECRET-CONFIG", change=label(note="password=Zx8kQ2vLr9TmW4yB")),
        mutant("secret-variable", "IMG-SECRET-CONFIG", change=variable("JWT_SECRET", "x")),
        mutant("tests", "IMG-LITTER", folder("app/tests"), File("app/tests/sample.txt", b"x")),
        # Owners, and what can start.
        mutant("code-owned", "IMG-CODE-OWNER", folder("app/plugins", owner=65532)),
        mutant("storage-of-root", "IMG-STORAGE", folder("data/chunks", 0o700)),
        mutant("storage-open", "IMG-STORAGE", folder("data/merkle", 0o755, owner=65532)),
        mutant("no-library", "IMG-LIBRARY", gone("lib/x86_64-linux-gnu/libreadline.so.8")),
        mutant("no-loader", "IMG-LOADER", File("opt/helper", getconf.replace(b"-64.so.2\0", b"-64.so.9\0", 1), 0o755)),
        mutant("foreign-program", "IMG-ELF-ARCH", File("opt/foreign.so", elf_header(183))),
        mutant("no-shebang", "IMG-SHEBANG", File("opt/tool", b"#!/usr/bin/ruby\n", 0o755)),
        mutant("open-workdir", "IMG-WORKDIR", change=config(WorkingDir="/tmp")),
        mutant("no-workdir", "IMG-WORKDIR", change=config(WorkingDir="/nowhere")),
        mutant("no-program", "IMG-PROGRAM", change=lambda d: d["config"]["Healthcheck"].update(Test=["CMD", "/probe"])),
        # What runs before the service, and what hides among the base's files.
        mutant("stray", "IMG-STRAY", File("usr/lib/python3.11/notes.txt", b"x")),
        mutant("stray-folder", "IMG-STRAY", File("usr/lib/python3.11/extra/__init__.py", b"x = 1\n")),
        mutant("startup-local", "IMG-STARTUP", File("usr/local/lib/python3.11/dist-packages/a.pth", b"import sys\n")),
        mutant("startup-unrecorded", "IMG-STARTUP IMG-PY-RECORD", File(f"{SITE}/a.pth", b"/opt\nimport sys\n")),
        mutant("startup-module", "IMG-STARTUP", File("app/sitecustomize.py", b"x = 1\n")),
        mutant("startup-package", "IMG-STARTUP", File("app/usercustomize/__init__.py", b"x = 1\n")),
        mutant("startup-base", "IMG-STARTUP", File("etc/python3.11/sitecustomize.py", b"x = 1\n")),
        # Python.
        mutant("unrecorded", "IMG-PY-RECORD", File(f"{SITE}/extra.pth", b"/opt\n")),
        mutant("other-version", "IMG-PY-PINS IMG-PY-RECORD", File(f"{SITE}/h11-0.16.0.dist-info/METADATA", lost)),
        mutant("licence", "IMG-PY-LICENCE IMG-PY-RECORD", File(f"{SITE}/h11-0.16.0.dist-info/METADATA", bought)),
        mutant(
            "invisible",
            "IMG-PY-PINS IMG-PY-VISIBLE",
            File("opt/lib/python3.11/site-packages/stray-1.dist-info/METADATA", stray),
            File("opt/lib/python3.11/site-packages/stray-1.dist-info/RECORD", b"stray-1.dist-info/METADATA,,\n"),
        ),
        mutant("no-module", "IMG-PY-IMPORT IMG-PY-BYTECODE", gone("app/lucid_service/logs.py")),
        mutant("bytecode-forged", "IMG-PY-COMPILED", File(f"{CACHE}/probe.cpython-311.pyc", probed[:16] + other[16:])),
        mutant("bytecode-alone", "IMG-PY-BYTECODE", File("app/ghost.pyc", bytecode("x = 1"))),
        # TRON.
        mutant("payment-zip", "IMG-TRON-ARCHIVE", File("app/assets.bin", zipped(**{"tronpy/__init__.py": ""}))),
        mutant(
            "payment-zip-deep", "IMG-TRON-ARCHIVE", File("app/a.whl", zipped(b=zipped(x="TRON_KEY").decode("latin-1")))
        ),
        mutant("payment-import", "IMG-TRON-IMPORT", File("app/lucid_service/extra.py", b"import tronpy\n")),
        mutant("payment-class", "IMG-TRON-WORD", File("app/lucid_service/extra.py", b"class TronClient: ...\n")),
        mutant("payment-host", "IMG-TRON-WORD", File("app/config.yml", b"node: api.trongrid.io\n")),
        mutant("payment-file", "IMG-TRON-NAME", File("app/tron_wallet.json", b"{}")),
        mutant("payment-bytecode", "IMG-TRON-WORD IMG-PY-BYTECODE", File("app/ghost.pyc", bytecode("TRON_KEY = 1"))),
        mutant("payment-variable", "IMG-TRON", change=variable("TRON_NETWORK", "nile")),
        # The configuration.
        mutant("root", "IMG-USER", change=config(User="")),
        mutant("foreign", "IMG-ARCH IMG-ELF-ARCH", change=lambda d: d.update(architecture="arm64")),
        mutant("unnamed", "IMG-NAME", repository="other-mutant"),
        mutant("port", "IMG-PORTS", change=lambda d: d["config"]["ExposedPorts"].update({"9999/tcp": {}})),
        mutant("log-level", "IMG-ENV", change=variable("LOG_LEVEL", "DEBUG")),
        mutant("path", "IMG-PATH", change=variable("PATH", "/usr/bin:/home/app/.local/bin")),
        mutant("no-maintainer", "IMG-LABELS", change=label(maintainer=" ")),
        mutant("cluster", "IMG-IDENTITY", change=label(cluster="01-api-gateway")),
        mutant("version", "IMG-VERSION", change=label(version="latest")),
        mutant("commit", "IMG-COMMIT", change=label(git_commit="main")),
        mutant("future", "IMG-CREATED", change=lambda d: d.update(created="2999-01-01T00:00:00Z")),
        mutant("health", "IMG-HEALTH", change=lambda d: d["config"].pop("Healthcheck")),
        mutant("health-port", "IMG-HEALTH", change=health("-c", f"{ASK}('http://127.0.0.1:1/health')")),
        mutant("health-path", "IMG-HEALTH", change=health("-c", f"{ASK}('http://127.0.0.1:8087/healthy')")),
        mutant(
            "health-socket", "IMG-HEALTH", change=health("-c", "import socket as s; s.socket().connect(('::1', 1))")
        ),
        mutant("health-nothing", "IMG-HEALTH", change=health("-c", "pass")),
        mutant("health-module", "IMG-HEALTH", change=health("-m", "lucid_service.prober")),
        mutant("health-other", "", change=health("-c", f"{ASK}('http://127.0.0.1:8087/health')")),
        mutant("volume", "IMG-VOLUME", change=config(Volumes={"/cache": {}})),
        mutant("stop", "IMG-STOP", change=config(StopSignal="SIGKILL")),
        mutant(
            "argv",
            "IMG-ARGV",
            change=config(Entrypoint=[PYTHON, PYTHON, "-m", "lucid_data_chain"]),
        ),
        mutant("large", "IMG-SIZE", File("opt/large", bytes(121 * 1024 * 1024 - size))),
        Mutant("layers", frozenset({"IMG-LAYERS"}), layers=tuple((File(f"opt/{n}", b"x"),) for n in range(4))),
    ]


@pytest.fixture
def made(client: docker.DockerClient) -> Iterator[list[Mutant]]:
    """The mutants, on the engine as long as the test runs."""
    made = mutants(client)
    load(client, HEALTHY, made)
    yield made
    for each in made:
        client.images.remove(each.image, force=True)


def matrix(made: list[Mutant]) -> str:
    """A matrix with one row for each mutant."""
    rows = [
        f'[[service]]\nname = "{each.service}"\nimage = "{each.image}"\ndockerfile = "blockchain/Dockerfile.data"\n'
        f'cluster = "02-blockchain-core"\nports = [{{ number = 8087, published = {9000 + n} }}]\n'
        'storage = ["/data/chunks", "/data/merkle"]\nrequirements = ["blockchain/requirements.data.txt"]\n'
        for n, each in enumerate(made)
    ]
    head = 'extends = "platform"\nphase = 2\n'
    return head + "\n".join(rows)


def test_each_defect_turns_its_own_checks_red_and_no_other(run: Run, made: list[Mutant], tmp_path: Path) -> None:
    (tmp_path / "mutants.toml").write_text(matrix(made))
    junit = tmp_path / "junit.xml"
    _, output = run(
        "--lucid-host=local",
        f"--lucid-matrix={tmp_path / 'mutants.toml'}",
        f"--junitxml={junit}",
        SUITE,
        "-k",
        "test_image",
    )
    assert junit.exists(), output
    red: dict[str, set[str]] = {each.service: set() for each in made}
    judged: set[str] = set()
    for case in ET.parse(junit).getroot().iter("testcase"):  # noqa: S314 - our own file
        service = str(case.get("name")).partition("[")[2].rstrip("]")
        check = next(str(p.get("value")) for p in case.iter("property") if p.get("name") == "lucid.check")
        judged.add(check)
        if case.find("failure") is not None or case.find("error") is not None:
            red[service].add(check)
    assert red == {each.service: set(each.red) for each in made}
    assert judged == set().union(*(each.red for each in made)), "a check that no mutant turns red"
