"""Files of container-structure-test among pytest's arguments: what is collected, and what is said otherwise."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    Run = Callable[..., pytest.RunResult]

from saved import config, layer, save

FILE = """\
schemaVersion: 2.0.0
fileExistenceTests:
- {name: there, path: /a}
- {name: gone, path: /b}
metadataTest: {user: "65532:65532"}
"""


@pytest.fixture
def tree(pytester: pytest.Pytester) -> pytest.Pytester:
    one = layer({"a": b"a"})
    save(pytester.path / "image.tar", [one], config([one]))
    (pytester.path / "structure.yaml").write_text(FILE)
    return pytester


def test_each_test_of_the_file_is_one_of_pytest(tree: pytest.Pytester, run: Run) -> None:
    result = run("structure.yaml", "--lucid-against=image.tar", "--junitxml=junit.xml")
    result.assert_outcomes(passed=2, failed=1)
    result.stdout.fnmatch_lines(["*structure.yaml:4: File Existence Test: gone", "/b is not there"])
    result.stdout.no_fnmatch_line("*Traceback*")
    assert 'name="File Existence Test: there"' in (tree.path / "junit.xml").read_text()


def test_several_images_have_a_test_each_and_one_can_be_chosen(tree: pytest.Pytester, run: Run) -> None:
    (tree.path / "other.tar").write_bytes((tree.path / "image.tar").read_bytes())
    one = "structure.yaml::File Existence Test: there[other.tar]"
    result = run(one, "--lucid-against=image.tar", "--lucid-against=other.tar", "-v")
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["*File Existence Test: there?other.tar? PASSED*"])


@pytest.mark.usefixtures("tree")
def test_without_anything_to_test_it_is_said(run: Run) -> None:
    result = run("structure.yaml")
    assert result.ret == pytest.ExitCode.INTERRUPTED
    result.stdout.fnmatch_lines(["*structure.yaml: nothing to run it against; give --lucid-against IMAGE*"])


def test_a_mistake_is_one_message(tree: pytest.Pytester, run: Run) -> None:
    (tree.path / "structure.yaml").write_text(FILE.replace("path: /b", "pathh: /b"))
    result = run("structure.yaml", "--lucid-against=image.tar")
    assert result.ret == pytest.ExitCode.INTERRUPTED
    result.stdout.fnmatch_lines(["*structure.yaml:4: fileExistenceTests.1.pathh: not a field that *"])
    result.stdout.no_fnmatch_line("*Traceback*")


def test_folders_are_left_alone_but_for_a_pattern(tree: pytest.Pytester, run: Run) -> None:
    (tree.path / "other.yaml").write_text(FILE)
    run(".", "--lucid-against=image.tar", "--lucid-collect=struct*.yaml", "-n2").assert_outcomes(passed=2, failed=1)


def test_other_yaml_is_left_to_others(tree: pytest.Pytester, run: Run) -> None:
    (tree.path / "theirs.yaml").write_text("a: 1\n")
    (tree.path / "conftest.py").write_text(
        "import pytest\n"
        "class Theirs(pytest.File):\n"
        "    def collect(self):\n"
        "        yield Item.from_parent(self, name='theirs')\n"
        "class Item(pytest.Item):\n"
        "    def runtest(self):\n"
        "        pass\n"
        "def pytest_collect_file(file_path, parent):\n"
        "    return Theirs.from_parent(parent, path=file_path) if file_path.name == 'theirs.yaml' else None\n"
    )
    run("theirs.yaml").assert_outcomes(passed=1)


def test_what_is_neither_is_refused_where_it_is_to_be_run(tree: pytest.Pytester, run: Run) -> None:
    (tree.path / "theirs.yaml").write_text("a: 1\n")
    result = run("theirs.yaml", "--lucid-against=image.tar")
    result.stdout.fnmatch_lines(
        ["*theirs.yaml: no schemaVersion in it, and not the resources of goss; expected tests of *"]
    )


GOSS = """\
file:
  /a: {exists: true, contents: [a]}
  /b: {exists: true}
  /{{ .Vars.skipped }}: {exists: true, skip: true}
process:
  a: {running: true}
"""


def test_each_resource_of_a_goss_file_is_a_test(tree: pytest.Pytester, run: Run) -> None:
    (tree.path / "goss.yaml").write_text(GOSS)
    (tree.path / "vars.yaml").write_text("skipped: c\n")
    result = run("goss.yaml", "--lucid-against=image.tar", "--lucid-vars=vars.yaml", "-rs")
    result.assert_outcomes(passed=1, failed=2, skipped=1)
    result.stdout.fnmatch_lines(["*goss.yaml:3: File: /b", "exists is false; expected true"])
    result.stdout.fnmatch_lines(["*goss.yaml:6: Process: a", "process a cannot be judged: *Start a container of it*"])
    result.stdout.fnmatch_lines(["SKIPPED*skip: true in the file"])
    result.stdout.no_fnmatch_line("*Traceback*")


@pytest.mark.usefixtures("tree")
def test_a_mistake_in_a_template_is_one_message(pytester: pytest.Pytester, run: Run) -> None:
    (pytester.path / "goss.yaml").write_text(GOSS)
    result = run("goss.yaml", "--lucid-against=image.tar")
    assert result.ret == pytest.ExitCode.INTERRUPTED
    result.stdout.fnmatch_lines(
        ["*goss.yaml:4: {{.Vars.skipped}}: there is no .Vars.skipped; set it in *--lucid-vars*"]
    )
    result.stdout.no_fnmatch_line("*Traceback*")
