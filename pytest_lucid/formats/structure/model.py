"""The fields of a file of container-structure-test, versions 1.0.0 and 2.0.0. What they demand is in `judge`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel

from pytest_lucid.errors import ConfigError
from pytest_lucid.formats.go_regex import compiled

if TYPE_CHECKING:
    from pytest_lucid.formats.document import Document

VERSIONS = ("1.0.0", "2.0.0")


def _pattern(value: object) -> object:
    if isinstance(value, str):
        compiled(value)
    return value


Text = Annotated[str, Field(min_length=1)]
Patterns = tuple[Annotated[str, BeforeValidator(_pattern)], ...]
Texts = tuple[Text, ...]
Words = tuple[str, ...]
Commands = tuple[Annotated[Words, Field(min_length=1)], ...]


class _Fields(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, alias_generator=to_camel)


class Variable(_Fields):
    """A variable to set, or a pair that is demanded."""

    key: Text
    value: str = ""
    is_regex: bool = False

    def model_post_init(self, _: object) -> None:
        """Refuse a pattern that is none."""
        if self.is_regex:
            compiled(self.value)


class SetVariable(_Fields):
    """A variable to set; container-structure-test refuses one without a value."""

    key: Text
    value: Text


class Unbound(_Fields):
    """A variable that must not be there."""

    key: Text
    value: str = ""
    is_regex: bool = False


class CommandTest(_Fields):
    """A command of version 2; that of version 1 is brought into this form."""

    name: Text
    setup: Commands = ()
    teardown: Commands = ()
    env_vars: tuple[SetVariable, ...] = ()
    exit_code: int = 0
    command: Text
    args: Words = ()
    expected_output: Patterns = ()
    excluded_output: Patterns = ()
    expected_error: Patterns = ()
    excluded_error: Patterns = ()


class FileExistenceTest(_Fields):
    """A file, a directory or a link that must be there, or must not."""

    name: Text
    path: Text
    should_exist: bool = True
    permissions: str = ""
    uid: int = -1
    gid: int = -1
    is_executable_by: Literal["", "owner", "group", "other", "any"] = ""


class FileContentTest(_Fields):
    """What a file must hold, and must not."""

    name: Text
    path: Text
    expected_contents: Patterns = ()
    excluded_contents: Patterns = ()


class MetadataTest(_Fields):
    """What the image must declare, and must not."""

    env_vars: tuple[Variable, ...] = ()
    unbound_env_vars: tuple[Unbound, ...] = ()
    labels: tuple[Variable, ...] = ()
    entrypoint: Words | None = None
    cmd: Words | None = None
    exposed_ports: Texts = ()
    unexposed_ports: Texts = ()
    volumes: Texts = ()
    unmounted_volumes: Texts = ()
    workdir: str = ""
    user: str = ""


class LicenseTest(_Fields):
    """Licence files in which some licences must not be named."""

    debian: bool = False
    files: Texts = ()


class RunOptions(_Fields):
    """How the containers of commands are started."""

    user: str = ""
    privileged: bool = False
    allocate_tty: bool = False
    env_file: str = ""
    env_vars: Texts = ()
    capabilities: Texts = ()
    bind_mounts: Texts = ()


class Structure(_Fields):
    """A whole file."""

    schema_version: Literal["1.0.0", "2.0.0"]
    global_env_vars: tuple[SetVariable, ...] = ()
    command_tests: tuple[CommandTest, ...] = ()
    file_existence_tests: tuple[FileExistenceTest, ...] = ()
    file_content_tests: tuple[FileContentTest, ...] = ()
    metadata_test: MetadataTest = MetadataTest()
    license_tests: tuple[LicenseTest, ...] = ()
    container_run_options: RunOptions = RunOptions()


def is_structure(document: Document) -> bool:
    """Whether a document is such a file: it says the version of its schema."""
    return any(key.lower() == "schemaversion" for key in document.data)


def read_structure(document: Document) -> Structure:
    """Read a document. Raises one ConfigError with all that is wrong or not supported, each with its line."""
    data = _spelled(document.data, any_case=document.origin.endswith(".json"))
    version = data.get("schemaVersion")
    if version not in VERSIONS:
        expected = " or ".join(VERSIONS)
        raise ConfigError(f"{document.where(('schemaVersion',))}: schemaVersion: expected {expected}, got {version!r}")
    if document.origin.endswith(".json"):
        data = _with_json_defaults(data)
    if version == VERSIONS[0]:
        data = _as_version_2(data, document)
    try:
        return Structure.model_validate(data)
    except ValidationError as error:
        problems = [
            f"{document.where(detail['loc'])}: {'.'.join(map(str, detail['loc']))}: {_said(detail)}"
            for detail in error.errors(include_url=False)
        ]
        raise ConfigError("\n".join(problems)) from error


def _said(detail: Any) -> str:
    if detail["type"] == "extra_forbidden":
        return "not a field that container-structure-test has; correct its name, or leave it out"
    return f"{str(detail['msg']).removeprefix('Value error, ')}, got {detail['input']!r}"[:300]


def _with_json_defaults(data: dict[str, Any]) -> dict[str, Any]:
    """What is not written in JSON is Go's zero: the file must not exist, and must be root's. In YAML it is neither."""
    tests = data.get("fileExistenceTests")
    zero = {"shouldExist": False, "uid": 0, "gid": 0}
    if not isinstance(tests, list):
        return data
    return {**data, "fileExistenceTests": [zero | test if isinstance(test, dict) else test for test in tests]}


def _as_version_2(data: dict[str, Any], document: Document) -> dict[str, Any]:
    if "metadataTest" in data:
        raise ConfigError(
            f"{document.where(('metadataTest',))}: metadataTest: schemaVersion 1.0.0 has no metadata test; write 2.0.0"
        )
    tests = data.get("commandTests", ())
    return {**data, "commandTests": [_command_as_version_2(test) for test in tests] if tests else []}


def _command_as_version_2(test: Any) -> Any:
    """A command of version 1 is one list; version 2 keeps its arguments apart."""
    if not isinstance(test, dict) or "args" in test:
        return test
    match test.get("command"):
        case [str(program), *args]:
            return {**test, "command": program, "args": args}
        case str():
            return {**test, "command": None}
        case _:
            return test


def _spelled(data: Any, *, any_case: bool) -> Any:
    """The data without what is null, and with its keys spelled as the fields are: in JSON, Go takes any case."""
    if isinstance(data, list):
        return [_spelled(item, any_case=any_case) for item in data]
    if not isinstance(data, dict):
        return data
    return {
        _NAMES.get(key.lower(), key) if any_case else key: _spelled(value, any_case=any_case)
        for key, value in data.items()
        if value is not None
    }


_NAMES = {
    alias.lower(): alias
    for model in (
        Structure,
        CommandTest,
        FileExistenceTest,
        FileContentTest,
        MetadataTest,
        LicenseTest,
        RunOptions,
        Variable,
    )
    for field in model.model_fields.values()
    if (alias := field.alias)
}
