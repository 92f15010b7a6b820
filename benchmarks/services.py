"""How fast the blockchain services are: blocks validated, a large Merkle tree, a gibibyte of chunks up and down.

Every figure is set against the least that must be done anyway, in the same run: a ratio holds on any computer.
`nox -s bench -- services` runs it; it needs Linux, for the memory of processes.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import httpx2 as httpx
from blake3 import blake3
from chain_facts import anchor, start
from chain_stack import DATA, Stack, eventually
from lucid_chain.blocks import encode, transaction_id
from lucid_chain.merkle import SIZE, Tree
from lucid_chain.rules import MOST_TRANSACTIONS, check, make_block

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

LEAVES = 1_000_000
CHUNK = 8 * 1024 * 1024
CHUNKS = 128
MIB = 1024 * 1024


def seconds(work: Callable[[], object]) -> float:
    """Return how long `work` takes."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def best(work: Callable[[], object], times: int = 5) -> float:
    """Return the least of several times."""
    return min(seconds(work) for _turn in range(times))


def each(work: Callable[[int], object]) -> float:
    """Return how long `work` takes for all numbers of chunks."""
    began = time.perf_counter()
    for number in range(CHUNKS):
        work(number)
    return time.perf_counter() - began


def blocks() -> None:
    """Validate full blocks."""
    state = start()
    transactions = [anchor(str(number)) for number in range(MOST_TRANSACTIONS)]
    block = make_block(state, 1, transactions)
    took = best(lambda: check(state, block))
    ids = best(lambda: [transaction_id(one) for one in block.transactions])
    size = sum(len(encode(one)) for one in transactions)
    print(f"blocks of {MOST_TRANSACTIONS} transactions ({size} bytes): {1 / took:.0f} validated a second,", end=" ")
    print(f"{took / ids:.1f} times the hashing of their transactions")


def tree() -> None:
    """Build a large tree; runs in a process of its own, so that the peak is the tree's."""
    leaves = os.urandom(SIZE * LEAVES)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    took = seconds(lambda: Tree(leaves))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    pair = bytes(2 * SIZE + 1)
    hashes = seconds(lambda: [blake3(pair).digest() for _number in range(2 * LEAVES)])
    print(
        f"Merkle tree of {LEAVES} leaves: {took:.1f} s, {took / hashes:.1f} times its {2 * LEAVES} hashes alone;",
        end=" ",
    )
    print(f"{(peak - before) / 1024:.0f} MiB beside the {len(leaves) / MIB:.0f} MiB of leaves")


def transfer() -> None:
    """Send chunks up and down, one after the other, to and from the data chain as a process."""
    content = os.urandom(CHUNK)

    def chunk(number: int) -> bytes:
        return number.to_bytes(8, "big") + content[8:]

    with tempfile.TemporaryDirectory() as folder:
        stack = Stack(Path(folder))
        stack.start(DATA)
        try:
            eventually(lambda: stack.get(DATA, "/health/live").is_success)
            idle = stack.memory(DATA) / 1024
            names = [blake3(chunk(number)).hexdigest() for number in range(CHUNKS)]
            with httpx.Client(base_url=stack.url(DATA, "/api/v1/chunks/"), timeout=60) as client:
                up = each(lambda n: client.put(names[n], content=chunk(n)).raise_for_status())
                after_up = stack.memory(DATA, "VmHWM") / 1024
                down = each(lambda n: _drain(client, names[n]))
            peak = stack.memory(DATA, "VmHWM") / 1024
        finally:
            stack.kill(DATA)
            stack.client.close()
        plain = each(lambda n: _write(Path(folder) / "plain", chunk(n)))
    total = CHUNK * CHUNKS / MIB
    print(f"{total / 1024:.0f} GiB in chunks of {CHUNK // MIB} MiB: up {total / up:.0f} MiB/s,", end=" ")
    print(f"{up / plain:.1f} times hashing and fsync alone; down {total / down:.0f} MiB/s;", end=" ")
    print(f"resident {idle:.0f} MiB idle, at most {after_up:.0f} MiB up and {peak:.0f} MiB down")


def _drain(client: httpx.Client, name: str) -> None:
    with client.stream("GET", name) as answer:
        answer.raise_for_status()
        size = sum(len(piece) for piece in answer.iter_raw())
    if size != CHUNK:
        raise RuntimeError(f"{name} came with {size} bytes")


def _write(path: Path, content: bytes) -> None:
    blake3(content).digest()
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def main() -> None:
    """Run all, or the one that is named."""
    named: dict[str, Callable[[], None]] = {"blocks": blocks, "tree": tree, "transfer": transfer}
    for name in _chosen(named):
        if name == "tree" and not sys.argv[1:]:
            subprocess.run([sys.executable, __file__, "tree"], check=True)  # noqa: S603  this program itself
        else:
            named[name]()


def _chosen(named: dict[str, Callable[[], None]]) -> Iterator[str]:
    yield from sys.argv[1:] or named


if __name__ == "__main__":
    main()
