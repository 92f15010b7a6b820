from __future__ import annotations

import pytest

from pytest_lucid.engine.ssh import refusal

CHANGED = """\
@    WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!     @
Offending ED25519 key in /home/me/.ssh/known_hosts:3
Host key verification failed."""


@pytest.mark.parametrize(
    ("words", "remedy"),
    [
        ("ssh: Could not resolve hostname pi: Name or service not known", "the name does not resolve"),
        ("No ED25519 host key is known for pi and you have requested strict checking.", "Connect once"),
        ("Host key verification failed.", "Connect once"),
        (CHANGED, "ssh-keygen -R pi"),
        ("me@pi: Permission denied (publickey,password).", "ssh-copy-id pi"),
        ("ssh: connect to host pi port 22: Connection refused", "no SSH server listens"),
        ("ssh: connect to host pi port 22: Connection timed out", "the host does not answer"),
        ("ssh: connect to host pi port 22: No route to host", "the host does not answer"),
        ("something new", "Try `ssh pi` by hand"),
        ("", "(nothing)"),
    ],
)
def test_what_ssh_says_gets_a_remedy(words: str, remedy: str) -> None:
    assert remedy in refusal("the Pi", "pi", words)
