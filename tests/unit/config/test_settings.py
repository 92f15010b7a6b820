from __future__ import annotations

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

import pytest

from pytest_lucid.config.settings import FORMATS, OPTIONS, Option, Settings, read_settings
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
    extra = {"keep": {"up": True}, "new_only": {"baseline": path}}.get(option.name, {})
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
