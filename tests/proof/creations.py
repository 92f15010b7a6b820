"""Defects in what the engine is told at creation, of containers that answer and look healthy all the same."""

from __future__ import annotations

from changes import alias, host, lie, mount, special_volume, variable
from mutation import ANCHORING, DATA, ENGINE, MANAGER, MESH, ContainerMutation, ids

# Nothing needs these two, and they ask nobody but Consul.
LEAVES = (DATA, MANAGER)
HOUR = 3600 * 1_000_000_000

CREATIONS = (
    ContainerMutation(
        name="healthy: logs that are rotated",
        change=host(LogConfig={"Type": "json-file", "Config": {"max-size": "10m", "max-file": "3"}}),
    ),
    ContainerMutation(name="healthy: the first to die when memory ends", change=host(OomScoreAdj=500)),
    ContainerMutation(name="healthy: its own name as an alias", change=alias("")),
    ContainerMutation(name="another program answers for it", kills=ids("CTR-PROGRAM"), change=lie("")),
    ContainerMutation(
        name="another directory to start in", kills=ids("CTR-PROGRAM"), change=lambda d: d.update(WorkingDir="/app")
    ),
    ContainerMutation(
        name="another signal to stop it", kills=ids("CTR-PROGRAM"), change=lambda d: d.update(StopSignal="SIGINT")
    ),
    ContainerMutation(
        name="a health check that always succeeds",
        kills=ids("CTR-PROBE"),
        change=lambda d: d["Healthcheck"].update(Test=["CMD", "/home/app/.local/bin/python", "-c", "pass"]),
    ),
    ContainerMutation(
        name="a health check that forgives",
        kills=ids("CTR-PROBE"),
        change=lambda d: d["Healthcheck"].update(Retries=99),
    ),
    ContainerMutation(
        name="a health check that waits long",
        kills=ids("CTR-PROBE"),
        change=lambda d: d["Healthcheck"].update(Timeout=HOUR),
    ),
    ContainerMutation(
        name="a library for the loader", kills=ids("CTR-STEERING"), change=variable("LD_PRELOAD", "/data/evil.so")
    ),
    ContainerMutation(
        name="a setting for libc", kills=ids("CTR-STEERING"), change=variable("GLIBC_TUNABLES", "glibc.malloc.check=3")
    ),
    ContainerMutation(
        name="code for the interpreter", kills=ids("CTR-STEERING"), change=variable("PYTHONWARNINGS", "error::evil.E")
    ),
    ContainerMutation(
        name="a proxy", kills=ids("CTR-STEERING"), change=variable("https_proxy", "http://user:secret@192.0.2.1:3128")
    ),
    ContainerMutation(
        name="other authorities to trust",
        kills=ids("CTR-STEERING"),
        change=variable("SSL_CERT_FILE", "/usr/share/ca.crt"),
        services=LEAVES,
    ),
    ContainerMutation(name="a variable more", kills=ids("CTR-VARIABLES"), change=variable("FEATURE", "on")),
    ContainerMutation(
        name="another value than the image's", kills=ids("CTR-VARIABLES"), change=variable("SERVICE_TAGS", "lucid")
    ),
    ContainerMutation(
        name="a folder of the host, to read", kills=ids("CTR-MOUNTS"), change=host(Binds=["/etc:/data/host:ro"])
    ),
    ContainerMutation(name="a volume without a name", kills=ids("CTR-MOUNTS"), change=mount("/data/more")),
    ContainerMutation(
        name="memory in a place of its own",
        kills=ids("CTR-MOUNTS"),
        change=host(Tmpfs={"/tmp": "rw,noexec,nosuid", "/data/memory": "rw,noexec,nosuid"}),
    ),
    ContainerMutation(
        name="the volume of another service",
        kills=ids("CTR-MOUNTS"),
        change=mount("/data/chunks", f"{DATA}-data-chunks"),
        services=(MANAGER, ANCHORING),
    ),
    ContainerMutation(
        name="a volume that is a folder of the host",
        kills=ids("CTR-MOUNTS"),
        change=special_volume,
        services=(DATA, MANAGER, ENGINE),
    ),
    ContainerMutation(name="a DNS server of somebody else", kills=ids("CTR-RESOLVER"), change=host(Dns=["192.0.2.53"])),
    # A domain to search would do, too; but then what a name resolves to depends on the resolver of the machine.
    ContainerMutation(
        name="an option for the resolver", kills=ids("CTR-RESOLVER"), change=host(DnsOptions=["attempts:3"])
    ),
    ContainerMutation(
        name="a host that only it knows", kills=ids("CTR-RESOLVER"), change=host(ExtraHosts=["registry.test:192.0.2.1"])
    ),
    ContainerMutation(
        name="calls itself otherwise",
        stack=ids("NET-ALIASES"),
        change=lambda d: d.update(Hostname="lucid-archive"),
    ),
    ContainerMutation(name="the OOM killer switched off", kills=ids("CTR-SETTINGS"), change=host(OomKillDisable=True)),
    ContainerMutation(
        name="a device",
        kills=ids("CTR-SETTINGS"),
        change=host(
            Devices=[{"PathOnHost": "/dev/full", "PathInContainer": "/dev/other", "CgroupPermissions": "r"}],
        ),
    ),
    ContainerMutation(name="a rule for devices", kills=ids("CTR-SETTINGS"), change=host(DeviceCgroupRules=["c 1:7 r"])),
    ContainerMutation(
        name="a limit of its own",
        kills=ids("CTR-SETTINGS"),
        change=host(Ulimits=[{"Name": "core", "Soft": -1, "Hard": -1}]),
    ),
    ContainerMutation(
        name="a kernel parameter", kills=ids("CTR-SETTINGS"), change=host(Sysctls={"net.ipv4.ip_default_ttl": "32"})
    ),
    ContainerMutation(
        name="started again for ever",
        kills=ids("CTR-SETTINGS"),
        change=host(RestartPolicy={"Name": "always", "MaximumRetryCount": 0}),
    ),
    ContainerMutation(
        name="logs that go elsewhere",
        kills=ids("CTR-SETTINGS"),
        change=host(LogConfig={"Type": "syslog", "Config": {"syslog-address": "udp://127.0.0.1:5514"}}),
    ),
    ContainerMutation(name="no logs", kills=ids("CTR-SETTINGS"), change=host(LogConfig={"Type": "none", "Config": {}})),
    ContainerMutation(
        name="another parent control group", kills=ids("CTR-SETTINGS"), change=host(CgroupParent="/proof")
    ),
    ContainerMutation(name="unlimited swap", kills=ids("CTR-SETTINGS"), change=host(MemorySwap=-1)),
    ContainerMutation(
        name="a security option more",
        kills=ids("CTR-SETTINGS"),
        change=host(SecurityOpt=["no-new-privileges:true", "label=disable"]),
    ),
    ContainerMutation(
        name="all of /proc can be seen", kills=ids("CTR-SETTINGS"), change=host(MaskedPaths=[], ReadonlyPaths=[])
    ),
    ContainerMutation(
        name="a group more", kills=ids("CTR-SETTINGS RUN-USER"), change=host(GroupAdd=["999"]), note="seen within, too"
    ),
    ContainerMutation(
        name="answers to a name that nobody knows",
        stack=ids("NET-ALIASES"),
        change=alias("database"),
        services=(MESH,),
    ),
)
