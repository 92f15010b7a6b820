"""The build context: `.dockerignore` and sources. Every expectation was seen on a real engine's classic builder."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from pytest_lucid.dockerfile.context import Context, read_context
from pytest_lucid.dockerfile.ignore import parse_ignore

if TYPE_CHECKING:
    from pathlib import Path

_FILES = ["a.py", "b.md", "README.md", "d/a.py", "d/e/a.py", "d/e/keep", "x/d/a.py", "x/y/z/a.py", ".env", "[q]"]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name in _FILES:
        path = tmp_path / "context" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("x", encoding="utf-8")
    return tmp_path / "context"


@pytest.mark.parametrize(
    ("patterns", "ignored"),
    [
        ("*.md", "b.md README.md"),
        ("*.md\n!README.md", "b.md"),
        ("!README.md\n*.md", "b.md README.md"),
        ("*.py", "a.py"),
        ("**/*.py", "a.py d/a.py d/e/a.py x/d/a.py x/y/z/a.py"),
        ("d", "d/a.py d/e/a.py d/e/keep"),
        ("/d/", "d/a.py d/e/a.py d/e/keep"),
        ("./x/../d", "d/a.py d/e/a.py d/e/keep"),
        ("d\n!d/e/keep", "d/a.py d/e/a.py"),
        ("**/d", "d/a.py d/e/a.py d/e/keep x/d/a.py"),
        ("d/*", "d/a.py d/e/a.py d/e/keep"),
        ("d/*\n!d/e", "d/a.py"),
        ("*/*/a.py", "d/e/a.py x/d/a.py"),
        ("x/**/a.py", "x/d/a.py x/y/z/a.py"),
        ("[ab].*", "a.py b.md"),
        ("[^a].*", "b.md"),
        ("?.py", "a.py"),
        ("\\[q\\]", "[q]"),
        ("**", " ".join(_FILES)),
        ("*\n!**/*.py", " ".join(name for name in _FILES if name != "a.py")),
        ("**/d\n!x/y\nz", "d/a.py d/e/a.py d/e/keep x/d/a.py"),
        # and what keeps nothing out
        ("# *.py\n\n  \n.\n..\n../d", ""),
        ("D\nA.PY\npy\na\nd/e/\\keep2\nx/a.py", ""),
        ("[q]", ""),
        ("d?", ""),
        ("e\nkeep", ""),
    ],
)
def test_dockerignore(root: Path, patterns: str, ignored: str) -> None:
    (root / ".dockerignore").write_text(f"{patterns}\n.dockerignore\n", encoding="utf-8")
    assert set(_FILES) - set(read_context(root).files()) == set(ignored.split())


def test_buildkit_brings_back_what_a_wildcard_exception_names() -> None:
    assert parse_ignore("*\n!**/*.py", classic=True).ignores("d/a.py")
    assert not parse_ignore("*\n!**/*.py").ignores("d/a.py")


@pytest.mark.parametrize("text", ["\ufeff*.md", "  *.md  ", "*.md\r\n", "! \n*.md", "[\n*.md"])
def test_dockerignore_as_people_write_it(text: str) -> None:
    assert parse_ignore(text).ignores("b.md")


@pytest.mark.parametrize(("text", "line"), [("a\n!", 2), ("[", 1), ("a\n\n[a-]", 3)])
def test_dockerignore_problems(text: str, line: int) -> None:
    assert [problem.line for problem in parse_ignore(text).problems] == [line]


def test_a_hostile_pattern_takes_no_time() -> None:
    assert not parse_ignore("*a" * 40 + "b").ignores("a" * 250)


def test_the_file_beside_the_dockerfile_wins_with_buildkit(root: Path) -> None:
    (root / ".dockerignore").write_text("a.py", encoding="utf-8")
    (root / "d/Dockerfile.x.dockerignore").write_text("b.md", encoding="utf-8")
    assert not read_context(root, root / "d/Dockerfile.x").ignore.ignores("a.py")
    assert read_context(root, root / "d/Dockerfile.y").ignore.ignores("a.py")
    assert read_context(root).ignore.ignores("a.py")


@pytest.mark.parametrize(
    ("source", "paths"),
    [
        ("a.py", ["a.py"]),
        ("./a.py", ["a.py"]),
        ("/a.py", ["a.py"]),
        ("d/./e/../a.py", ["d/a.py"]),
        ("d/", ["d"]),
        (".", ["."]),
        ("/", ["."]),
        ("*.md", ["README.md", "b.md"]),
        ("*/a.py", ["d/a.py"]),
        ("x/*/z", ["x/y/z"]),
        ("[[]q]", ["[q]"]),
        ("nope", []),
        ("A.PY", []),
        ("readme.md", []),
        ("[q]", []),
        ("a.py/", ["a.py"]),
        ("a.py/x", []),
        ("**/keep", []),
        ("context/a.py", []),
    ],
)
def test_sources(root: Path, source: str, paths: list[str]) -> None:
    found = read_context(root).find(source)
    assert (list(found.paths), found.climbs, found.error) == (paths, False, "")


def test_parents_span_folders(root: Path) -> None:
    assert read_context(root).find("**/keep", folders=True).paths == ("d/e/keep",)


@pytest.mark.parametrize(("source", "path"), [("../a.py", "a.py"), ("..", "."), ("d/../../a.py", "a.py")])
def test_no_source_leaves_the_root(root: Path, source: str, path: str) -> None:
    (root.parent / "secret").write_text("x", encoding="utf-8")
    context = read_context(root)
    assert context.find(source).paths == (path,)
    assert context.find(source).climbs
    assert context.find("../secret").paths == ()


def test_an_ignored_source_is_told_from_a_missing_one(root: Path) -> None:
    (root / ".dockerignore").write_text("d\n!d/e/keep\nx\n", encoding="utf-8")
    context = read_context(root)
    assert context.find("x").ignored == ("x",)
    assert context.find("d/a.py").ignored == ("d/a.py",)
    assert context.find("d").paths == ("d",)
    assert context.find("nope").ignored == ()


def test_a_pattern_that_cannot_be_read_is_an_error(root: Path) -> None:
    assert read_context(root).find("[a").error


@pytest.fixture
def linked(root: Path) -> Context:
    links = {"ld": "d", "la": "a.py", "loop": "loop", "ping": "pong", "pong": "ping", "dangling": "nowhere"}
    links |= {"absolute": "/d/e", "escape": "../../../../../d", "out": "../outside", "up": ".", "ign": "x"}
    try:
        for name, target in links.items():
            (root / name).symlink_to(target)
    except OSError:
        pytest.skip("this system lets the user make no symlinks")
    (root.parent / "outside").mkdir()
    (root / ".dockerignore").write_text("x\n", encoding="utf-8")
    return read_context(root)


@pytest.mark.parametrize("source", ["la", "ld", "ld/a.py", "absolute/keep", "escape/a.py", "up/up/a.py", "ld/../a.py"])
def test_links_inside_the_root_are_followed(linked: Context, source: str) -> None:
    assert linked.find(source).paths


@pytest.mark.parametrize("source", ["loop", "ping", "dangling", "out"])
def test_links_that_lead_nowhere_are_broken(linked: Context, source: str) -> None:
    found = linked.find(source)
    assert (found.paths, found.broken) == ((), (source,))


def test_a_link_to_what_is_ignored_is_ignored(linked: Context) -> None:
    assert linked.find("ign").ignored == ("ign",)


def test_walking_enters_no_link(linked: Context) -> None:
    files = list(linked.files())
    assert "up" in files
    assert not [name for name in files if name.startswith("up/")]
    assert linked.find("**/a.py", folders=True).paths == ("a.py", "d/a.py", "d/e/a.py")


@pytest.mark.parametrize(
    ("source", "folders"),
    [("*/" * 8 + "a", False), ("**/" * 20 + "a", True), ("u0/" * 2_000 + "a", False), ("x/" * 9_999, False)],
)
def test_links_that_lead_upwards_end_in_an_answer(tmp_path: Path, source: str, *, folders: bool) -> None:
    """Ten links to the root itself: eight wildcards name 10**8 paths."""
    (tmp_path / "a").touch()
    try:
        for number in range(10):
            (tmp_path / f"u{number}").symlink_to(".")
    except OSError:
        pytest.skip("this system lets the user make no symlinks")
    start = time.process_time()
    found = read_context(tmp_path).find(source, folders=folders)
    assert time.process_time() - start < 5
    assert bool(found.error) is source.startswith("*/")


def test_a_very_deep_tree(tmp_path: Path) -> None:
    """Deeper than Python's recursion goes."""
    folder = tmp_path
    for _ in range(1_200):
        folder /= "d"
        try:
            folder.mkdir()
        except OSError:
            pytest.skip("this system has no paths of that length")
    context = read_context(tmp_path)
    assert context.find("**/nope", folders=True).paths == ()
    assert list(context.files()) == []
    for parent in (folder, *folder.parents):
        if parent == tmp_path:
            break
        parent.rmdir()  # pytest's own removal is recursive
