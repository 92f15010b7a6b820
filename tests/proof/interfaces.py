"""Services that run, and break what they promise: over gRPC, TLS and HTTP, and in whom the gateway admits."""

from __future__ import annotations

from typing import Any

from changes import lie, variable
from mutation import (
    ANCHORING,
    DATA,
    ENGINE,
    GATEWAY,
    MANAGER,
    MESH,
    ChaosMutation,
    ContainerMutation,
    ids,
)

TLS_CONTEXT = """
import ssl, lucid_service.server as s
T = s._tls_context
def f(tls):
    c = T(tls)
    {}
    return c
s._tls_context = f
"""


def admits(code: str) -> str:
    """Code that changes what the gateway takes for a token; it sees PyJWT's own function as `D`."""
    return f"import jwt\nD = jwt.decode\njwt.decode = lambda token, key, **options: {code}"


def lying(
    *, code: str, kills: str = "", kind: type[ContainerMutation] = ContainerMutation, **more: Any
) -> ContainerMutation:
    """A service whose own code is changed by `code` when it starts; the program is then not the image's either."""
    return kind(**{"note": "another program runs it", **more}, kills=ids(f"{kills} CTR-PROGRAM"), change=lie(code))


INTERFACES = (
    lying(
        name="gRPC says that it does not serve",
        kills="GRPC-HEALTH",
        code="import asyncio, lucid_blockchain_engine.grpc_api as g\n"
        "async def w(engine, healths):\n await healths.set('', 2)\n await asyncio.sleep(600)\ng._watch = w",
        services=(ENGINE,),
    ),
    lying(
        name="gRPC without the health service",
        kills="GRPC-HEALTH",
        code="import lucid_blockchain_engine.grpc_api as g\n"
        "g.health_pb2_grpc.add_HealthServicer_to_server = lambda *_: None",
        services=(ENGINE,),
    ),
    lying(
        name="takes TLS 1.1",
        kills="TLS-VERSION TLS-CIPHERS",
        code=TLS_CONTEXT.format("c.minimum_version = ssl.TLSVersion.TLSv1; c.set_ciphers('ALL:@SECLEVEL=0')"),
        services=(GATEWAY,),
        note="old versions have no other than weak suites",
    ),
    lying(
        name="takes weak cipher suites",
        kills="TLS-CIPHERS",
        code=TLS_CONTEXT.format("c.set_ciphers('ECDHE+AES')"),
        services=(GATEWAY,),
    ),
    lying(
        name="takes TLS 1.3 only",
        code=TLS_CONTEXT.format("c.minimum_version = ssl.TLSVersion.TLSv1_3"),
        services=(GATEWAY,),
    ),
    lying(
        name="answers what its contract does not promise",
        kills="API-CONTRACT",
        code="h.CircuitStates = lambda *told: {'circuits': 'all of them'}",
        services=(ANCHORING, MESH),
    ),
    lying(
        name="errors have another code",
        kills="API-ERRORS API-CONTRACT",
        code="import lucid_service.errors as e\ne.error_code = lambda status: f'HTTP_{status}'",
        services=(ANCHORING, MESH),
        note="the contract has the form of errors, too",
    ),
    lying(
        name="the server's own errors have another form",
        kills="API-ERRORS",
        code="import lucid_service.protocol as p\np.Protocol.send_400_response = p.H11Protocol.send_400_response",
    ),
    lying(
        name="metrics that cannot be read",
        kills="API-METRICS",
        code="import lucid_service.metrics as m\nm.generate_latest = lambda registry: b'requests{ 1'",
    ),
    lying(
        name="counts no requests",
        kills="API-METRICS",
        code="import lucid_service.metrics as m\nm.Metrics.count = lambda *told: None",
    ),
    ContainerMutation(
        name="no rate for clients without a token",
        kills=ids("GW-RATE CTR-VARIABLES"),
        change=variable("RATE_PUBLIC", "1000000"),
        note="a variable more turns it on",
        services=(GATEWAY,),
    ),
    lying(
        name="believes X-Forwarded-For",
        kills="GW-RATE",
        code="import uvicorn\nC = uvicorn.Config\n"
        "uvicorn.Config = lambda *a, **k: C(*a, **{**k, 'proxy_headers': True, 'forwarded_allow_ips': '*'})",
        services=(GATEWAY,),
    ),
    lying(
        name="refuses without saying until when",
        kills="GW-RATE",
        code="import lucid_api_gateway.rates as r\nE = r.ApiError\nr.ApiError = lambda *a, headers=None: E(*a)",
        services=(GATEWAY,),
    ),
    lying(
        name="looks at no signature",
        kills="GW-TOKEN",
        code=admits("D(token, options={'verify_signature': False, 'verify_exp': True, 'require': ['exp']})"),
        services=(GATEWAY,),
    ),
    lying(
        name="takes another algorithm",
        kills="GW-TOKEN",
        code=admits("D(token, key, **{**options, 'algorithms': ['HS256', 'HS512']})"),
        services=(GATEWAY,),
    ),
    lying(
        name="takes expired tokens",
        kills="GW-TOKEN",
        code=admits("D(token, key, **{**options, 'leeway': 10**9})"),
        services=(GATEWAY,),
    ),
    lying(
        name="takes tokens without an end",
        kills="GW-TOKEN",
        code=admits("D(token, key, **{**options, 'options': {}})"),
        services=(GATEWAY,),
    ),
    lying(
        name="a reader may write",
        kills="GW-ROLE",
        code="import lucid_api_gateway.handlers as g\nD = g.demand\ng.demand = lambda i, *r: D(i, *r, 'reader')",
        services=(GATEWAY,),
    ),
    lying(
        name="writes need no token",
        kills="GW-TOKEN GW-ROLE",
        code="import lucid_api_gateway.handlers as g\ng.demand = lambda *_: None",
        services=(GATEWAY,),
        note="a reader is as good as nobody",
    ),
    lying(
        name="chunks come back otherwise",
        code="import lucid_data_chain.chunks as c\nR = c.ChunkStore.read\n"
        "async def r(*a):\n async for piece in R(*a):\n  yield piece[::-1]\nc.ChunkStore.read = r",
        stack=ids("JRN-STORED"),
        services=(DATA,),
    ),
    lying(
        name="takes a chunk that has another hash",
        code="import lucid_data_chain.chunks as c\nP = c.ChunkStore.put\n"
        "async def p(*a):\n try: return await P(*a)\n except c.WrongHashError: return True\nc.ChunkStore.put = p",
        stack=ids("JRN-TAMPERED"),
        services=(DATA,),
        note="it keeps nothing of it, or the volume would bear the defect on",
    ),
    lying(
        name="proofs are in the wrong order",
        code="import lucid_data_chain.handlers as d\nW = d.to_wire\nd.to_wire = lambda s: tuple(W(s))[::-1]",
        stack=ids("JRN-VERIFIED"),
        services=(DATA,),
    ),
    lying(
        name="anchorings are never confirmed",
        code="import asyncio, lucid_session_anchoring.anchoring as a\n"
        "a.SessionAnchoring.run = lambda self: asyncio.sleep(9999)",
        stack=ids("JRN-ANCHORED JRN-BLOCK JRN-VERIFIED JRN-TAMPERED"),
        services=(ANCHORING,),
        note="what is not on the chain cannot be verified",
    ),
    lying(
        name="anything is verified",
        code="import lucid_chain.merkle as m\nm.verify = lambda *_: True",
        stack=ids("JRN-TAMPERED"),
        services=(ANCHORING,),
    ),
    lying(
        name="blocks without their transactions",
        code="import lucid_chain.block_api as b\nb.transaction_id = lambda _: bytes(32)",
        stack=ids("JRN-BLOCK"),
        services=(MANAGER,),
    ),
    lying(
        name="says for ever that what it needs is healthy",
        kills="CHS-STOP CHS-FREEZE",
        code="async def s(self): return {'lucid-blockchain-engine': 'healthy'}\nh.Dependencies.statuses = s",
        services=(ANCHORING,),
        note="it asks nobody, so it learns of neither",
        kind=ChaosMutation,
    ),
    lying(
        name="names what is unhealthy and is healthy all the same",
        kills="CHS-STOP CHS-FREEZE",
        code="h.DEGRADED = h.HEALTHY\nh._WORSE = (h.HEALTHY, h.UNHEALTHY)",
        services=(MANAGER,),
        note="in whatever way its dependency is away",
        kind=ChaosMutation,
    ),
    lying(
        name="does not start where it was killed",
        kills="CHS-KILL",
        code="import os, lucid_service.registration as r\nR = r.Registrar._refresh\n"
        "async def f(self, client):\n"
        " found = await client.ask('GET', self._url('service', self._config.service), seconds=3)\n"
        " if found.status == 200 and not self._registered: os._exit(1)\n"
        " await R(self, client)\n"
        "r.Registrar._refresh = f",
        services=(MESH,),
        kind=ChaosMutation,
    ),
    lying(
        name="registers only once",
        code="import lucid_service.registration as r\nR = r.Registrar._refresh\n"
        "async def f(self, client):\n if not self._registered: await R(self, client)\n"
        "r.Registrar._refresh = f",
        stack=ids("CHS-CONSUL"),
        services=(ANCHORING,),
        kind=ChaosMutation,
    ),
    lying(
        name="circuits never open",
        kills="CHS-BREAKER",
        code="import lucid_service.circuit as c\nc.FAILURES = 10**9",
        services=(GATEWAY,),
        kind=ChaosMutation,
    ),
)
