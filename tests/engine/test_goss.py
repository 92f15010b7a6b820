"""goss files against a container without a shell, and an image on the engine: passes, failures, errors."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import trustme
from docker.types import IPAMConfig, IPAMPool
from scene import DISTROLESS, LABELS

from pytest_lucid import standin
from pytest_lucid.engine.run import Run
from pytest_lucid.errors import ConfigError, EngineError
from pytest_lucid.formats.kinds import read_questions
from pytest_lucid.target.testinfra_hosts import visits
from pytest_lucid.tested.find import UnderTest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import docker
    from runs import Things

    from pytest_lucid.formats.tested import Question

pytestmark = pytest.mark.engine
CASES = Path(__file__).parent / "goss"
NAME = "lucid-scratch-goss"
ADDRESS = "10.231.78.7"
# Of these, an image can be judged; the others are of what runs.
AT_REST = frozenset({"File", "Package", "User", "Group", "Matching", "Command"})
# A pass and a failure of each.
RESTING = frozenset(
    {
        "File: /etc/passwd", "File: /usr/bin/python3", "File: not there", "Package: libc6", "Package: not installed",
        "User: nonroot", "User: not 0", "Group: nonroot", "Group: not 0", "Matching: vars", "Matching: not vars",
        "Command: /usr/bin/python3 --version", "Command: not 0",
    }
)  # fmt: skip
TOLD = frozenset({"Process: not nginx", "Port: not 9"})
SERVER = r"""
import http.server, json, socket, ssl, threading
class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def answer(self, status, body, **headers):
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", "Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)
    def do_GET(self):
        if self.path == "/moved":
            return self.answer(302, b"", Location="/health")
        if self.path == "/slow":
            threading.Event().wait(60)
        said = {"ok": True, "path": self.path, "asked": self.headers.get("X-Asked", ""),
                "as": self.headers.get("Authorization", "")}
        self.answer(404 if self.path == "/none" else 200, json.dumps(said).encode())
    def do_POST(self):
        self.answer(201, self.rfile.read(int(self.headers["Content-Length"])))
    def log_message(self, *_):
        pass
class Six(http.server.ThreadingHTTPServer):
    address_family = socket.AF_INET6
open("/tmp/hello", "w").write("hello\n")
open("/tmp/pem", "w").write(PEM)
secured = http.server.ThreadingHTTPServer(("0.0.0.0", 8443), Handler)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain("/tmp/pem")
secured.socket = context.wrap_socket(secured.socket, server_side=True)
datagrams = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
datagrams.bind(("127.0.0.1", 8082))
for server in (secured, http.server.ThreadingHTTPServer(("0.0.0.0", 8080), Handler), Six(("::", 8081), Handler)):
    threading.Thread(target=server.serve_forever, daemon=True).start()
"""


@pytest.fixture
def tests() -> Iterator[UnderTest]:
    found = UnderTest(Run.new())
    yield found
    found.close()
    visits().end()


@pytest.fixture
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def asked(authority: trustme.CA, tmp_path: Path) -> list[Question]:
    """The tests of the files, which trust one authority."""
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    (tmp_path / "vars.json").write_text(json.dumps({"count": 3, "ca": str(tmp_path / "ca.pem")}))
    return list(read_questions(CASES / "goss.yaml", tmp_path / "vars.json"))


@pytest.fixture
def served(client: docker.DockerClient, authority: trustme.CA, box: Callable[..., Any]) -> Iterator[Any]:
    """A container without a shell that serves, on a network of its own."""
    pem = authority.issue_cert("localhost").private_key_and_cert_chain_pem.bytes().decode()
    ipam = IPAMConfig(pool_configs=[IPAMPool(subnet="10.231.78.0/24")])
    network = client.networks.create(f"{NAME}-net", ipam=ipam, labels=LABELS)
    try:
        config = client.api.create_endpoint_config(ipv4_address=ADDRESS)
        yield box(f"PEM = {pem!r}\n{SERVER}", NAME, network=network.name, networking_config={network.name: config})
        network.disconnect(NAME, force=True)
    finally:
        network.remove()


def failed(tests: UnderTest, against: str, asked: list[Question]) -> tuple[set[str], set[str]]:
    """The names of the tests that fail, and of those that must."""
    wrong = {question.name: problems for question in asked if (problems := question.ask(tests.find(against)))}
    expected = {question.name for question in asked if ": not " in question.name}
    # What was said of a surprise is part of the message.
    return {name if name in expected else f"{name}: {said}" for name, said in wrong.items()}, expected


@pytest.mark.usefixtures("served")
def test_a_container_without_a_shell(tests: UnderTest, asked: list[Question], tmp_path: Path) -> None:
    found, expected = failed(tests, f"lucid://{NAME}", [each for each in asked if not each.skipped])
    assert found == expected
    kinds = {name.partition(":")[0] for name in (each.name for each in asked)}
    # Each kind of resource has one that passes and one that fails; a service can only be skipped.
    assert {name.partition(":")[0] for name in expected} == kinds - {"Service"}
    # What there is instead is told.
    told = {each.name: each.ask(tests.find(f"lucid://{NAME}")) for each in asked if each.name in TOLD}
    assert told["Process: not nginx"] == ["running is false; expected true", "running: python3.11"]
    assert told["Port: not 9"][0] == "listening is false; expected true"
    # The engine's name server is there, too, at ports that nobody knows before.
    assert {"tcp6:8081 (::)", "tcp:8080 (0.0.0.0)"} <= set(
        told["Port: not 9"][1].removeprefix("listening: ").split(", ")
    )
    # What cannot be asked is an error.
    (tmp_path / "goss.yaml").write_text(
        "service: {sshd: {running: true}}\n"
        "command: {'echo a | cat': {exit-status: 0}, "
        "/usr/bin/python3 -c 'import time; time.sleep(60)': {exit-status: 0, timeout: 300}, "
        "flood: {exec: \"/usr/bin/python3 -c 'while 1: print(bytes(99999))'\", exit-status: 0, timeout: 60000}}\n"
        "dns: {'CAA:a.example': {resolvable: true, server: 127.0.0.11}}\n"
    )
    said = []
    for question in read_questions(tmp_path / "goss.yaml"):
        with pytest.raises((ConfigError, EngineError)) as caught:
            question.ask(tests.find(f"lucid://{NAME}"))
        said.append(str(caught.value))
    service, shell, slow, flood, records = said
    assert "service sshd cannot be judged" in service
    assert "echo a | cat cannot run: it needs a shell, and there is no /bin/sh" in shell
    assert "/usr/bin/python3 in lucid-scratch-goss did not end within 0.3 s" in slow
    assert "wrote more than" in flood
    assert "CAA is not supported here" in records


def test_an_image(tests: UnderTest, asked: list[Question], client: Any, things: Callable[[], Things]) -> None:
    standin.ensure(client, [DISTROLESS], print)
    resting = [each for each in asked if each.name in RESTING]
    assert len(resting) == len(RESTING)
    found, expected = failed(tests, DISTROLESS, resting)
    assert found == expected
    for each in asked:
        if each.name.partition(":")[0] not in AT_REST:
            with pytest.raises(ConfigError, match="cannot be judged"):
                each.ask(tests.find(DISTROLESS))
    tests.close()
    assert not things().containers
