"""Defects of the running stack: what is stopped, frozen, renamed, attached, or untrue in Consul."""

from __future__ import annotations

from actions import (
    CONSUL,
    again,
    attach,
    calm,
    certificate,
    certificate_that_holds,
    consul,
    detach,
    do,
    freeze,
    impostor,
    no_impostor,
    orphan,
    private_consul,
    process,
    published_consul,
    rebuild,
    rename_back,
    restart_itself,
    right_certificate,
    stranger,
    take_back,
)
from mutation import DATA, ENGINE, GATEWAY, MANAGER, MESH, LiveMutation, ids

ANSWERS = (
    "HTTP-HEALTH HTTP-BODY HTTP-STATUS HTTP-IDENTITY HTTP-VERSION HTTP-CLOCK HTTP-DEPENDENCIES HTTP-TLS "
    "API-CONTRACT API-METRICS API-ERRORS"
)
OF_CONTAINER = (
    "CTR-RUNNING CTR-HEALTHY CTR-STABLE CTR-NAME CTR-IMAGE CTR-USER CTR-PORTS CTR-NETWORK CTR-ENV CTR-TRON "
    "CTR-READONLY CTR-TMP CTR-CAPS CTR-NNP CTR-LIMITS CTR-STORAGE NET-ADDRESS NET-MEMBER CSL-ADDRESS "
    "CTR-PROGRAM CTR-PROBE CTR-STEERING CTR-VARIABLES CTR-MOUNTS CTR-RESOLVER CTR-SETTINGS"
)
# What cannot be seen within a container that does not run.
WITHIN = (
    "RUN-USER RUN-CAPS RUN-NNP RUN-SECCOMP RUN-PROCESSES RUN-ZOMBIES RUN-LISTEN RUN-LOOPBACK RUN-CODE RUN-STORAGE "
    "RUN-WRITABLE RUN-ENV RUN-TRON RUN-DNS RUN-NETWORKS RUN-ENGINE-SOCKET RUN-NAMESPACES"
)
REGISTRATION = "CSL-REGISTERED CSL-PASSING CSL-ADDRESS"
# What a service that does not run turns red.
STOPPED = f"CTR-RUNNING CTR-HEALTHY CTR-PORTS NET-ADDRESS NET-MEMBER {ANSWERS} {REGISTRATION} {WITHIN}"


LIVE = (
    LiveMutation(
        name="stopped",
        services=(DATA, MANAGER),
        kills=ids(STOPPED),
        plant=lambda client, service: client.containers.get(service).stop(),
        uproot=lambda client, service: client.containers.get(service).start(),
        note="a service that does not run answers nothing, has no address, and took its entry out of Consul",
    ),
    LiveMutation(
        name="frozen",
        kills=ids(f"CTR-RUNNING CTR-HEALTHY CSL-PASSING {ANSWERS}"),
        plant=freeze,
        uproot=lambda client, service: client.containers.get(service).unpause(),
        services=(DATA, MANAGER),
        note="it answers nothing, neither here nor to Consul",
    ),
    LiveMutation(
        name="another one under a similar name",
        kills=ids(f"{OF_CONTAINER} {WITHIN} RUN-DRIFT HTTP-TLS TLS-CHAIN API-CONTRACT GW-RATE GW-TOKEN GW-ROLE"),
        stack=ids("NET-STRANGERS"),
        plant=lambda client, service: client.containers.get(service).rename(f"{service}-2"),
        uproot=rename_back,
        services=(GATEWAY,),
        note="there is no container of the name, so nothing that is claimed of it holds",
    ),
    LiveMutation(
        name="keeps dying", kills=ids("CTR-STABLE"), plant=restart_itself, uproot=calm, services=(DATA, MANAGER)
    ),
    LiveMutation(name="image built since", kills=ids("CTR-IMAGE"), plant=rebuild, uproot=take_back),
    LiveMutation(
        name="second network",
        kills=ids("CTR-NETWORK RUN-NETWORKS RUN-DNS"),
        note="seen from within, too, where its own name has two addresses now",
        plant=attach,
        uproot=detach,
    ),
    LiveMutation(
        name="stale instance in Consul",
        kills=ids(REGISTRATION),
        plant=consul("services", "register", "-name={}", "-id={}-stale", "-address=172.20.255.254", "-port=1"),
        uproot=consul("services", "deregister", "-id={}-stale"),
        note="of two instances one is not the engine's",
    ),
    LiveMutation(
        name="check fails in Consul",
        kills=ids("CSL-PASSING"),
        plant=consul("maint", "-enable", "-service={}", "-reason=proof"),
        uproot=consul("maint", "-disable", "-service={}"),
    ),
    LiveMutation(
        name="certificate of another authority",
        kills=ids("HTTP-TLS TLS-CHAIN"),
        plant=certificate(GATEWAY, "localhost", "127.0.0.1"),
        uproot=right_certificate,
        services=(GATEWAY,),
        note="clients that were told of the right one do not connect",
    ),
    LiveMutation(
        name="certificate for another name",
        kills=ids("HTTP-TLS TLS-NAMES"),
        plant=certificate_that_holds("lucid-other", days=365),
        uproot=right_certificate,
        services=(GATEWAY,),
        note="clients do not connect",
    ),
    LiveMutation(
        name="certificate for 29 days",
        kills=ids("TLS-EXPIRY"),
        plant=certificate_that_holds(GATEWAY, "localhost", "127.0.0.1", days=29),
        uproot=right_certificate,
        services=(GATEWAY,),
    ),
    LiveMutation(
        name="healthy: certificate for 31 days",
        plant=certificate_that_holds(GATEWAY, "localhost", "127.0.0.1", days=30),
        uproot=right_certificate,
        services=(GATEWAY,),
    ),
    LiveMutation(
        name="Consul stopped",
        stack=ids("CSL-RUNNING CSL-LEADER CSL-UNPUBLISHED"),
        everywhere=ids(REGISTRATION),
        kills=ids("HTTP-PATHS"),
        plant=lambda client, _: client.containers.get(CONSUL).stop(),
        uproot=lambda client, _: client.containers.get(CONSUL).start(),
        services=(MESH,),
        note="nobody is registered, and the mesh controller has nothing to pass through",
    ),
    LiveMutation(
        name="engine stopped, told truthfully",
        kills=ids(f"{STOPPED} GRPC-HEALTH"),
        plant=lambda client, service: client.containers.get(service).stop(),
        uproot=lambda client, service: client.containers.get(service).start(),
        services=(ENGINE,),
        note="those that need it say so, and stay green",
    ),
    LiveMutation(
        name="a process of root",
        kills=ids("RUN-USER RUN-PROCESSES"),
        plant=process("", user="0:0"),
        uproot=again,
        note="it is not the declared command either",
    ),
    LiveMutation(
        name="ended children that nobody waits for",
        kills=ids("RUN-ZOMBIES"),
        plant=orphan,
        uproot=again,
        services=(DATA, MANAGER),
    ),
    LiveMutation(name="a process more", kills=ids("RUN-PROCESSES"), plant=process(""), uproot=again),
    LiveMutation(
        name="a listener of another process",
        kills=ids("RUN-LISTEN RUN-PROCESSES"),
        plant=process("import socket; kept = socket.create_server(('', 9999))"),
        uproot=again,
        note="a process too many, and a port too many",
    ),
    LiveMutation(
        name="storage open to everybody",
        kills=ids("RUN-STORAGE"),
        plant=do("import os; os.chmod('/data/blocks', 0o777)"),
        uproot=do("import os; os.chmod('/data/blocks', 0o700)"),
        services=(MANAGER, ENGINE),
    ),
    LiveMutation(
        name="an impostor answers to the name",
        others=ids("RUN-DNS"),
        stack=ids("NET-STRANGERS"),
        plant=impostor,
        uproot=no_impostor,
        services=(GATEWAY,),
    ),
    LiveMutation(
        name="a stranger on the network",
        stack=ids("NET-STRANGERS"),
        plant=stranger,
        uproot=no_impostor,
        services=(MESH,),
    ),
    LiveMutation(
        name="Consul is published",
        stack=ids("CSL-UNPUBLISHED"),
        plant=published_consul,
        uproot=private_consul,
        services=(MESH,),
    ),
)
