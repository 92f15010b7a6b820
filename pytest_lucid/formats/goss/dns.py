"""What names resolve to, asked with the tools of a shell inside, in the forms that goss compares."""

from __future__ import annotations

import math
import re
import shlex
from ipaddress import ip_address
from typing import TYPE_CHECKING

from pytest_lucid.errors import ConfigError
from pytest_lucid.formats.goss.values import UnansweredError

if TYPE_CHECKING:
    from pytest_lucid.formats.tested import Live

_UNKNOWN = 2
# As nslookup of busybox writes them. What is a name ends in a dot, as goss has it.
_RECORDS = {
    "A": r"^Address: (\d+\.\S+)",
    "AAAA": r"^Address: (\S*:\S+)",
    "CNAME": r"canonical name = (\S+)",
    "NS": r"nameserver = (\S+)",
    "PTR": r"name = (\S+)",
    "MX": r"mail exchanger = (\d+ \S+)",
    "SRV": r"service = (\d+ \d+ \d+ \S+)",
    "TXT": r'text = "(.*)"',
}
_PLAIN = frozenset({"A", "AAAA", "TXT"})


def resolved(live: Live, name: str) -> list[str]:
    """The addresses of a name, or of an address that is one; none for a name that nobody knows."""
    said = live.shell(f"getent ahosts {shlex.quote(name)}")
    if said.code not in {0, _UNKNOWN}:
        raise UnansweredError(f"{name} could not be resolved: {said.stderr.strip()}")
    return list(dict.fromkeys(line.split()[0] for line in said.stdout.splitlines() if line.split()))


def ask_server(live: Live, kind: str, name: str, server: str, seconds: float) -> list[str]:
    """The records of a kind that a server has of a name; without a kind, its addresses."""
    if kind and kind not in _RECORDS:
        raise ConfigError(f"dns {kind}:{name}: {kind} is not supported here; expected one of {', '.join(_RECORDS)}")
    host, port = _endpoint(server)
    if kind == "PTR":
        try:
            name = ip_address(name).reverse_pointer
        except ValueError as error:
            raise ConfigError(f"dns PTR:{name}: expected an address") from error
    found = []
    for each in (kind,) if kind else ("A", "AAAA"):
        limit = max(1, math.ceil(seconds))
        said = live.shell(
            f"nslookup -type={each.lower()} -port={port} -timeout={limit} -retry=1 {shlex.quote(name)} "
            f"{shlex.quote(host)} 2>&1"
        )
        if "timed out" in said.stdout or "no servers could be reached" in said.stdout:
            raise UnansweredError(f"the name server {server} did not answer")
        # The server's own name and address come first.
        answer = said.stdout.partition("\n\n")[2]
        found += [
            value if each in _PLAIN else f"{value.rstrip('.')}."
            for value in re.findall(_RECORDS[each], answer, re.MULTILINE)
        ]
    return found


def _endpoint(server: str) -> tuple[str, int]:
    match = re.fullmatch(
        r"\[(?P<six>[0-9a-fA-F:.%]+)\](?::(?P<p6>\d+))?|(?P<host>[\w.-]+)(?::(?P<p4>\d+))?|(?P<bare>[0-9a-fA-F:.]+)",
        server,
    )
    if not match:
        raise ConfigError(f"dns server {server!r}: expected HOST or HOST:PORT")
    return match["six"] or match["host"] or match["bare"], int(match["p6"] or match["p4"] or 53)
