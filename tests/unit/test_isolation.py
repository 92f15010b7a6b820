from __future__ import annotations

import pytest

from pytest_lucid.isolation import tron_variables, tron_words


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
