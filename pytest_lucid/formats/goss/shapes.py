"""The resources of a goss file: their attributes, and of which kind each is. What they mean is in `judge`."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

# Every resource may have these; `skip` is a truth, the others are not judged.
COMMON = ("title", "meta", "skip")
LIST = list


@dataclass(frozen=True)
class Shape:
    """A kind of resource: how goss calls it in reports, and the attributes that are judged, `required` before others.

    `streams` are judged line by line where a list is expected; `options` say how is asked, each with its type; `name`
    is the attribute that stands for the key where it is given.
    """

    label: str
    required: str
    judged: tuple[str, ...] = ()
    streams: tuple[str, ...] = ()
    options: Mapping[str, type] = field(default_factory=dict)
    name: str = ""

    @property
    def attributes(self) -> tuple[str, ...]:
        """All names that may stand in such a resource."""
        named = (self.name,) if self.name else ()
        required = (self.required,) if self.required else ()
        return (*required, *self.judged, *self.streams, *self.options, *named, *COMMON)


SHAPES: Mapping[str, Shape] = {
    "file": Shape(
        "File",
        "exists",
        ("mode", "size", "owner", "uid", "group", "gid", "filetype", "linked-to", "md5", "sha256", "sha512"),
        ("contents", "contains"),
        name="path",
    ),
    "package": Shape("Package", "installed", ("versions",), name="name"),
    "port": Shape("Port", "listening", ("ip",), name="port"),
    "process": Shape("Process", "running", name="comm"),
    "service": Shape("Service", "", ("enabled", "running", "runlevels"), name="name"),
    "user": Shape("User", "exists", ("uid", "gid", "groups", "home", "shell"), name="username"),
    "group": Shape("Group", "exists", ("gid",), name="groupname"),
    "command": Shape("Command", "exit-status", (), ("stdout", "stderr"), {"timeout": int}, name="exec"),
    "addr": Shape("Addr", "reachable", options={"timeout": int, "local-address": str}, name="address"),
    "dns": Shape("DNS", "resolvable", ("addrs",), options={"server": str, "timeout": int}, name="resolve"),
    "http": Shape(
        "HTTP",
        "status",
        (),
        ("headers", "body"),
        {
            "allow-insecure": bool, "no-follow-redirects": bool, "timeout": int, "request-headers": LIST,
            "request-body": str, "username": str, "password": str, "ca-file": str, "cert-file": str, "key-file": str,
            "proxy": str, "method": str,
        },
        name="url",
    ),
    "interface": Shape("Interface", "exists", ("addrs", "mtu"), name="name"),
    "mount": Shape(
        "Mount", "exists", ("opts", "vfs-opts", "source", "filesystem", "usage"), (), {"timeout": int},
        name="mountpoint",
    ),
    "kernel-param": Shape("KernelParam", "value", name="name"),
    "matching": Shape("Matching", "matches", options={"content": object, "as-reader": bool}),
}  # fmt: skip
INCLUDE = "gossfile"
KINDS = (*SHAPES, INCLUDE)
