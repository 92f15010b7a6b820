"""The reports of runs, as users ask for them."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from textwrap import dedent
from typing import TYPE_CHECKING

import pytest

from pytest_lucid.config.settings import FORMATS

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Run = Callable[..., pytest.RunResult]

TOKEN = "ghp_" + "aB3dE5gH7jK9mN1pQ2rS4tU6vW8xY0zAbCdEf"
HOSTILE = f"""
    import pytest

    LOG = "\\x1b[2J\\x1b]0;owned\\x07 \\u202e <script> ]]> \\x00\\n::error::owned\\npassword=hunter2 {TOKEN} pg://u:pa55@db"

    @pytest.mark.lucid("DEMO-FAILS", severity="high", remedy="Mend it.")
    def test_fails(lucid_service):
        '''It holds.'''
        print(LOG)
        assert lucid_service.name == "lucid-api-gateway", LOG

    @pytest.mark.lucid("DEMO-BREAKS", severity="low", remedy="Mend it.")
    def test_breaks(lucid_matrix):
        '''It can be judged.'''
        raise OSError(LOG)

    @pytest.mark.lucid("DEMO-SKIPS", severity="low", remedy="Mend it.")
    def test_skips(lucid_matrix):
        '''It is there.'''
        pytest.skip(LOG)
"""
TIMES = re.compile(r'"(?:seconds|started)": "?[^,\n]*|(?: time| timestamp)="[^"]*"')
GROWING = """
    import pathlib, pytest

    @pytest.mark.lucid("DEMO-A", severity="high", remedy="Mend it.")
    def test_a(lucid_service):
        '''It holds.'''
        assert lucid_service.name not in pathlib.Path("bad").read_text()
"""


@pytest.fixture
def hostile(pytester: pytest.Pytester) -> Path:
    pytester.makepyfile(test_demo=dedent(HOSTILE))
    return pytester.path


def options() -> list[str]:
    return [f"--lucid-{name.replace('_', '-')}=out/{name}" for name in FORMATS]


def test_no_output_obeys_or_spreads_what_was_logged(hostile: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(hostile / "step.md"))
    result = run(*options(), "--junitxml=pytest.xml", "-ra")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    outputs = {file.name: file.read_text("utf-8") for file in (*(hostile / "out").iterdir(), hostile / "pytest.xml")}
    assert set(outputs) == {*FORMATS, "pytest.xml"}
    outputs |= {
        "terminal": result.stdout.str() + result.stderr.str(),
        "step.md": (hostile / "step.md").read_text("utf-8"),
    }
    for name, text in outputs.items():
        assert not [secret for secret in ("hunter2", TOKEN, "pa55") if secret in text], name
        assert not set("\x1b\x07\u202e\x00") & set(text), name
    assert r"\x1b[2J" in outputs["terminal"]
    assert "password=***" in outputs["json"]
    commands = [line for line in outputs["terminal"].splitlines() if line.lstrip().startswith("::")]
    assert commands
    assert all(line.startswith(("::error title=DEMO-", "::notice title=DEMO-")) for line in commands)
    assert outputs["step.md"] == outputs["summary"]


@pytest.mark.usefixtures("demo")
def test_what_a_matrix_and_a_baseline_say_is_data_too(pytester: pytest.Pytester, run: Run) -> None:
    run("--lucid-json=then.json")
    then = json.loads((pytester.path / "then.json").read_text("utf-8"))
    for cell in then["cells"]:
        cell.update(check="GONE", test="\x1b]0;owned\x07", outcome="failed", places=[
            {"file": "\x1b[2JDockerfile", "line": 1, "message": "\u202e\n::error::owned"}
        ])  # fmt: skip
    then["cells"] += [{**cell, "check": "DEMO", "test": "test_name"} for cell in then["cells"]]
    (pytester.path / "then.json").write_text(json.dumps(then))
    (pytester.path / "lucid.toml").write_text(
        '[[waiver]]\ncheck = "DEMO"\nservice = "lucid-data-chain"\nexpires = 2999-12-31\n'
        'reason = "\\u001b[2J\\u202e password=hunter2 </script>"\n'
    )
    result = run("--lucid-baseline=then.json", "-rx", *options())
    result.stdout.fnmatch_lines(["waived until 2999-12-31: DEMO (1 cell): *password=[*][*][*]*", "*- fixed *"])
    outputs = {file.name: file.read_text("utf-8") for file in (pytester.path / "out").iterdir()}
    for name, text in {**outputs, "terminal": result.stdout.str()}.items():
        assert "hunter2" not in text, name
        assert not set("\x1b\x07\u202e") & set(text), name
    assert not [line for line in result.stdout.lines if line.lstrip().startswith("::")]


def test_a_run_with_workers_says_the_same(hostile: Path, run: Run) -> None:
    answer = []
    for workers in ((), ("-n2",)):
        run("--lucid-json=it.json", "--lucid-junit=it.xml", *workers)
        answer.append([TIMES.sub("", (hostile / name).read_text("utf-8")) for name in ("it.json", "it.xml")])
    assert answer[0] == answer[1]
    outcomes = [cell["outcome"] for cell in json.loads((hostile / "it.json").read_text("utf-8"))["cells"]]
    assert sorted(outcomes) == ["error", *["failed"] * 5, "passed", "skipped"]


@pytest.mark.usefixtures("hostile")
def test_a_claim_that_does_not_hold_has_no_traceback_unless_asked(run: Run) -> None:
    output = run("-k", "fails").stdout.str()
    assert ">       assert" not in output
    assert "found 'lucid-data-chain', expected 'lucid-api-gateway'" in output
    assert ">       assert" in run("-k", "fails", "--lucid-trace").stdout.str()
    assert ">       raise OSError(LOG)" in run("-k", "breaks").stdout.str()


@pytest.mark.usefixtures("hostile")
def test_pytest_counts_as_we_do(run: Run) -> None:
    result = run()
    result.assert_outcomes(errors=1, failed=5, passed=1, skipped=1)
    result.stdout.fnmatch_lines(["8 cells of 3 checks and 6 services: 1 error, 5 failed, 1 skipped, 1 passed"])


def test_only_what_is_new_fails(pytester: pytest.Pytester, run: Run) -> None:
    pytester.makepyfile(test_demo=dedent(GROWING))
    bad = pytester.path / "bad"
    bad.write_text("lucid-data-chain")
    assert run("--lucid-json=then.json").ret == pytest.ExitCode.TESTS_FAILED
    result = run("--lucid-baseline=then.json", "--lucid-new-only")
    assert result.ret == 0
    result.stdout.fnmatch_lines(["*1 known before, 5 passed", "── Since then.json: 0 new, 0 fixed, 1 unchanged *"])
    bad.write_text("lucid-data-chain lucid-block-manager")
    result = run("--lucid-baseline=then.json", "--lucid-new-only", "-n2")
    result.assert_outcomes(failed=1, xfailed=1, passed=4)
    result.stdout.fnmatch_lines(
        ["*Since then.json: 1 new, 0 fixed, 1 unchanged *", "*+ new *DEMO-A?lucid-block-manager?"]
    )
    bad.write_text("nobody")
    result = run("--lucid-baseline=then.json")
    result.stdout.fnmatch_lines(
        ["*Since then.json: 0 new, 1 fixed, 0 unchanged *", "*- fixed *DEMO-A?lucid-data-chain?"]
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [(None, "*cannot be read*write it with --lucid-json"), ("{}", "*expected a file of --lucid-json; run: *")],
)
def test_what_is_no_baseline_is_refused(hostile: Path, run: Run, text: str | None, message: str) -> None:
    if text is not None:
        (hostile / "then.json").write_text(text)
    result = run("--lucid-baseline=then.json")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"ERROR: --lucid-baseline: *then.json{message}"])


def test_a_report_that_cannot_be_written_is_told(hostile: Path, run: Run) -> None:
    (hostile / "file").touch()
    result = run("--lucid-csv=file/it.csv", "-k", "skips")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stdout.fnmatch_lines(["ERROR: *file* cannot be written: *"])


@pytest.mark.parametrize("encoding", ["cp1252", "ascii"])
def test_old_encodings_are_enough(hostile: Path, encoding: str) -> None:
    environment = {**os.environ, "PYTHONIOENCODING": encoding}
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-k", "fails"]
    done = subprocess.run(command, cwd=hostile, env=environment, capture_output=True, check=False, timeout=240)
    lines = done.stdout.decode(encoding).splitlines()
    assert "  F DEMO-FAILS (high) It holds." in lines
    assert [line for line in lines if line.startswith("lucid-data-chain ") and line.endswith(" 1F")]


def test_a_clock_that_jumps_does_not_change_how_long_a_run_took(demo: pytest.Pytester, run: Run) -> None:
    demo.makeconftest("""
        import datetime as dt

        def pytest_runtest_setup(item):
            # As if somebody had set the clock back by a day since the run began.
            item.config.pluginmanager.getplugin("lucid-reports")._started += dt.timedelta(days=1)
    """)
    run("--lucid-json=run.json", "--lucid-junit=run.xml")
    answer = json.loads((demo.path / "run.json").read_text("utf-8"))["run"]["seconds"]
    assert 0 <= answer < 24 * 60 * 60
    assert 'time="-' not in (demo.path / "run.xml").read_text("utf-8")


@pytest.mark.skipif(sys.platform != "linux", reason="there is no /dev/full")
@pytest.mark.usefixtures("demo")
def test_a_full_disk_is_told_with_the_file(run: Run) -> None:
    result = run("--lucid-junit=/dev/full")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stdout.fnmatch_lines(["ERROR: /dev/full cannot be written: No space left on device"])
