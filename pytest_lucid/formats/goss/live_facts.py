"""What goss asks of what runs: ports, processes, commands, the network, mounts, parameters of the kernel."""

from __future__ import annotations

import base64
import math
import re
import shlex
from typing import TYPE_CHECKING, Any

from pytest_lucid.errors import ConfigError, EngineError, NotStartedError
from pytest_lucid.formats.goss.dns import ask_server, resolved
from pytest_lucid.formats.goss.facts import HINT
from pytest_lucid.formats.goss.values import UnansweredError
from pytest_lucid.formats.tested import HttpRequest, Invocation, Ran

if TYPE_CHECKING:
    from pytest_lucid.formats.goss.facts import Facts
    from pytest_lucid.formats.goss.model import Resource
    from pytest_lucid.formats.tested import HttpAnswer, Tested

_TABLES = ("tcp", "tcp6", "udp", "udp6")
_PORT = re.compile("[0-9]{1,5}")
_SHELL = "/bin/sh"
# Between words, these mean something to a shell only; a quoted one is a part of a word.
_SYNTAX = re.compile(r"[|&;<>()$`*?\[\]\n]|(?:^|\s)[~#!{]|^\s*\w+=")
_NOT_FOUND = 127
# In milliseconds, where a file says none; goss's own.
_COMMAND_MS, _ADDR_MS, _HTTP_MS, _DNS_MS = 10_000, 500, 5_000, 500
_MOST_OCTETS = 8


def port(resource: Resource, tested: Tested) -> Facts:
    """A port that something listens at; as in goss, an IPv6 socket is tcp6 or udp6, also if it takes IPv4."""
    table, colon, number = resource.subject.partition(":")
    table, number = (table, number) if colon else ("tcp", table)
    if table not in _TABLES or not _PORT.fullmatch(number):
        raise ConfigError(f"port {resource.subject}: expected NUMBER or one of {', '.join(_TABLES)} as tcp:NUMBER")
    live = tested.live(f"port {resource.subject}")
    addresses = [address for address, at in live.listeners(table) if at == int(number)]

    def others() -> str:
        found = {f"{each}:{at} ({address})" for each in _TABLES for address, at in live.listeners(each)}
        return f"listening: {', '.join(sorted(found)) or 'nothing'}"

    return {"listening": lambda: bool(addresses), "ip": lambda: addresses, HINT: others}


def process(resource: Resource, tested: Tested) -> Facts:
    """A program that runs, by the name that the kernel keeps of it."""
    names = tested.live(f"process {resource.subject}").processes()
    return {
        "running": lambda: resource.subject in names,
        HINT: lambda: f"running: {', '.join(sorted(set(names)))}",
    }


def command(resource: Resource, tested: Tested) -> Facts:
    """A command: with the shell of what is tested, or without one where the command needs none."""
    ran = _run(resource, tested)
    return {"exit-status": lambda: ran.code, "stdout": lambda: ran.stdout, "stderr": lambda: ran.stderr}


def _run(resource: Resource, tested: Tested) -> Ran:
    said = resource.subject
    tested.config()  # what is not there at all is said as that
    argv = [_SHELL, "-c", said] if tested.look(_SHELL) else without_shell(said)
    try:
        return tested.run(Invocation(tuple(argv), seconds=_seconds(resource, _COMMAND_MS)))
    except NotStartedError:
        # What a shell says, and its exit code.
        return Ran(_NOT_FOUND, "", f"{argv[0]}: not found\n")


def without_shell(said: str) -> list[str]:
    """Return the words of a command that no shell has to read. Raises ConfigError for one that needs a shell."""
    problem = "it needs a shell"
    try:
        words = shlex.split(said)
        unquoted = re.sub(r"'[^']*'|\"[^\"$`\\]*\"|\\.", "", said)
    except ValueError as error:
        words, unquoted, problem = [], "", str(error)
    if not words or _SYNTAX.search(unquoted):
        raise ConfigError(
            f"command {said} cannot run: {problem}, and there is no {_SHELL}. Write one program with its arguments, or "
            "ask with file, port, process or http."
        )
    return words


def _seconds(resource: Resource, default: int) -> float:
    return (resource.options.get("timeout") or default) / 1000


def addr(resource: Resource, tested: Tested) -> Facts:
    """Whether a TCP connection to `HOST:PORT` comes about, from inside."""
    protocol, marked, endpoint = resource.subject.partition("://")
    protocol, endpoint = (protocol, endpoint) if marked else ("tcp", protocol)
    host, _, number = endpoint.rpartition(":")
    host = host.strip("[]")
    if protocol not in {"tcp", "tcp4", "tcp6"} or not host or not _PORT.fullmatch(number):
        raise ConfigError(
            f"addr {resource.subject}: expected tcp://HOST:PORT; over UDP nobody says that a datagram came"
        )
    if resource.options.get("local-address"):
        raise ConfigError(f"addr {resource.subject}: local-address is not supported here; leave it out")
    live = tested.live(f"addr {resource.subject}")
    addresses = resolved(live, host)
    if protocol != "tcp":
        addresses = [each for each in addresses if (":" in each) == (protocol == "tcp6")]
    limit = max(1, math.ceil(_seconds(resource, _ADDR_MS)))

    def reachable() -> bool:
        return any(live.shell(f"nc -w {limit} {shlex.quote(each)} {number} -e true").code == 0 for each in addresses)

    return {"reachable": reachable}


def dns(resource: Resource, tested: Tested) -> Facts:
    """What a name resolves to, by the files and name servers of what is tested, or by one server."""
    kind, colon, name = resource.subject.partition(":")
    if not (colon and kind.isalpha() and kind.isupper()):
        kind, name = "", resource.subject
    server = resource.options.get("server", "")
    live = tested.live(f"dns {resource.subject}")
    if kind and not server:
        raise ConfigError(f"dns {resource.subject}: goss asks for records of a kind only if server is given; give it")
    limit = _seconds(resource, _DNS_MS)
    found = sorted(ask_server(live, kind, name, server, limit) if server else resolved(live, name))
    return {"resolvable": lambda: bool(found), "addrs": lambda: found}


def http(resource: Resource, tested: Tested) -> Facts:
    """What is answered to one request, from inside."""
    options = resource.options
    what = f"http {resource.subject}"
    if not re.match(r"https?://[^/]", resource.subject):
        raise ConfigError(f"{what}: expected http://… or https://…")
    if options.get("proxy"):
        raise ConfigError(f"{what}: proxy is not supported here; leave it out, and ask the proxy itself")
    headers = [tuple(said.split(": ", 1)) for said in options.get("request-headers", ())]
    if bad := next((each[0] for each in headers if len(each) == 1), None):
        raise ConfigError(f"{what}: request-headers: expected 'Name: value', got {bad!r}")
    if options.get("username") or options.get("password"):
        pair = f"{options.get('username', '')}:{options.get('password', '')}"
        headers.append(("Authorization", f"Basic {base64.b64encode(pair.encode()).decode()}"))
    request = HttpRequest(
        url=resource.subject,
        method=options.get("method", "GET").upper(),
        headers=tuple((each[0], each[1]) for each in headers),
        body=options.get("request-body", "").encode(),
        verifies=not options.get("allow-insecure", False),
        follows=not options.get("no-follow-redirects", False),
        seconds=_seconds(resource, _HTTP_MS),
        ca=options.get("ca-file", ""),
        cert=options.get("cert-file", ""),
        key=options.get("key-file", ""),
    )
    live = tested.live(what)
    answers: list[HttpAnswer | OSError] = []

    def answer() -> HttpAnswer:
        if not answers:
            try:
                answers.append(live.fetch(request))
            except OSError as error:
                answers.append(error)
        if isinstance(answers[0], OSError):
            raise UnansweredError(f"there was no answer ({answers[0]})")
        return answers[0]

    return {
        "status": lambda: answer().status,
        "headers": lambda: "\n".join(f"{name}: {value}" for name, value in answer().headers),
        "body": lambda: answer().body.decode("utf-8", "surrogateescape"),
    }


def interface(resource: Resource, tested: Tested) -> Facts:
    """A network interface."""
    said = tested.live(f"interface {resource.subject}").shell(f"ip addr show dev {shlex.quote(resource.subject)}")
    mtu = re.search(r"\bmtu (\d+)", said.stdout)

    def demand() -> str:
        if not mtu:
            raise UnansweredError(f"there is no interface {resource.subject}")
        return mtu[1]

    return {
        "exists": lambda: mtu is not None,
        "mtu": lambda: int(demand()),
        "addrs": lambda: re.findall(r"^\s+inet6? (\S+)", said.stdout, re.MULTILINE) if demand() else [],
    }


def mount(resource: Resource, tested: Tested) -> Facts:
    """A mount point, as the first process sees it."""
    live = tested.live(f"mount {resource.subject}")
    table = live.shell("cat /proc/1/mountinfo")
    if table.code:
        raise EngineError(f"mount {resource.subject}: the mounts cannot be seen: {table.stderr.strip()}")
    lines = [line.split(" ") for line in table.stdout.splitlines()]
    fields = next((each for each in lines if len(each) > 6 and _unescaped(each[4]) == resource.subject), None)  # noqa: PLR2004 - proc(5)

    def demand() -> list[str]:
        if fields is None:
            raise UnansweredError(f"{resource.subject} is no mount point")
        return fields

    def behind(at: int) -> str:
        """The file system, its source and its own options follow a hyphen."""
        return demand()[demand().index("-") + at]

    def usage() -> int:
        demand()
        said = live.shell(f"stat -f -c '%b %f' {shlex.quote(resource.subject)}")
        if said.code:
            raise EngineError(f"mount {resource.subject}: its usage cannot be seen: {said.stderr.strip()}")
        blocks, free = map(int, said.stdout.split())
        if not blocks:
            raise UnansweredError(f"{resource.subject} has no blocks")
        return round((1 - free / blocks) * 100)

    return {
        "exists": lambda: fields is not None,
        "opts": lambda: list(dict.fromkeys(demand()[5].split(","))),
        "vfs-opts": lambda: behind(3).split(","),
        "source": lambda: _unescaped(behind(2)),
        "filesystem": lambda: behind(1),
        "usage": usage,
    }


def _unescaped(said: str) -> str:
    return re.sub(r"\\([0-7]{3})", lambda match: chr(int(match[1], _MOST_OCTETS)), said)


def kernel_param(resource: Resource, tested: Tested) -> Facts:
    """A parameter of the kernel, as it is inside."""
    path = f"/proc/sys/{resource.subject.replace('.', '/')}"
    said = tested.live(f"kernel-param {resource.subject}").shell(f"cat {shlex.quote(path)}")

    def value() -> Any:
        if said.code:
            raise UnansweredError(f"{path} cannot be read: {said.stderr.strip()}")
        return said.stdout.strip()

    return {"value": value}
