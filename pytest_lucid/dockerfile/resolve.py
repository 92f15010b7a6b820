"""A parsed Dockerfile and build arguments to `DockerfileFacts`: scopes of ARG and ENV, inheritance between stages.

No file is opened, no image looked at.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING

from pytest_lucid.dockerfile import words
from pytest_lucid.dockerfile.facts import DockerfileFacts, Located, Origin, StageFacts
from pytest_lucid.dockerfile.refusals import refusals
from pytest_lucid.dockerfile.scope import Ledger, Scope
from pytest_lucid.dockerfile.stage import StageBuilder

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pytest_lucid.dockerfile.syntax import Dockerfile, Stage

DEFAULT_PLATFORM = "linux/amd64"
# Stages mostly build on a near one: copying its variables spares the walk along the whole lineage, and keeping few of
# them keeps memory in step with the file.
_REMEMBERED = 16


def resolve(
    dockerfile: Dockerfile,
    build_args: Mapping[str, str] | None = None,
    *,
    platform: str = DEFAULT_PLATFORM,
    classic: bool = False,
) -> DockerfileFacts:
    """Resolve every stage; `build_args` override ARG defaults, `platform` is "os/architecture[/variant]".

    With BuildKit a stage built FROM an earlier one inherits its ARGs; `classic` resolves for the builder without that.
    """
    return _Resolver(dockerfile, build_args or {}, platform_args(platform), classic=classic).resolve()


def platform_args(platform: str) -> dict[str, str]:
    """Return the variables that builders set by themselves, for a build on the platform that it builds for."""
    system, _, rest = platform.partition("/")
    architecture, _, variant = rest.partition("/")
    made = {"PLATFORM": platform, "OS": system, "ARCH": architecture, "VARIANT": variant}
    return {f"{side}{key}": value for side in ("TARGET", "BUILD") for key, value in made.items()}


class _Resolver:
    """Works through the stages in order."""

    def __init__(
        self, dockerfile: Dockerfile, build_args: Mapping[str, str], automatic: Mapping[str, str], *, classic: bool
    ) -> None:
        self._dockerfile = dockerfile
        self._classic = classic
        self._given = {**automatic, **build_args}
        self._ledger = Ledger(list(dockerfile.problems))
        self._global = Scope(dockerfile.escape, self._ledger, self._given, {}, args=dict(automatic))
        self._global_args: dict[str, Located[str | None]] = {}
        self._stages: list[StageFacts] = []
        self._earlier: dict[str, StageFacts] = {}
        self._indexes = {stage.name.lower(): stage.index for stage in dockerfile.stages if stage.name}
        self._images: list[Located[str]] = []
        self._recent: dict[int, Scope] = {}

    def resolve(self) -> DockerfileFacts:
        for instruction in self._dockerfile.global_args:
            for pair in words.arg_pairs(instruction.arguments, self._dockerfile.escape):
                line = instruction.line_at(pair.offset)
                self._global_args[pair.key] = self._global.declare(pair, line)
        outer = {name: arg.value for name, arg in self._global_args.items() if arg.value is not None}
        for stage in self._dockerfile.stages:
            facts = self._stage(stage, outer)
            self._stages.append(facts)
            if facts.name:
                self._earlier[facts.name.lower()] = facts
        resolved = DockerfileFacts(
            source=self._dockerfile,
            global_args=MappingProxyType(self._global_args),
            stages=tuple(self._stages),
            images=tuple(self._images),
            problems=(),
            demanded=tuple(self._ledger.demanded),
        )
        problems = [*self._ledger.problems, *refusals(resolved)]
        return replace(resolved, problems=tuple(sorted(problems, key=lambda problem: problem.line)))

    def _stage(self, stage: Stage, outer: Mapping[str, str]) -> StageFacts:
        base = self._global.expand(stage.base, stage.line)
        parent = self._earlier.get(base.value.lower())
        if base.unset:
            # The build needs --build-arg: that is legal, and the image is unknown.
            base = Located(stage.base, stage.line, base.unset)
            parent = None
        is_demanded = bool(base.unset) and all(name in self._global_args for name in base.unset)
        if not base.value:
            self._ledger.problem("base", stage.line, f"FROM {stage.base[:80]} names no image.")
        elif parent is None and base.value != "scratch" and not is_demanded:
            self._images.append(base)
        platform = None if stage.platform is None else self._global.expand(stage.platform, stage.line).value
        scope = Scope(self._dockerfile.escape, self._ledger, self._given, outer)
        if parent is not None:
            self._inherit(scope, parent)
        builder = StageBuilder(stage, scope, parent, partial(self._origin, stage.index))
        facts = builder.build(base, platform)
        self._recent[stage.index] = scope
        self._recent.pop(stage.index - _REMEMBERED, None)
        return facts

    def _inherit(self, scope: Scope, parent: StageFacts) -> None:
        recent = self._recent.get(parent.index)
        if recent is None:
            for ancestor in parent.lineage:
                scope.inherit(ancestor, args=not self._classic)
            return
        scope.env.update(recent.env)
        if not self._classic:
            scope.args.update(recent.args)
            scope.declared.update(recent.declared)

    def _origin(self, stage: int, written: str, line: int) -> Origin:
        """Resolve `--from`, seen from a stage: an index, the name of any stage, else an image."""
        name = written.lower()
        index = int(name) if name.isdecimal() and len(name) < len("100000") else self._indexes.get(name)
        if index is None:
            if written and not any(image.value == written for image in self._images[-50:]):
                self._images.append(Located(written, line))
            return Origin("image", written)
        if index == stage or index >= len(self._dockerfile.stages):
            self._ledger.problem("from", line, f"--from={written[:40]} names no other stage.")
        return Origin("stage", written, index)
