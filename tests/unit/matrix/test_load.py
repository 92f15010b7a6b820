from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pytest_lucid.errors import ConfigError
from pytest_lucid.matrix import Matrix, load_matrix

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
