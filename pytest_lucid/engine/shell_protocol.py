"""How commands and answers share the streams of one shell that stays open, here or in a container.

After each command, the shell writes a line on both outputs that begins with a random number made for that command. So
an output may hold any bytes of any length, and the shell may be any POSIX shell. Moving the bytes is not done here.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass

# Defines `_end NONCE [silent]`. With `silent`, a command that succeeded leaves no line on standard error: each line is
# one more wake-up of the reader.
DEFINITIONS = r"""
_end() {
    _code=$?
    [ "$_code$2" = 0silent ] || printf '\036%s %d\n' "$1" "$_code" >&2
    printf '\036%s %d\n' "$1" "$_code"
}
"""


@dataclass(frozen=True)
class Result:
    """How a command ended: its exit code, and the bytes of both outputs."""

    code: int
    stdout: bytes
    stderr: bytes


class Ending:
    """The end of one command, looked for on both outputs while they arrive."""

    def __init__(self, *, silent: bool = False) -> None:
        nonce = secrets.token_hex(16)
        self._silent = silent
        self.line = f"_end {nonce}{' silent' if silent else ''}\n"
        self._mark = f"\x1e{nonce} ".encode()
        self._searched = [0, 0]
        # For each output: where the command's bytes end, and where those of the next command begin.
        self._found: list[tuple[int, int] | None] = [None, None]
        self._code = 0

    def take(self, outputs: tuple[bytearray, bytearray]) -> Result | None:
        """Remove what the command wrote from `outputs` (standard output, standard error); None before its end."""
        for index, output in enumerate(outputs):
            if not self._found[index]:
                self._search(index, output)
        if self._silent and self._found[0] and self._code == 0:
            self._found[1] = (len(outputs[1]), len(outputs[1]))
        if not (self._found[0] and self._found[1]):
            return None
        stdout, stderr = (
            bytes(memoryview(output)[: found[0]])
            for output, found in zip(outputs, (self._found[0], self._found[1]), strict=True)
        )
        for output, found in zip(outputs, (self._found[0], self._found[1]), strict=True):
            del output[: found[1]]
        return Result(self._code, stdout, stderr)

    def _search(self, index: int, output: bytearray) -> None:
        start = output.find(self._mark, self._searched[index])
        # The mark may have arrived in two pieces.
        self._searched[index] = start if start >= 0 else max(0, len(output) - len(self._mark))
        if start >= 0 and (stop := output.find(b"\n", start)) >= 0:
            self._found[index] = start, stop + 1
            self._code = int(output[start + len(self._mark) : stop])
