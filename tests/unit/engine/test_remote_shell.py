from __future__ import annotations

import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from pytest_lucid.engine.remote_shell import Shell, ShellEndedError

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def shell() -> Iterator[Shell]:
    pipe = subprocess.PIPE
    shell = Shell(subprocess.Popen(["sh"], stdin=pipe, stdout=pipe, stderr=pipe, bufsize=0))
    yield shell
    shell.end()


def test_outputs_stay_apart_and_the_exit_code_is_told(shell: Shell) -> None:
    result = shell.run("echo out; echo err >&2; exit 3", 5)
    assert (result.code, result.stdout, result.stderr) == (3, b"out\n", b"err\n")
    assert shell.run("true", 5).code == 0


@pytest.mark.parametrize("command", ["echo 'a", "if", "exit 1", "exec true", "cat", "set -e; false", "f() {"])
def test_no_command_ends_or_blocks_the_shell(shell: Shell, command: str) -> None:
    shell.run(command, 5)
    assert shell.run("echo still here", 5).stdout == b"still here\n"


def test_output_may_be_any_bytes_of_any_length(shell: Shell) -> None:
    result = shell.run("head -c 3000000 /dev/zero; printf '\\036\\n\\377'", 10)
    assert result.stdout == bytes(3_000_000) + b"\x1e\n\xff"


def test_deadline(shell: Shell) -> None:
    started = time.monotonic()
    with pytest.raises(TimeoutError):
        shell.run("sleep 5", 0.2)
    assert time.monotonic() - started < 2


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
def test_a_signal_to_what_still_reads_after_the_end_is_no_error(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that outlives the shell holds the pipe; reading goes on, and a signal makes it begin again."""
    monkeypatch.setattr("pytest_lucid.engine.remote_shell.END_SECONDS", 0.1)
    shell.run("sleep 1 &", 5)
    shell.end()
    alive = [reader for reader in shell._readers if reader.is_alive()]  # noqa: SLF001 - no one else knows the threads
    assert len(alive) == 2
    before = signal.signal(signal.SIGUSR1, lambda *_: None)
    try:
        for reader in alive:
            assert reader.ident
            signal.pthread_kill(reader.ident, signal.SIGUSR1)
            # pytest makes an exception in a thread a failure of the test that runs then.
            reader.join(10)
            assert not reader.is_alive()
    finally:
        signal.signal(signal.SIGUSR1, before)


def test_end_of_the_shell_is_told_with_its_last_words(shell: Shell) -> None:
    with pytest.raises(ShellEndedError):
        shell.run("echo the reason >&2; kill -9 $$", 5)
    assert shell.last_words == "the reason"
