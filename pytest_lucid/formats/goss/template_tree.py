"""The parts of a template of Go (text/template), read into a tree. What they evaluate to is decided in `template`."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from pytest_lucid.formats.goss.pipelines import Pipeline, PipelineReader, TemplateError

# An action, or a comment; a hyphen trims the space beside it. Texts inside may have braces.
_ACTION = re.compile(
    r"\{\{(?P<left>-(?=\s))?(?P<said>\s*/\*.*?\*/\s*|(?:`[^`]*`|\"(?:[^\"\\\n]|\\.)*\"|[^`\"])*?)"
    r"(?P<right>(?<=\s)-)?\}\}",
    re.DOTALL,
)
_VARIABLES = re.compile(r"\s*(\$\w+)(?:\s*,\s*(\$\w+))?\s*(?::=|=(?!=))")
_BLOCKS = frozenset({"if", "range", "with"})
_REFUSED = frozenset({"define", "template", "block", "break", "continue"})
_DEEPEST = 60


@dataclass(frozen=True)
class Text:
    """Text that stays as it is."""

    line: int
    value: str


@dataclass(frozen=True)
class Action:
    """A pipeline that is printed, or kept as `variable`; `declares` says that the variable is new."""

    pipeline: Pipeline
    variable: str = ""
    declares: bool = False


@dataclass
class Block:
    """`if`, `range` or `with`: its pipeline and variables, and what is between it, `else` and `end`."""

    kind: str
    pipeline: Pipeline
    variables: tuple[str, ...] = ()
    body: list[Node] = field(default_factory=list)
    otherwise: list[Node] = field(default_factory=list)
    # `else if`: ends with the same `end`.
    chained: bool = False
    in_else: bool = False


Node = Text | Action | Block


def parse(text: str) -> list[Node]:
    """Read a template. Raises TemplateError."""
    tree = _Tree()
    at = 0
    trims = False
    for match in _ACTION.finditer(text):
        tree.add_text(text[at : match.start()], text.count("\n", 0, at) + 1, before=trims, behind=bool(match["left"]))
        at, trims = match.end(), bool(match["right"])
        said = match["said"].strip()
        if not said.startswith("/*"):
            tree.add_action(said, text.count("\n", 0, match.start()) + 1)
    if "{{" in text[at:]:
        raise TemplateError(text.count("\n", 0, text.index("{{", at)) + 1, "{{ without }}")
    tree.add_text(text[at:], text.count("\n", 0, at) + 1, before=trims, behind=False)
    return tree.whole()


class _Tree:
    def __init__(self) -> None:
        self._root: list[Node] = []
        self._open: list[Block] = []

    def whole(self) -> list[Node]:
        if self._open:
            pipeline = self._open[-1].pipeline
            raise TemplateError(pipeline.line, f"{{{{{pipeline.said}}}}} has no {{{{end}}}}")
        return self._root

    def _add(self, node: Node) -> None:
        block = self._open[-1] if self._open else None
        (self._root if block is None else block.otherwise if block.in_else else block.body).append(node)

    def add_text(self, text: str, line: int, *, before: bool, behind: bool) -> None:
        kept = text.lstrip() if before else text
        line += text[: len(text) - len(kept)].count("\n")
        kept = kept.rstrip() if behind else kept
        if kept:
            self._add(Text(line, kept))

    def add_action(self, said: str, line: int) -> None:
        word = re.match(r"\w*", said)[0]  # type: ignore[index]  # it matches always
        rest = said[len(word) :]
        if word in _BLOCKS:
            self._begin(word, rest, line, said)
        elif word == "else":
            self._else(rest.strip(), line, said)
        elif word == "end" and not rest:
            if not self._open:
                raise TemplateError(line, "{{end}} without {{if}}, {{range}} or {{with}}")
            while self._open.pop().chained:
                pass
        elif word in _REFUSED:
            raise TemplateError(line, f"{{{{{said}}}}}: {word} is not supported here; write out what it stands for")
        else:
            declares = (match := _VARIABLES.match(said)) is not None and match[0].endswith(":=")
            variables, pipeline = _declared(said, line, said)
            if len(variables) > 1:
                raise TemplateError(line, f"{{{{{said}}}}}: expected one variable")
            self._add(Action(pipeline, variables[0] if variables else "", declares))

    def _begin(self, kind: str, rest: str, line: int, said: str, *, chained: bool = False) -> None:
        variables, pipeline = _declared(rest, line, said)
        block = Block(kind, pipeline, variables, chained=chained)
        self._add(block)
        self._open.append(block)
        if len(self._open) > _DEEPEST:
            raise TemplateError(line, "blocks are nested too deeply")

    def _else(self, rest: str, line: int, said: str) -> None:
        if not self._open or self._open[-1].in_else:
            raise TemplateError(line, "{{else}} without {{if}}, {{range}} or {{with}}")
        self._open[-1].in_else = True
        kind, _, condition = rest.partition(" ")
        if kind in {"if", "with"}:
            self._begin(kind, condition, line, said, chained=True)
        elif rest:
            raise TemplateError(line, f"{{{{{said}}}}}: expected {{{{else}}}} or {{{{else if …}}}}")


def _declared(said: str, line: int, whole: str) -> tuple[tuple[str, ...], Pipeline]:
    match = _VARIABLES.match(said)
    variables = tuple(name for name in match.groups() if name) if match else ()
    return variables, PipelineReader(said[match.end() :] if match else said, line, whole).pipeline()
