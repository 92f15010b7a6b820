from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class GetInfoRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class GetInfoResponse(_message.Message):
    __slots__ = ("genesis_hash", "height", "latest_hash")
    GENESIS_HASH_FIELD_NUMBER: _ClassVar[int]
    HEIGHT_FIELD_NUMBER: _ClassVar[int]
    LATEST_HASH_FIELD_NUMBER: _ClassVar[int]
    genesis_hash: str
    height: int
    latest_hash: str
    def __init__(self, genesis_hash: _Optional[str] = ..., height: _Optional[int] = ..., latest_hash: _Optional[str] = ...) -> None: ...

class SubmitTransactionRequest(_message.Message):
    __slots__ = ("transaction",)
    TRANSACTION_FIELD_NUMBER: _ClassVar[int]
    transaction: Transaction
    def __init__(self, transaction: _Optional[_Union[Transaction, _Mapping]] = ...) -> None: ...

class SubmitTransactionResponse(_message.Message):
    __slots__ = ("transaction_id",)
    TRANSACTION_ID_FIELD_NUMBER: _ClassVar[int]
    transaction_id: str
    def __init__(self, transaction_id: _Optional[str] = ...) -> None: ...

class GetTransactionRequest(_message.Message):
    __slots__ = ("transaction_id",)
    TRANSACTION_ID_FIELD_NUMBER: _ClassVar[int]
    transaction_id: str
    def __init__(self, transaction_id: _Optional[str] = ...) -> None: ...

class GetTransactionResponse(_message.Message):
    __slots__ = ("inclusion",)
    INCLUSION_FIELD_NUMBER: _ClassVar[int]
    inclusion: Inclusion
    def __init__(self, inclusion: _Optional[_Union[Inclusion, _Mapping]] = ...) -> None: ...

class Inclusion(_message.Message):
    __slots__ = ("header", "block_hash", "proof")
    HEADER_FIELD_NUMBER: _ClassVar[int]
    BLOCK_HASH_FIELD_NUMBER: _ClassVar[int]
    PROOF_FIELD_NUMBER: _ClassVar[int]
    header: Header
    block_hash: str
    proof: _containers.RepeatedCompositeFieldContainer[Step]
    def __init__(self, header: _Optional[_Union[Header, _Mapping]] = ..., block_hash: _Optional[str] = ..., proof: _Optional[_Iterable[_Union[Step, _Mapping]]] = ...) -> None: ...

class Step(_message.Message):
    __slots__ = ("hash", "left")
    HASH_FIELD_NUMBER: _ClassVar[int]
    LEFT_FIELD_NUMBER: _ClassVar[int]
    hash: str
    left: bool
    def __init__(self, hash: _Optional[str] = ..., left: _Optional[bool] = ...) -> None: ...

class GetBlockRequest(_message.Message):
    __slots__ = ("height",)
    HEIGHT_FIELD_NUMBER: _ClassVar[int]
    height: int
    def __init__(self, height: _Optional[int] = ...) -> None: ...

class StreamBlocksRequest(_message.Message):
    __slots__ = ("from_height",)
    FROM_HEIGHT_FIELD_NUMBER: _ClassVar[int]
    from_height: int
    def __init__(self, from_height: _Optional[int] = ...) -> None: ...

class Block(_message.Message):
    __slots__ = ("header", "hash", "transactions")
    HEADER_FIELD_NUMBER: _ClassVar[int]
    HASH_FIELD_NUMBER: _ClassVar[int]
    TRANSACTIONS_FIELD_NUMBER: _ClassVar[int]
    header: Header
    hash: str
    transactions: _containers.RepeatedCompositeFieldContainer[Transaction]
    def __init__(self, header: _Optional[_Union[Header, _Mapping]] = ..., hash: _Optional[str] = ..., transactions: _Optional[_Iterable[_Union[Transaction, _Mapping]]] = ...) -> None: ...

class Header(_message.Message):
    __slots__ = ("height", "slot", "previous_hash", "merkle_root", "timestamp", "transaction_count", "validator")
    HEIGHT_FIELD_NUMBER: _ClassVar[int]
    SLOT_FIELD_NUMBER: _ClassVar[int]
    PREVIOUS_HASH_FIELD_NUMBER: _ClassVar[int]
    MERKLE_ROOT_FIELD_NUMBER: _ClassVar[int]
    TIMESTAMP_FIELD_NUMBER: _ClassVar[int]
    TRANSACTION_COUNT_FIELD_NUMBER: _ClassVar[int]
    VALIDATOR_FIELD_NUMBER: _ClassVar[int]
    height: int
    slot: int
    previous_hash: str
    merkle_root: str
    timestamp: str
    transaction_count: int
    validator: str
    def __init__(self, height: _Optional[int] = ..., slot: _Optional[int] = ..., previous_hash: _Optional[str] = ..., merkle_root: _Optional[str] = ..., timestamp: _Optional[str] = ..., transaction_count: _Optional[int] = ..., validator: _Optional[str] = ...) -> None: ...

class Transaction(_message.Message):
    __slots__ = ("anchor", "tally", "genesis")
    ANCHOR_FIELD_NUMBER: _ClassVar[int]
    TALLY_FIELD_NUMBER: _ClassVar[int]
    GENESIS_FIELD_NUMBER: _ClassVar[int]
    anchor: Anchor
    tally: Tally
    genesis: Genesis
    def __init__(self, anchor: _Optional[_Union[Anchor, _Mapping]] = ..., tally: _Optional[_Union[Tally, _Mapping]] = ..., genesis: _Optional[_Union[Genesis, _Mapping]] = ...) -> None: ...

class Anchor(_message.Message):
    __slots__ = ("session_hash", "manifest_hash", "merkle_root")
    SESSION_HASH_FIELD_NUMBER: _ClassVar[int]
    MANIFEST_HASH_FIELD_NUMBER: _ClassVar[int]
    MERKLE_ROOT_FIELD_NUMBER: _ClassVar[int]
    session_hash: str
    manifest_hash: str
    merkle_root: str
    def __init__(self, session_hash: _Optional[str] = ..., manifest_hash: _Optional[str] = ..., merkle_root: _Optional[str] = ...) -> None: ...

class Tally(_message.Message):
    __slots__ = ("node", "period", "sessions", "megabytes", "uptime")
    NODE_FIELD_NUMBER: _ClassVar[int]
    PERIOD_FIELD_NUMBER: _ClassVar[int]
    SESSIONS_FIELD_NUMBER: _ClassVar[int]
    MEGABYTES_FIELD_NUMBER: _ClassVar[int]
    UPTIME_FIELD_NUMBER: _ClassVar[int]
    node: str
    period: int
    sessions: int
    megabytes: int
    uptime: int
    def __init__(self, node: _Optional[str] = ..., period: _Optional[int] = ..., sessions: _Optional[int] = ..., megabytes: _Optional[int] = ..., uptime: _Optional[int] = ...) -> None: ...

class Genesis(_message.Message):
    __slots__ = ("network", "consensus", "time", "block_time_seconds")
    NETWORK_FIELD_NUMBER: _ClassVar[int]
    CONSENSUS_FIELD_NUMBER: _ClassVar[int]
    TIME_FIELD_NUMBER: _ClassVar[int]
    BLOCK_TIME_SECONDS_FIELD_NUMBER: _ClassVar[int]
    network: str
    consensus: str
    time: str
    block_time_seconds: int
    def __init__(self, network: _Optional[str] = ..., consensus: _Optional[str] = ..., time: _Optional[str] = ..., block_time_seconds: _Optional[int] = ...) -> None: ...
