"""What every Lucid service shares: configuration, health, errors, logging, registration, serving; no service's own API.

Nothing is imported here, so that the health probe, which runs every 30 s, loads only what it needs.

How a service is made of it; its package has `__main__` (assembly), handlers, services and models:

    # models.py: what goes over the wire
    class Transaction(Input):                       # unknown fields are refused; lucid_service.models
        payload: Annotated[str, Meta(max_length=65536)]
    class ById(Input):
        id: Hash
    class Accepted(Output):
        transaction_id: str

    # pool.py: the logic, which knows nothing of HTTP
    class Pool: ...

    # handlers.py
    async def submit(request: Request, body: Transaction) -> Accepted:
        pool: Pool = service_of(request)            # lucid_service.app
        if not pool.has_room():
            raise ApiError(503, "The pool is full.")
        return Accepted(await pool.add(body.payload))

    OPERATIONS = (
        Operation("POST", "/api/v1/transactions", submit, "Submit a transaction",
                  {202: Accepted}, body=Transaction, errors={503: "The pool is full"}, token=True),
        Operation("GET", "/api/v1/transactions/{id}", by_id, "One transaction",
                  {200: Transaction}, path=ById, errors={404: "No transaction has this id"}),
    )

    # __main__.py
    @dataclass(frozen=True)
    class Settings:
        folder: Path

    def read(source: Environment) -> Settings:
        return Settings(source.folder("BLOCKS_DIR"))

    @asynccontextmanager
    async def provide(context: Context) -> AsyncIterator[Pool]:   # tasks and servers of its own start and end here
        yield Pool(context.settings.folder)

    start(needs=("consul",), operations=OPERATIONS, settings=read, provide=provide)

Malformed input never reaches a handler: 400 for what is no JSON, 413 above `largest`, 415 for another content type,
422 for other types. A body that is not JSON is declared `body=BINARY` and read with `stream_of(request, largest)`; an
answer that is not JSON is a Response, declared `{200: BINARY}`, and made when the body has been read. Routes are
matched in order: the fixed before the parameter. Other containers are asked through `context.client`, or a
`PeerClient(keep=True)` of the service's own, and every PeerError is expected. Own metrics are registered in
`context.metrics.registry`.
"""
