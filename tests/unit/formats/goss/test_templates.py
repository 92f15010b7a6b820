"""Templates of Go, as far as they are supported, with the results that Go gives."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_lucid.errors import ConfigError
from pytest_lucid.formats.goss.template import render

VARS = {
    "name": "web",
    "count": 3,
    "on": True,
    "off": False,
    "none": None,
    "users": ["ann", "bob"],
    "empty": [],
    "packages": {"b": "2", "a": "1"},
    "deep": {"er": {"est": [10, {"x": "y"}]}},
}


def made(text: str) -> str:
    return render(text, Path("goss.yaml"), VARS).text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain", "plain"),
        ("{{ .Vars.name }}", "web"),
        ("{{.Vars.name}}:{{ .Vars.count }}", "web:3"),
        ("a {{- .Vars.name -}} b", "awebb"),
        ("a\n  {{- /* said */ -}}\n b", "ab"),
        ("{{/* {{ said }} */}}x", "x"),
        ("{{ `raw }}` }}", "raw }}"),
        ('{{ "a\\"}}b" }}', 'a"}}b'),
        ("{{ .Env.LUCID_GOSS }}", "here"),
        ('{{ $x := 1 }}{{ if true }}{{ $x = ":=" }}{{ end }}{{ $x }}', ":="),
        ("{{ if .Vars.on }}a{{ else }}b{{ end }}", "a"),
        ("{{ if .Vars.off }}a{{ else }}b{{ end }}", "b"),
        ("{{ if .Vars.off }}a{{ else if eq .Vars.count 3 }}b{{ else }}c{{ end }}", "b"),
        ("{{ if .Vars.off }}a{{ else if .Vars.off }}b{{ else }}c{{ end }}d", "cd"),
        ("{{ if .Vars.empty }}a{{ end }}b", "b"),
        ("{{ range .Vars.users }}[{{ . }}]{{ end }}", "[ann][bob]"),
        ("{{ range $at, $one := .Vars.users }}{{ $at }}{{ $one }} {{ end }}", "0ann 1bob "),
        ("{{ range $name, $version := .Vars.packages }}{{ $name }}={{ $version }} {{ end }}", "a=1 b=2 "),
        ("{{ range $one := .Vars.users }}{{ $one }}{{ $.Vars.name }}{{ end }}", "annwebbobweb"),
        ("{{ range .Vars.empty }}a{{ else }}none{{ end }}", "none"),
        ("{{ with .Vars.deep.er }}{{ index .est 0 }}{{ end }}", "10"),
        ("{{ with .Vars.off }}a{{ else }}{{ .Vars.name }}{{ end }}", "web"),
        ('{{ $x := "a" }}{{ if true }}{{ $x = "b" }}{{ end }}{{ $x }}', "b"),
        ('{{ $x := "a" }}{{ if true }}{{ $x := "b" }}{{ end }}{{ $x }}', "a"),
        ('{{ range mkSlice "/etc/PAsswD" "/etc/group" }}{{ . | toLower }} {{ end }}', "/etc/passwd /etc/group "),
        ('{{ "hello!" | upper | repeat 2 }}', "HELLO!HELLO!"),
        ('{{ index .Vars "deep" "er" "est" 1 "x" }}', "y"),
        ('{{ (index .Vars "deep").er.est }}', "[10 map[x:y]]"),
        ('{{ if .Vars.name | regexMatch "^w.b$" }}yes{{ end }}', "yes"),
        ("{{ if and .Vars.on (not .Vars.off) (or .Vars.off .Vars.name) }}yes{{ end }}", "yes"),
        ("{{ if and (gt .Vars.count 2) (le .Vars.count 3) (ne .Vars.count 4) (lt 1 2) (ge 2 2) }}yes{{ end }}", "yes"),
        ('{{ if eq .Vars.name "db" "web" }}yes{{ end }}', "yes"),
        ('{{ getEnv "LUCID_GOSS_NONE" "else" }}{{ getEnv "LUCID_GOSS_NONE" }}', "else"),
        ('{{ .Vars.none | default "x" }}{{ len .Vars.users }}', "x2"),
        ('{{ printf "%s-%d%%-%q" .Vars.name 4 "a" }}', 'web-4%-"a"'),
        ('{{ join "," .Vars.users | quote }}', '"ann,bob"'),
        ('{{ $found := findStringSubmatch "(?P<a>b+)" "abbc" }}{{ get $found "a" }}', "bb"),
        ("{{ range until 3 }}{{ add . 1 }}{{ end }}", "123"),
        ("{{ .Vars.none }}", "<no value>"),
    ],
)
def test_what_a_template_makes(text: str, expected: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LUCID_GOSS", "here")
    assert made(text) == expected


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a\n{{ .Vars.nme }}", "goss.yaml:2: {{.Vars.nme}}: there is no .Vars.nme; set it in the file of --lucid-vars"),
        ("{{ .Env.LUCID_GOSS_NONE }}", "there is no .Env.LUCID_GOSS_NONE; set the variable"),
        ("{{ .Vars.name.x }}", "there is no .Vars.name.x"),
        ("{{ $x }}", "$x is not set"),
        ("{{ $x = 1 }}", "$x is not set"),
        ("\n\n{{ if .Vars.on }}", "goss.yaml:3: {{if .Vars.on}} has no {{end}}"),
        ("{{ end }}", "{{end}} without"),
        ("{{ else }}", "{{else}} without"),
        ("{{ if true }}{{ else }}{{ else }}{{ end }}", "{{else}} without"),
        ("{{ if true }}{{ else range . }}{{ end }}", "expected {{else}} or {{else if"),
        ('x\n{{ define "a" }}', 'goss.yaml:2: {{define "a"}}: define is not supported here'),
        ('{{ template "a" }}', "template is not supported here"),
        ("{{ break }}", "break is not supported here"),
        ("{{ derivePassword 1 }}", "the function derivePassword is not supported here; supported: and, or, not"),
        ("{{ .Vars.name", "{{ without }}"),
        ("{{ .Vars.name ! }}", "'!' is not understood"),
        ("{{ }}", "a value is missing"),
        ("{{ .Vars.name 4 }}", "a value takes no arguments"),
        ("{{ (.Vars.name }}", "( without )"),
        ("{{ .Vars.name ) }}", "')' is not expected there"),
        ("{{ .Vars.name | .Vars.count }}", "expected a function behind |"),
        ("{{ upper 4 }}", "upper cannot take that"),
        ("{{ lt 1 .Vars.name }}", "lt cannot take that"),
        ("{{ index .Vars.users 7 }}", "index cannot take that"),
        ("{{ range .Vars.name }}{{ end }}", "expected a list or a mapping"),
        ('{{ printf "%x" 4 }}', "%x is not supported here"),
        ('{{ readFile "/nowhere/at/all" }}', "no such file"),
        ('{{ regexMatch "(" "a" }}', "regexMatch cannot take that"),
        # What would fill the memory.
        ('{{ repeat 99999999 "aaaaaaaa" }}', "too much text"),
        ("{{ $x := 9 }}{{ range until 60 }}{{ $x = mul $x $x }}{{ end }}", "mul makes too much"),
        ('{{ $x := "a" }}{{ range until 60 }}{{ $x = print $x $x }}{{ end }}', "print makes too much"),
        ("{{ 99999999999999999999999 }}", "99999999999999999999999 is too large; expected a number of 64 bits"),
        ("{{ 9223372036854775808 }}", "too large"),
        ("{{ until 99999999999 }}", "too many"),
        ("{{ range until 90000 }}aaaaaaaaaaaaaaaaaaaaaaaa{{ end }}", "too much text"),
        ("{{ range until 90000 }}{{ range until 90000 }}{{ end }}{{ end }}", "too much to do"),
        ("{{ if true }}" * 100, "nested too deeply"),
        ("{{ " + "(" * 100 + "}}", "nested too deeply"),
    ],
)
def test_what_is_wrong_or_not_supported_is_named_with_its_line(text: str, said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        made(text)
    assert said in str(caught.value)


def test_a_line_of_the_result_knows_its_line_of_the_template() -> None:
    text = "file:\n{{ range .Vars.users }}\n  /{{ . }}:\n    exists: true\n{{- end }}\n  /last:\n    exists: true\n"
    rendered = render(text, Path("goss.yaml"), VARS)
    lines = rendered.text.splitlines()
    assert {line: rendered.lines[at] for at, line in enumerate(lines) if line.strip()} == {
        "file:": 1,
        "  /ann:": 3,
        "  /bob:": 3,
        "    exists: true": 7,
        "  /last:": 6,
    }
