"""The build host's Debian mirrors, read from apt's two formats of source lists and translated to another suite."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from pytest_lucid.errors import EngineError

APT = Path("/etc/apt")
_ALIASES = ("stable", "oldstable", "oldoldstable", "testing")
_ONE_LINE = re.compile(r"^deb\s+(?:\[(?P<options>[^]]*)]\s+)?(?P<uri>\S+)\s+(?P<suite>\S+)\s+(?P<components>.+)$")


@dataclass(frozen=True)
class Source:
    """One mirror of one suite, such as `bookworm-security`; `options` are apt's own, such as Trusted and Signed-By."""

    uri: str
    suite: str
    options: tuple[tuple[str, str], ...] = ()

    def deb822(self, *, signed_by: bool = True) -> str:
        """Return the source as a stanza of a `.sources` file, with or without the place of its key."""
        fields = {"Types": "deb", "URIs": self.uri, "Suites": self.suite, "Components": "main"}
        fields |= {name: value for name, value in self.options if signed_by or name.lower() != "signed-by"}
        return "".join(f"{name}: {value}\n" for name, value in fields.items())


def host_sources(codename: str, apt: Path = APT) -> tuple[Source, ...]:
    """Return the host's sources of Debian's own archive, `codename` being the host's release.

    Raises EngineError when apt has none.
    """
    found: list[Source] = []
    parts = apt / "sources.list.d"
    for path in (apt / "sources.list", *sorted(parts.glob("*.list"))):
        found += _one_line(path.read_text(encoding="utf-8")) if path.is_file() else ()
    for path in sorted(parts.glob("*.sources")):
        found += _stanzas(path.read_text(encoding="utf-8"))
    releases = (codename, *_ALIASES)
    debian = tuple(
        source
        for source in dict.fromkeys(found)
        if re.split(r"[-/]", source.suite)[0] in releases and _signed_by_debian(source)
    )
    if not debian:
        raise EngineError(
            f"{apt}: apt has no source of Debian {codename}'s component main, from which a stand-in could be made; "
            "configure one, or load the real image (docker load -i <file>)."
        )
    return debian


def translate(sources: tuple[Source, ...], suite: str) -> tuple[Source, ...]:
    """Return the same mirrors for another suite of Debian: `bookworm-security` becomes `trixie-security`."""
    return tuple(Source(source.uri, re.sub(r"^[a-z]+", suite, source.suite), source.options) for source in sources)


def _one_line(text: str) -> list[Source]:
    found = []
    for line in text.splitlines():
        match = _ONE_LINE.match(line.split("#")[0].strip())
        if match and "main" in match["components"].split():
            pairs = [option.partition("=") for option in (match["options"] or "").split()]
            options = tuple((name.title(), value) for name, _, value in pairs if name != "arch")
            found.append(Source(match["uri"], match["suite"], options))
    return found


def _stanzas(text: str) -> list[Source]:
    found = []
    for stanza in re.split(r"\n\s*\n", text):
        fields = _fields(stanza)
        if "deb" not in fields.pop("types", "").split() or fields.pop("enabled", "yes") == "no":
            continue
        uris, suites = fields.pop("uris", "").split(), fields.pop("suites", "").split()
        if "main" in fields.pop("components", "").split():
            options = tuple((name.title(), value) for name, value in fields.items() if name != "architectures")
            found += [Source(uri, suite, options) for uri in uris for suite in suites]
    return found


def _fields(stanza: str) -> dict[str, str]:
    lines = "\n".join(line for line in stanza.splitlines() if not line.startswith("#"))
    fields = {}
    for name, value in re.findall(r"^([\w-]+):[ \t]*(.*(?:\n[ \t].*)*)", lines, re.MULTILINE):
        fields[name.lower()] = value.rstrip("\n")
    return fields


def _signed_by_debian(source: Source) -> bool:
    key = dict(source.options).get("Signed-By")
    return key is None or "debian-archive" in key
