"""Whether a host is fit for what is asked of it, found out before anything else. Nothing here changes anything."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_lucid.errors import ConfigError, EngineError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from pytest_lucid.engine.connection import Engine
    from pytest_lucid.image.config import Image

# Docker 20.10: the oldest engine that this project is tested with.
OLDEST_API = (1, 41)
# 32-bit arm has no distroless Python, and a 32-bit engine on a 64-bit kernel runs 32-bit images.
ARCHITECTURES = ("amd64", "arm64")
CLOCK_SECONDS = 2.0
MIB = 1 << 20
# Checking writes next to nothing, but services without room fail in ways that name something else.
DISK_MIB, DISK_TO_BUILD_MIB = 100, 2048
MEMORY_MIB, MEMORY_TO_START_MIB = 64, 512
ROOM = "df -Pk /var/lib/docker 2>/dev/null || df -Pk /; cat /proc/meminfo"
KERNEL_LINE = "/proc/cmdline"
WORDS_FOR_MEMORY, WORD_AGAINST_MEMORY = ("cgroup_enable=memory", "cgroup_memory=1"), "cgroup_disable=memory"


def demand_fitness(engine: Engine, *, builds: bool) -> None:
    """Raise one ConfigError with all that makes the host unfit for checking, and for starting things if `builds`."""
    problems = [*_engine(engine), *_clock(engine), *_room(engine, builds=builds)]
    if problems:
        raise ConfigError(f"{engine.host}: it is not fit for this run:\n  " + "\n  ".join(problems))


def demand_architecture(engine: Engine, images: Iterable[Image], wanted: str | None) -> None:
    """Raise one ConfigError that names the images which are for another architecture than the engine's.

    One that the matrix asks for, `wanted`, is none of its business: the host may have an emulator.
    """
    strange = [
        f"{image.reference} is for {image.architecture}"
        for image in images
        if image.exists and image.architecture not in {engine.architecture, wanted}
    ]
    if strange:
        raise ConfigError(
            f"{engine.host} is {engine.architecture}, but {', '.join(strange)}: its programs cannot run there. "
            f"Build for the host (`docker build --platform linux/{engine.architecture}`), or there, with --lucid-up"
        )


def demand_memory_limits(engine: Engine) -> None:
    """Raise ConfigError, with what its machine lacks, where the engine cannot limit the memory of containers."""
    if engine.limits_memory:
        return
    if engine.is_rootless:
        remedy = "its user may not: add `Delegate=memory pids` to the unit user@.service there, and log in anew"
    elif missing := _missing_words(_kernel_words(engine)):
        remedy = (
            f"add {' '.join(missing)} to the one line of /boot/firmware/cmdline.txt there (before Debian 12: "
            "/boot/cmdline.txt; on other machines: the kernel's command line), and restart the machine"
        )
    else:
        remedy = "its kernel was told to; see there whether /proc/cgroups lists memory, and whether it is mounted"
    raise ConfigError(
        f"{engine.host}: its engine cannot limit the memory of containers, which hardening.limits demands, and starts "
        f"them without a limit: {remedy}"
    )


def _kernel_words(engine: Engine) -> list[str]:
    """What the engine's kernel was started with; nothing where nobody can look."""
    if engine.tunnel:
        return engine.tunnel.run(f"cat {KERNEL_LINE}").stdout.decode("utf-8", "replace").split()
    try:
        return Path(KERNEL_LINE).read_text("utf-8", "replace").split() if engine.is_local else []
    except OSError:
        return []


def _missing_words(words: Sequence[str]) -> list[str]:
    """The words that are to be added so that there are control groups of memory.

    The firmware of a Raspberry Pi puts the word against them before what stands in the file, and the last one counts.
    """
    against = [number for number, word in enumerate(words) if word == WORD_AGAINST_MEMORY]
    return [word for word in WORDS_FOR_MEMORY if word not in words[(against or [-1])[-1] + 1 :]]


def _engine(engine: Engine) -> Iterator[str]:
    if engine.api < OLDEST_API:
        yield f"its engine is Docker {engine.version}, which is too old; install 20.10 or newer"
    if engine.architecture not in ARCHITECTURES:
        yield (
            f"its engine is for {engine.architecture}, and the base images are for {' and '.join(ARCHITECTURES)} only; "
            "install the 64-bit system, whose engine is 64-bit, too"
        )


def _clock(engine: Engine) -> Iterator[str]:
    if abs(engine.clock) > CLOCK_SECONDS:
        way = "ahead" if engine.clock > 0 else "behind"
        yield (
            f"its clock is {abs(engine.clock):.1f} s {way}, so times and certificates cannot be judged; synchronise "
            "it there (`sudo timedatectl set-ntp true`)"
        )


def _room(engine: Engine, *, builds: bool) -> Iterator[str]:
    """What is too full. Known only where there is a shell on the host: the engine's API does not tell."""
    if not engine.tunnel:
        return
    output = engine.tunnel.run(ROOM).stdout.decode("utf-8", "replace")
    disk = re.search(r"^\S+ +\d+ +\d+ +(\d+) +\d+% +(/\S*)$", output, re.MULTILINE)
    memory = re.search(r"^MemAvailable: +(\d+) kB$", output, re.MULTILINE)
    if not disk or not memory:
        raise EngineError(f"{engine.host}: df and /proc/meminfo there cannot be read; expected a Linux machine")
    wanted = DISK_TO_BUILD_MIB if builds else DISK_MIB
    if int(disk[1]) * 1024 < wanted * MIB:
        yield (
            f"its disk is full: {int(disk[1]) // 1024} MiB are free at {disk[2]}, expected {wanted} or more; "
            "make room there (`docker system prune`)"
        )
    wanted = MEMORY_TO_START_MIB if builds else MEMORY_MIB
    if int(memory[1]) * 1024 < wanted * MIB:
        yield f"{int(memory[1]) // 1024} MiB of its memory are free, expected {wanted} or more; stop something there"
