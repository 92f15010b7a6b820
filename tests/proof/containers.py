"""Defects in how containers are created, and services that lie."""

from __future__ import annotations

from changes import (
    another_port,
    health_check,
    host,
    lie,
    published,
    tmpfs_for_volumes,
    udp_instead,
    variable,
    without_field,
)
from mutation import ANCHORING, DATA, ENGINE, GATEWAY, MANAGER, MESH, ContainerMutation, ids

UNPUBLISHED = ids(
    "CTR-PORTS HTTP-HEALTH HTTP-BODY HTTP-STATUS HTTP-IDENTITY HTTP-VERSION HTTP-CLOCK HTTP-DEPENDENCIES HTTP-TLS "
    "API-CONTRACT API-METRICS API-ERRORS"
)
SEEN_TWICE = "the engine says so, and it is seen from within"
LIES = "what lies is not the image's own program"
MOUNTED = "the matrix gives no such mount"
# Nothing needs these two, so their defects are nobody else's.
LEAVES = (DATA, MANAGER)
# The services that write to a volume do not start as another user, with other consensus, or with nowhere to store.
# The mesh controller and the gateway have more to answer than these.
PLAIN = (DATA, MANAGER, ANCHORING, ENGINE)

CONTAINERS = (
    ContainerMutation(name="healthy: created anew", change=lambda _: None),
    ContainerMutation(
        name="electron is not TRON", kills=ids("CTR-VARIABLES"), change=variable("ELECTRON_RUN_AS_NODE", "neutron")
    ),
    ContainerMutation(
        name="healthy: the gateway knows the payment service",
        change=variable("TRON_PAYMENT_URL", "http://lucid-tron-payment:8090"),
        services=(GATEWAY,),
    ),
    ContainerMutation(name="healthy: more capabilities dropped by name", change=host(CapDrop=["ALL", "CAP_NET_RAW"])),
    ContainerMutation(
        name="healthy: tighter limits", change=host(Memory=128 << 20, MemorySwap=128 << 20, PidsLimit=32)
    ),
    ContainerMutation(name="healthy: behind an init", change=host(Init=True)),
    ContainerMutation(
        name="runs as root",
        kills=ids("CTR-USER RUN-USER"),
        note=SEEN_TWICE,
        change=lambda d: d.update(User="0:0"),
        services=(MESH,),
    ),
    ContainerMutation(
        name="runs as another user",
        kills=ids("CTR-USER RUN-USER"),
        note=SEEN_TWICE,
        change=lambda d: d.update(User="1000:1000"),
        services=(MESH,),
    ),
    ContainerMutation(
        name="runs with another group",
        kills=ids("CTR-USER RUN-USER"),
        note=SEEN_TWICE,
        change=lambda d: d.update(User="65532:0"),
        services=LEAVES,
    ),
    ContainerMutation(
        name="published on another port",
        kills=UNPUBLISHED,
        change=published(10_000),
        note="nothing answers there",
        services=PLAIN,
    ),
    ContainerMutation(
        name="not published",
        kills=UNPUBLISHED,
        change=published(0),
        note="nothing answers there",
        services=PLAIN,
    ),
    ContainerMutation(name="publishes a port more", kills=ids("CTR-PORTS"), change=another_port),
    ContainerMutation(name="publishes UDP too", kills=ids("CTR-PORTS"), change=udp_instead),
    ContainerMutation(
        name="log level overridden",
        kills=ids("CTR-ENV RUN-ENV"),
        note=SEEN_TWICE,
        change=variable("LOG_LEVEL", "DEBUG"),
    ),
    ContainerMutation(
        name="key for TRON", kills=ids("CTR-TRON RUN-TRON"), note=SEEN_TWICE, change=variable("TRONGRID_API_KEY", "k")
    ),
    ContainerMutation(
        name="host of TRON",
        kills=ids("CTR-TRON RUN-TRON"),
        note=SEEN_TWICE,
        change=variable("NODE", "https://api.trongrid.io"),
    ),
    ContainerMutation(
        name="knows the payment service",
        kills=ids("CTR-TRON RUN-TRON"),
        note=SEEN_TWICE,
        change=variable("TRON_PAYMENT_URL", "http://lucid-tron-payment:8090"),
        services=(DATA, MANAGER, ANCHORING, ENGINE, MESH),
    ),
    ContainerMutation(
        name="the gateway has a key for TRON",
        kills=ids("CTR-TRON RUN-TRON"),
        note=SEEN_TWICE,
        change=variable("TRON_PRIVATE_KEY", "k"),
        services=(GATEWAY,),
    ),
    ContainerMutation(
        name="root can be written",
        kills=ids("CTR-READONLY RUN-WRITABLE"),
        note="its home is 65532's",
        change=host(ReadonlyRootfs=False),
    ),
    ContainerMutation(name="no tmpfs at /tmp", kills=ids("CTR-TMP"), change=host(Tmpfs={})),
    ContainerMutation(name="/tmp can execute", kills=ids("CTR-TMP"), change=host(Tmpfs={"/tmp": "rw,exec,nosuid"})),
    ContainerMutation(name="/tmp honours setuid", kills=ids("CTR-TMP"), change=host(Tmpfs={"/tmp": "rw,noexec,suid"})),
    ContainerMutation(name="no capability dropped", kills=ids("CTR-CAPS"), change=host(CapDrop=[])),
    ContainerMutation(name="one capability dropped", kills=ids("CTR-CAPS"), change=host(CapDrop=["NET_RAW"])),
    ContainerMutation(
        name="a capability added",
        kills=ids("CTR-CAPS"),
        change=host(CapAdd=["NET_BIND_SERVICE"]),
    ),
    ContainerMutation(
        name="may gain privileges", kills=ids("CTR-NNP RUN-NNP"), note=SEEN_TWICE, change=host(SecurityOpt=[])
    ),
    ContainerMutation(
        name="may gain privileges, said aloud",
        kills=ids("CTR-NNP RUN-NNP"),
        note=SEEN_TWICE,
        change=host(SecurityOpt=["no-new-privileges:false"]),
    ),
    ContainerMutation(name="no memory limit", kills=ids("CTR-LIMITS"), change=host(Memory=0, MemorySwap=0)),
    ContainerMutation(name="no limit of processes", kills=ids("CTR-LIMITS"), change=host(PidsLimit=0)),
    ContainerMutation(
        name="stores in memory",
        kills=ids("CTR-STORAGE"),
        change=tmpfs_for_volumes,
        services=(DATA, MANAGER, ENGINE),
    ),
    ContainerMutation(
        name="health check fails",
        kills=ids("CTR-HEALTHY CTR-PROBE"),
        note="it is not the image's either",
        change=health_check("CMD", "/nonexistent"),
        services=LEAVES,
    ),
    ContainerMutation(
        name="no health check",
        kills=ids("CTR-HEALTHY CTR-PROBE"),
        note="it is not the image's either",
        change=health_check("NONE"),
    ),
    ContainerMutation(
        name="another version answers",
        kills=ids("HTTP-VERSION CTR-VARIABLES"),
        note="the variable is not the image's",
        change=variable("SERVICE_VERSION", "9.9.9"),
    ),
    ContainerMutation(
        name="not registered in Consul",
        kills=ids("CSL-REGISTERED CSL-PASSING CSL-ADDRESS CTR-VARIABLES"),
        change=variable("SERVICE_DISCOVERY_URL", "http://consul:9999"),
        services=LEAVES,
        note="without an entry there is neither a check nor an address",
    ),
    ContainerMutation(
        name="no certificate",
        kills=ids("HTTP-TLS RUN-LISTEN CTR-VARIABLES TLS-CHAIN TLS-NAMES TLS-EXPIRY TLS-VERSION TLS-CIPHERS"),
        note="it listens on its HTTP port only",
        change=variable("TLS_CERT_FILE", "/nonexistent"),
        services=(GATEWAY,),
    ),
    ContainerMutation(
        name="says that it is unhealthy",
        kills=ids("HTTP-STATUS CTR-PROGRAM"),
        note=LIES,
        change=lie("h.HEALTHY = 'unhealthy'"),
        services=LEAVES[:1],
    ),
    ContainerMutation(
        name="its clock stands still",
        kills=ids("HTTP-CLOCK CTR-PROGRAM"),
        note=LIES,
        change=lie("t = '2026-01-01T00:00:00+00:00'\nh.now = lambda: t"),
    ),
    ContainerMutation(
        name="its clock is off",
        kills=ids("HTTP-CLOCK CTR-PROGRAM"),
        note=LIES,
        change=lie(
            "import datetime as d\n"
            "h.now = lambda: (d.datetime.now(d.timezone.utc) - d.timedelta(minutes=1)).isoformat()"
        ),
    ),
    ContainerMutation(
        name="its time has no zone",
        kills=ids("HTTP-CLOCK CTR-PROGRAM"),
        note=LIES,
        change=lie("import datetime as d\nh.now = lambda: d.datetime.utcnow().isoformat()"),
    ),
    ContainerMutation(
        name="tells no version",
        kills=ids("HTTP-BODY HTTP-VERSION CTR-PROGRAM API-CONTRACT API-ERRORS"),
        change=lie(without_field("version")),
        note="a version that is not told is not the image's, nor that of errors, and the contract promises it",
    ),
    ContainerMutation(
        name="tells no dependencies",
        kills=ids("HTTP-BODY HTTP-DEPENDENCIES CTR-PROGRAM API-CONTRACT"),
        change=lie(without_field("dependencies")),
        note="what is not told is not true either, and the contract promises it",
    ),
    ContainerMutation(
        name="tells no time",
        kills=ids("HTTP-BODY HTTP-CLOCK CTR-PROGRAM API-CONTRACT"),
        change=lie(without_field("timestamp")),
        note="no time is not the present, and the contract promises it",
    ),
    ContainerMutation(
        name="accuses a healthy dependency",
        kills=ids("HTTP-DEPENDENCIES CTR-PROGRAM"),
        note=LIES,
        change=lie("async def s(self): return {'lucid-blockchain-engine': 'unhealthy'}\nh.Dependencies.statuses = s"),
        services=(ANCHORING, MANAGER),
    ),
    ContainerMutation(
        name="keeps a dependency to itself",
        kills=ids("HTTP-DEPENDENCIES CTR-PROGRAM"),
        note=LIES,
        change=lie("async def s(self): return {}\nh.Dependencies.statuses = s"),
        services=(ANCHORING, MANAGER, MESH, GATEWAY),
    ),
    ContainerMutation(
        name="answers as another service",
        kills=ids("HTTP-IDENTITY HTTP-TLS CTR-HEALTHY CTR-PROGRAM"),
        change=lie("H = h.Health\nh.Health = lambda status, service, *told: H(status, 'lucid-other', *told)"),
        services=(GATEWAY,),
        note="every port must answer for the service, and the image's own health check asks who answers",
    ),
    ContainerMutation(
        name="system calls are not filtered",
        kills=ids("RUN-SECCOMP CTR-SETTINGS"),
        note=SEEN_TWICE,
        change=host(SecurityOpt=["no-new-privileges:true", "seccomp=unconfined"]),
    ),
    ContainerMutation(
        name="the engine's socket inside",
        kills=ids("RUN-ENGINE-SOCKET CTR-MOUNTS"),
        note=MOUNTED,
        change=host(Binds=["/var/run/docker.sock:/var/run/docker.sock"]),
    ),
    ContainerMutation(
        name="the engine's socket under another name",
        kills=ids("RUN-ENGINE-SOCKET CTR-MOUNTS"),
        note=MOUNTED,
        change=host(Binds=["/var/run/docker.sock:/data/s:ro"]),
    ),
    ContainerMutation(
        name="the host's shared memory",
        kills=ids("RUN-NAMESPACES CTR-SETTINGS"),
        note="the engine was told so when the container was created",
        change=host(IpcMode="host"),
    ),
    ContainerMutation(
        name="code can be written",
        kills=ids("RUN-CODE CTR-MOUNTS"),
        note=MOUNTED,
        change=host(Tmpfs={"/tmp": "rw,noexec,nosuid", "/app/more": "rw,uid=65532"}),
    ),
    ContainerMutation(
        name="listens on loopback",
        kills=ids("RUN-LISTEN RUN-LOOPBACK CTR-PROGRAM"),
        change=lie("import socket\nkept = socket.create_server(('127.0.0.1', 9999))"),
        note="a port too many, and one that nobody can reach",
    ),
    ContainerMutation(
        name="listens on a port more",
        kills=ids("RUN-LISTEN CTR-PROGRAM"),
        note=LIES,
        change=lie("import socket\nkept = socket.create_server(('0.0.0.0', 9999))"),
    ),
    ContainerMutation(
        name="listens on IPv6",
        kills=ids("RUN-LISTEN CTR-PROGRAM"),
        note=LIES,
        change=lie("import socket\nkept = socket.create_server(('::', 9999), family=socket.AF_INET6)"),
    ),
    ContainerMutation(
        name="root with the engine's usual capabilities",
        kills=ids("CTR-USER RUN-USER CTR-CAPS RUN-CAPS"),
        note=SEEN_TWICE,
        change=lambda d: (d.update(User="0:0"), d["HostConfig"].update(CapDrop=[])),
        services=(MESH,),
    ),
)
