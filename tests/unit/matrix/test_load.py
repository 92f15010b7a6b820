from __future__ import annotations

from textwrap import dedent
from typing import TYPE_CHECKING

import pytest

from pytest_lucid.errors import ConfigError
from pytest_lucid.matrix import Matrix, load_matrix
from pytest_lucid.matrix.written import is_demanded

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Write = Callable[[str], Path]

ROW = """
[[service]]
name = "lucid-new"
image = "lucid-new:latest"
dockerfile = "new/Dockerfile"
cluster = "c"
ports = [{ number = 9000 }]
"""


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def write(text: str) -> Path:
        file = tmp_path / "lucid.toml"
        file.write_text(dedent(text), "utf-8")
        return file

    return write


def names(matrix: Matrix) -> list[str]:
    return [service.name for service in matrix.service]


def test_packaged_matrix_has_the_six_services_of_the_document() -> None:
    matrix = load_matrix(None)
    assert {
        (service.name, service.dockerfile, *(port.number for port in service.ports or ())) for service in matrix.service
    } == {
        ("lucid-api-gateway", "03-api-gateway/Dockerfile", 8080, 8081),
        ("lucid-blockchain-engine", "blockchain/Dockerfile.engine", 8084, 50051),
        ("lucid-session-anchoring", "blockchain/Dockerfile.anchoring", 8085),
        ("lucid-block-manager", "blockchain/Dockerfile.manager", 8086),
        ("lucid-data-chain", "blockchain/Dockerfile.data", 8087),
        ("lucid-service-mesh-controller", "service-mesh/Dockerfile.controller", 8500),
    }
    assert matrix.network is not None
    assert (matrix.network.name, str(matrix.network.subnet)) == ("lucid-dev", "172.20.0.0/16")


def test_internal_port_is_not_published_and_takes_none_of_the_host(write: Write) -> None:
    row = ROW.replace("{ number = 9000 }", '{ number = 9000 }, { number = 50051, scheme = "grpc", internal = true }')
    service = load_matrix(write(row)).select(("lucid-new",))[0]
    assert [port.number for port in service.ports or ()] == [9000, 50051]
    assert [port.number for port in service.published] == [port.number for port in service.web_ports] == [9000]
    assert service.http is not None
    assert service.http.number == 9000


def test_services_start_after_what_they_need() -> None:
    matrix = load_matrix(None)
    assert matrix.consul is not None
    started = {matrix.consul.container}
    for service in matrix.start_order:
        assert started >= set(service.needs)
        started.add(service.name)
    assert len(started) == 7


def test_closure_adds_what_is_needed_and_nothing_else() -> None:
    matrix = load_matrix(None)
    closure = matrix.closure(matrix.select(("lucid-block-manager",)))
    assert [service.name for service in closure] == ["lucid-blockchain-engine", "lucid-block-manager"]


def test_a_new_row_is_added(write: Write) -> None:
    assert names(load_matrix(write(ROW)))[-1] == "lucid-new"
    assert len(names(load_matrix(write(ROW)))) == 7


def test_a_row_of_the_same_name_changes_only_what_it_says(write: Write) -> None:
    file = write("""
        [[service]]
        name = "lucid-data-chain"
        ports = [{ number = 8087, published = 18087 }]
    """)
    packaged, changed = load_matrix(None), load_matrix(file)
    assert names(changed) == names(packaged)
    before, after = packaged.service[4], changed.service[4]
    assert [port.host for port in after.ports or ()] == [18087]
    assert after.model_copy(update={"ports": before.ports}) == before


def test_a_table_changes_only_what_it_says(write: Write) -> None:
    network = load_matrix(write('[network]\nsubnet = "10.9.0.0/24"')).network
    assert network is not None
    assert (network.name, str(network.subnet)) == ("lucid-dev", "10.9.0.0/24")


def test_a_file_may_stand_alone(write: Write) -> None:
    text = f"""
        extends = "nothing"
        phase = 3
        base = "example/base"
        user = "1000:1000"
        labels = []
        [network]
        name = "n1"
        subnet = "10.0.0.0/8"
        [consul]
        container = "c1"
        image = "consul"
        port = 8500
        {ROW}
    """
    assert names(load_matrix(write("\n".join(line.strip() for line in text.splitlines())))) == ["lucid-new"]


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        pytest.param(
            '\n[network]\nsubnet = "172.20.0.0/99"', 3, "network.subnet: Input is not a valid IPv4", id="subnet"
        ),
        pytest.param('\n[network]\nsubnet = "172.20.5.0/16"', 3, "not a valid IPv4 network", id="host bits"),
        pytest.param("[network]\n\n\ntypo = 1", 4, "not a key of the matrix", id="unknown key"),
        pytest.param('extends = "phase1"', 1, 'expected one or several of "distroless"', id="extends"),
        pytest.param('\n[[forbidden]]\nname = "A"\nwords = ["a b"]', 4, "pattern", id="a word of two"),
        pytest.param("extends = []", 1, "expected one or several of", id="extends no matrix"),
        pytest.param('extends = ["nothing", "lucid"]', 1, "expected one or several of", id="nothing and another"),
        pytest.param('\nwithout = ["usr"]', 2, "usr is none", id="without an unknown key"),
        pytest.param(
            ROW + 'without = ["content.shell"]', 8, "content.shell is none", id="without an unknown key of a table"
        ),
        pytest.param(ROW + 'networks = ["far"]', 8, "far is none", id="unknown network"),
        pytest.param(ROW.replace("{ number = 9000 }", '"80:"'), 7, "as in compose files", id="short port"),
        pytest.param(ROW.replace("{ number = 9000 }", '"1-2:3-5"'), 7, "same length", id="ranges"),
        pytest.param(ROW.replace("9000", "99999"), 7, "less than or equal to 65535, got 99999", id="port range"),
        pytest.param(ROW.replace("9000", '"80"'), 7, "valid integer, got '80'", id="port type"),
        pytest.param(ROW.replace("9000", "8087"), 7, "8087 belongs to lucid-data-chain", id="port taken"),
        pytest.param(ROW.replace("new/D", "../D"), 5, "without '..', got '../Dockerfile'", id="path out of the tree"),
        pytest.param(ROW.replace("new/D", "C:/D"), 5, "a path relative to the project", id="drive"),
        pytest.param(ROW.replace('"lucid-new:latest"', '"Lucid:latest"'), 4, "pattern", id="upper-case image"),
        pytest.param(ROW + 'needs = ["nobody"]', 8, "nobody is not among", id="unknown need"),
        pytest.param(ROW + "needs = [\n  1,\n]", 8, "valid string, got 1", id="multi-line list"),
        pytest.param(ROW.replace('image = "lucid-new:latest"', ""), 2, "image: expected this key", id="missing key"),
        pytest.param(
            ROW.replace("{ number = 9000 }", '{ number = 9000, scheme = "https" }'), 2, "certificate", id="tls"
        ),
        pytest.param(
            ROW.replace("{ number = 9000 }", "{ number = 9000, internal = true, published = 9001 }"),
            7,
            "either 'internal' or 'published'",
            id="internal and published",
        ),
        pytest.param(ROW.replace("{ number = 9000 }", "{ number = 9000, internal = 1 }"), 7, "boolean", id="internal"),
        pytest.param('[[waiver]]\ncheck = "A"\nexpires = 2030-01-01', 1, "reason", id="waiver without reason"),
        pytest.param('[[service]]\nimage = "x"', 1, "name: expected this key", id="nameless row"),
    ],
)
def test_a_mistake_is_reported_with_its_line(write: Write, text: str, line: int, message: str) -> None:
    file = write(text)
    with pytest.raises(ConfigError) as error:
        load_matrix(file)
    assert str(error.value).startswith(f"{file}:{line}: ")
    assert message in str(error.value)


def test_needs_in_a_circle_are_reported(write: Write) -> None:
    file = write("""
        [[service]]
        name = "lucid-blockchain-engine"
        needs = ["lucid-api-gateway"]
    """)
    with pytest.raises(ConfigError, match=r"lucid\.toml:\d: service .*needs without a circle; here: .* → "):
        load_matrix(file)


def test_all_mistakes_are_reported_at_once(write: Write) -> None:
    with pytest.raises(ConfigError) as error:
        load_matrix(write('user = "root"\n[network]\nsubnet = "x"'))
    assert [line.partition(": ")[0][-2:] for line in str(error.value).splitlines()] == [":1", ":3"]


def test_broken_toml_says_where(write: Write) -> None:
    with pytest.raises(ConfigError, match=r"lucid\.toml: not valid TOML: .*line 2"):
        load_matrix(write("a = 1\nb = = 2\n"))


def test_a_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "m.toml").write_bytes(b"a = '\xff'")
    with pytest.raises(ConfigError, match=r"not UTF-8 \(byte 5\)"):
        load_matrix(tmp_path / "m.toml")


@pytest.mark.parametrize("name", ["absent.toml", "."])
def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(ConfigError):
        load_matrix(tmp_path / name)


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
    assert names(load_matrix(write(FOREIGN + "\n[[" + row.replace("web", "web2", 1)))) == ["web", "web2"]


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


def test_a_byte_order_mark_is_no_mistake(tmp_path: Path) -> None:
    (tmp_path / "m.toml").write_bytes(b"\xef\xbb\xbf[network]\r\nsubnet = '10.9.0.0/24'\r\n")
    assert "10.9.0.0/24" in str(load_matrix(tmp_path / "m.toml").network_subnets)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a = " + "[" * 200_000, "a line is longer than 20000"),
        ("a = [" + "[\n" * 200_000, "nested too deeply"),
        ("a = " + "{a=" * 5_000, "nested too deeply"),
        ("[" + "a." * 100_000 + "a]", "a line is longer than 20000"),
        ("[" + "a." * 9_000 + "a]", "lucid.toml"),
        ("user = " + "[" * 300 + "]" * 300, "user"),
        ("#" * 2_000_000, "longer than 1048576 bytes"),
        ("user = '" + "x" * 19_000 + "'", "user"),
        ("".join(f"a{n} = 1\n" for n in range(20_000)), "and 19980 more"),
        ("a = [\n" + "1,\n" * 20_000 + "]\nb = 1\n", ":1: a: not a key"),
    ],
    ids=["long", "arrays", "tables", "long dotted", "dotted", "value", "comment", "string", "keys", "lines"],
)
def test_what_nobody_writes_is_refused_in_few_words(write: Write, text: str, message: str) -> None:
    with pytest.raises(ConfigError) as error:
        load_matrix(write(text))
    assert message in str(error.value)
    assert len(str(error.value)) < 10_000
