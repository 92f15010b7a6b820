"""Random inputs for everything that reads what other people wrote: each ends in an answer or in one clear error.

`python tests/unit/fuzz/fuzzing.py 100000` gives each target so many inputs (`nox -s fuzz`); the tests give them a few.
An input is known by target, seed and number, so that what fails once can be had again.
"""

from __future__ import annotations

import copy
import io
import json
import random
import sys
import tarfile
import tempfile
import time
from contextlib import suppress
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_lucid.dockerfile.ignore import parse_ignore
from pytest_lucid.dockerfile.parse import parse
from pytest_lucid.dockerfile.resolve import resolve
from pytest_lucid.engine.connection import Defaults
from pytest_lucid.errors import LucidError
from pytest_lucid.image.documents import Manifest, Saved, read
from pytest_lucid.image.layer import read_layer
from pytest_lucid.image.scan import Scanner
from pytest_lucid.image.tools import load_toolbox
from pytest_lucid.inspect.consul import registrations
from pytest_lucid.inspect.container import Container
from pytest_lucid.inspect.creation import mount_differences, resolver_differences, setting_differences
from pytest_lucid.inspect.documents import ContainerDocument, NetworkDocument, understood
from pytest_lucid.inspect.network import NetworkFacts
from pytest_lucid.matrix import load_matrix

if TYPE_CHECKING:
    from collections.abc import Callable

    Target = Callable[[random.Random], object]

SEED = 15
LONGEST_SECONDS = 20.0
PIECES = [
    *(b"", b"\0", b"\xff", b"\xef\xbb\xbf", b"\r\n", b"\n", b"\\\n", b"\\", b'"', b"'", b"`", b"#", b"=", b"[", b"]"),
    *(b"{", b"}", b"$", b"${A", b"${A:-", b"!", b"**", b"/..", b"[a-", b"[^", b" ", b"\t", b"<<EOF", b"--from="),
    *(b"99999999999999999999", b"-1", b"1e999", b"true", b"\xe2\x80\xae", b"\xed\xa0\x80", b"[[service]]", b"x" * 300),
]
DOCKERFILE = b"""# syntax=docker/dockerfile:1
ARG A=1
FROM a:${A} AS b
ENV P=/x Q="y z"
COPY --from=b --chown=1:1 ["a", "/b/"]
RUN --mount=type=cache,target=/c <<EOF
x
EOF
HEALTHCHECK --interval=3s CMD ["x"]
ENTRYPOINT ["a", "b"]
"""
IGNORE = b"# all\n*\n!a/**/b?\n[a-c]x\n\\#x\n!**/*.py\n"
MATRIX = (files("pytest_lucid.matrix") / "phase2.toml").read_bytes()
PHASE2 = load_matrix(None)
CONTAINER: dict[str, Any] = {
    "Id": "0" * 64, "Name": "/a", "Path": "/p", "Args": ["x"], "Image": "sha256:0", "RestartCount": 0,
    "State": {
        "Status": "running", "Running": True, "ExitCode": 0, "Health": {"Status": "healthy", "Log": [{"Output": "x"}]},
    },
    "Config": {
        "User": "1:1", "Env": ["A=1", "B"], "WorkingDir": "/", "StopSignal": "SIGTERM", "Hostname": "a",
        "Labels": {"a": "b"}, "Healthcheck": {"Test": ["CMD", "x"], "Interval": 1, "Timeout": 1, "Retries": 3},
    },
    "HostConfig": {
        "Tmpfs": {"/t": "noexec"}, "CapDrop": ["ALL"], "CapAdd": None, "SecurityOpt": ["no-new-privileges"],
        "Ulimits": [{"Name": "nofile", "Soft": 1, "Hard": 1}], "RestartPolicy": {"Name": "no"}, "Memory": 1,
        "LogConfig": {"Type": "json-file", "Config": {}}, "PidsLimit": 1, "MaskedPaths": ["/proc/kcore"],
        "ReadonlyPaths": ["/proc/bus"], "MemorySwap": -1, "OomScoreAdj": 0, "Dns": [], "ExtraHosts": None, "Init": True,
        "NetworkMode": "n", "Privileged": False, "ReadonlyRootfs": True,
    },
    "NetworkSettings": {
        "Ports": {"80/tcp": [{"HostIp": "127.0.0.1", "HostPort": "80"}], "81/tcp": None},
        "Networks": {"n": {"IPAddress": "1.2.3.4", "GlobalIPv6Address": "", "Aliases": ["a"], "DNSNames": None}},
    },
    "Mounts": [{"Type": "volume", "Destination": "/d", "Name": "v", "Source": "/s"}],
}  # fmt: skip
NETWORK: dict[str, Any] = {
    "Name": "n", "Driver": "bridge", "Internal": False, "IPAM": {"Config": [{"Subnet": "172.20.0.0/16"}]},
    "Containers": {"0": {"Name": "a", "IPv4Address": "172.20.0.2/16", "IPv6Address": ""}},
}  # fmt: skip
ENTRIES: list[Any] = [
    {"Service": {"Address": "1.2.3.4", "Port": 80}, "Node": {"Address": "1.2.3.4"}, "Checks": [{"Status": "passing"}]}
]
SCANNER = Scanner(load_toolbox(), ("app/",))


def changed(data: bytes, chance: random.Random) -> bytes:
    """`data` with a few pieces cut out, put in, doubled, or replaced."""
    text = bytearray(data)
    for _ in range(chance.randint(1, 6)):
        start = chance.randint(0, len(text))
        end = min(len(text), start + chance.choice((0, 0, 1, 2, 8, 64)))
        match chance.randrange(4):
            case 0:
                text[start:end] = chance.choice(PIECES)
            case 1:
                text[start:end] = text[start:end] * chance.choice((2, 3, 50))
            case 2:
                text[start:end] = bytes(chance.randrange(256) for _ in range(end - start))
            case _:
                del text[start:end]
    return bytes(text)


def matrix(chance: random.Random) -> object:
    """A matrix in a file."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "lucid.toml"
        file.write_bytes(changed(MATRIX, chance))
        return load_matrix(file)


def dockerfile(chance: random.Random) -> object:
    """A Dockerfile, which is never refused: what is wrong in it is a finding."""
    return resolve(parse(changed(DOCKERFILE, chance)))


def ignore(chance: random.Random) -> object:
    """A .dockerignore, and a few paths that it judges."""
    rules = parse_ignore(changed(IGNORE, chance).decode(errors="replace"))
    return [rules.ignores(path) for path in ("a/b", "x/y.py", "#x", "a/c/bz")]


def layer(chance: random.Random) -> object:
    """A layer: members of every kind, and then bytes of the archive changed."""
    buffer = io.BytesIO()
    kinds = (tarfile.REGTYPE, tarfile.DIRTYPE, tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE)
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for _ in range(chance.randint(0, 6)):
            info = tarfile.TarInfo(chance.choice(("a", "a/b", "a/.wh.b", "a/.wh..wh..opq", "../x", "/y", "c.py", "{")))
            info.type, info.linkname = chance.choice(kinds), chance.choice(("a", "a/b", "../../z", ""))
            info.mode = chance.randrange(0o10000)
            content = changed(b"import os\n", chance) if info.isreg() else b""
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    data = buffer.getvalue()
    return read_layer(io.BytesIO(changed(data, chance) if chance.random() < 0.7 else data), SCANNER)


def document(chance: random.Random) -> object:
    """What `docker save` writes beside the layers: changed as text, and changed as a document."""
    digest = "sha256:" + "0" * 64
    whole: list[Any] = [
        ([{"Config": "c.json", "RepoTags": ["a:1"], "Layers": ["l.tar"]}], list[Saved]),
        ({"manifests": [{"digest": digest, "mediaType": "m", "platform": {"os": "linux"}}]}, Manifest),
        ({"config": {"digest": digest}, "layers": [{"digest": digest, "mediaType": "x"}]}, Manifest),
    ]
    actual, kind = copy.deepcopy(chance.choice(whole))
    place = actual
    for _ in range(chance.randint(0, 3)):
        if isinstance(place, dict) and place:
            key = chance.choice(sorted(place))
            if chance.random() < 0.3:
                place[key] = chance.choice([None, 1, "x", [], {}, [None], {"a": 1}, True])
            place = place[key]
        elif isinstance(place, list) and place:
            place = place[0]
    text = json.dumps(actual).encode()
    return read(kind, changed(text, chance) if chance.random() < 0.5 else text, "manifest.json")


def hurt(actual: Any, chance: random.Random) -> Any:
    """A JSON document with a few values replaced or left out, anywhere in it."""
    whole = [copy.deepcopy(actual)]
    for _ in range(chance.randint(1, 3)):
        place: Any = whole
        key: Any = 0
        while isinstance(place[key], (dict, list)) and place[key] and chance.random() < 0.8:
            place = place[key]
            key = chance.choice(sorted(place)) if isinstance(place, dict) else chance.randrange(len(place))
        if isinstance(place, dict) and chance.random() < 0.3:
            del place[key]
        else:
            place[key] = chance.choice([None, 0, -1, 1e308, "", "x", "1.2.3.4/99", [], {}, [None], [1], {"a": 1}, True])
    return whole[0]


def container(chance: random.Random) -> object:
    """What the engine says of a container, and every question that is asked of it."""
    made = Container("a", understood(ContainerDocument, hurt(CONTAINER, chance), "inspecting"))
    service = PHASE2.service[0]
    names = [name for name, value in vars(Container).items() if isinstance(value, property) and name[0] != "_"]
    return [
        *(getattr(made, name) for name in names),
        made.aliases("n"),
        setting_differences([made], made, service, Defaults()),
        mount_differences([made], made, service, {}),
        resolver_differences(made, PHASE2),
    ]


def network(chance: random.Random) -> object:
    """What the engine says of a network."""
    made = NetworkFacts("n", understood(NetworkDocument, hurt(NETWORK, chance), "inspecting"))
    return made.driver, made.subnets, made.is_internal, made.members


def consul(chance: random.Random) -> object:
    """What Consul says of a service."""
    return registrations(hurt(ENTRIES, chance), "a")


TARGETS: dict[str, Target] = {
    target.__name__: target for target in (matrix, dockerfile, ignore, layer, document, container, network, consul)
}


def attempt(name: str, number: int) -> None:
    """Give a target its input of that number; raises what the target raises, unless it is an error for people."""
    chance = random.Random(f"{SEED}/{name}/{number}")  # noqa: S311 - no secret depends on it
    with suppress(LucidError):
        TARGETS[name](chance)


def main(count: int) -> int:
    """Give each target `count` inputs; returns the number of inputs that failed, and says which."""
    failed = 0
    for name in TARGETS:
        started = time.monotonic()
        for number in range(count):
            before = time.process_time()  # a busy machine makes no input slow
            try:
                attempt(name, number)
            except Exception as error:  # noqa: BLE001 - that none comes is what is to be shown
                failed += 1
                print(f"{name} {number}: {type(error).__name__}: {str(error)[:200]}")  # noqa: T201 - a program
            if (took := time.process_time() - before) > LONGEST_SECONDS:
                failed += 1
                print(f"{name} {number}: {took:.1f} s")  # noqa: T201 - a program
        print(f"{name}: {count} inputs in {time.monotonic() - started:.0f} s")  # noqa: T201 - a program
    return failed


if __name__ == "__main__":
    sys.exit(min(1, main(int(sys.argv[1]))))
