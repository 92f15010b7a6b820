"""One stage's instructions, applied in order, to `StageFacts`; stages as a whole are for `resolve`."""

from __future__ import annotations

import re
from types import MappingProxyType
from typing import TYPE_CHECKING

from pytest_lucid.dockerfile import values, words
from pytest_lucid.dockerfile.facts import (
    Command,
    Copy,
    ExposedPort,
    HealthcheckInstruction,
    Located,
    Origin,
    RunInstruction,
    StageFacts,
    absolute,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_lucid.dockerfile.scope import Scope
    from pytest_lucid.dockerfile.syntax import Instruction, Stage

DEFAULT_SHELL = ("/bin/sh", "-c")
_DRIVE = re.compile(r"^[A-Za-z]:(?=[\\/])")


class StageBuilder:
    """Collects what a stage states, on top of what its parent hands on.

    `scope` holds the variables that the parent hands on; `origin` says what a `--from`, written on a line, names.
    """

    def __init__(
        self, stage: Stage, scope: Scope, parent: StageFacts | None, origin: Callable[[str, int], Origin]
    ) -> None:
        self._stage = stage
        self._scope = scope
        self._parent = parent
        self._origin = origin
        self._args: dict[str, Located[str | None]] = {}
        self._env: dict[str, Located[str]] = {}
        self._labels: dict[str, Located[str]] = {}
        self._ports: list[ExposedPort] = []
        self._exposed: list[Located[tuple[str, ...]]] = []
        self._volumes: list[Located[str]] = []
        self._workdirs: list[Located[str]] = []
        self._copies: list[Copy] = []
        self._runs: list[RunInstruction] = []
        self._triggers: list[Instruction] = []
        self._user = parent.user if parent else None
        self._workdir = parent.workdir if parent else None
        self._entrypoint = parent.entrypoint if parent else None
        self._cmd = parent.cmd if parent else None
        self._healthcheck = parent.healthcheck if parent else None
        self._stop_signal = parent.stop_signal if parent else None
        self._shell = parent.shell if parent else None
        self._cmd_stated = False
        self._methods: dict[str, Callable[[Instruction], None]] = {
            "ADD": self._copy,
            "ARG": self._arg,
            "CMD": self._set_cmd,
            "COPY": self._copy,
            "ENTRYPOINT": self._set_entrypoint,
            "ENV": self._env_pairs,
            "EXPOSE": self._expose,
            "HEALTHCHECK": self._set_healthcheck,
            "LABEL": self._label_pairs,
            "ONBUILD": self._onbuild,
            "RUN": self._run,
            "SHELL": self._set_shell,
            "STOPSIGNAL": self._set_stop_signal,
            "USER": self._set_user,
            "VOLUME": self._volume,
            "WORKDIR": self._set_workdir,
        }

    def build(self, base: Located[str], platform: str | None) -> StageFacts:
        """Apply every instruction, the parent's ONBUILD triggers first."""
        triggers = (trigger.trigger for trigger in self._parent.triggers) if self._parent else ()
        for instruction in (*triggers, *self._stage.instructions):
            method = self._methods.get(instruction.name) if instruction else None
            if instruction and method and (instruction.arguments or instruction.name in {"CMD", "ENTRYPOINT"}):
                method(instruction)
        return StageFacts(
            index=self._stage.index,
            name=self._stage.name,
            line=self._stage.line,
            base=base,
            platform=platform,
            parent=self._parent,
            user=self._user,
            workdir=self._workdir,
            entrypoint=self._entrypoint,
            cmd=self._cmd,
            healthcheck=self._healthcheck,
            stop_signal=self._stop_signal,
            shell=self._shell,
            args=MappingProxyType(self._args),
            own_env=MappingProxyType(self._env),
            own_labels=MappingProxyType(self._labels),
            own_ports=tuple(self._ports),
            own_exposed=tuple(self._exposed),
            own_volumes=tuple(self._volumes),
            own_workdirs=tuple(self._workdirs),
            own_copies=tuple(self._copies),
            own_runs=tuple(self._runs),
            triggers=tuple(self._triggers),
        )

    def _arg(self, instruction: Instruction) -> None:
        for pair in words.arg_pairs(instruction.arguments, self._scope.escape):
            line = instruction.line_at(pair.offset)
            self._args[pair.key] = self._scope.declare(pair, line)

    def _env_pairs(self, instruction: Instruction) -> None:
        # All values of one ENV see the variables as they were before it.
        stated = self._pairs(instruction)
        self._env.update(stated)
        self._scope.env.update({key: located.value for key, located in stated.items()})

    def _label_pairs(self, instruction: Instruction) -> None:
        self._labels.update(self._pairs(instruction))

    def _pairs(self, instruction: Instruction) -> dict[str, Located[str]]:
        try:
            pairs = words.pairs(instruction.arguments, self._scope.escape)
        except ValueError:
            return {}  # the parser has reported it
        stated: dict[str, Located[str]] = {}
        for pair in pairs:
            line = instruction.line_at(pair.offset)
            stated[self._scope.expand(pair.key, line).value] = self._scope.expand(pair.value or "", line)
        return stated

    def _set_user(self, instruction: Instruction) -> None:
        self._user = self._scope.expand(instruction.arguments, instruction.line)

    def _set_workdir(self, instruction: Instruction) -> None:
        stated = self._scope.expand(instruction.arguments, instruction.line)
        self._workdir = Located(absolute(self._folder, self._posix(stated.value)), stated.line, stated.unset)
        self._workdirs.append(self._workdir)

    @property
    def _folder(self) -> str:
        return self._workdir.value if self._workdir else "/"

    def _set_stop_signal(self, instruction: Instruction) -> None:
        self._stop_signal = self._scope.expand(instruction.arguments, instruction.line)

    def _set_shell(self, instruction: Instruction) -> None:
        if instruction.array:
            self._shell = Located(instruction.array, instruction.line)

    def _expose(self, instruction: Instruction) -> None:
        stated = self._scope.expand_words(instruction.arguments, instruction.line)
        self._exposed.append(stated)
        for word in stated.value:
            try:
                numbers = values.ports(word)
            except ValueError as error:
                if not stated.unset:
                    self._scope.ledger.problem("expose", stated.line, f"EXPOSE: {error}.")
                continue
            self._ports.extend(ExposedPort(number, protocol, stated.line) for number, protocol in numbers)

    def _volume(self, instruction: Instruction) -> None:
        self._volumes.extend(self._paths(instruction))

    def _paths(self, instruction: Instruction) -> list[Located[str]]:
        if instruction.array is not None:
            return [self._scope.expand(path, instruction.line) for path in instruction.array]
        return [
            self._scope.expand(word.text, instruction.line_at(word.offset))
            for word in words.blank_separated(instruction.arguments)
        ]

    def _command(self, text: str, array: tuple[str, ...] | None, line: int) -> Command:
        if array is not None:
            return Command("exec", array, line)
        shell = self._shell.value if self._shell else DEFAULT_SHELL
        return Command("shell", (*shell, text), line)

    def _set_entrypoint(self, instruction: Instruction) -> None:
        self._entrypoint = self._command(instruction.arguments, instruction.array, instruction.line)
        if not self._cmd_stated:
            self._cmd = None  # a new ENTRYPOINT clears the CMD that came from the base

    def _set_cmd(self, instruction: Instruction) -> None:
        self._cmd = self._command(instruction.arguments, instruction.array, instruction.line)
        self._cmd_stated = True

    def _set_healthcheck(self, instruction: Instruction) -> None:
        kind, *rest = instruction.arguments.split(maxsplit=1)
        command = None
        if kind.upper() != "NONE":
            text = rest[0] if rest else ""
            try:
                array = words.json_strings(text)
            except ValueError as error:
                self._scope.ledger.problem("json", instruction.line, f"HEALTHCHECK: {error}.")
                array = None
            command = self._command(text, array, instruction.line)
        self._healthcheck = HealthcheckInstruction(
            command,
            instruction.line,
            interval=self._number(instruction, "interval", values.seconds),
            timeout=self._number(instruction, "timeout", values.seconds),
            start_period=self._number(instruction, "start-period", values.seconds),
            start_interval=self._number(instruction, "start-interval", values.seconds),
            retries=self._number(instruction, "retries", values.retries),
        )

    def _number(
        self, instruction: Instruction, flag: str, read: Callable[[str], values.Number]
    ) -> values.Number | None:
        written = instruction.flag(flag)
        if written is None:
            return None
        try:
            return read(written)
        except ValueError as error:
            self._scope.ledger.problem("healthcheck", instruction.line, f"HEALTHCHECK --{flag}: {error}.")
            return None

    def _copy(self, instruction: Instruction) -> None:
        paths = self._paths(instruction)
        if not paths[1:]:
            return  # the parser has reported it
        *sources, last = paths
        destination = self._posix(last.value)
        chown, chmod = (self._flag(instruction, name) for name in ("chown", "chmod"))
        written = instruction.flag("from") if instruction.name == "COPY" else None
        target = absolute(self._folder, destination)
        self._copies.append(
            Copy(
                name="COPY" if instruction.name == "COPY" else "ADD",
                sources=tuple(
                    self._posix(path.value) for path in sources if not (instruction.heredocs and "<<" in path.value)
                ),
                destination=destination,
                target=f"{target.rstrip('/')}/" if destination in {"", "."} or destination.endswith("/") else target,
                origin=Origin("context") if written is None else self._origin(written, instruction.line),
                chown=chown.value if chown else None,
                chmod=chmod.value if chmod else None,
                flags=instruction.flags,
                heredocs=instruction.heredocs,
                unset=tuple(dict.fromkeys(n for item in (*paths, chown, chmod) if item for n in item.unset)),
                stage=self._stage.index,
                line=instruction.line,
                end=instruction.end,
                text_unset=self._in_heredocs(instruction),
            )
        )

    def _in_heredocs(self, instruction: Instruction) -> tuple[str, ...]:
        """The variables that the builder itself expands in a here-document, and that are not set."""
        texts = [heredoc.content for heredoc in instruction.heredocs if heredoc.expand and "$" in heredoc.content]
        found = (self._scope.expand_heredoc(text) for text in texts)
        return tuple(dict.fromkeys(name for names in found for name in names))

    def _posix(self, path: str) -> str:
        """A path with forward slashes and no drive, as BuildKit reads one where the escape character is a backtick."""
        return _DRIVE.sub("", path).replace("\\", "/") if self._scope.escape == "`" else path

    def _flag(self, instruction: Instruction, name: str) -> Located[str] | None:
        written = instruction.flag(name)
        return None if written is None else self._scope.expand(written, instruction.line)

    def _run(self, instruction: Instruction) -> None:
        mounts = instruction.flag_values("mount")
        options = (option.partition("=") for mount in mounts for option in mount.split(","))
        self._runs.append(
            RunInstruction(
                command=self._command(instruction.arguments, instruction.array, instruction.line),
                heredocs=instruction.heredocs,
                mounts=mounts,
                origins=tuple(self._origin(value, instruction.line) for key, _, value in options if key == "from"),
                user=self._user,
                workdir=self._folder,
                stage=self._stage.index,
                line=instruction.line,
                end=instruction.end,
            )
        )

    def _onbuild(self, instruction: Instruction) -> None:
        self._triggers.append(instruction)
