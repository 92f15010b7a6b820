"""Templates of Go (text/template) in goss files: the part that such files use; the rest is refused by name.

`.Vars` is what the vars file holds, `.Env` the variables of this process. A name that has no value is an error, as in
goss.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pytest_lucid.errors import ConfigError
from pytest_lucid.formats.goss.functions import FUNCTIONS, is_true
from pytest_lucid.formats.goss.pipelines import LARGEST, Call, Literal, Pipeline, TemplateError
from pytest_lucid.formats.goss.template_tree import Action, Block, Text, parse
from pytest_lucid.formats.goss.values import printed

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from pytest_lucid.formats.goss.pipelines import Operand
    from pytest_lucid.formats.goss.template_tree import Node

_MOST_STEPS = 100_000
_MOST_CHARACTERS = 1 << 20
_MISSING = object()


@dataclass(frozen=True)
class Rendered:
    """The text of a template, and for each of its lines the line of the template that it comes from."""

    text: str
    lines: tuple[int, ...]


def render(text: str, path: Path, variables: Mapping[str, Any]) -> Rendered:
    """Render the template of `path`. Raises ConfigError with file, line and what is wrong, or not supported."""
    run = _Run()
    scope = {"$": {"Vars": variables, "Env": dict(os.environ)}}
    try:
        run.nodes(parse(text), scope["$"], [scope])
    except TemplateError as error:
        raise ConfigError(f"{path}:{error.line}: {error}") from error
    except RecursionError as error:
        raise ConfigError(f"{path}: nested too deeply; expected a template as people write them") from error
    return run.rendered()


class _Run:
    def __init__(self) -> None:
        self._parts: list[str] = []
        self._lines = [1]
        self._begun = False
        self._length = 0
        self._steps = 0

    def rendered(self) -> Rendered:
        return Rendered("".join(self._parts), tuple(self._lines))

    def nodes(self, nodes: Sequence[Node], dot: Any, scopes: list[dict[str, Any]]) -> None:
        scopes = [*scopes, {}]
        for node in nodes:
            if isinstance(node, Text):
                self._write(node.value, node.line, moves=True)
            elif isinstance(node, Action):
                self._action(node, dot, scopes)
            else:
                self._block(node, dot, scopes)

    def _step(self, line: int) -> None:
        self._steps += 1
        if self._steps > _MOST_STEPS:
            raise TemplateError(line, f"too much to do; expected at most {_MOST_STEPS} steps")

    def _write(self, text: str, line: int, *, moves: bool) -> None:
        """Add text that stands in `line`; what a value prints is all of one line, other text `moves` on."""
        self._length += len(text)
        if self._length > _MOST_CHARACTERS:
            raise TemplateError(line, "the template makes too much text; expected at most 1 MiB")
        self._parts.append(text)
        if not self._begun and text:
            self._lines[-1] = line
            self._begun = True
        for _ in range(text.count("\n")):
            line += moves
            self._lines.append(line)

    def _action(self, node: Action, dot: Any, scopes: list[dict[str, Any]]) -> None:
        value = self._value(node.pipeline, dot, scopes)
        if not node.variable:
            said = "<no value>" if value is None else printed(value)
            self._write(said, node.pipeline.line, moves=False)
        elif node.declares:
            scopes[-1][node.variable] = value
        else:
            holder = next((scope for scope in reversed(scopes) if node.variable in scope), None)
            if holder is None:
                raise TemplateError(node.pipeline.line, f"{{{{{node.pipeline.said}}}}}: {node.variable} is not set")
            holder[node.variable] = value

    def _block(self, node: Block, dot: Any, scopes: list[dict[str, Any]]) -> None:
        value = self._value(node.pipeline, dot, scopes)
        if node.kind == "range":
            self._range(node, value, dot, scopes)
            return
        inner = [*scopes, dict.fromkeys(node.variables, value)]
        if is_true(value):
            self.nodes(node.body, value if node.kind == "with" else dot, inner)
        else:
            self.nodes(node.otherwise, dot, inner)

    def _range(self, node: Block, value: Any, dot: Any, scopes: list[dict[str, Any]]) -> None:
        if isinstance(value, dict):
            pairs: list[tuple[Any, Any]] = [(key, value[key]) for key in sorted(value)]
        elif isinstance(value, list):
            pairs = list(enumerate(value))
        elif value is None:
            pairs = []
        else:
            raise TemplateError(
                node.pipeline.line, f"{{{{{node.pipeline.said}}}}}: expected a list or a mapping, got {printed(value)}"
            )
        for key, each in pairs:
            self._step(node.pipeline.line)
            kept = {node.variables[0]: key, node.variables[1]: each} if len(node.variables) > 1 else {}
            kept = kept or dict.fromkeys(node.variables, each)
            self.nodes(node.body, each, [*scopes, kept])
        if not pairs:
            self.nodes(node.otherwise, dot, scopes)

    def _value(self, pipeline: Pipeline, dot: Any, scopes: list[dict[str, Any]]) -> Any:
        value: Any = _MISSING
        for command in pipeline.commands:
            self._step(pipeline.line)
            if isinstance(command, Call):
                arguments = [self._operand(each, pipeline, dot, scopes) for each in command.arguments]
                value = _called(command.name, arguments if value is _MISSING else [*arguments, value], pipeline)
            elif value is _MISSING:
                value = self._operand(command, pipeline, dot, scopes)
            else:
                raise TemplateError(pipeline.line, f"{{{{{pipeline.said}}}}}: expected a function behind |")
        return value

    def _operand(self, operand: Operand, pipeline: Pipeline, dot: Any, scopes: list[dict[str, Any]]) -> Any:
        if isinstance(operand, Literal):
            return operand.value
        if isinstance(operand.start, Pipeline):
            value, named = self._value(operand.start, dot, scopes), "the value"
        elif operand.start == ".":
            value, named = dot, ""
        else:
            holder = next((scope for scope in reversed(scopes) if operand.start in scope), None)
            if holder is None:
                raise TemplateError(pipeline.line, f"{{{{{pipeline.said}}}}}: {operand.start} is not set")
            value, named = holder[operand.start], operand.start
        for name in operand.fields:
            if not isinstance(value, dict) or name not in value:
                # What is missing is asked of the user, not printed: a variable may hold a secret.
                raise TemplateError(
                    pipeline.line, f"{{{{{pipeline.said}}}}}: there is no {named}.{name}; {_remedy(named)}"
                )
            value, named = value[name], f"{named}.{name}"
        return value


def _remedy(named: str) -> str:
    if named == ".Vars":
        return "set it in the file of --lucid-vars"
    return "set the variable" if named == ".Env" else "correct the name"


def _called(name: str, arguments: list[Any], pipeline: Pipeline) -> Any:
    if name not in FUNCTIONS:
        raise TemplateError(
            pipeline.line,
            f"{{{{{pipeline.said}}}}}: the function {name} is not supported here; supported: {', '.join(FUNCTIONS)}",
        )
    try:
        made = FUNCTIONS[name](*arguments)
    except (TypeError, ValueError, IndexError, KeyError, AttributeError, OSError, OverflowError) as error:
        raise TemplateError(pipeline.line, f"{{{{{pipeline.said}}}}}: {name} cannot take that: {error}") from error
    if (isinstance(made, str) and len(made) > _MOST_CHARACTERS) or (isinstance(made, int) and abs(made) > LARGEST):
        raise TemplateError(
            pipeline.line,
            f"{{{{{pipeline.said}}}}}: {name} makes too much; expected at most 1 MiB of text, and a number of 64 bits",
        )
    return made
