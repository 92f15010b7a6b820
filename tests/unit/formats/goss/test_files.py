"""goss files: what is refused, what is included, and verdicts on an image in a file. No engine is needed."""

from __future__ import annotations

import hashlib
import tarfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from saved import config, layer, member, save

from pytest_lucid.errors import ConfigError
from pytest_lucid.formats.goss.live_facts import without_shell
from pytest_lucid.formats.goss.sources import is_goss
from pytest_lucid.formats.kinds import is_known, read_questions
from pytest_lucid.tested.saved_image import SavedImageUnderTest

if TYPE_CHECKING:
    from collections.abc import Iterator

STATUS = b"Package: libc6\nVersion: 2.36-9\n"
GONE = (
    b"Package: gone\nStatus: deinstall ok config-files\nVersion: 1\n\n"
    b"Package: here\nStatus: install ok installed\nVersion: 2\n\n"
    b"Package: going\nStatus: deinstall ok installed\nVersion: 3\n\n"
    b"Package: held\nStatus: hold ok installed\nVersion: 4\n"
)
HELLO = b"hello\nworld\n"


@pytest.fixture
def image(tmp_path: Path) -> Iterator[SavedImageUnderTest]:
    files: dict[str, bytes | tarfile.TarInfo] = {
        "etc/passwd": (
            b"root:x:0:0:root:/root:/sbin/nologin\nodd:x:5:six:odd:/:/bin/no\nodder:x:\xc2\xb2:6:odd:/:/bin/no\n"
            b"web:x:5:6:web:/home/web:/bin/no\nbroken\n"
        ),
        "etc/group": b"root:x:0:\nweb:x:6:\nlogs:x:7:other,web\n",
        "etc/hello": b"hello\nworld\n",
        "etc/link": member("etc/link", tarfile.SYMTYPE, linkname="hello", mode=0o777),
        "root": member("root", tarfile.DIRTYPE, mode=0o700),
        "tmp": member("tmp", tarfile.DIRTYPE, mode=0o1777, uid=5, gid=99),
        "pipe": member("pipe", tarfile.FIFOTYPE, mode=0o600),
        "var/lib/dpkg/status.d/base": STATUS,
        "var/lib/dpkg/status.d/base.md5sums": b"",
        "var/lib/dpkg/status": GONE,
    }
    one = layer(files)
    made = SavedImageUnderTest(save(tmp_path / "image.tar", [one], config([one])))
    yield made
    made.close()


def problems(text: str, image: SavedImageUnderTest, folder: Path) -> list[list[str]]:
    (folder / "goss.yaml").write_text(text, "utf-8")
    return [question.ask(image) for question in read_questions(folder / "goss.yaml")]


@pytest.mark.parametrize(
    "text",
    [
        "file: {/etc/hello: {exists: true, mode: '0644', size: 12, owner: root, group: root, uid: 0, filetype: file}}",
        "file: {/etc/hello: {exists: true, contents: [hello, '/^w/', '!bye']}}",
        "file: {/etc/hello: {exists: true, contains: [hello]}}",
        "file: {/etc/hello: {exists: true, contents: {have-len: 12}, size: {le: 12}}}",
        "file: {/etc/hello: {exists: true, contents: []}}",
        f"file: {{/etc/hello: {{exists: true, md5: {hashlib.md5(HELLO, usedforsecurity=False).hexdigest()}}}}}",
        f"file: {{x: {{exists: true, path: /etc/hello, sha256: {hashlib.sha256(HELLO).hexdigest()}}}}}",
        "file: {/etc/link: {exists: true, filetype: symlink, linked-to: hello, contents: [hello]}}",
        "file: {/tmp: {exists: true, mode: '1777', filetype: directory, owner: web, gid: 99}}",
        "file: {/pipe: {exists: true, filetype: pipe}}",
        "file: {/nowhere: {exists: false, contents: []}}",
        "file: {~root: {exists: true, mode: '0700'}}",
        "file: {etc/hello: {exists: true}}",
        "user: {web: {exists: true, uid: 5, gid: 6, groups: [web, logs], home: /home/web, shell: /bin/no}}",
        "user: {web: {exists: true, groups: {consist-of: [logs, web]}, uid: {gt: 4}}}",
        "user: {nobody: {exists: false}}",
        # Their lines have no numbers where numbers must be.
        "user: {odd: {exists: false}}",
        "user: {odder: {exists: false}}",
        "group: {logs: {exists: true, gid: 7}}",
        "group: {nobody: {exists: false}}",
        "package: {libc6: {installed: true, versions: [2.36-9]}}",
        "package: {here: {installed: true, versions: ['2']}}",
        "package: {gone: {installed: false}}",
        "package: {going: {installed: false}}",
        "package: {held: {installed: true, versions: ['4']}}",
        "package: {nowhere: {installed: false}}",
    ],
)
def test_what_is_as_demanded_passes(text: str, image: SavedImageUnderTest, tmp_path: Path) -> None:
    assert problems(text, image, tmp_path) == [[]]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("file: {/nowhere: {exists: true, mode: '0644'}}", "exists is false; expected true"),
        ("file: {/etc/hello: {exists: false, mode: '1'}}", "exists is true; expected false"),
        ("file: {/etc/hello: {exists: true, mode: '0640'}}", 'mode is "0644"; expected "0640"'),
        ("file: {/etc/hello: {exists: true, mode: 0644}}", 'mode is "0644"; expected 420'),
        ("file: {/etc/hello: {exists: true, size: {gt: 12}}}", 'size is 12; expected {"gt": 12}'),
        ("file: {/etc/hello: {exists: true, owner: web}}", 'owner is "root"; expected "web"'),
        ("file: {/etc/hello: {exists: true, contents: ['!hello']}}", 'expected ["!hello"]'),
        ("file: {/etc/hello: {exists: true, sha512: abc}}", 'expected "abc"'),
        ("file: {/etc/hello: {exists: true, linked-to: x}}", "linked-to: /etc/hello is no link"),
        ("file: {/tmp: {exists: true, group: web}}", "group: the number 99 has no name in /etc/group"),
        ("file: {/tmp: {exists: true, contents: [x]}}", "contents: /tmp is not there, or no file"),
        ("file: {/nowhere: {exists: false, mode: '1'}}", "mode: /nowhere is not there"),
        ("user: {web: {exists: true, uid: 6}}", "uid is 5; expected 6"),
        ("user: {web: {exists: true, groups: [root]}}", 'groups is ["logs", "web"]; expected ["root"]'),
        ("user: {no: {exists: true}}", "exists is false"),
        ("user: {no: {exists: false, uid: 1}}", "uid: there is no user no"),
        ("group: {logs: {exists: true, gid: 8}}", "gid is 7; expected 8"),
        ("package: {libc6: {installed: false}}", "installed is true; expected false"),
        ("package: {gone: {installed: true, versions: [1]}}", "installed is false; expected true"),
        ("package: {libc6: {installed: true, versions: [3]}}", 'versions is ["2.36-9"]; expected [3]'),
    ],
)
def test_what_is_not_as_demanded_fails_and_says_why(
    text: str, said: str, image: SavedImageUnderTest, tmp_path: Path
) -> None:
    ((problem,),) = problems(text, image, tmp_path)
    assert said in problem


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("process: {x: {running: false}}", "process x cannot be judged: image.tar is an image, and nothing of it runs"),
        ("port: {tcp:80: {listening: false}}", "port tcp:80 cannot be judged"),
        ("addr: {tcp://a:80: {reachable: false}}", "addr tcp://a:80 cannot be judged"),
        ("dns: {a: {resolvable: false}}", "dns a cannot be judged"),
        ("http: {http://a: {status: 200}}", "http http://a cannot be judged"),
        ("interface: {a: {exists: false}}", "interface a cannot be judged"),
        ("mount: {/a: {exists: false}}", "mount /a cannot be judged"),
        ("kernel-param: {a.b: {value: '1'}}", "kernel-param a.b cannot be judged"),
        ("service: {x: {running: false}}", "service x cannot be judged: no service manager"),
        ("command: {/bin/x: {exit-status: 127}}", "/bin/x cannot run: "),
        ("command: {'a | b': {exit-status: 0}}", "command a | b cannot run: it needs a shell, and there is no /bin/sh"),
        ("command: {'a \"b': {exit-status: 0}}", "No closing quotation"),
        ("port: {tcp:x: {listening: false}}", "expected NUMBER or one of tcp, tcp6, udp, udp6"),
        ("port: {tcp:²: {listening: false}}", "expected NUMBER or one of tcp, tcp6, udp, udp6"),
        ("addr: {udp://a:80: {reachable: true}}", "expected tcp://HOST:PORT"),
        ("http: {ftp://a: {status: 1}}", "expected http://… or https://…"),
        ("http: {http://a: {status: 1, proxy: http://b}}", "proxy is not supported here"),
        ("http: {http://a: {status: 1, request-headers: [x]}}", "expected 'Name: value'"),
        ("file: {~nobody/x: {exists: false}}", "~nobody is nobody's home"),
    ],
)
def test_what_cannot_be_judged_is_an_error_that_names_it(
    text: str, said: str, image: SavedImageUnderTest, tmp_path: Path
) -> None:
    with pytest.raises(ConfigError) as caught:
        problems(text, image, tmp_path)
    assert said in str(caught.value)


def test_without_a_list_of_packages_nothing_is_said_of_any(tmp_path: Path) -> None:
    one = layer({"a": b"a"})
    image = SavedImageUnderTest(save(tmp_path / "bare.tar", [one], config([one])))
    with pytest.raises(ConfigError, match="package x cannot be judged"):
        problems("package: {x: {installed: false}}", image, tmp_path)
    image.close()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("files: {}", "goss.yaml:1: files: not a resource that goss has; did you mean file?"),
        ("file:\n  /a:\n    exits: true", "goss.yaml:3: file./a.exits: not an attribute of file; did you mean exists?"),
        ("file: {/a: {exists: true, zzz: 1}}", "expected one of exists, mode"),
        ("file: {/a: {mode: '1'}}", "file./a: exists is missing"),
        ("file: {/a: true}", "file./a: expected attributes, got 'true'"),
        ("file: [a]", "file: expected a mapping"),
        ("file: {/a: {exists: true, skip: sometimes}}", "skip: expected true or false"),
        ("file: {/a: {exists: true, path: [a]}}", "path: expected a text"),
        ("http: {http://a: {status: 1, timeout: x}}", "timeout: expected a whole number, got 'x'"),
        ("http: {http://a: {status: 1, timeout: -1}}", "timeout: expected a whole number"),
        ("http: {http://a: {status: 1, allow-insecure: 1}}", "allow-insecure: expected true or false"),
        ("http: {http://a: {status: 1, request-headers: a}}", "request-headers: expected a list of texts"),
        ("command: {a: {exit-status: 0, stdout: [1.1]}}", "stdout.0: expected a text, got 1.1"),
        ("gossfile: {a.yaml: {fil: b}}", "not an attribute of gossfile; did you mean file?"),
        ("gossfile: {a.yaml: 4}", "gossfile.a.yaml: expected attributes"),
        ("gossfile: {a.yaml: {}}", "a.yaml: no such file"),
        ("gossfile: {'a*.yaml': {}}", "goss.yaml:1: no file is called a*.yaml"),
        ('gossfile: {"a\\0b": {}}', "goss.yaml:1: 'a\\x00b' is no name of a file"),
        ("gossfile: {goss.yaml: {}}", "goss.yaml includes itself"),
        ("file: {/a: {exists: true}, /a: {exists: true}}", "'/a' is there twice"),
        ("file: {/a: {exists: {{ .Vars.x }}}}", "goss.yaml:1: {{.Vars.x}}: there is no .Vars.x"),
        ("{{ if true }}\nfile: [\n{{ end }}", "not valid YAML"),
        ("- a", "expected a mapping"),
        (
            "\n".join(
                [
                    "a0: &a0 [x, x, x, x, x, x, x, x, x]",
                    *(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 9)),
                ]
            ),
            "aliases",
        ),
        ("# " + "x" * (1 << 20), "longer than 1048576 bytes"),
        ("file: {/a: {exists: !!python/object/apply:os.system [ls]}}", "not valid YAML"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(text: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "goss.yaml").write_text(text, "utf-8")
    with pytest.raises(ConfigError) as caught:
        read_questions(tmp_path / "goss.yaml")
    assert said in str(caught.value)


def test_all_that_is_wrong_is_told_at_once(tmp_path: Path) -> None:
    (tmp_path / "goss.yaml").write_text("files: {}\nuser: {a: {exist: true}}\n")
    with pytest.raises(ConfigError) as caught:
        read_questions(tmp_path / "goss.yaml")
    assert [line.rpartition("goss.yaml:")[2].split(":")[0] for line in str(caught.value).splitlines()] == [
        "1",
        "2",
        "2",
    ]


def test_files_are_included_from_where_they_are_named(tmp_path: Path) -> None:
    (tmp_path / "more").mkdir()
    (tmp_path / "goss.yaml").write_text(
        "gossfile:\n  more/a.yaml: {}\n  named: {file: more/b*.yaml}\n  gone.yaml: {skip: true}\n"
        "file: {/own: {exists: true}, /both: {exists: true}}\n"
    )
    (tmp_path / "more" / "a.yaml").write_text("gossfile: {c.yaml: {}}\nfile: {/a: {exists: true}}\n")
    (tmp_path / "more" / "b1.yaml").write_text("\nfile: {/both: {exists: false}}\n")
    (tmp_path / "more" / "c.yaml").write_text("file: {'/{{ .Vars.x }}': {exists: true}}\n")
    (tmp_path / "vars.json").write_text('{"x": "c"}')
    found = read_questions(tmp_path / "goss.yaml", tmp_path / "vars.json")
    assert {question.name: Path(question.where).name for question in found} == {
        "File: /own": "goss.yaml:5",
        # The included file's, as in goss.
        "File: /both": "b1.yaml:2",
        "File: /a": "a.yaml:2",
        "File: /c": "c.yaml:1",
    }


def test_a_ring_of_files_is_refused(tmp_path: Path) -> None:
    (tmp_path / "goss.yaml").write_text("gossfile: {b.yaml: {}}\n")
    (tmp_path / "b.yaml").write_text("gossfile: {goss.yaml: {}}\n")
    with pytest.raises(ConfigError, match=r"b\.yaml:1: .*goss\.yaml includes itself"):
        read_questions(tmp_path / "goss.yaml")


@pytest.mark.parametrize(
    ("name", "text", "known"),
    [
        ("goss.yaml", "{{ if", True),
        ("goss_web.yaml", "a: 1", True),
        ("web.goss.yml", "a: 1", True),
        ("other.yaml", "file:\n  /a: {exists: true}\n", True),
        ("other.yaml", "{{ if .Vars.x }}\nport:\n  tcp:80: {listening: true}\n{{ end }}", True),
        ("other.json", '{"port": {}}', True),
        ("other.json", '{"ports": {}}', False),
        ("other.yaml", "file: x\nversion: 2\n", False),
        ("other.yaml", "services: {}\n", False),
        ("other.yaml", "schemaVersion: 2.0.0\n", False),
        ("mongoose.yaml", "a: 1", False),
    ],
)
def test_which_files_are_gosss(name: str, text: str, known: bool) -> None:  # noqa: FBT001 - a column
    assert is_goss(text, Path(name)) is known


def test_is_known_needs_no_values(tmp_path: Path) -> None:
    (tmp_path / "other.yaml").write_text("file:\n  /{{ .Vars.nothing }}: {exists: true}\n")
    assert is_known(tmp_path / "other.yaml")


def test_json_is_read_and_a_skipped_resource_says_so(tmp_path: Path) -> None:
    (tmp_path / "goss.json").write_text(
        '{"service": {"x": {"running": true, "skip": true}}, "file": {"/a": {"exists": true}}}'
    )
    skipped, asked = read_questions(tmp_path / "goss.json")
    assert (skipped.name, skipped.skipped) == ("Service: x", "skip: true in the file")
    assert not asked.skipped


def test_of_what_is_skipped_nothing_is_required(tmp_path: Path) -> None:
    (tmp_path / "goss.yaml").write_text("file: {/a: {skip: true}}\ncommand: {b: {skip: true, timeout: 5}}\n")
    assert [question.skipped for question in read_questions(tmp_path / "goss.yaml")] == ["skip: true in the file"] * 2


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ("/bin/x --a=b 'c d' e~f g#h", ["/bin/x", "--a=b", "c d", "e~f", "g#h"]),
        ("/bin/x '$HOME' \"a;b\" c\\;d", ["/bin/x", "$HOME", "a;b", "c;d"]),
        ("/bin/x {}", None),
        ("/bin/x ~/a", None),
        ("/bin/x $HOME", None),
        ('/bin/x "$HOME"', None),
        ("A=1 /bin/x", None),
        ("/bin/x > y", None),
        ("! /bin/x", None),
        ("/bin/x *", None),
        ("/bin/x # said", None),
        ("/bin/x; /bin/y", None),
        ("", None),
    ],
)
def test_a_command_needs_a_shell_only_where_a_shell_would_change_it(said: str, words: list[str] | None) -> None:
    if words is None:
        with pytest.raises(ConfigError, match="cannot run"):
            without_shell(said)
    else:
        assert without_shell(said) == words
