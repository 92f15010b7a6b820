"""Requirements as pip reads them, and the tables of the installers' options against an installer that is here."""

from __future__ import annotations

import subprocess
import sys

import pytest

from pytest_lucid.audit.rootfs.installer_arguments import read_arguments
from pytest_lucid.audit.rootfs.requirement_text import is_path, read_requirement

COMMIT = "0123456789abcdef0123456789abcdef01234567"
OPTIONS = """
import sys
from pip._internal.commands import create_command
for name in ("install", "wheel", "download"):
    for option in create_command(name).parser.option_list_all:
        for written in option._short_opts + option._long_opts:
            print(written, int(option.takes_value()))
"""


def test_options_are_those_of_pip() -> None:
    run = subprocess.run([sys.executable, "-c", OPTIONS], check=False, capture_output=True, text=True)
    if run.returncode:
        pytest.skip("this environment has no pip that tells its options")
    options = dict(line.split() for line in run.stdout.splitlines())
    assert len(options) > 50
    for option, valued in options.items():
        found = read_arguments("pip", ["install", option, "x"])
        assert found.words == (["install"] if valued == "1" else ["install", "x"]), option
        assert not found.vague, option


@pytest.mark.parametrize(
    ("words", "left", "vague"),
    [
        (["install", "--target=/t", "a"], ["install", "a"], False),
        (["install", "-t", "/t", "a"], ["install", "a"], False),
        (["install", "-t/t", "a"], ["install", "a"], False),
        (["install", "-qt", "/t", "a"], ["install", "a"], False),
        (["install", "--never-heard-of", "a", "b"], ["install", "b"], True),
        (["install", "--never-heard-of", "--user", "b"], ["install", "b"], True),
        (["install", None, "b"], ["install", "b"], True),
        (["install", "-"], ["install", "-"], False),
    ],
)
def test_words_that_are_no_options(words: list[str | None], left: list[str], *, vague: bool) -> None:
    found = read_arguments("pip", words)
    assert (found.words, found.vague) == (left, vague)


def test_values_of_options() -> None:
    found = read_arguments("uv", ["pip", "install", "-r", "a.txt", "-rb.txt", "--requirement=c.txt", "-p", None])
    assert found.all("-r", "--requirement") == ["a.txt", "b.txt", "c.txt"]
    assert found.last("-r") == "b.txt"
    assert found.is_unclear("-p")
    assert not found.has("--system")


@pytest.mark.parametrize(
    ("text", "name", "pinned", "hashed"),
    [
        ("Foo_Bar[x,y] == 1.0 ; python_version > '3'", "foo-bar", True, False),
        ("foo===1.0+local", "foo", True, False),
        ("foo==1.*", "foo", False, False),
        ("foo>=1,<2", "foo", False, False),
        ("foo", "foo", False, False),
        (".", "", True, True),
        ("..[dev]", "", True, True),
        ("libs/foo", "", True, True),
        ("file:///srv/foo", "", True, True),
        ("foo @ file:///srv/foo", "foo", True, True),
        ("foo-1.0-py3-none-any.whl", "", True, True),
        ("foo @ https://h/x.zip", "foo", True, False),
        ("https://h/foo-1.0.tar.gz", "foo", True, False),
        ("https://h/foo-1.0.tar.gz#sha256=" + "a" * 64, "foo", True, True),
        ("https://h/team/foo/archive/refs/heads/dev.zip", "foo", False, False),
        ("https://h/team/foo/archive/refs/tags/v1.zip", "v1.zip", True, False),
        (f"git+https://h/team/foo@{COMMIT}", "foo", True, True),
        ("git+https://h/team/foo.git@main#egg=Bar", "bar", False, True),
        ("git+ssh://git@h/team/foo.git", "foo", False, True),
        ("foo @ git+https://u@h/team/foo.git@v1.2.3", "foo", True, True),
        ("${NAME}==1", "", True, True),
        ("foo=1", "", True, True),
    ],
)
def test_requirements_as_pip_reads_them(text: str, name: str, *, pinned: bool, hashed: bool) -> None:
    found = read_requirement(text)
    assert (found.name, found.pinned, found.hashed) == (name, pinned, hashed)


@pytest.mark.parametrize("text", ["foo", "foo[bar]", "foo==1.0", "foo==1.*", "https://h/x.whl", "git+https://h/x"])
def test_what_is_no_path(text: str) -> None:
    assert not is_path(text)
