"""The machine's own network: a namespace, a pair of devices between it and this machine, and the way out."""

from __future__ import annotations

import subprocess
from pathlib import Path

from root import run

NETWORK = "lucidpi"
HERE, THERE = "10.78.0.1", "10.78.0.2"
PREFIX = 24
INSIDE, OUTSIDE = f"{NETWORK}1", f"{NETWORK}0"


def connect() -> None:
    """Make the machine's network, joined to this machine by one pair of devices."""
    run("ip", "netns", "add", NETWORK)
    run("ip", "link", "add", OUTSIDE, "type", "veth", "peer", "name", INSIDE, "netns", NETWORK)
    run("ip", "addr", "add", f"{HERE}/{PREFIX}", "dev", OUTSIDE)
    run("ip", "link", "set", OUTSIDE, "up")
    run("ip", "-n", NETWORK, "addr", "add", f"{THERE}/{PREFIX}", "dev", INSIDE)
    for device in (INSIDE, "lo"):
        run("ip", "-n", NETWORK, "link", "set", device, "up")
    run("ip", "-n", NETWORK, "route", "add", "default", "via", HERE)
    Path("/proc/sys/net/ipv4/ip_forward").write_text("1")
    for rule in _rules():
        run("iptables", *_table(rule), "-I", *rule)


def _rules() -> tuple[tuple[str, ...], ...]:
    """Let the machine reach the package registries, which its builds need."""
    return (
        ("POSTROUTING", "-s", f"{THERE}/{PREFIX}", "!", "-o", OUTSIDE, "-j", "MASQUERADE"),
        ("FORWARD", "-i", OUTSIDE, "-j", "ACCEPT"),
        ("FORWARD", "-o", OUTSIDE, "-j", "ACCEPT"),
    )


def _table(rule: tuple[str, ...]) -> tuple[str, ...]:
    return ("-t", "nat") if rule[0] == "POSTROUTING" else ()


def disconnect() -> None:
    """Remove all of it, whatever is there."""
    subprocess.run(["ip", "link", "del", OUTSIDE], check=False, capture_output=True)
    subprocess.run(["ip", "netns", "del", NETWORK], check=False, capture_output=True)
    for rule in _rules():
        removing = ["iptables", *_table(rule), "-D", *rule]
        while subprocess.run(removing, check=False, capture_output=True).returncode == 0:
            pass
