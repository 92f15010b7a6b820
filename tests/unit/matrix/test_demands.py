"""What a matrix demands: rows, rules, ports and networks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pytest_lucid.errors import ConfigError
from pytest_lucid.matrix import load_matrix
from pytest_lucid.matrix.written import is_demanded

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Write = Callable[[str], Path]

FOREIGN = """
extends = "nothing"
[[service]]
name = "web"
image = "example/web:1"
"""


def test_a_matrix_may_demand_next_to_nothing(write: Write) -> None:
    matrix = load_matrix(write(FOREIGN))
    (web,) = matrix.service
    assert (matrix.network, matrix.consul, matrix.image, web.user, web.ports, web.http) == (None,) * 6
    assert web.variables is None


def test_a_row_takes_over_what_stands_above_and_changes_what_it_says(write: Write) -> None:
    (row,) = load_matrix(
        write(
            f"""{FOREIGN}
content = {{ no_shell = false }}
hardening = {{ tmpfs = ["/run"] }}
""".replace('extends = "nothing"', 'extends = ["distroless", "hardened"]\nuser = "1:2"')
        )
    ).service
    assert row.user == "1:2"
    assert row.content
    assert row.content.no_setid
    assert row.content.no_shell is False
    assert row.hardening
    assert row.hardening.read_only
    assert row.hardening.tmpfs == ("/run",)


def test_a_row_may_be_without_what_stands_above(write: Write) -> None:
    (row,) = load_matrix(
        write(
            f"""{FOREIGN}
without = ["user", "content.no_shell", "IMG-SETID"]
""".replace('extends = "nothing"', 'extends = "distroless"\nuser = "1:2"')
        )
    ).service
    assert row.user is None
    assert row.content
    assert row.content.no_shell is None
    assert row.content.no_setid
    assert not is_demanded("IMG-SETID", ("content.no_setid",), row)
    assert is_demanded("IMG-DEVICE", ("content.no_devices",), row)


RULE = """
[[forbidden]]
name = "ACME"
words = ["acme"]
hosts = ["acme.example"]
networks = ["acme-net"]
known_hosts = ["pay-*"]
excepted = ["pay*"]
"""


def test_a_rule_forbids_its_words_to_all_but_those_that_it_excepts(write: Write) -> None:
    row = FOREIGN.partition("\n[[")[2]
    matrix = load_matrix(write(FOREIGN + "\n[[" + row.replace("web", "pay", 1) + RULE))
    web, pay = matrix.service
    assert matrix.forbidden_words(web) == matrix.forbidden_words() == ("acme", "acme.example", "acme-net")
    assert matrix.forbidden_words(pay) == ()
    assert (matrix.known_hosts, matrix.forbidden_networks, matrix.forbidden_names) == (
        ("pay-*",),
        ("acme-net",),
        "ACME",
    )


def test_a_rule_of_the_same_name_changes_only_what_it_says(write: Write) -> None:
    matrix = load_matrix(write('[[forbidden]]\nname = "TRON"\nexcepted = ["lucid-api-*"]\n' + RULE))
    before = load_matrix(None)
    gateway, engine, *_ = matrix.service
    assert matrix.forbidden_words(engine) == (*before.forbidden_words(), "acme", "acme.example", "acme-net")
    assert "tron" not in matrix.forbidden_words(gateway)


def test_the_profile_of_the_platform_has_no_rows(write: Write) -> None:
    with pytest.raises(ConfigError, match="service: expected this key"):
        load_matrix(write('extends = "platform"'))


def test_services_in_start_order_say_all_that_is_demanded() -> None:
    assert {row.user for row in load_matrix(None).start_order} == {"65532:65532"}


def test_a_key_is_demanded_where_it_is_written(write: Write) -> None:
    matrix = load_matrix(write(FOREIGN + "ports = []\nhealth = { check = false }"))
    (row,) = matrix.service
    assert is_demanded("A", ("ports",), row, matrix)
    for absent in ("user", "health.check", "health.path", "hardening.read_only", "consul", "listens"):
        assert not is_demanded("A", (absent,), row, matrix)
    with pytest.raises(ConfigError, match="A: it demands 'usr', which is no key"):
        is_demanded("A", ("usr",), row, matrix)


@pytest.mark.parametrize(
    ("text", "ports"),
    [
        ("6379", [(6379, "6379/tcp", None)]),
        ("8080:80", [(8080, "80/tcp", None)]),
        ("127.0.0.1:5432:5432", [(5432, "5432/tcp", "127.0.0.1")]),
        ("[::1]:53:53/udp", [(53, "53/udp", "::1")]),
        ("7000-7001:6000-6001/udp", [(7000, "6000/udp", None), (7001, "6001/udp", None)]),
    ],
)
def test_ports_as_in_compose_files(write: Write, text: str, ports: list[tuple[int, str, str | None]]) -> None:
    (row,) = load_matrix(write(FOREIGN + f'ports = ["{text}"]')).service
    assert [(port.host, str(port), port.address) for port in row.ports or ()] == ports
    assert bool(row.published) == (":" in text)


def test_the_same_number_may_be_published_for_two_protocols(write: Write) -> None:
    (row,) = load_matrix(write(FOREIGN + 'ports = ["53:53", "53:53/udp"]')).service
    assert [str(port) for port in row.published] == ["53/tcp", "53/udp"]


def test_two_rows_may_run_one_image_from_elsewhere(write: Write) -> None:
    row = FOREIGN.partition("\n[[")[2]
    matrix = load_matrix(write(FOREIGN + "\n[[" + row.replace("web", "web2", 1)))
    assert [service.name for service in matrix.service] == ["web", "web2"]


def test_further_networks_belong_to_the_rows_that_name_them(write: Write) -> None:
    matrix = load_matrix(
        write(f"""{FOREIGN}
networks = ["back"]
[network]
name = "front"
[[networks]]
name = "back"
internal = true
subnet6 = "fd00::/64"
[[service]]
name = "other"
image = "x"
""")
    )
    web, other = matrix.service
    assert [network.name for network in matrix.networks_of(web)] == ["back"]
    assert [network.name for network in matrix.networks_of(other)] == ["front"]
    assert matrix.network_names == ("front", "back")
    assert [str(subnet) for subnet in (matrix.network_subnets or {})["back"]] == ["fd00::/64"]
