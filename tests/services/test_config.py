"""The environment becomes one frozen object, or one message with every mistake."""

from __future__ import annotations

from dataclasses import FrozenInstanceError
from pathlib import Path

import pytest
from lucid_service.config import ConfigError, Peer, Tls, load_config, url_variable

GOOD = {
    "SERVICE_NAME": "lucid-data-chain",
    "SERVICE_VERSION": "0.1.0",
    "PORT": "8087",
    "SERVICE_DISCOVERY_URL": "http://consul:8500",
}
TLS = {"TLS_PORT": "8081", "TLS_CERT_FILE": "/run/lucid/tls/cert.pem", "TLS_KEY_FILE": "/run/lucid/tls/key.pem"}


def test_good_environment_is_read() -> None:
    config = load_config(GOOD)
    assert (config.service, config.version, config.port) == ("lucid-data-chain", "0.1.0", 8087)
    assert (config.log_level, config.discovery_url, config.tags) == ("INFO", "http://consul:8500", ())
    assert (config.peers, config.tls, config.host) == ((), None, "")


def test_config_is_frozen() -> None:
    with pytest.raises(FrozenInstanceError):
        load_config(GOOD).port = 1  # type: ignore[misc]


def test_tls_is_read() -> None:
    expected = Tls(8081, Path("/run/lucid/tls/cert.pem"), Path("/run/lucid/tls/key.pem"))
    assert load_config({**GOOD, **TLS}).tls == expected


def test_empty_tls_port_means_no_https() -> None:
    assert load_config({**GOOD, **TLS, "TLS_PORT": ""}).tls is None


def test_peers_come_from_their_variables() -> None:
    environ = {**GOOD, "BLOCKCHAIN_ENGINE_URL": "http://lucid-blockchain-engine:8084/"}
    peers = load_config(environ, ["lucid-blockchain-engine", "consul"]).peers
    assert peers == (
        Peer("lucid-blockchain-engine", "http://lucid-blockchain-engine:8084"),
        Peer("consul", "http://consul:8500"),
    )


@pytest.mark.parametrize(
    ("peer", "variable"),
    [
        ("lucid-service-mesh-controller", "SERVICE_MESH_CONTROLLER_URL"),
        ("lucid-data-chain", "DATA_CHAIN_URL"),
        ("consul", "SERVICE_DISCOVERY_URL"),
    ],
)
def test_variable_of_a_peer(peer: str, variable: str) -> None:
    assert url_variable(peer) == variable


def test_tags_are_split() -> None:
    assert load_config({**GOOD, "SERVICE_TAGS": "lucid, phase2,"}).tags == ("lucid", "phase2")


@pytest.mark.parametrize("url", ["http://consul:8500", "http://consul", "http://10.0.0.1:1/", "http://[::1]:8500"])
def test_url_is_accepted(url: str) -> None:
    assert load_config({**GOOD, "SERVICE_DISCOVERY_URL": url}).discovery_url == url.rstrip("/")


@pytest.mark.parametrize(
    "bad",
    [
        {"SERVICE_NAME": ""},
        {"SERVICE_NAME": "Lucid"},
        {"SERVICE_NAME": "lucid-"},
        {"SERVICE_NAME": "a" * 64},
        {"SERVICE_VERSION": " "},
        {"PORT": ""},
        {"PORT": "0"},
        {"PORT": "65536"},
        {"PORT": "80a"},
        {"PORT": "-1"},
        {"PORT": "٣"},
        {"LOG_LEVEL": "info"},
        {"SERVICE_DISCOVERY_URL": ""},
        {"SERVICE_DISCOVERY_URL": "consul:8500"},
        {"SERVICE_DISCOVERY_URL": "https://consul:8500"},
        {"SERVICE_DISCOVERY_URL": "http://consul:8500/v1"},
        {"SERVICE_DISCOVERY_URL": "http://consul:8500?x"},
        {"SERVICE_DISCOVERY_URL": "http://consul:99999"},
        {"SERVICE_DISCOVERY_URL": "http://consul:0"},
        {"SERVICE_DISCOVERY_URL": "http://[::1"},
        {"TLS_PORT": "8087"},
        {"TLS_PORT": "x"},
        {"TLS_CERT_FILE": ""},
        {"TLS_KEY_FILE": ""},
    ],
    ids=str,
)
def test_bad_value_is_named(bad: dict[str, str]) -> None:
    ((variable, value),) = bad.items()
    with pytest.raises(ConfigError) as caught:
        load_config({**GOOD, **TLS, **bad})
    (line,) = str(caught.value).splitlines()
    assert line.startswith(f"{variable}={value!r}: expected ")


def test_every_mistake_is_told_once() -> None:
    with pytest.raises(ConfigError) as caught:
        load_config({"PORT": "x"}, ["consul", "lucid-data-chain"])
    variables = [line.partition("=")[0] for line in str(caught.value).splitlines()]
    assert variables == ["SERVICE_NAME", "SERVICE_VERSION", "PORT", "SERVICE_DISCOVERY_URL", "DATA_CHAIN_URL"]
