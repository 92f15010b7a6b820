from __future__ import annotations

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

import pytest

from pytest_lucid.config.options import OPTIONS, Option
from pytest_lucid.config.settings import FORMATS, Settings, read_settings
from pytest_lucid.errors import ConfigError

if TYPE_CHECKING:
    from pathlib import Path

Given = dict[str, Any] | None


def read(tmp_path: Path, cli: Given = None, environ: Given = None, ini: Given = None) -> Settings:
    return read_settings((cli or {}).get, environ or {}, (ini or {}).get, tmp_path)


def test_defaults(tmp_path: Path) -> None:
    settings = read(tmp_path)
    assert settings == Settings(project=tmp_path)
    assert not settings.wants_images
    assert not settings.builds


@pytest.mark.parametrize("option", OPTIONS, ids=lambda option: option.name)
def test_every_option_is_read_from_all_three_sources(tmp_path: Path, option: Option) -> None:
    word = {"fail_on": "high", "build_on": "here"}.get(option.name, "7")
    path = str(tmp_path / "file" if option.name in FORMATS else tmp_path)
    name = f"lucid-x={tmp_path}" if option.name == "image" else "lucid-x"
    value = {"flag": True, "list": [name], "value": word, "path": path}[option.kind]
    text = {"flag": "yes", "list": name, "value": word, "path": path}[option.kind]
    up: dict[str, Any] = {"up": True}
    needed: dict[str, dict[str, Any]] = {"keep": up, "journey": up, "chaos": up, "new_only": {"baseline": path}}
    extra = needed.get(option.name, {})
    from_cli = read(tmp_path, {option.name: value, **extra})
    from_environ = read(tmp_path, extra, {option.variable: text})
    from_ini = read(tmp_path, extra, None, {option.name: value})
    assert from_cli == from_environ == from_ini
    if option.name != "project":  # here the project is the default, too
        assert from_cli != read(tmp_path, extra)


def test_command_line_wins_over_environment_and_that_over_ini(tmp_path: Path) -> None:
    assert read(tmp_path, {"host": ["a"]}, {"LUCID_HOST": "b"}, {"host": ["c"]}).hosts == ("a",)
    assert read(tmp_path, {}, {"LUCID_HOST": "b"}, {"host": ["c"]}).hosts == ("b",)
    assert read(tmp_path, {}, {"LUCID_UP": "0"}, {"up": True}).up is False


def test_lists_in_the_environment_are_split(tmp_path: Path) -> None:
    assert read(tmp_path, environ={"LUCID_SERVICE": "a,b c"}).services == ("a", "b", "c")


def test_the_matrix_of_the_tree_is_found(tmp_path: Path) -> None:
    (tmp_path / "lucid.toml").touch()
    assert read(tmp_path).matrix == tmp_path / "lucid.toml"


def test_the_matrix_of_another_project_is_found(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "lucid.toml").touch()
    settings = read(tmp_path, {"project": str(tmp_path / "other")})
    assert settings.matrix == tmp_path / "other" / "lucid.toml"


def test_paths_typed_on_the_command_line_are_relative_to_where_they_are_typed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    assert read(tmp_path, {"matrix": "m.toml", "project": "."}) == Settings(
        project=tmp_path / "here", matrix=tmp_path / "here" / "m.toml"
    )


def test_paths_in_the_ini_file_are_relative_to_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    assert read(tmp_path, ini={"matrix": "m.toml"}).matrix == tmp_path / "m.toml"


@pytest.mark.parametrize("value", ["0", "-1", "soon", "nan", "inf"])
def test_a_timeout_that_is_no_time_is_refused(tmp_path: Path, value: str) -> None:
    with pytest.raises(ConfigError, match="expected a number of seconds above 0"):
        read(tmp_path, {"timeout": value})


def test_a_flag_that_is_neither_yes_nor_no_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="LUCID_UP: expected one of"):
        read(tmp_path, environ={"LUCID_UP": "maybe"})


def test_keeping_nothing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="--lucid-keep needs --lucid-up"):
        read(tmp_path, {"keep": True})


@pytest.mark.parametrize("name", ["journey", "chaos"])
def test_what_needs_a_deployment_is_refused_without(tmp_path: Path, name: str) -> None:
    with pytest.raises(ConfigError, match=f"--lucid-{name}: there is no deployment"):
        read(tmp_path, {name: True})


def test_a_session_is_written_only_where_it_was_asked_for_or_to_an_own_stack(tmp_path: Path) -> None:
    assert read(tmp_path, {"up": True}).makes_journey
    assert not read(tmp_path, {"host": ["pi"]}).makes_journey
    assert read(tmp_path, {"host": ["pi"], "journey": True}).makes_journey
    assert not read(tmp_path, {"up": True}).chaos


def test_a_project_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="is no directory"):
        read(tmp_path, {"project": "absent"})


def test_hosts_come_repeated_and_with_commas(tmp_path: Path) -> None:
    assert read(tmp_path, {"host": ["pi,local", "ssh://me@far:22"]}).hosts == ("pi", "local", "ssh://me@far:22")
    assert read(tmp_path, environ={"LUCID_HOST": "pi,local"}).hosts == ("pi", "local")


def test_host_that_cannot_be_meant_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="is no valid host"):
        read(tmp_path, {"host": ["-oProxyCommand=x"]})


def test_a_place_to_build_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="--lucid-build-on: expected here or there, got 'anywhere'"):
        read(tmp_path, {"build_on": "anywhere"})


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"new_only": True}, "--lucid-new-only needs --lucid-baseline FILE, the report of an earlier run; give both"),
        ({"report": "."}, "--lucid-report: * is a directory; expected a file to write"),
        ({"json": "/x", "code_quality": "/x"}, "--lucid-json: *x is the file of --lucid-code-quality, too"),
    ],
)
def test_reports_that_cannot_be_meant_are_refused(tmp_path: Path, given: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read(tmp_path, given)
    assert fnmatchcase(str(caught.value), message)


@pytest.mark.parametrize(
    "option", [option for option in OPTIONS if option.kind != "flag"], ids=lambda option: option.name
)
@pytest.mark.parametrize("empty", ["", "  ", ","])
def test_an_option_that_is_given_and_empty_is_refused(tmp_path: Path, option: Option, empty: str) -> None:
    """`--lucid-host=$HOST` without a HOST would check nothing, and exit 0."""
    with pytest.raises(ConfigError, match=f"{option.flag}: given, and empty"):
        read(tmp_path, {option.name: [empty] if option.kind == "list" else empty})
    with pytest.raises(ConfigError, match=f"{option.variable}: given, and empty"):
        read(tmp_path, {}, {option.variable: empty})


def test_one_empty_of_several_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="--lucid-service: given, and empty"):
        read(tmp_path, {"service": ["lucid-x", ""]})


def test_an_empty_flag_of_the_environment_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="LUCID_UP: given, and empty"):
        read(tmp_path, {}, {"LUCID_UP": ""})


@pytest.mark.parametrize(
    "reference", ["lucid-x:1", "registry:5000/lucid-x:1", "registry:5000/lucid-x@sha256:" + "0" * 64, "a/b/c:latest"]
)
def test_an_image_may_be_one_that_the_engine_knows(tmp_path: Path, reference: str) -> None:
    settings = read(tmp_path, {"image": [f"lucid-x={reference}"]})
    assert (settings.references, settings.images) == ({"lucid-x": reference}, {})
    assert (settings.wants_engine, settings.wants_images, settings.wants_all_images) == (True, True, False)


@pytest.mark.parametrize(
    "image",
    ["", "absent.tar", "./absent:1", "/absent:1", "C:/absent.tar", "c:/absent.tar", "Lucid:1", "lucid-x", "-x:1", "x:"],
)
def test_what_is_neither_a_file_nor_a_reference_is_refused(tmp_path: Path, image: str) -> None:
    with pytest.raises(ConfigError, match="expected NAME=PATH"):
        read(tmp_path, {"image": [f"lucid-x={image}"]})


def test_an_image_that_is_there_and_one_that_is_built_exclude_each_other(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="give one of them"):
        read(tmp_path, {"image": ["lucid-x=lucid-x:1"], "up": True})
