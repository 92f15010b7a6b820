from __future__ import annotations

import pytest

from pytest_lucid.content.forbidden import NOTHING, Vocabulary
from pytest_lucid.matrix import load_matrix

MATRIX = load_matrix(None)
TRON = Vocabulary(MATRIX.forbidden_words(), MATRIX.known_hosts, MATRIX.forbidden_networks)


@pytest.mark.parametrize(
    "text",
    [
        "TRON_API_KEY",
        "TRONGRID_API_KEY",
        "MY_TRON_WALLET",
        "USDT_CONTRACT",
        "PAYOUT_ROUTER_V0",
        "TRC20",
        "import tronpy",
        "from tronapi import Tron",
        "https://api.trongrid.io/v1",
        "tron_client",
        "tron-payment",
        "nile.trongrid.io",
        "TronClient",
        "getTronBalance",
        "TRONClient",
        "HTTPTron",
        "tronLinker",
        "PayoutRouterV0",
        "payoutRouter",
        "UsdtToken",
        "tron2",
        "lucid-network-isolated",
    ],
)
def test_catches(text: str) -> None:
    assert TRON.found_in(text)


@pytest.mark.parametrize(
    "text",
    [
        "electron",
        "ELECTRON_RUN_AS_NODE",
        "neutron",
        "OS_NEUTRON_URL",
        "patron",
        "patronage",
        "strong",
        "synchrotron",
        "positronic",
        "tronco",
        "matron_name",
        "PAYOUT_DAYS",
        "ROUTER_V0",
        "Electronics",
        "StrongRef",
        "strongSwan",
        "Patron",
        "TRONCO",
        "Tronde",
        "isotron",
        "PayoutDays",
        "network-isolated",
        "sha256=q3Tron0aVb1cWd2eXf3gYh4iZj5kAl6mBn7oCp8qDr9sE",
    ],
)
def test_catches_not(text: str) -> None:
    assert not TRON.found_in(text)


def test_variables_are_judged_by_name_and_by_value() -> None:
    environment = {"A": "1", "TRON_KEY": "", "NODE": "https://api.trongrid.io", "B": "electron"}
    assert TRON.variables(environment) == ("TRON_KEY=", "NODE=https://api.trongrid.io")


def test_only_who_may_knows_the_url_of_the_payment_service() -> None:
    environment = {"TRON_PAYMENT_URL": "http://lucid-tron-payment:8085"}
    assert TRON.variables(environment)
    assert not TRON.variables(environment, knows_url=True)


@pytest.mark.parametrize(
    ("name", "value"), [("TRON_URL", "https://api.trongrid.io"), ("TRON_KEY", "secret"), ("TRON_URL", "lucid-x")]
)
def test_knowing_the_url_excuses_nothing_else(name: str, value: str) -> None:
    assert TRON.variables({name: value}, knows_url=True)


def test_a_word_is_shown_with_what_is_around_it() -> None:
    text = "x = get('https://api.trongrid.io/v1', TRON_API_KEY) # trongrid, TRON_API_KEY"
    assert TRON.tokens_in(text) == ("https://api.trongrid.io/v1", "TRON_API_KEY", "trongrid")


@pytest.mark.parametrize(
    "token", ["TRON_PAYMENT_URL", "tron_payment_url", "lucid-tron-payment", "http://lucid-tron-payment:8085/x"]
)
def test_words_that_the_gateway_may_say(token: str) -> None:
    assert TRON.is_url_word(token)


@pytest.mark.parametrize(
    "token", ["TRON_KEY", "TronClient", "https://api.trongrid.io", "tronpy", "lucid-network-isolated", "TRON_URL_KEY"]
)
def test_words_that_not_even_the_gateway_may_say(token: str) -> None:
    assert not TRON.is_url_word(token)


def test_nothing_is_found_where_nothing_is_forbidden() -> None:
    assert not NOTHING.may_be_in(b"tron")
    assert not NOTHING.tokens_in("TRON_KEY")


def test_of_words_that_begin_alike_the_longest_is_found() -> None:
    vocabulary = Vocabulary(("acme", "acme-pay", "acmepay"))
    assert vocabulary.beginnings == {"acme": ("acme-pay", "acmepay", "acme")}
    assert vocabulary.found_in("Acme-Pay, acmepay and ACME_KEY; acmes") == ("Acme-Pay", "acmepay", "ACME")


def test_a_host_may_be_known_and_its_network_not() -> None:
    vocabulary = Vocabulary(("acme",), hosts=("acme-*",), networks=("acme-isolated",))
    environment = {"PAY_URL": "http://acme-pay:1", "OTHER_URL": "http://api.acme.io"}
    assert vocabulary.variables(environment, knows_url=True) == ("OTHER_URL=http://api.acme.io",)
    assert vocabulary.is_url_word("http://acme-pay")
    assert not vocabulary.is_url_word("acme-isolated")
