"""A real Consul with access control lists and TLS: what may not be read is an error, and never "not registered"."""

from __future__ import annotations

import io
import json
import tarfile
import time
from typing import TYPE_CHECKING

import pytest
import trustme

from pytest_lucid import standin
from pytest_lucid.engine.run import Run
from pytest_lucid.errors import LucidError
from pytest_lucid.inspect.consul import Discovery, Registration, read_discovery
from pytest_lucid.sidecar.session import Session
from pytest_lucid.sidecar.sidecar import TOOLBOX, Sidecar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from docker.models.containers import Container

    from pytest_lucid.engine.connection import Engine

    Ask = Callable[..., Discovery]

IMAGE = "hashicorp/consul:1.20.6"
NAME = "lucid-scratch-consul"
# Tokens of this test's own Consul, by what each may read.
ALL, WEB, SERVICES, UNKNOWN = (f"{digit * 8}-0000-0000-0000-000000000000" for digit in "1234")
RULES = {
    WEB: 'service "web" { policy = "read" } node_prefix "" { policy = "read" }',
    SERVICES: 'service_prefix "" { policy = "read" }',
}
CLEAR, SECURED = 8500, 8501
AUTHORITY = trustme.CA()
START_SECONDS = 30


def settings() -> dict[str, bytes]:
    """The files of an agent that hides everything from whom it does not know, and speaks TLS on a second port."""
    issued = AUTHORITY.issue_cert("127.0.0.1", "server.dc1.consul")
    document = {
        "acl": {"enabled": True, "default_policy": "deny", "tokens": {"master": ALL, "agent": ALL}},
        "ports": {"http": CLEAR, "https": SECURED},
        "cert_file": "/certificate.pem",
        "key_file": "/key.pem",
        "services": [{"name": "web", "port": 8080, "address": "10.1.2.3", "token": ALL}],
    }
    return {
        "consul.json": json.dumps(document).encode(),
        "certificate.pem": issued.cert_chain_pems[0].bytes(),
        "key.pem": issued.private_key_pem.bytes(),
    }


def archive(files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(content), 0o444
            tar.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()


@pytest.fixture(scope="module")
def consul(engine: Engine) -> Iterator[Container]:
    """An agent with two tokens beside its master's, and with one service."""
    standin.ensure(engine.client, [IMAGE, TOOLBOX], print)
    command = ["agent", "-dev", "-client=0.0.0.0", "-log-level=warn", "-config-file=/consul.json"]
    container = engine.client.containers.create(IMAGE, entrypoint=["consul"], command=command, name=NAME)
    try:
        container.put_archive("/", archive(settings()))
        container.start()
        deadline = time.monotonic() + START_SECONDS
        while b"web" not in told(container, "catalog", "services"):
            assert time.monotonic() < deadline, container.logs().decode()
            time.sleep(0.2)
        for token, rules in RULES.items():
            told(container, "acl", "policy", "create", f"-name={token}", f"-rules={rules}")
            told(container, "acl", "token", "create", f"-policy-name={token}", f"-secret={token}")
        yield container
    finally:
        container.remove(force=True)


def told(container: Container, *words: str) -> bytes:
    """What Consul's own command line answers."""
    output = container.exec_run(["consul", *words, f"-token={ALL}"]).output
    assert isinstance(output, bytes)
    return output


@pytest.fixture(autouse=True)
def nothing_left() -> None:
    """Leave the sidecar to the session below, which all these tests share."""


@pytest.fixture(scope="module")
def session(consul: Container, engine: Engine) -> Iterator[Session]:
    session = Session(Sidecar(engine, str(consul.name), Run.new()))
    yield session
    session.close()
    session.sidecar.remove()


@pytest.fixture
def ask(session: Session, monkeypatch: pytest.MonkeyPatch) -> Ask:
    """Ask the agent for services, with some of the variables of Consul's own command line."""

    def ask(*names: str, port: int = CLEAR, **variables: str) -> Discovery:
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        return read_discovery(session, port, names)

    return ask


def test_a_token_that_may_read_is_told_what_is_there_and_what_is_not(ask: Ask) -> None:
    found = ask("web", "absent", CONSUL_HTTP_TOKEN=ALL).registrations
    assert found == {"web": (Registration("10.1.2.3", 8080, passing=True),), "absent": ()}
    assert [each.port for each in ask("web", CONSUL_HTTP_TOKEN=WEB).registrations["web"]] == [8080]


def test_a_token_from_a_file(ask: Ask, tmp_path: Path) -> None:
    (tmp_path / "token").write_text(f"{ALL}\n")
    assert len(ask("web", CONSUL_HTTP_TOKEN_FILE=str(tmp_path / "token")).registrations["web"]) == 1


@pytest.mark.parametrize(
    ("token", "message"),
    [
        ("", "hides web, absent from .*expected CONSUL_HTTP_TOKEN to have a token with service:read on web, absent"),
        (WEB, "hides absent from .*expected CONSUL_HTTP_TOKEN to have a token with service:read on absent"),
        (SERVICES, "shows no node, .*expected CONSUL_HTTP_TOKEN to have a token with node:read"),
        (UNKNOWN, r"refused /v1/health/service/web \(ACL not found\), .*expected CONSUL_HTTP_TOKEN"),
    ],
    ids=["none", "one service", "no node", "unknown"],
)
def test_what_the_token_may_not_read_is_an_error(ask: Ask, token: str, message: str) -> None:
    with pytest.raises(LucidError, match=message) as error:
        ask("web", "absent", CONSUL_HTTP_TOKEN=token)
    assert not token or token not in str(error.value)


def test_tls_with_its_authority(ask: Ask, tmp_path: Path) -> None:
    AUTHORITY.cert_pem.write_to_path(tmp_path / "ca.pem")
    secured = {"CONSUL_HTTP_SSL": "true", "CONSUL_CACERT": str(tmp_path / "ca.pem"), "CONSUL_HTTP_TOKEN": ALL}
    assert len(ask("web", port=SECURED, **secured).registrations["web"]) == 1
    with pytest.raises(LucidError, match=r"its certificate .*Hostname mismatch.*CONSUL_TLS_SERVER_NAME"):
        ask("web", port=SECURED, CONSUL_TLS_SERVER_NAME="elsewhere.consul")
    assert len(ask("web", port=SECURED, CONSUL_TLS_SERVER_NAME="server.dc1.consul").registrations["web"]) == 1
    with pytest.raises(LucidError, match=r"no answer to TLS at port 8500, .*CONSUL_HTTP_SSL is set"):
        ask("web", port=CLEAR)


def test_tls_that_nobody_vouches_for(ask: Ask) -> None:
    with pytest.raises(LucidError, match=r"its certificate .*unable to get local issuer.*expected CONSUL_CACERT"):
        ask("web", port=SECURED, CONSUL_HTTP_SSL="true", CONSUL_HTTP_TOKEN=ALL)
    assert len(ask("web", port=SECURED, CONSUL_HTTP_SSL_VERIFY="false").registrations["web"]) == 1


def test_tls_that_was_not_expected(ask: Ask) -> None:
    with pytest.raises(LucidError, match="it speaks TLS; expected CONSUL_HTTP_SSL=true and CONSUL_CACERT"):
        ask("web", port=SECURED)


def test_a_port_without_consul(ask: Ask) -> None:
    with pytest.raises(LucidError, match=r"no answer to /v1/status/leader at port 8999"):
        ask("web", port=8999)
