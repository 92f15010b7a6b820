"""testinfra's Process: every column that procps has for it, from the kernel's files."""

from __future__ import annotations

import re
import time
from contextlib import suppress
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from testinfra.modules.process import Process, _Process

from pytest_lucid.errors import EngineError
from pytest_lucid.sidecar import processes
from pytest_lucid.sidecar.modules.base import SidecarModule
from pytest_lucid.sidecar.modules.databases import names_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

# The kernel counts processor time for programs in hundredths of a second, on every architecture (USER_HZ).
TICKS = 100
PID = re.compile(r"[1-9]\d{0,9}", re.ASCII)
UNIX98_MAJORS = range(136, 144)
CONSOLE_MAJOR = 4
WHOLE = ("pid", "comm", "pcpu", "pmem", "lstart", "args")


class SidecarProcess(SidecarModule, Process):
    """Processes as the container shows them, defunct ones included; those of sidecars are left out."""

    def filter(self, **filters: object) -> list[Any]:
        """Return the processes whose columns are as given; a column that was not is read again when it is asked for."""
        columns = tuple(dict.fromkeys((*WHOLE, *filters)))
        # One that is named by its number is read alone, however many there are.
        number = str(filters.get("pid", ""))
        rows = self._rows(columns, number) if PID.fullmatch(number) else self._rows(columns)
        return [
            FoundProcess(row, columns, self._get_process_attribute_by_pid)
            for row in rows
            if all(str(row.column(name)) == str(value) for name, value in filters.items())
        ]

    def _get_process_attribute_by_pid(self, pid: int, name: str) -> dict[str, Any]:
        for row in self._rows(("lstart", name), str(pid)):
            return {column: row.column(column) for column in ("lstart", name)}
        raise RuntimeError(f"process {pid} does not exist anymore")

    def _rows(self, columns: tuple[str, ...], pid: str = "[0-9]*") -> list[Row]:
        unknown = sorted(set(columns) - set(COLUMNS))
        if unknown:
            raise EngineError(
                f"host.process: the sidecar does not know the column {unknown[0]!r}; it knows "
                f"{', '.join(sorted(COLUMNS))}."
            )
        backend = self._host.backend
        named = ("/etc/passwd", "/etc/group") if set(columns) & NAMED else ()
        files = ("stat", "status", "cmdline") if backend.is_unambiguous else ("stat", "status", "cmdline", "cgroup")
        # The first process shows that processes are seen at all.
        first = () if pid == "1" or "*" in pid else ("1",)
        asked = (f"/proc/{each}/{name}" for each in (*first, pid) for name in files)
        found = self.read(*asked, "/proc/uptime", *named)
        sidecar = self.session().sidecar
        present = processes.records(sidecar.target, sidecar.target_id, found)
        backend.is_unambiguous = not processes.is_ambiguous(present[1]["status"])
        machine = Machine(backend.boot_time, float(found["/proc/uptime"].split()[0]), backend.memory_kilobytes)
        users, groups = (names_of(found.get(path, b"")) for path in ("/etc/passwd", "/etc/group"))
        return [
            Row(number, parts, machine, users, groups)
            for number, parts in present.items()
            if parts.get("stat") and (not pid.isdigit() or number == int(pid))
        ]


class Machine:
    """What processes are measured against: start in seconds since the epoch, seconds since then, memory in KiB."""

    def __init__(self, boot: int, uptime: float, memory: int) -> None:
        self.boot = boot
        self.uptime = uptime
        self.memory = memory


class Row:
    """One process and its columns."""

    def __init__(
        self,
        pid: int,
        parts: Mapping[str, bytes],
        machine: Machine,
        users: Mapping[int, str],
        groups: Mapping[int, str],
    ) -> None:
        self.pid = pid
        self.machine = machine
        self.users, self.groups = users, groups
        stat = parts["stat"].decode("utf-8", "replace")
        start, _, rest = stat.rpartition(")")
        self.comm = start.partition("(")[2]
        self.stat = rest.split()
        self._status = b"\n" + parts["status"]
        self.cmdline = parts.get("cmdline", b"")

    def field(self, name: str) -> list[str]:
        """Return the words of a field of /proc/<pid>/status; none where it is missing."""
        # Reading one field of a long file: most questions are about one or two.
        start = self._status.find(b"\n%s:" % name.encode())
        if start < 0:
            return []
        stop = self._status.index(b"\n", start + 1)
        return self._status[start + len(name) + 2 : stop].decode("utf-8", "replace").split()

    @property
    def elapsed(self) -> float:
        """Seconds since its start."""
        return self.machine.uptime - int(self.stat[19]) / TICKS

    @property
    def busy(self) -> int:
        """Processor time in hundredths of a second."""
        return int(self.stat[11]) + int(self.stat[12])

    def kilobytes(self, field: str) -> int:
        """A size of memory in KiB; pages differ between machines, so the kernel's own conversion is read."""
        return int((self.field(field) or ["0"])[0])

    def column(self, name: str) -> Any:
        """Return a column as testinfra reads it: a number where it looks like one."""
        value = COLUMNS[name](self)
        return value if name in {"lstart", "args"} else _number(value)


class FoundProcess(_Process):
    """A process as it was when it was found: `columns` of `row`, each computed when it is asked for.

    Any other column is asked anew, of the same process.
    """

    def __init__(self, row: Row, columns: tuple[str, ...], ask: Callable[[int, str], dict[str, Any]]) -> None:
        super().__init__(pid=row.pid, _get_process_attribute_by_pid=ask)
        self.__dict__.update(_row=row, _columns=columns)

    def __missing__(self, name: str) -> Any:
        """Compute a column; raises KeyError for one that was not asked for."""
        if name not in self._columns:
            raise KeyError(name)
        self[name] = value = self._row.column(name)
        return value


@lru_cache(maxsize=1024)
def _number(text: str) -> int | float | str:
    for kind in (int, float):
        with suppress(ValueError):
            return kind(text)
    return text


def _state(row: Row) -> str:
    priority, threads = int(row.stat[16]), int(row.stat[17])
    marks = {
        "<": priority < 0,
        "N": priority > 0,
        "L": row.kilobytes("VmLck") > 0,
        "s": int(row.stat[3]) == row.pid,
        "l": threads > 1,
        "+": row.stat[2] == row.stat[5],
    }
    return row.stat[0] + "".join(mark for mark, holds in marks.items() if holds)


def _arguments(row: Row) -> str:
    text = row.cmdline.rstrip(b"\0").replace(b"\0", b" ").replace(b"\n", b" ").decode("utf-8", "replace")
    if row.stat[0] == "Z":
        return f"[{row.comm}] <defunct>"
    # As testinfra, which splits the line of ps and joins the words.
    return " ".join(text.split()) or f"[{row.comm}]"


def _terminal(row: Row) -> str:
    number = int(row.stat[4])
    major, minor = number >> 8 & 0xFFF, (number & 0xFF) | (number >> 12 & 0xFFF00)
    if major in UNIX98_MAJORS:
        return f"pts/{minor + (major - UNIX98_MAJORS[0]) * 256}"
    return f"tty{minor}" if major == CONSOLE_MAJOR else "?"


def _clock(seconds: int) -> str:
    days, rest = divmod(seconds, 86400)
    return f"{f'{days}-' if days else ''}{rest // 3600:02}:{rest // 60 % 60:02}:{rest % 60:02}"


def _since(row: Row) -> str:
    seconds = max(0, int(row.elapsed))
    days, rest = divmod(seconds, 86400)
    hours = f"{rest // 3600:02}:" if days or rest >= 3600 else ""  # noqa: PLR2004 - seconds of an hour
    return f"{f'{days}-' if days else ''}{hours}{rest // 60 % 60:02}:{rest % 60:02}"


def _started(row: Row) -> str:
    started = time.gmtime(row.machine.boot + int(row.stat[19]) // TICKS)
    return f"{time.strftime('%a %b', started)} {started.tm_mday} {time.strftime('%H:%M:%S %Y', started)}"


def _id(field: str, index: int) -> Callable[[Row], str]:
    return lambda row: row.field(field)[index]


def _user(index: int) -> Callable[[Row], str]:
    return lambda row: _named(row.users, row.field("Uid")[index])


def _group(index: int) -> Callable[[Row], str]:
    return lambda row: _named(row.groups, row.field("Gid")[index])


def _named(names: Mapping[int, str], number: str) -> str:
    return names.get(int(number), number)


def _stat(index: int) -> Callable[[Row], str]:
    return lambda row: row.stat[index]


def _aliases(*columns: tuple[str, Callable[[Row], str]]) -> dict[str, Callable[[Row], str]]:
    return {name: column for names, column in columns for name in names.split()}


# The names of procps; `stat` counts from the state on.
COLUMNS = _aliases(
    ("pid tgid", lambda row: str(row.pid)),
    ("ppid", _stat(1)),
    ("pgid pgrp", _stat(2)),
    ("sid sess session", _stat(3)),
    ("tpgid", _stat(5)),
    ("stat", _state),
    ("state s", _stat(0)),
    ("comm ucmd ucomm", lambda row: row.comm),
    ("args cmd command", _arguments),
    ("uid euid", _id("Uid", 1)),
    ("ruid", _id("Uid", 0)),
    ("suid svuid", _id("Uid", 2)),
    ("fsuid", _id("Uid", 3)),
    ("gid egid", _id("Gid", 1)),
    ("rgid", _id("Gid", 0)),
    ("sgid svgid", _id("Gid", 2)),
    ("fsgid", _id("Gid", 3)),
    ("user euser uname", _user(1)),
    ("ruser", _user(0)),
    ("suser svuser", _user(2)),
    ("group egroup", _group(1)),
    ("rgroup", _group(0)),
    ("sgroup svgroup", _group(2)),
    ("ni nice", _stat(16)),
    ("pri", lambda row: str(39 - int(row.stat[15]))),
    ("nlwp thcount", _stat(17)),
    ("vsz vsize", lambda row: str(row.kilobytes("VmSize"))),
    ("rss rssize rsz", lambda row: str(row.kilobytes("VmRSS"))),
    ("tty tt tname", _terminal),
    ("time cputime", lambda row: _clock(row.busy // TICKS)),
    ("times cputimes", lambda row: str(row.busy // TICKS)),
    ("etime", _since),
    ("etimes", lambda row: str(max(0, int(row.elapsed)))),
    ("lstart", _started),
    ("pcpu %cpu", lambda row: f"{row.busy / row.elapsed if row.elapsed > 0 else 0:.1f}"),
    ("pmem %mem", lambda row: f"{row.kilobytes('VmRSS') * 100 / row.machine.memory:.1f}"),
    ("pending sig", lambda row: row.field("ShdPnd")[0]),
    ("blocked sigmask", lambda row: row.field("SigBlk")[0]),
    ("ignored sigignore", lambda row: row.field("SigIgn")[0]),
    ("caught sigcatch", lambda row: row.field("SigCgt")[0]),
)
NAMED = {name for name in COLUMNS if "user" in name or "group" in name or name == "uname"}
