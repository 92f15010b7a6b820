"""Services that run, and break what they promise: over gRPC, TLS and HTTP, and in whom the gateway admits."""

from __future__ import annotations

from changes import lie, variable
from mutation import ANCHORING, DATA, ENGINE, GATEWAY, MANAGER, MESH, ChaosMutation, ContainerMutation, ids

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


INTERFACES = (
    ContainerMutation(
        name="gRPC says that it does not serve",
        kills=ids("GRPC-HEALTH CTR-PROGRAM"),
        change=lie(
            "import asyncio, lucid_blockchain_engine.grpc_api as g\n"
            "async def w(engine, healths):\n await healths.set('', 2)\n await asyncio.sleep(600)\ng._watch = w"
        ),
        note="another program runs it",
        services=(ENGINE,),
    ),
    ContainerMutation(
        name="gRPC without the health service",
        kills=ids("GRPC-HEALTH CTR-PROGRAM"),
        change=lie(
            "import lucid_blockchain_engine.grpc_api as g\n"
            "g.health_pb2_grpc.add_HealthServicer_to_server = lambda *_: None"
        ),
        note="another program runs it",
        services=(ENGINE,),
    ),
    ContainerMutation(
        name="takes TLS 1.1",
        kills=ids("TLS-VERSION TLS-CIPHERS CTR-PROGRAM"),
        change=lie(TLS_CONTEXT.format("c.minimum_version = ssl.TLSVersion.TLSv1; c.set_ciphers('ALL:@SECLEVEL=0')")),
        services=(GATEWAY,),
        note="old versions have no other than weak suites",
    ),
    ContainerMutation(
        name="takes weak cipher suites",
        kills=ids("TLS-CIPHERS CTR-PROGRAM"),
        change=lie(TLS_CONTEXT.format("c.set_ciphers('ECDHE+AES')")),
        note="another program runs it",
        services=(GATEWAY,),
    ),
    ContainerMutation(
        name="takes TLS 1.3 only",
        kills=ids("CTR-PROGRAM"),
        change=lie(TLS_CONTEXT.format("c.minimum_version = ssl.TLSVersion.TLSv1_3")),
        services=(GATEWAY,),
    ),
    ContainerMutation(
        name="answers what its contract does not promise",
        kills=ids("API-CONTRACT CTR-PROGRAM"),
        change=lie("h.CircuitStates = lambda *told: {'circuits': 'all of them'}"),
        note="another program runs it",
        services=(ANCHORING, MESH),
    ),
    ContainerMutation(
        name="errors have another code",
        kills=ids("API-ERRORS API-CONTRACT CTR-PROGRAM"),
        change=lie("import lucid_service.errors as e\ne.error_code = lambda status: f'HTTP_{status}'"),
        services=(ANCHORING, MESH),
        note="the contract has the form of errors, too",
    ),
    ContainerMutation(
        name="the server's own errors have another form",
        kills=ids("API-ERRORS CTR-PROGRAM"),
        change=lie(
            "import lucid_service.protocol as p\np.Protocol.send_400_response = p.H11Protocol.send_400_response"
        ),
        note="another program runs it",
    ),
    ContainerMutation(
        name="metrics that cannot be read",
        kills=ids("API-METRICS CTR-PROGRAM"),
        change=lie("import lucid_service.metrics as m\nm.generate_latest = lambda registry: b'requests{ 1'"),
        note="another program runs it",
    ),
    ContainerMutation(
        name="counts no requests",
        kills=ids("API-METRICS CTR-PROGRAM"),
        change=lie("import lucid_service.metrics as m\nm.Metrics.count = lambda *told: None"),
        note="another program runs it",
    ),
    ContainerMutation(
        name="no rate for clients without a token",
        kills=ids("GW-RATE CTR-VARIABLES"),
        change=variable("RATE_PUBLIC", "1000000"),
        note="a variable more turns it on",
        services=(GATEWAY,),
    ),
    ContainerMutation(
        name="believes X-Forwarded-For",
        kills=ids("GW-RATE CTR-PROGRAM"),
        change=lie(
            "import uvicorn\nC = uvicorn.Config\n"
            "uvicorn.Config = lambda *a, **k: C(*a, **{**k, 'proxy_headers': True, 'forwarded_allow_ips': '*'})"
        ),
        note="another program runs it",
        services=(GATEWAY,),
    ),
    ContainerMutation(
        name="refuses without saying until when",
        kills=ids("GW-RATE CTR-PROGRAM"),
        change=lie("import lucid_api_gateway.rates as r\nE = r.ApiError\nr.ApiError = lambda *a, headers=None: E(*a)"),
        note="another program runs it",
        services=(GATEWAY,),
    ),
    ContainerMutation(
        name="looks at no signature",
        kills=ids("GW-TOKEN CTR-PROGRAM"),
        change=lie(admits("D(token, options={'verify_signature': False, 'verify_exp': True, 'require': ['exp']})")),
        note="another program runs it",
        services=(GATEWAY,),
    ),
    ContainerMutation(
        name="takes another algorithm",
        kills=ids("GW-TOKEN CTR-PROGRAM"),
        change=lie(admits("D(token, key, **{**options, 'algorithms': ['HS256', 'HS512']})")),
        note="another program runs it",
        services=(GATEWAY,),
    ),
    ContainerMutation(
        name="takes expired tokens",
        kills=ids("GW-TOKEN CTR-PROGRAM"),
        change=lie(admits("D(token, key, **{**options, 'leeway': 10**9})")),
        note="another program runs it",
        services=(GATEWAY,),
    ),
    ContainerMutation(
        name="takes tokens without an end",
        kills=ids("GW-TOKEN CTR-PROGRAM"),
        change=lie(admits("D(token, key, **{**options, 'options': {}})")),
        note="another program runs it",
        services=(GATEWAY,),
    ),
    ContainerMutation(
        name="a reader may write",
        kills=ids("GW-ROLE CTR-PROGRAM"),
        change=lie("import lucid_api_gateway.handlers as g\nD = g.demand\ng.demand = lambda i, *r: D(i, *r, 'reader')"),
        note="another program runs it",
        services=(GATEWAY,),
    ),
    ContainerMutation(
        name="writes need no token",
        kills=ids("GW-TOKEN GW-ROLE CTR-PROGRAM"),
        change=lie("import lucid_api_gateway.handlers as g\ng.demand = lambda *_: None"),
        services=(GATEWAY,),
        note="a reader is as good as nobody",
    ),
    ContainerMutation(
        name="chunks come back otherwise",
        kills=ids("CTR-PROGRAM"),
        stack=ids("JRN-STORED"),
        change=lie(
            "import lucid_data_chain.chunks as c\nR = c.ChunkStore.read\n"
            "async def r(*a):\n async for piece in R(*a):\n  yield piece[::-1]\nc.ChunkStore.read = r"
        ),
        services=(DATA,),
    ),
    ContainerMutation(
        name="proofs are in the wrong order",
        kills=ids("CTR-PROGRAM"),
        stack=ids("JRN-VERIFIED"),
        change=lie("import lucid_data_chain.handlers as d\nW = d.to_wire\nd.to_wire = lambda s: tuple(W(s))[::-1]"),
        services=(DATA,),
    ),
    ContainerMutation(
        name="anchorings are never confirmed",
        kills=ids("CTR-PROGRAM"),
        stack=ids("JRN-ANCHORED JRN-BLOCK JRN-VERIFIED JRN-TAMPERED"),
        change=lie(
            "import asyncio, lucid_session_anchoring.anchoring as a\n"
            "a.SessionAnchoring.run = lambda self: asyncio.sleep(9999)"
        ),
        services=(ANCHORING,),
        note="what is not on the chain cannot be verified",
    ),
    ContainerMutation(
        name="anything is verified",
        kills=ids("CTR-PROGRAM"),
        stack=ids("JRN-TAMPERED"),
        change=lie("import lucid_chain.merkle as m\nm.verify = lambda *_: True"),
        services=(ANCHORING,),
    ),
    ContainerMutation(
        name="blocks without their transactions",
        kills=ids("CTR-PROGRAM"),
        stack=ids("JRN-BLOCK"),
        change=lie("import lucid_chain.block_api as b\nb.transaction_id = lambda _: bytes(32)"),
        services=(MANAGER,),
    ),
    ChaosMutation(
        name="says for ever that what it needs is healthy",
        kills=ids("CHS-STOP CHS-FREEZE CTR-PROGRAM"),
        change=lie("async def s(self): return {'lucid-blockchain-engine': 'healthy'}\nh.Dependencies.statuses = s"),
        services=(ANCHORING,),
        note="it asks nobody, so it learns of neither",
    ),
    ChaosMutation(
        name="names what is unhealthy and is healthy all the same",
        kills=ids("CHS-STOP CHS-FREEZE CTR-PROGRAM"),
        change=lie("h.DEGRADED = h.HEALTHY\nh._WORSE = (h.HEALTHY, h.UNHEALTHY)"),
        services=(MANAGER,),
        note="in whatever way its dependency is away",
    ),
    ChaosMutation(
        name="does not start where it was killed",
        kills=ids("CHS-KILL CTR-PROGRAM"),
        # Whoever ends by itself takes its entry out of Consul.
        change=lie(
            "import os, lucid_service.registration as r\nR = r.Registrar._refresh\n"
            "async def f(self, client):\n"
            " found = await client.ask('GET', self._url('service', self._config.service), seconds=3)\n"
            " if found.status == 200 and not self._registered: os._exit(1)\n"
            " await R(self, client)\n"
            "r.Registrar._refresh = f"
        ),
        note="another program runs it",
        services=(MESH,),
    ),
    ChaosMutation(
        name="registers only once",
        kills=ids("CTR-PROGRAM"),
        stack=ids("CHS-CONSUL"),
        change=lie(
            "import lucid_service.registration as r\nR = r.Registrar._refresh\n"
            "async def f(self, client):\n if not self._registered: await R(self, client)\n"
            "r.Registrar._refresh = f"
        ),
        services=(ANCHORING,),
    ),
    ChaosMutation(
        name="circuits never open",
        kills=ids("CHS-BREAKER CTR-PROGRAM"),
        change=lie("import lucid_service.circuit as c\nc.FAILURES = 10**9"),
        note="another program runs it",
        services=(GATEWAY,),
    ),
)
