from __future__ import annotations

import pytest

from pytest_lucid.content.tron import is_payment_url_word, tron_tokens, tron_variables, tron_words


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
    assert tron_words(text)


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
    assert not tron_words(text)


def test_variables_are_judged_by_name_and_by_value() -> None:
    environment = {"A": "1", "TRON_KEY": "", "NODE": "https://api.trongrid.io", "B": "electron"}
    assert tron_variables(environment) == ("TRON_KEY=", "NODE=https://api.trongrid.io")


def test_only_who_may_knows_the_url_of_the_payment_service() -> None:
    environment = {"TRON_PAYMENT_URL": "http://lucid-tron-payment:8085"}
    assert tron_variables(environment)
    assert not tron_variables(environment, knows_payment_url=True)


@pytest.mark.parametrize(
    ("name", "value"), [("TRON_URL", "https://api.trongrid.io"), ("TRON_KEY", "secret"), ("TRON_URL", "lucid-x")]
)
def test_knowing_the_url_excuses_nothing_else(name: str, value: str) -> None:
    assert tron_variables({name: value}, knows_payment_url=True)


def test_a_word_is_shown_with_what_is_around_it() -> None:
    text = "x = get('https://api.trongrid.io/v1', TRON_API_KEY) # trongrid, TRON_API_KEY"
    assert tron_tokens(text) == ("https://api.trongrid.io/v1", "TRON_API_KEY", "trongrid")


@pytest.mark.parametrize(
    "token", ["TRON_PAYMENT_URL", "tron_payment_url", "lucid-tron-payment", "http://lucid-tron-payment:8085/x"]
)
def test_words_that_the_gateway_may_say(token: str) -> None:
    assert is_payment_url_word(token)


@pytest.mark.parametrize(
    "token", ["TRON_KEY", "TronClient", "https://api.trongrid.io", "tronpy", "lucid-network-isolated", "TRON_URL_KEY"]
)
def test_words_that_not_even_the_gateway_may_say(token: str) -> None:
    assert not is_payment_url_word(token)
