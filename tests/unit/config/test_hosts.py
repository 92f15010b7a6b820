from __future__ import annotations

import pytest

from pytest_lucid.config.hosts import Destination, destination, read_hosts
from pytest_lucid.engine.ssh import tunnel_arguments
from pytest_lucid.errors import ConfigError

GOOD = [
    "local",
    "pi",
    "pi.local",
    "pi_4.lan",
    "10.0.0.5",
    "fd00::5",
    "user@pi.local",
    "ssh://pi.local",
    "ssh://user@pi.local:2222",
    "ssh://user@[fd00::5]:22/",
    "tcp://pi.local:2376",
    "unix:///var/run/docker.sock",
    "npipe:////./pipe/docker_engine",
]
BAD = [
    "-oProxyCommand=touch /tmp/x",
    "--",
    "-l",
    ".hidden",
    "a b",
    "a;b",
    "a|b",
    "$(id)",
    "`id`",
    "a\nb",
    "a\x00b",
    "a%20b",
    "a/b",
    "a:22",
    "user@",
    "@pi",
    "-u@pi",
    "user@-pi",
    "user@@pi",
    "fe80::1%eth0",
    "ssh://",
    "ssh://-oProxyCommand=x",
    "ssh://-x@pi",
    "ssh://user:secret@pi",
    "ssh://pi:0",
    "ssh://pi:70000",
    "ssh://pi:x",
    "ssh://pi/path",
    "ssh://pi?x",
    "ssh://pi#x",
    "ssh://[pi",
    "tcp://",
    "tcp://user@pi:1",
    "tcp://pi:1/x",
    "unix://relative",
    "unix:///a b",
    "unix:///a;b",
    "http://pi",
    "file:///etc/passwd",
    "pi\u202e.local",
    "\u217di",
]


@pytest.mark.parametrize("text", GOOD)
def test_host_that_can_be_meant(text: str) -> None:
    assert read_hosts((text,)) == (text,)


@pytest.mark.parametrize("text", BAD)
def test_host_that_cannot_be_meant(text: str) -> None:
    with pytest.raises(ConfigError, match=r"--lucid-host: .* is no valid host; expected a name or address"):
        read_hosts((text,))


def test_several_hosts_come_once_each_in_their_order() -> None:
    assert read_hosts(("b, a", "b,,c", "")) == ("b", "a", "c")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("pi.local", Destination("pi.local")),
        ("me@pi.local", Destination("pi.local", "me")),
        ("ssh://pi.local", Destination("pi.local")),
        ("ssh://me@pi.local:2222", Destination("pi.local", "me", 2222)),
        ("ssh://[fd00::5]:22", Destination("fd00::5", None, 22)),
    ],
)
def test_destination(text: str, expected: Destination) -> None:
    assert destination(text) == expected


def test_host_stands_behind_the_options_of_ssh(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda name: f"/usr/bin/{name}")
    arguments = tunnel_arguments(Destination("pi", "me", 22), 4711)
    assert arguments[-7:] == ("-p", "22", "-l", "me", "--", "pi", "exec /bin/sh")
    assert "127.0.0.1:4711:/var/run/docker.sock" in arguments
    assert arguments[arguments.index("BatchMode=yes") - 1] == "-o"
