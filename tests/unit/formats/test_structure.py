"""The fields of container-structure-test, what is refused, and verdicts on an image in a file. No engine is needed."""

from __future__ import annotations

import io
import json
import re
import tarfile
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from saved import config, layer, member, save

from pytest_lucid.errors import ConfigError
from pytest_lucid.formats.document import read_document
from pytest_lucid.formats.structure.judge import questions
from pytest_lucid.formats.tested import FoundFile
from pytest_lucid.tested.saved_image import SavedImageUnderTest

if TYPE_CHECKING:
    from collections.abc import Iterator

CASES = Path(__file__).parents[2] / "engine" / "structure"
HEAD = "schemaVersion: 2.0.0\n"


@pytest.fixture
def image(tmp_path: Path) -> Iterator[SavedImageUnderTest]:
    lowest = layer(
        {
            "etc": member("etc", tarfile.DIRTYPE, mode=0o755),
            "etc/hello": b"hello\nworld\n",
            "etc/gone": b"gone",
            "etc/link": member("etc/link", tarfile.SYMTYPE, linkname="hello", mode=0o777),
            "lib": member("lib", tarfile.SYMTYPE, linkname="etc", mode=0o777),
            "tmp": member("tmp", tarfile.DIRTYPE, mode=0o1777, uid=65532, gid=65532),
            "home": member("home", tarfile.DIRTYPE, mode=0o755, uid=65532, gid=65532),
            "su": member("su", mode=0o4755),
            "pipe": member("pipe", tarfile.FIFOTYPE, mode=0o600),
            "usr/share/doc": member("usr/share/doc", tarfile.DIRTYPE, mode=0o755),
            "usr/share/doc/good": member("usr/share/doc/good", tarfile.DIRTYPE, mode=0o755),
            "usr/share/doc/good/copyright": b"MIT",
            "usr/share/doc/libgnutls30": member("usr/share/doc/libgnutls30", tarfile.DIRTYPE, mode=0o755),
            "usr/share/doc/libgnutls30/copyright": b"not AGPL",
            "usr/share/doc/README": b"AGPL",
        }
    )
    upper = layer({"etc/.wh.gone": b"", "bad": b"This is under the agpl."})
    made = SavedImageUnderTest(save(tmp_path / "image.tar", [lowest, upper], config([lowest, upper])))
    yield made
    made.close()


def problems(text: str, image: SavedImageUnderTest, name: str = "x.yaml") -> list[list[str]]:
    return [question.ask(image) for question in questions(read_document(text, Path(name)))]


@pytest.mark.parametrize(
    "test",
    [
        "{path: /etc/hello}",
        "{path: /etc/hello, permissions: -rw-r--r--, uid: 0, gid: 0}",
        "{path: /etc/link, permissions: Lrwxrwxrwx}",
        "{path: /lib/hello, permissions: -rw-r--r--}",
        "{path: /lib, permissions: Lrwxrwxrwx}",
        "{path: /tmp, permissions: dtrwxrwxrwx, uid: 65532, gid: 65532}",
        "{path: /tmp/, shouldExist: true}",
        "{path: etc/../etc/hello}",
        "{path: /su, permissions: urwxr-xr-x, isExecutableBy: any}",
        "{path: /pipe, permissions: prw-------}",
        "{path: /, shouldExist: true}",
        "{path: /etc/gone, shouldExist: false}",
        "{path: /etc/hello/below, shouldExist: false}",
        "{path: '/etc/${NOTHING}hello'}",
    ],
)
def test_a_file_that_is_as_demanded_passes(test: str, image: SavedImageUnderTest) -> None:
    assert problems(f"{HEAD}fileExistenceTests: [{{name: x, {test[1:]}]", image) == [[]]


@pytest.mark.parametrize(
    ("test", "said"),
    [
        ("{path: /etc/gone}", "/etc/gone is not there"),
        ("{path: /etc/hello, shouldExist: false}", "/etc/hello is there; expected no such file"),
        ("{path: /etc/hello, permissions: -rw-r-----}", "-rw-r--r--; expected -rw-r-----"),
        ("{path: /etc/hello, uid: 1}", "belongs to user 0; expected 1"),
        ("{path: /etc/hello, gid: 1}", "belongs to group 0; expected 1"),
        ("{path: /etc/hello, isExecutableBy: other}", "executable by other"),
        ("{path: /etc/hello/below}", "is not there"),
    ],
)
def test_a_file_that_is_not_as_demanded_fails_and_says_why(test: str, said: str, image: SavedImageUnderTest) -> None:
    ((problem,),) = problems(f"{HEAD}fileExistenceTests: [{{name: x, {test[1:]}]", image)
    assert said in problem


@pytest.mark.parametrize(
    ("test", "said"),
    [
        ("{path: /etc/hello, expectedContents: ['^hello', 'world\\n$'], excludedContents: [bye]}", ""),
        ("{path: /etc/link, expectedContents: [hello]}", ""),
        ("{path: /lib/link, expectedContents: [hello]}", ""),
        ("{path: /etc/hello, expectedContents: ['hello$']}", "nothing that matches 'hello$'"),
        ("{path: /etc/hello, excludedContents: [hello]}", "which matches 'hello'"),
        ("{path: /etc/gone, excludedContents: [x]}", "not there"),
        ("{path: /etc, expectedContents: ['']}", "no file that can be read"),
        ("{path: /pipe, expectedContents: ['']}", "no file that can be read"),
    ],
)
def test_contents(test: str, said: str, image: SavedImageUnderTest) -> None:
    ((*found,),) = problems(f"{HEAD}fileContentTests: [{{name: x, {test[1:]}]", image)
    assert [said in each for each in found] == ([True] if said else [])


@pytest.mark.parametrize(
    ("test", "said"),
    [
        ("{debian: true}", ""),
        ("{debian: true, files: [/bad]}", "/bad names AGPL"),
        ("{debian: false, files: [/etc/hello]}", ""),
        ("{debian: false, files: [/nowhere]}", "/nowhere is not there"),
    ],
)
def test_licences(test: str, said: str, image: SavedImageUnderTest) -> None:
    ((*found,),) = problems(f"{HEAD}licenseTests: [{test}]", image)
    assert [said in each for each in found] == ([True] if said else [])


def test_a_package_without_a_licence_fails(tmp_path: Path) -> None:
    one = layer({name: member(name, tarfile.DIRTYPE, mode=0o755) for name in ("usr/share/doc", "usr/share/doc/bare")})
    with closing(SavedImageUnderTest(save(tmp_path / "i.tar", [one], config([one])))) as image:
        ((problem,),) = problems(f"{HEAD}licenseTests: [{{debian: true}}]", image)
    assert "/usr/share/doc/bare/copyright is not there" in problem


@pytest.mark.parametrize(
    ("test", "said"),
    [
        ("{user: '65532:65532', labels: [{key: a, value: b}], entrypoint: [], cmd: []}", ""),
        ("{labels: [{key: a, value: '^.$', isRegex: true}], unboundEnvVars: [{key: A}]}", ""),
        ("{unexposedPorts: [80], unmountedVolumes: [/data]}", ""),
        ("{user: root}", "USER is '65532:65532'; expected 'root'"),
        ("{workdir: /}", "WORKDIR is ''; expected '/'"),
        ("{labels: [{key: a, value: '.'}]}", "the label a is 'b'; expected '.'"),
        ("{labels: [{key: a, value: '^$', isRegex: true}]}", "matches '^$'"),
        ("{labels: [{key: c, value: b}]}", "there is no label c"),
        ("{envVars: [{key: A, value: b}]}", "there is no variable A"),
        ("{exposedPorts: [80]}", "the port 80 is not declared; declared: none"),
        ("{volumes: [/data]}", "the volume /data is not declared"),
        ("{cmd: [x]}", "CMD is []; expected ['x']"),
        ("{entrypoint: ['']}", "ENTRYPOINT is []; expected ['']"),
    ],
)
def test_metadata(test: str, said: str, image: SavedImageUnderTest) -> None:
    ((*found,),) = problems(f"{HEAD}metadataTest: {test}", image)
    assert [said in each for each in found] == ([True] if said else [])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("schemaVersion: 3.0.0", "x.yaml:1: schemaVersion: expected 1.0.0 or 2.0.0, got '3.0.0'"),
        (HEAD + "commandTest: []", "x.yaml:2: commandTest: not a field that container-structure-test has"),
        (HEAD + "commandTests:\n- {name: x, command: y, timeout: 3}", "x.yaml:3: commandTests.0.timeout: not a field"),
        (HEAD + "commandTests:\n- {name: x, command: [y]}", "x.yaml:3: commandTests.0.command"),
        (HEAD + "commandTests:\n- {command: y}", "commandTests.0.name"),
        (HEAD + "commandTests:\n- {name: x, command: y, exitCode: z}", "commandTests.0.exitCode"),
        (HEAD + "commandTests:\n- {name: x, command: y, setup: [[]]}", "commandTests.0.setup.0"),
        (HEAD + "commandTests:\n- {name: x, command: y, expectedOutput: ['(?=a)']}", "Perl syntax: (?="),
        (HEAD + "commandTests:\n- {name: x, command: y, expectedOutput: ['\\pL']}", "Unicode"),
        (HEAD + "commandTests:\n- {name: x, command: y, envVars: [{key: a, value: ''}]}", "envVars.0.value"),
        (HEAD + "fileExistenceTests:\n- {name: x, path: ''}", "fileExistenceTests.0.path"),
        (HEAD + "fileExistenceTests:\n- {name: x, path: /, shouldExist: maybe}", "shouldExist"),
        (HEAD + "fileExistenceTests:\n- {name: x, path: /, isExecutableBy: me}", "isExecutableBy"),
        (HEAD + "metadataTest: {env: []}", "metadataTest.env: not a field"),
        (HEAD + "metadataTest: {labels: [{key: a, value: '(', isRegex: true}]}", "a group is not closed"),
        (HEAD + "containerRunOptions: {network: host}", "containerRunOptions.network: not a field"),
        (HEAD + "containerRunOptions: {envVars: [LUCID_NOT_SET]}", "LUCID_NOT_SET is not set here"),
        (HEAD + "containerRunOptions: {envFile: /nowhere/env}", "/nowhere/env: no such file"),
        (
            "schemaVersion: 1.0.0\nmetadataTest: {user: x}",
            "x.yaml:2: metadataTest: schemaVersion 1.0.0 has no metadata",
        ),
        ("schemaVersion: 1.0.0\ncommandTests: [{name: x, command: y}]", "commandTests.0.command"),
        ("schemaVersion: 1.0.0\ncommandTests: [{name: x, command: []}]", "commandTests.0.command"),
    ],
)
def test_what_is_wrong_or_not_supported_is_named(text: str, said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        questions(read_document(text, Path("x.yaml")))
    assert said in str(caught.value)


def test_all_that_is_wrong_is_told_at_once() -> None:
    with pytest.raises(ConfigError) as caught:
        questions(read_document(HEAD + "a: 1\nb: 2", Path("x.yaml")))
    assert [line.split(":")[1] for line in str(caught.value).splitlines()] == ["2", "3"]


def test_json_is_read_in_any_case_and_with_zero_for_what_is_not_said(image: SavedImageUnderTest) -> None:
    tests = [{"Name": "a", "PATH": "/nowhere"}, {"name": "b", "path": "/home", "ShouldExist": True}]
    text = json.dumps({"SchemaVersion": "2.0.0", "FileExistenceTests": tests})
    absent, owned = problems(text, image, "x.json")
    assert absent == []
    assert [re.findall(r"expected (\d)", each) for each in owned] == [["0"], ["0"]]


def test_a_command_against_a_file_is_refused(image: SavedImageUnderTest) -> None:
    with pytest.raises(ConfigError, match=r"/bin/x cannot run: .* is a file"):
        problems(f"{HEAD}commandTests: [{{name: x, command: /bin/x}}]", image)


def test_every_case_of_the_peer_can_be_read() -> None:
    for file in CASES.iterdir():
        assert questions(read_document(file.read_text("utf-8"), file))


def test_an_image_for_another_platform_is_refused_where_several_are_there(tmp_path: Path) -> None:
    one = layer({"a": b"a"})
    archive = io.BytesIO(save(tmp_path / "one.tar", [one], config([one])).read_bytes())
    with tarfile.open(fileobj=archive) as members:
        kept = {each.name: members.extractfile(each) for each in members}
    manifest = json.loads(file.read()) if (file := kept.pop("manifest.json")) else []
    parts = {name: data.read() for name, data in kept.items() if data}
    parts["d.json"] = parts["c.json"].replace(b"arm64", b"riscv64")
    parts["c.json"] = parts["c.json"].replace(b"arm64", b"s390x")
    parts["manifest.json"] = json.dumps([*manifest, {**manifest[0], "Config": "d.json"}]).encode()
    (tmp_path / "two.tar").write_bytes(layer(parts))
    with (
        closing(SavedImageUnderTest(tmp_path / "two.tar")) as image,
        pytest.raises(ConfigError, match=r"expected one image for \w+, got .*s390x.*riscv64"),
    ):
        image.config()


@pytest.mark.parametrize(
    ("found", "mode"),
    [
        (FoundFile("file", 0o644, 0, 0), "-rw-r--r--"),
        (FoundFile("file", 0o4755, 0, 0), "urwxr-xr-x"),
        (FoundFile("file", 0o2644, 0, 0), "grw-r--r--"),
        (FoundFile("directory", 0o3777, 0, 0), "dgtrwxrwxrwx"),
        (FoundFile("character device", 0o620, 0, 0), "Dcrw--w----"),
        (FoundFile("device", 0o660, 0, 0), "Drw-rw----"),
        (FoundFile("socket", 0o755, 0, 0), "Srwxr-xr-x"),
        (FoundFile("file", 0o1644, 0, 0), "trw-r--r--"),
    ],
)
def test_modes_are_written_as_go_writes_them(found: FoundFile, mode: str) -> None:
    assert found.go_mode == mode
