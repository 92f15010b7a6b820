"""The stand-ins on a real engine. They are on it already, or made in the first run: about a minute without a cache."""

from __future__ import annotations

import io
import stat
import tarfile
from typing import TYPE_CHECKING, cast

import pytest

from pytest_lucid.errors import EngineError
from pytest_lucid.standin import BaseImage, ensure
from pytest_lucid.standin.ensure import STANDIN_LABEL
from pytest_lucid.standin.pull import Puller

if TYPE_CHECKING:
    from collections.abc import Iterator

    import docker

pytestmark = pytest.mark.engine

RUNTIMES = ("gcr.io/distroless/python3-debian12:nonroot", "gcr.io/distroless/python3-debian13:nonroot")
ROOT_RUNTIME = "gcr.io/distroless/python3-debian12"
BUILDERS = ("debian:12-slim", "debian:13-slim")
CONSUL = "hashicorp/consul:1.20.6"
TOOLBOX = "busybox:1.36.1"
SCRATCH = {"lucid.scratch": "test-bases"}
NOWHERE = "127.0.0.1:9/nothing:1"  # the discard port: nothing listens, so the connection is refused


@pytest.fixture(autouse=True)
def nothing_left() -> None:
    """Nothing here brings a stack up, so there is none to take down."""


@pytest.fixture(scope="module")
def bases(client: docker.DockerClient) -> dict[str, BaseImage]:
    references = (*RUNTIMES, ROOT_RUNTIME, *BUILDERS, CONSUL, TOOLBOX)
    return {base.reference: base for base in ensure(client, references, lambda _: None)}


def run(client: docker.DockerClient, base: BaseImage, command: list[str]) -> str:
    """Return what a container of the base writes, without a network."""
    output = client.containers.run(base.image_id, command, remove=True, network_mode="none", labels=SCRATCH)
    return output.decode().strip()


def files(client: docker.DockerClient, base: BaseImage) -> dict[str, tarfile.TarInfo]:
    """Return the headers of every file of an image, by path."""
    container = client.containers.create(base.image_id, ["none"], labels=SCRATCH)
    try:
        # The stubs call the stream's chunks str; they are bytes.
        chunks = cast("Iterator[bytes]", container.export())
        with tarfile.open(fileobj=io.BytesIO(b"".join(chunks))) as tar:
            return {member.name.strip("/"): member for member in tar}
    finally:
        container.remove(v=True)


@pytest.mark.parametrize("reference", RUNTIMES)
def test_a_runtime_imports_what_needs_libraries(
    client: docker.DockerClient, bases: dict[str, BaseImage], reference: str
) -> None:
    code = (
        "import bz2, ctypes, curses, hashlib, lzma, readline, sqlite3, ssl, uuid, zlib; "
        "print(ssl.create_default_context().cert_store_stats()['x509_ca'] > 100)"
    )
    assert run(client, bases[reference], ["-c", code]) == "True"


@pytest.mark.parametrize("reference", RUNTIMES)
def test_a_runtime_runs_as_nonroot_in_its_home(
    client: docker.DockerClient, bases: dict[str, BaseImage], reference: str
) -> None:
    code = "import os, pwd; print(os.getuid(), os.getgid(), os.getcwd(), pwd.getpwuid(os.getuid()).pw_name)"
    assert run(client, bases[reference], ["-c", code]) == "65532 65532 /home/nonroot nonroot"


def test_latest_runs_as_root(client: docker.DockerClient, bases: dict[str, BaseImage]) -> None:
    assert run(client, bases[ROOT_RUNTIME], ["-c", "import os; print(os.getuid())"]) == "0"


@pytest.mark.parametrize("reference", RUNTIMES)
def test_a_runtime_has_no_shell_no_package_manager_and_nothing_setuid(
    client: docker.DockerClient, bases: dict[str, BaseImage], reference: str
) -> None:
    inventory = files(client, bases[reference])
    names = {path.rpartition("/")[2] for path in inventory if "bin" in path.split("/")[:-1] or "/" not in path}
    assert "python3" in names, "the probe sees nothing"
    assert not names & {"sh", "bash", "dash", "busybox", "apt", "apt-get", "dpkg", "perl", "gcc", "pip", "pip3"}
    assert [path for path, info in inventory.items() if info.mode & (stat.S_ISUID | stat.S_ISGID)] == []


@pytest.mark.parametrize("reference", RUNTIMES)
def test_a_runtime_is_laid_out_like_the_real_one(
    client: docker.DockerClient, bases: dict[str, BaseImage], reference: str
) -> None:
    inventory = files(client, bases[reference])
    assert stat.S_IMODE(inventory["tmp"].mode) == 0o1777
    assert (inventory["home/nonroot"].uid, stat.S_IMODE(inventory["home/nonroot"].mode)) == (65532, 0o700)
    listed = {path for path in inventory if path.startswith("var/lib/dpkg/status.d/")}
    assert {"var/lib/dpkg/status.d/libc6", "var/lib/dpkg/status.d/libc6.md5sums"} <= listed
    code = "print('PRETTY_NAME=\"Distroless\"' in open('/etc/os-release').read())"
    assert run(client, bases[reference], ["-c", code]) == "True"


def test_a_stand_in_says_what_it_is_and_stays_when_present(
    client: docker.DockerClient, bases: dict[str, BaseImage]
) -> None:
    lines: list[str] = []
    again = ensure(client, list(bases), lines.append)
    assert [base.origin for base in again] == ["present"] * len(bases)
    assert [base.image_id for base in again] == [base.image_id for base in bases.values()]
    assert len(lines) == len(bases)
    for base, line in zip(again, lines, strict=True):
        label = client.images.get(base.image_id).labels.get(STANDIN_LABEL)
        assert line.startswith(f"{base.reference}: present")
        assert base.standin is (label is not None)
        if label:
            assert label.startswith(base.reference)
            assert label.partition(": ")[2] in line


def test_the_same_packages_give_the_same_layer(client: docker.DockerClient, bases: dict[str, BaseImage]) -> None:
    """Both tags of the runtime were assembled separately from the same packages."""
    nonroot, latest = bases[RUNTIMES[0]], bases[ROOT_RUNTIME]
    if not nonroot.standin:
        pytest.skip("the real image is present")
    layers = [client.images.get(base.image_id).attrs["RootFS"]["Layers"] for base in (nonroot, latest)]
    assert layers[0] == layers[1]
    assert nonroot.image_id != latest.image_id


@pytest.mark.parametrize(("builder", "runtime"), list(zip(BUILDERS, RUNTIMES, strict=True)))
def test_a_builder_makes_environments_for_its_runtime(
    client: docker.DockerClient, bases: dict[str, BaseImage], builder: str, runtime: str
) -> None:
    version = "import sys; print(sys.version_info[:2], sys.executable)"
    script = "python3 -m venv --without-pip /tmp/v && apt-get --version >/dev/null && readlink -f /tmp/v/bin/python"
    interpreter = run(client, bases[builder], ["sh", "-c", script])
    assert run(client, bases[builder], [interpreter, "-c", version]) == run(client, bases[runtime], ["-c", version])


def test_consul_runs_under_any_user_with_a_read_only_root(
    client: docker.DockerClient, bases: dict[str, BaseImage]
) -> None:
    container = client.containers.run(
        bases[CONSUL].image_id, ["version"], user="12345:12345", read_only=True, detach=True, labels=SCRATCH
    )
    try:
        assert container.wait(timeout=30)["StatusCode"] == 0
        assert b"Consul v1." in container.logs(stderr=False)
    finally:
        container.remove(force=True, v=True)


def test_the_toolbox_has_a_shell_and_its_applets(client: docker.DockerClient, bases: dict[str, BaseImage]) -> None:
    script = "stat -c %a /tmp; netstat --help >/dev/null 2>&1; echo $?; ls /bin | wc -l"
    mode, status, applets = run(client, bases[TOOLBOX], ["sh", "-c", script]).split()
    assert (mode, status) == ("1777", "0")
    assert int(applets) > 200


def test_an_unknown_image_of_an_unreachable_registry_ends_in_one_message(client: docker.DockerClient) -> None:
    with pytest.raises(EngineError, match=r"(?s)127\.0\.0\.1:9/nothing:1.*refused.*no recipe.*docker load"):
        ensure(client, [NOWHERE], lambda _: None)


def test_a_registry_that_could_not_be_reached_is_not_asked_again(client: docker.DockerClient) -> None:
    puller = Puller(client)
    reason = puller.pull(NOWHERE)
    assert "refused" in reason
    assert puller.unreachable == {"127.0.0.1:9": reason}
    assert puller.pull("127.0.0.1:9/other:1") == reason


def test_a_pull_ends_at_its_deadline(client: docker.DockerClient) -> None:
    assert Puller(client, deadline_seconds=0).pull(NOWHERE) == "not complete within 0 s"
