"""What the user asked for: one frozen object, built once from command line, environment and ini file.

The options are data, so that every one exists in all three forms and in the documented table. No pytest here: the glue
hands over plain values.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_lucid.config.check import SEVERITIES
from pytest_lucid.config.hosts import read_hosts
from pytest_lucid.config.options import OPTIONS, Option
from pytest_lucid.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

# Without a tag or digest it may be the path of a file that is not there; one letter before a colon is a drive.
REFERENCE = re.compile(r"(?![a-z]:/)[a-z0-9][a-z0-9._/:-]*([a-z0-9]:[\w.-]+|@[a-z0-9]+:[0-9a-f]{32,})", re.ASCII)
HERE, THERE = "here", "there"
# The options that name a file to write.
FORMATS = ("report", "json", "junit", "sarif", "code_quality", "checkstyle", "summary", "prometheus", "csv")
TRUE = frozenset({"1", "true", "yes", "on"})
FALSE = frozenset({"0", "false", "no", "off"})


@dataclass(frozen=True)
class Settings:
    """Everything the user asked for, checked; paths are absolute, `timeout` is in seconds."""

    project: Path
    matrix: Path | None = None
    hosts: tuple[str, ...] = ()
    up: bool = False
    build: bool = False
    build_here: bool = False
    keep: bool = False
    services: tuple[str, ...] = ()
    # Images in files, and images that the engine knows by another name than the matrix's.
    images: Mapping[str, Path] = field(default_factory=dict)
    references: Mapping[str, str] = field(default_factory=dict)
    # What other programs' test files are run against, and the patterns of their names that are collected in folders.
    against: tuple[str, ...] = ()
    collect: tuple[str, ...] = ()
    vars: Path | None = None
    no_cache: bool = False
    timeout: float = 90.0
    all_dockerfiles: bool = False
    fail_on: str = SEVERITIES[0]
    explain: str | None = None
    trace: bool = False
    # Format → the file to write it to.
    writes: Mapping[str, Path] = field(default_factory=dict)
    baseline: Path | None = None
    new_only: bool = False
    journey: bool = False
    chaos: bool = False

    @property
    def wants_images(self) -> bool:
        """Whether there are images to check: just built, those of a host, or those that were named."""
        return self.wants_engine or bool(self.images)

    @property
    def wants_all_images(self) -> bool:
        """Whether the images of all services are to be checked, and not only those that were named."""
        return self.build or self.wants_deployment

    @property
    def wants_engine(self) -> bool:
        """Whether an engine is needed: images in files need none."""
        return self.wants_all_images or bool(self.references)

    @property
    def wants_deployment(self) -> bool:
        """Whether there is a deployment to check."""
        return self.up or bool(self.hosts)

    @property
    def makes_journey(self) -> bool:
        """Whether a session may be written to the deployment: what this run made itself is nobody's production."""
        return self.up or self.journey

    @property
    def builds(self) -> bool:
        """Whether this run builds the images itself."""
        return self.up or self.build


def read_settings(
    cli: Callable[[str], object], environ: Mapping[str, str], ini: Callable[[str], object], rootdir: Path
) -> Settings:
    """Combine the three sources; the command line wins over the environment, and that over the ini file.

    `cli` and `ini` return the value of an option by its name, and None (or an empty value) where it is not given.
    Raises ConfigError where a value cannot be meant.
    """
    given = {
        option.name: _pick(option, cli(option.name), environ.get(option.variable), ini(option.name), rootdir)
        for option in OPTIONS
    }
    project = Path(str(given["project"] or rootdir))
    if not project.is_dir():
        raise ConfigError(f"--lucid-project: {project} is no directory; expected the root of a Lucid tree")
    matrix = given["matrix"] or project / "lucid.toml"
    images, references = _images(given["image"])
    settings = Settings(
        project=project,
        matrix=Path(str(matrix)) if given["matrix"] or Path(str(matrix)).is_file() else None,
        hosts=read_hosts(_words(given["host"])),
        up=bool(given["up"]),
        build=bool(given["build"]),
        build_here=_place(given["build_on"]) == HERE,
        keep=bool(given["keep"]),
        services=_words(given["service"]),
        images=images,
        references=references,
        against=_words(given["against"]) or (*map(str, images.values()), *references.values()),
        collect=_words(given["collect"]),
        vars=Path(str(given["vars"])) if given["vars"] else None,
        no_cache=bool(given["no_cache"]),
        timeout=_seconds(given["timeout"]),
        all_dockerfiles=bool(given["all_dockerfiles"]),
        fail_on=_severity(given["fail_on"]),
        explain=str(given["explain"]) if given["explain"] else None,
        trace=bool(given["trace"]),
        writes=_writes(given),
        baseline=Path(str(given["baseline"])) if given["baseline"] else None,
        new_only=bool(given["new_only"]),
        journey=bool(given["journey"]),
        chaos=bool(given["chaos"]),
    )
    for name, asked in (("journey", settings.journey), ("chaos", settings.chaos)):
        if asked and not settings.wants_deployment:
            raise ConfigError(f"--lucid-{name}: there is no deployment; give --lucid-up, or --lucid-host HOST, too")
    if settings.keep and not settings.up:
        raise ConfigError("--lucid-keep needs --lucid-up; give both, or neither")
    if settings.new_only and not settings.baseline:
        raise ConfigError("--lucid-new-only needs --lucid-baseline FILE, the report of an earlier run; give both")
    if settings.references and settings.builds:
        name, reference = next(iter(settings.references.items()))
        raise ConfigError(
            f"--lucid-image: {name}={reference} names an image that is there, and --lucid-build and --lucid-up build "
            "it anew; give one of them"
        )
    return settings


def _pick(option: Option, cli: object, variable: str | None, ini: object, rootdir: Path) -> object:
    if cli in (None, False) and variable is None:
        return (rootdir / str(ini)).resolve() if option.kind == "path" and ini else ini
    given = variable if cli in (None, False) else cli
    # An unset variable on a command line, as in `--lucid-host=$HOST`, must not mean: check nothing.
    if not all(str(word).strip(" ,") for word in (given if isinstance(given, list) else [given])):
        where = option.flag if cli or variable is None else option.variable
        raise ConfigError(f"{where}: given, and empty; expected {option.metavar or 'yes or no'}, or leave it out")
    match option.kind:
        case "path":
            # What is typed is relative to where it is typed.
            return Path(str(given)).resolve() if given else None
        case "flag" if not cli:
            return _truth(option, str(variable))
        case "list" if not cli:
            return str(variable).replace(",", " ").split()
        case _:
            return given


def _words(given: object) -> tuple[str, ...]:
    return tuple(str(word) for word in given) if isinstance(given, (list, tuple)) else ()


def _truth(option: Option, text: str) -> bool:
    if text.lower() not in TRUE | FALSE:
        raise ConfigError(f"{option.variable}: expected one of {sorted(TRUE)} or {sorted(FALSE)}, got {text!r}")
    return text.lower() in TRUE


def _images(given: object) -> tuple[dict[str, Path], dict[str, str]]:
    """The images in files, and those that the engine knows by a reference, by the names they are given for."""
    images: dict[str, Path] = {}
    references: dict[str, str] = {}
    for entry in given if isinstance(given, (list, tuple)) else ():
        name, _, image = str(entry).partition("=")
        if name and image and Path(image).exists():
            images[name] = Path(image).resolve()
        elif name and REFERENCE.fullmatch(image):
            references[name] = image
        else:
            raise ConfigError(
                "--lucid-image: expected NAME=PATH with a file or directory that is there, or NAME=REFERENCE with a "
                f"tag or digest, got {entry!r}"
            )
    return images, references


def _writes(given: Mapping[str, object]) -> dict[str, Path]:
    writes = {name: Path(str(given[name])) for name in FORMATS if given[name]}
    for name, path in writes.items():
        if path.is_dir():
            raise ConfigError(f"--lucid-{name.replace('_', '-')}: {path} is a directory; expected a file to write")
        if twice := [other for other in writes if other != name and writes[other] == path]:
            raise ConfigError(
                f"--lucid-{name.replace('_', '-')}: {path} is the file of --lucid-{twice[0].replace('_', '-')}, too"
            )
    return writes


def _severity(given: object) -> str:
    severity = str(given or SEVERITIES[0])
    if severity not in SEVERITIES:
        raise ConfigError(f"--lucid-fail-on: expected one of {', '.join(SEVERITIES)}, got {severity!r}")
    return severity


def _place(given: object) -> str:
    place = str(given or THERE)
    if place not in {HERE, THERE}:
        raise ConfigError(f"--lucid-build-on: expected {HERE} or {THERE}, got {place!r}")
    return place


def _seconds(given: object) -> float:
    if not given:
        return Settings.timeout
    try:
        seconds = float(str(given))
    except ValueError:
        seconds = math.nan
    if not 0 < seconds < math.inf:
        raise ConfigError(f"--lucid-timeout: expected a number of seconds above 0, got {given!r}")
    return seconds


def joined_paths(arguments: Iterable[str]) -> Iterator[str]:
    """The arguments with `--lucid-project DIR` as `--lucid-project=DIR`, and likewise the other paths."""
    flags = {option.flag for option in OPTIONS if option.kind == "path"}
    pending = ""
    for argument in arguments:
        if pending:
            yield f"{pending}={argument}"
            pending = ""
        elif argument in flags:
            pending = argument
        else:
            yield argument
    if pending:
        yield pending
