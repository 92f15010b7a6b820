"""What the tests of a file of container-structure-test demand, as questions to what is tested.

The verdicts are those of its `docker` driver, version 1.19.1; where its documentation and its behaviour differ, its
behaviour counts, and docs/structure-tests.md says so.
"""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_lucid.config.text_file import read_text
from pytest_lucid.errors import ConfigError
from pytest_lucid.formats.go_expand import expand
from pytest_lucid.formats.go_regex import compiled
from pytest_lucid.formats.structure.model import VERSIONS, MetadataTest, read_structure
from pytest_lucid.formats.tested import Invocation, Options, Question

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pytest_lucid.formats.document import Document
    from pytest_lucid.formats.structure.model import (
        CommandTest,
        FileContentTest,
        FileExistenceTest,
        LicenseTest,
        RunOptions,
        Structure,
        Variable,
    )
    from pytest_lucid.formats.tested import DeclaredConfig, Ran, Tested

# Where Debian's packages keep their licences; libgnutls30 names a licence that it is not under.
_DOCUMENTS = "/usr/share/doc"
_EXCEPTED = frozenset({"libgnutls30"})
_FORBIDDEN = ("AGPL", "WTFPL")
_EXECUTABLE = {"any": 0o111, "owner": 0o100, "group": 0o010, "other": 0o001}
_LONGEST_SHOWN = 400


def questions(document: Document) -> tuple[Question, ...]:
    """The tests of a file, in its runner's order. Raises ConfigError for what is wrong, or not supported."""
    structure = read_structure(document)
    options = _options(structure.container_run_options, document)
    return tuple(_questions(structure, options, document))


def _questions(structure: Structure, options: Options, document: Document) -> Iterator[Question]:
    def where(kind: str, *place: int) -> str:
        return document.where((kind, *place))

    for number, command in enumerate(structure.command_tests):
        ask = partial(_command, command, structure, options)
        yield Question(f"Command Test: {command.name}", where("commandTests", number), ask)
    for number, content in enumerate(structure.file_content_tests):
        place = where("fileContentTests", number)
        yield Question(f"File Content Test: {content.name}", place, partial(_content, content))
    for number, existence in enumerate(structure.file_existence_tests):
        place = where("fileExistenceTests", number)
        yield Question(f"File Existence Test: {existence.name}", place, partial(_existence, existence))
    for number, licences in enumerate(structure.license_tests):
        yield Question("License Test", where("licenseTests", number), partial(_licences, licences))
    if structure.metadata_test != MetadataTest():
        yield Question("Metadata Test", where("metadataTest"), partial(_metadata, structure.metadata_test))


def _options(options: RunOptions, document: Document) -> Options:
    environment = _env_file(options.env_file) if options.env_file else {}
    if missing := [name for name in options.env_vars if name not in os.environ]:
        raise ConfigError(
            f"{document.where(('containerRunOptions', 'envVars'))}: {missing[0]} is not set here; "
            "expected a variable to pass on"
        )
    return Options(
        user=options.user,
        privileged=options.privileged,
        tty=options.allocate_tty,
        environment={**environment, **{name: os.environ[name] for name in options.env_vars}},
        capabilities=options.capabilities,
        binds=options.bind_mounts,
    )


def _env_file(name: str) -> dict[str, str]:
    """The variables of a file as `docker run --env-file` reads it; a name alone is passed on from here."""
    lines = [line for line in read_text(Path(name), "variables, NAME=VALUE").splitlines() if line.strip()]
    pairs = [line.lstrip().partition("=") for line in lines if not line.lstrip().startswith("#")]
    return {key: value if equals else os.environ[key] for key, equals, value in pairs if equals or key in os.environ}


def _command(test: CommandTest, structure: Structure, options: Options, tested: Tested) -> list[str]:
    declared = dict(tested.config().environment)
    # Version 1 gives the variables of all tests to setup only.
    given = () if structure.schema_version == VERSIONS[0] else structure.global_env_vars
    declared |= (committed := {each.key: expand(each.value, declared) for each in given})
    if test.setup:
        # What setup leaves is an image with its variables, so they count for the arguments, too.
        given = test.env_vars if given else (*structure.global_env_vars, *test.env_vars)
        declared |= (own := {each.key: expand(each.value, declared) for each in given})
        committed |= own
    argv = tuple(expand(word, declared) for word in (test.command, *test.args))
    # The program gets the test's own variables as they are written, without what they refer to.
    literal = {each.key: each.value for each in test.env_vars}
    ran = tested.run(Invocation(argv, literal, committed, test.setup, options))
    return list(_command_problems(test, ran))


def _command_problems(test: CommandTest, ran: Ran) -> Iterator[str]:
    outputs = (
        ("standard error", ran.stderr, test.expected_error, test.excluded_error),
        ("standard output", ran.stdout, test.expected_output, test.excluded_output),
    )
    for called, text, expected, excluded in outputs:
        yield from _text_problems(called, text, expected, excluded)
    if ran.code != test.exit_code:
        said = (ran.stderr or ran.stdout).strip()
        yield f"exit code {ran.code}; expected {test.exit_code}" + (f"; it said {_shown(said)}" if said else "")


def _text_problems(called: str, text: str, expected: Iterable[str], excluded: Iterable[str]) -> Iterator[str]:
    for pattern in expected:
        if not compiled(pattern).search(text):
            yield f"{called} has nothing that matches {pattern!r}: {_shown(text)}"
    for pattern in excluded:
        if match := compiled(pattern).search(text):
            yield f"{called} has {_shown(match[0])}, which matches {pattern!r}; expected nothing that does"


def _existence(test: FileExistenceTest, tested: Tested) -> list[str]:
    path = expand(test.path, tested.config().environment) if "$" in test.path else test.path
    found = tested.look(path)
    if not found:
        return [f"{path} is not there"] if test.should_exist else []
    problems = [] if test.should_exist else [f"{path} is there; expected no such file"]
    if test.permissions and found.go_mode != test.permissions:
        problems.append(f"{path} has the mode {found.go_mode}; expected {test.permissions}")
    if test.is_executable_by and not found.mode & _EXECUTABLE[test.is_executable_by]:
        problems.append(f"{path} has the mode {found.go_mode}; expected it to be executable by {test.is_executable_by}")
    for called, expected, actual in (("user", test.uid, found.uid), ("group", test.gid, found.gid)):
        if expected not in (-1, actual):
            problems.append(f"{path} belongs to {called} {actual}; expected {expected}")
    return problems


def _content(test: FileContentTest, tested: Tested) -> list[str]:
    content = tested.read(test.path)
    if content is None:
        return [f"{test.path} is not there, or no file that can be read"]
    text = content.decode("utf-8", "surrogateescape")
    return list(_text_problems(test.path, text, test.expected_contents, test.excluded_contents))


def _licences(test: LicenseTest, tested: Tested) -> list[str]:
    files = list(test.files)
    problems = []
    if test.debian:
        packages = tested.folders(_DOCUMENTS)
        if packages is None:
            problems.append(f"{_DOCUMENTS} is not there; expected the licences of Debian's packages")
        files = [f"{_DOCUMENTS}/{name}/copyright" for name in sorted(packages or ()) if name not in _EXCEPTED] + files
    for file in files:
        content = tested.read(file)
        if content is None:
            problems.append(f"{file} is not there, or no file that can be read; expected a licence")
            continue
        named = [word for word in _FORBIDDEN if word.encode() in content.upper()]
        problems += [f"{file} names {word}, which is not allowed" for word in named[:1]]
    return problems


def _metadata(test: MetadataTest, tested: Tested) -> list[str]:
    config = tested.config()
    return [
        *_pair_problems("variable", test.env_vars, config),
        *(
            f"the variable {each.key} is {_shown(config.environment[each.key])}; expected none"
            for each in test.unbound_env_vars
            if each.key in config.environment
        ),
        *_pair_problems("label", test.labels, config),
        *_list_problems("CMD", test.cmd, config.cmd),
        *_list_problems("ENTRYPOINT", test.entrypoint, config.entrypoint),
        *_word_problems("WORKDIR", test.workdir, config.workdir),
        *_word_problems("USER", test.user, config.user),
        *_set_problems("port", test.exposed_ports, test.unexposed_ports, {p.partition("/")[0] for p in config.ports}),
        *_set_problems("volume", test.volumes, test.unmounted_volumes, config.volumes),
    ]


def _pair_problems(called: str, pairs: Iterable[Variable], config: DeclaredConfig) -> Iterator[str]:
    declared = config.labels if called == "label" else config.environment
    for pair in pairs:
        if pair.key not in declared:
            yield f"there is no {called} {pair.key}"
            continue
        value = declared[pair.key]
        if pair.is_regex and not compiled(pair.value).search(value):
            yield f"the {called} {pair.key} is {_shown(value)}; expected something that matches {pair.value!r}"
        elif not pair.is_regex and value != pair.value:
            yield f"the {called} {pair.key} is {_shown(value)}; expected {pair.value!r}"


def _list_problems(called: str, expected: tuple[str, ...] | None, actual: tuple[str, ...]) -> Iterator[str]:
    if expected is not None and expected != actual:
        yield f"{called} is {list(actual)}; expected {list(expected)}"


def _word_problems(called: str, expected: str, actual: str) -> Iterator[str]:
    if expected and expected != actual:
        yield f"{called} is {actual!r}; expected {expected!r}"


def _set_problems(
    called: str, wanted: Iterable[str], unwanted: Iterable[str], declared: Iterable[str]
) -> Iterator[str]:
    held = frozenset(declared)
    there = ", ".join(sorted(held)) or "none"
    yield from (f"the {called} {each} is not declared; declared: {there}" for each in wanted if each not in held)
    yield from (f"the {called} {each} is declared; expected it not to be" for each in unwanted if each in held)


def _shown(text: str) -> str:
    return repr(text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}…")
