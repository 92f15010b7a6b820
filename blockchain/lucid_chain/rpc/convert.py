"""Blocks and transactions between gRPC messages and the types that are hashed; whether they are valid is not asked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from lucid_chain import merkle
from lucid_chain.blocks import Block, Header, Transaction
from lucid_chain.ledger import Inclusion
from lucid_chain.rpc import chain_pb2 as rpc

if TYPE_CHECKING:
    from google.protobuf.message import Message


class MessageError(ValueError):
    """A message of a peer is not what it should be; the message says where."""


def transaction_message(transaction: Transaction) -> rpc.Transaction:
    """Return the message for a transaction."""
    kind = type(transaction).__name__
    content = getattr(rpc, kind)(**msgspec.structs.asdict(transaction))
    return rpc.Transaction(**{kind.lower(): content})


def transaction_of(message: rpc.Transaction) -> Transaction:
    """Return the transaction in a message. Raises MessageError."""
    kind = message.WhichOneof("content")
    if kind is None:
        raise MessageError("the transaction is empty")
    transaction: Transaction = _converted({"type": kind, **_fields(getattr(message, kind))}, Transaction)
    return transaction


def block_message(block: Block) -> rpc.Block:
    """Return the message for a block."""
    return rpc.Block(
        header=_header_message(block.header),
        hash=block.hash,
        transactions=[transaction_message(transaction) for transaction in block.transactions],
    )


def block_of(message: rpc.Block) -> Block:
    """Return the block in a message. Raises MessageError."""
    transactions = tuple(transaction_of(transaction) for transaction in message.transactions)
    return Block(_header_of(message.header), message.hash, transactions)


def inclusion_message(inclusion: Inclusion) -> rpc.Inclusion:
    """Return the message for the place of a transaction on the chain."""
    return rpc.Inclusion(
        header=_header_message(inclusion.block),
        block_hash=inclusion.block_hash,
        proof=[rpc.Step(hash=step.hash.hex(), left=step.side == "left") for step in inclusion.proof],
    )


def inclusion_of(message: rpc.Inclusion, transaction: Transaction) -> Inclusion:
    """Return the place of `transaction` that a message tells. Raises MessageError."""
    if len(message.proof) > merkle.MAX_DEPTH:
        raise MessageError(f"a proof of {len(message.proof)} steps, expected at most {merkle.MAX_DEPTH}")
    try:
        steps = tuple(merkle.Step(bytes.fromhex(step.hash), "left" if step.left else "right") for step in message.proof)
    except ValueError as error:
        raise MessageError("a step of the proof is not hexadecimal") from error
    return Inclusion(transaction, _header_of(message.header), message.block_hash, steps)


def _header_message(header: Header) -> rpc.Header:
    return rpc.Header(**msgspec.structs.asdict(header))


def _header_of(message: rpc.Header) -> Header:
    header: Header = _converted(_fields(message), Header)
    return header


def _fields(message: Message) -> dict[str, object]:
    return {field.name: getattr(message, field.name) for field in message.DESCRIPTOR.fields}


def _converted(fields: dict[str, object], kind: Any) -> Any:
    try:
        return msgspec.convert(fields, kind)
    except msgspec.ValidationError as error:
        raise MessageError(str(error)) from error
