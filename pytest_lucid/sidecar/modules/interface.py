"""testinfra's Interface, from sysfs, the kernel's tables and busybox's ip."""

from __future__ import annotations

import re
from ipaddress import IPv6Address, IPv6Network
from typing import TYPE_CHECKING, Any

from testinfra.modules.interface import Interface

from pytest_lucid.errors import EngineError
from pytest_lucid.sidecar.modules.base import SidecarModule

if TYPE_CHECKING:
    from collections.abc import Sequence

SYSFS = "/sys/class/net"
FACTS = (
    "flags", "operstate", "link_mode", "carrier", "tx_queue_len", "netdev_group", "type", "address", "broadcast",
    "mtu", "ifindex", "iflink",
)  # fmt: skip
# include/uapi/linux/if.h, in the order in which iproute2 prints them.
FLAGS = {
    "LOOPBACK": 0x8, "BROADCAST": 0x2, "POINTOPOINT": 0x10, "MULTICAST": 0x1000, "NOARP": 0x80, "ALLMULTI": 0x200,
    "PROMISC": 0x100, "MASTER": 0x400, "SLAVE": 0x800, "DEBUG": 0x4, "DYNAMIC": 0x8000, "AUTOMEDIA": 0x4000,
    "PORTSEL": 0x2000, "NOTRAILERS": 0x20, "UP": 0x1,
}  # fmt: skip
# include/uapi/linux/if_arp.h.
TYPES = {
    "1": "ether", "512": "ppp", "768": "ipip", "769": "tunnel6", "772": "loopback", "776": "sit", "778": "gre",
    "65534": "none",
}  # fmt: skip
MODES = {"0": "DEFAULT", "1": "DORMANT"}
# What iproute2 shows and neither a file of the kernel nor busybox's ip does.
UNSEEN = {
    "protocol": "the protocol of a route",
    "link_netnsid": "the network namespace at the other end of a link",
}
KINDS = {"unicast", "local", "broadcast", "anycast", "multicast", "blackhole", "unreachable", "prohibit", "throw"}
# Bits 27 and 28 of a route's flags in /proc/net/ipv6_route.
PREFERENCES = {0: "medium", 1: "high", 3: "low"}
FAMILIES = {None, "inet", "inet6"}


class SidecarInterface(SidecarModule, Interface):
    """An interface; its link and routes are as `ip --json` shows them, but for `link_netnsid`."""

    def __init__(self, name: str | None, family: str | None = None) -> None:
        if family not in FAMILIES:
            raise EngineError(f"the sidecar does not know the family {family!r} of interfaces; expected inet or inet6.")
        super().__init__(name, family)  # type: ignore[no-untyped-call]  # testinfra's

    @property
    def exists(self) -> bool:
        """Whether there is such an interface."""
        return self.name in self.names()

    @property
    def speed(self) -> int:
        """Its speed in Mbit/s; raises EngineError for one that has none."""
        self._demand()
        answer = self.session().run(f"cat -- {SYSFS}/{self.name}/speed")
        if answer.code or not answer.stdout.strip():
            raise EngineError(f"the kernel has no speed for the interface {self.name}.")
        return int(answer.stdout)

    @property
    def addresses(self) -> list[str]:
        """Its addresses, those of IPv4 first."""
        self._demand()
        found = []
        for line in self._lines("ip -o addr show"):
            _, name, family, address, *_ = line.split()
            if name.partition("@")[0] == self.name and family in ({self.family} if self.family else FAMILIES):
                found.append(address.partition("/")[0])
        return found

    @property
    def link(self) -> list[dict[str, Any]]:
        """Its link, as `ip --json link show`."""
        self._demand()
        facts = self._facts(*FACTS)[self.name]
        number = int(facts["flags"], 16)
        flags = [name for name, bit in FLAGS.items() if number & bit]
        up = "UP" in flags
        carrier = facts.get("carrier") == "1"
        peer = {"link_index": int(facts["iflink"])} if facts["iflink"] not in {facts["ifindex"], "0"} else {}
        before = ["NO-CARRIER"] if up and not carrier else []
        link: dict[str, Any] = InterfaceState(
            ifindex=int(facts["ifindex"]),
            **peer,
            ifname=self.name,
            flags=[*before, *flags, *(["LOWER_UP"] if up and carrier else [])],
            mtu=int(facts["mtu"]),
            operstate=facts["operstate"].upper(),
            linkmode=MODES.get(facts["link_mode"], facts["link_mode"]),
            group="default" if facts["netdev_group"] == "0" else facts["netdev_group"],
            txqlen=int(facts["tx_queue_len"]),
            link_type=TYPES.get(facts["type"], f"[{facts['type']}]"),
            address=facts["address"],
            broadcast=facts["broadcast"],
        )
        # iproute2 leaves out a queue length of 0; the queueing discipline is in no file.
        if not link["txqlen"]:
            del link["txqlen"]
        for line in self._lines("ip -o link show"):
            if (found := re.match(r"\d+: ([^:@]+)[:@].*? qdisc (\S+)", line)) and found[1] == self.name:
                link["qdisc"] = found[2]
        return [link]

    def routes(self, scope: str | None = None) -> list[dict[str, Any]]:
        """Its routes, as `ip --json route list dev`."""
        self._demand()
        if scope is not None and not re.fullmatch(r"\w+", scope):
            raise EngineError(f"{scope!r} is no scope of routes; expected host, link or global.")
        base = f"ip -f {self.family or 'inet'} route list dev {self.name}" + (f" scope {scope}" if scope else "")
        preferences = self._preferences() if self.family == "inet6" else {}
        return [_route(line, preferences) for line in self._lines(base)]

    @classmethod
    def default(cls, family: str | None = None) -> SidecarInterface:
        """The interface of the default route, the one with the lowest metric; its name is None without one."""
        routes = [
            line.split()
            for line in cls._lines(f"ip -f {family or 'inet'} route list")
            if line.split()[:1] == ["default"] and " dev " in line
        ]
        best = min(routes, key=lambda route: int(_after(route, "metric") or 0), default=None)
        return cls(_after(best, "dev") if best else None, family=family)

    @classmethod
    def names(cls) -> list[str]:
        """The names of all interfaces, in the order of their indices."""
        facts = cls._facts("ifindex")
        return sorted(facts, key=lambda name: int(facts[name]["ifindex"]))

    def _demand(self) -> None:
        names = self.names()
        if self.name not in names:
            raise EngineError(
                f"{self.session().sidecar.target} has no interface {self.name!r}; it has {', '.join(names)}."
            )

    @classmethod
    def _facts(cls, *names: str) -> dict[str, dict[str, str]]:
        found: dict[str, dict[str, str]] = {}
        for path, content in cls.read(*(f"{SYSFS}/*/{name}" for name in names)).items():
            interface, name = path.split("/")[-2:]
            found.setdefault(interface, {})[name] = content.decode("utf-8", "replace").strip()
        if not found:
            raise EngineError(f"the interfaces of {cls.session().sidecar.target} cannot be seen; expected {SYSFS}")
        return found

    @classmethod
    def _lines(cls, command: str) -> list[str]:
        answer = cls.session().run(command)
        if answer.code:
            said = answer.stderr.decode("utf-8", "replace").strip()
            raise EngineError(f"`{command}` inside {cls.session().sidecar.target} failed: {said}")
        return [line for line in answer.stdout.decode("utf-8", "replace").splitlines() if line.strip()]

    def _preferences(self) -> dict[IPv6Network, str]:
        found = {}
        for line in self._lines("cat -- /proc/net/ipv6_route"):
            fields = line.split()
            if fields[9] == self.name:
                network = IPv6Network((int(IPv6Address(bytes.fromhex(fields[0]))), int(fields[1], 16)))
                found[network] = PREFERENCES.get(int(fields[8], 16) >> 27 & 3, "medium")
        return found


class InterfaceState(dict[str, Any]):
    """What `ip --json` shows; asking for a key that cannot be seen raises EngineError instead of saying "none"."""

    def __missing__(self, key: str) -> Any:
        """Raise for what is unknown."""
        if key in UNSEEN:
            raise EngineError(f"host.interface: the sidecar cannot see {UNSEEN[key]} ({key}).")
        raise KeyError(key)

    def get(self, key: str, default: Any = None) -> Any:
        """Return the value of `key`."""
        return self[key] if key in self or key in UNSEEN else default


def _route(line: str, preferences: dict[IPv6Network, str]) -> dict[str, Any]:
    words = line.split()
    kind = [words.pop(0)] if words[0] in KINDS else []
    keys = {"via": "gateway", "scope": "scope", "src": "prefsrc", "metric": "metric"}
    found: dict[str, Any] = InterfaceState({"type": kind[0]} if kind else {})
    found["dst"] = words[0]
    found.update({key: value for word, key in keys.items() if (value := _after(words, word))})
    if "metric" in found:
        found["metric"] = int(found["metric"])
    if preferences:
        found["pref"] = preferences.get(IPv6Network("::/0" if words[0] == "default" else words[0]), "medium")
    found["flags"] = [flag for flag in ("dead", "linkdown", "onlink") if flag in words]
    return found


def _after(words: Sequence[str], word: str) -> str | None:
    return words[words.index(word) + 1] if word in words[:-1] else None
