"""A service as a process: its exit codes, signals, HTTPS, log and health probe; and that all six are assembled."""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import httpx2
import pytest
from starlette.routing import Route

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from starlette.requests import Request
    from starlette.responses import Response

BLOCKCHAIN = ("lucid-blockchain-engine", "lucid-session-anchoring", "lucid-block-manager", "lucid-data-chain")
SERVICES = [
    ("03-api-gateway/Dockerfile", "lucid_api_gateway", {"lucid-service-mesh-controller", *BLOCKCHAIN}),
    ("blockchain/Dockerfile.engine", "lucid_blockchain_engine", set()),
    ("blockchain/Dockerfile.anchoring", "lucid_session_anchoring", {"lucid-blockchain-engine"}),
    ("blockchain/Dockerfile.manager", "lucid_block_manager", {"lucid-blockchain-engine"}),
    ("blockchain/Dockerfile.data", "lucid_data_chain", set()),
    ("service-mesh/Dockerfile.controller", "lucid_service_mesh_controller", {"consul"}),
]


@pytest.fixture
def environ(sources: tuple[str, ...], free_port: Callable[[], int], tmp_path: Path) -> dict[str, str]:
    folders = {name: tmp_path / name for name in ("CHUNKS_DIR", "MERKLE_DIR")}
    for folder in folders.values():
        folder.mkdir()
    return {
        **{name: str(folder) for name, folder in folders.items()},
        **os.environ,
        "PYTHONPATH": os.pathsep.join(sources),
        "PYTHONWARNINGS": "error",
        "SERVICE_NAME": "lucid-data-chain",
        "SERVICE_VERSION": "1.2.3",
        "PORT": str(free_port()),
        "SERVICE_DISCOVERY_URL": f"http://127.0.0.1:{free_port()}",
    }


@contextmanager
def process(environ: dict[str, str], package: str = "lucid_data_chain") -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", package]
    with subprocess.Popen(
        command, env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, encoding="utf-8"
    ) as started:
        try:
            yield started
        finally:
            started.kill()


def run_probe(environ: dict[str, str]) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, "-m", "lucid_service.probe"], env=environ, capture_output=True, text=True, check=False
    )
    return done.returncode, done.stdout + done.stderr


def answers(port: str) -> bool:
    try:
        return httpx2.get(f"http://127.0.0.1:{port}/health/live").status_code == 200
    except httpx2.TransportError:
        return False


@pytest.fixture
def local(free_port: Callable[[], int], tmp_path: Path) -> Callable[[str, str], str]:
    """What a variable of a container becomes here: names of containers resolve nowhere, and /data is not ours."""

    def value(name: str, declared: str) -> str:
        if name.endswith("_PORT"):
            return str(free_port())
        if name.endswith("_DIR"):
            folder = tmp_path / declared.lstrip("/")
            folder.mkdir(parents=True)
            return str(folder)
        return re.sub(r"http://[^:]+:\d+", f"http://127.0.0.1:{free_port()}", declared)

    return value


@pytest.mark.parametrize("service", SERVICES, ids=[package for _dockerfile, package, _needs in SERVICES])
def test_service_starts_with_the_environment_of_its_dockerfile(
    root: Path,
    environ: dict[str, str],
    local: Callable[[str, str], str],
    eventually: Any,
    service: tuple[str, str, set[str]],
) -> None:
    dockerfile, package, needs = service
    text = (root / dockerfile).read_text("utf-8").replace("${VERSION:-unknown}", "9.8.7")
    declared = dict(re.findall(r"^(?:ENV| ) +([A-Z_]+)=(\S+)", text, re.MULTILINE))
    assert declared["PYTHONPATH"] == "/app"
    taken = {name: value for name, value in declared.items() if not name.startswith("PYTHON") and name != "PATH"}
    own = {name: local(name, value) for name, value in taken.items() if name != "PORT"}
    with process({**environ, **own}, package) as started:
        eventually(lambda: answers(environ["PORT"]))
        body = httpx2.get(f"http://127.0.0.1:{environ['PORT']}/health").json()
        assert (body["service"], body["version"]) == (package.replace("_", "-"), "9.8.7")
        assert set(body["dependencies"]) == needs
        started.terminate()
        started.wait(timeout=10)


def test_bad_environment_ends_with_2_and_one_message(environ: dict[str, str]) -> None:
    with process({**environ, "PORT": "http", "LOG_LEVEL": "LOUD"}) as started:
        _output, errors = started.communicate(timeout=20)
    assert started.returncode == 2
    assert errors.splitlines() == [
        "The service cannot start, its environment is wrong:",
        "PORT='http': expected a port from 1 to 65535",
        "LOG_LEVEL='LOUD': expected one of DEBUG, INFO, WARNING, ERROR, CRITICAL",
    ]


def test_taken_port_ends_with_1_and_one_message(environ: dict[str, str]) -> None:
    with socket.create_server(("", int(environ["PORT"]))), process(environ) as started:
        output, errors = started.communicate(timeout=20)
    assert (started.returncode, errors) == (1, "")
    assert f"port {environ['PORT']}" in json.loads(output.splitlines()[-1])["message"]


@pytest.mark.skipif(os.name == "nt", reason="Windows ends a process without telling it")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signal_ends_with_0_in_time_in_spite_of_hanging_clients(
    environ: dict[str, str], eventually: Any, number: signal.Signals
) -> None:
    address = ("127.0.0.1", int(environ["PORT"]))
    with process(environ) as started:
        eventually(lambda: answers(environ["PORT"]))
        with socket.create_connection(address) as idle, socket.create_connection(address) as half:
            idle.sendall(b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n")
            assert idle.recv(4096)
            half.sendall(b"GET /health HTTP/1.1\r\nHo")
            sent = time.monotonic()
            started.send_signal(number)
            _output, errors = started.communicate(timeout=10)
    assert (started.returncode, errors) == (0, "")
    assert time.monotonic() - sent < 7


def test_request_that_never_ends_is_cut_off_after_the_grace(launch: Any) -> None:
    async def never(_request: Request) -> Response:
        await asyncio.Event().wait()
        raise AssertionError

    with launch(routes=[Route("/never", never)]) as url:
        client = socket.create_connection(("127.0.0.1", int(url.rpartition(":")[2])))
        client.sendall(b"GET /never HTTP/1.1\r\nHost: x\r\n\r\n")
        sent = time.monotonic()
    assert 2 < time.monotonic() - sent < 7
    client.close()


def test_log_is_json_with_the_request_id_and_without_probes(environ: dict[str, str], eventually: Any) -> None:
    base = f"http://127.0.0.1:{environ['PORT']}"
    with process(environ) as started:
        eventually(lambda: answers(environ["PORT"]))
        httpx2.get(base + "/health")
        httpx2.get(base + "/nowhere", headers={"X-Request-ID": "abc-1"})
        started.terminate()
        output, _errors = started.communicate(timeout=10)
    records = [json.loads(line) for line in output.splitlines()]
    assert all(
        {"timestamp", "level", "service", "logger", "message"} <= set(record)
        and record["service"] == "lucid-data-chain"
        and "color_message" not in record
        for record in records
    )
    assert {"uvicorn.error", "lucid_service.server"} <= {record["logger"] for record in records}
    (access,) = [record for record in records if record["logger"] == "lucid_service.access"]
    assert (access["level"], access["message"], access["request_id"]) == ("INFO", "GET /nowhere 404", "abc-1")


def test_probes_are_logged_at_debug(environ: dict[str, str], eventually: Any) -> None:
    with process({**environ, "LOG_LEVEL": "DEBUG"}) as started:
        eventually(lambda: answers(environ["PORT"]))
        started.terminate()
        output, _errors = started.communicate(timeout=10)
    access = [json.loads(line) for line in output.splitlines() if "lucid_service.access" in line]
    assert {record["level"] for record in access} == {"DEBUG"}


@pytest.fixture
def certificate(tmp_path: Path) -> tuple[Path, Path]:
    if not shutil.which("openssl"):
        pytest.skip("makes its certificate with openssl, which is not on PATH")
    cert, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=localhost"]
    names = ["-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]
    subprocess.run([*command, *names, "-keyout", key, "-out", cert], check=True, capture_output=True)
    return cert, key


def test_https_serves_the_same_application(
    environ: dict[str, str], certificate: tuple[Path, Path], free_port: Callable[[], int], eventually: Any
) -> None:
    cert, key = certificate
    tls = {"TLS_PORT": str(free_port()), "TLS_CERT_FILE": str(cert), "TLS_KEY_FILE": str(key)}
    with process({**environ, **tls}) as started:
        eventually(lambda: answers(environ["PORT"]))
        trusting = ssl.create_default_context(cafile=str(cert))
        with httpx2.Client(verify=trusting) as client:
            assert client.get(f"https://127.0.0.1:{tls['TLS_PORT']}/health").json()["service"] == "lucid-data-chain"
        started.terminate()
        started.communicate(timeout=10)


@pytest.mark.parametrize("content", [None, "no certificate"])
def test_https_without_a_usable_certificate_is_an_error_in_the_log_and_http_goes_on(
    environ: dict[str, str], tmp_path: Path, free_port: Callable[[], int], eventually: Any, content: str | None
) -> None:
    pem = tmp_path / "cert.pem"
    if content is not None:
        pem.write_text(content, "utf-8")
    tls = {"TLS_PORT": str(free_port()), "TLS_CERT_FILE": str(pem), "TLS_KEY_FILE": str(pem)}
    with process({**environ, **tls}) as started:
        eventually(lambda: answers(environ["PORT"]))
        assert not answers(tls["TLS_PORT"])
        started.terminate()
        output, _errors = started.communicate(timeout=10)
    (error,) = [json.loads(line) for line in output.splitlines() if '"ERROR"' in line]
    assert error["message"].startswith(f"no HTTPS on port {tls['TLS_PORT']}: certificate {pem}")


def test_probe_accepts_the_service(launch: Any, environ: dict[str, str]) -> None:
    with launch() as url:
        port = url.rpartition(":")[2]
        assert run_probe({**environ, "PORT": port, "SERVICE_NAME": "lucid-test"}) == (0, "")


@pytest.mark.parametrize(
    ("status", "body", "complaint"),
    [
        (503, b'{"service": "lucid-data-chain"}', "status 503, expected 200"),
        (200, b'{"service": "lucid-else"}', "service 'lucid-else' answers, expected 'lucid-data-chain'"),
        (200, b"[]", "service None answers, expected 'lucid-data-chain'"),
        (200, b"OK", "the body is not JSON"),
    ],
)
def test_probe_complains(record: Any, environ: dict[str, str], status: int, body: bytes, complaint: str) -> None:
    with record(lambda _method, _path: (status, {}, body)) as server:
        port = server.url.rpartition(":")[2]
        assert run_probe({**environ, "PORT": port}) == (1, complaint + "\n")


def test_probe_complains_when_nobody_answers(environ: dict[str, str]) -> None:
    code, complaint = run_probe(environ)
    assert code == 1
    assert complaint.startswith("no answer: ConnectionRefusedError")


def test_probe_imports_little(environ: dict[str, str]) -> None:
    program = "import sys, lucid_service.probe; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], env=environ, capture_output=True, text=True, check=True)
    assert not {"asyncio", "httpx2", "starlette", "uvicorn", "logging"} & set(done.stdout.split())
