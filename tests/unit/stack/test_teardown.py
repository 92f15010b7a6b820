from __future__ import annotations

import os
import signal

import pytest

from pytest_lucid.stack.teardown import uninterrupted


@pytest.mark.skipif(os.name == "nt", reason="Windows ends the process whatever it would do")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["ctrl-c", "terminated"])
def test_removing_goes_on_when_the_run_is_interrupted_again(number: signal.Signals) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    previous = signal.signal(number, interrupt)
    try:
        with uninterrupted():
            os.kill(os.getpid(), number)
        assert signal.getsignal(number) is interrupt
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), number)
    finally:
        signal.signal(number, previous)
