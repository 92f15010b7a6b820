"""`python -m pytest_lucid lint`: the checks on Dockerfiles as a linter, run by pytest without anybody's configuration.

Exit codes are those of linters: 0 clean, 1 findings, 2 wrong usage or a check that could not judge.
"""

from __future__ import annotations

import os
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pytest_lucid.config.check import SEVERITIES
from pytest_lucid.errors import ConfigError
from pytest_lucid.plugin.state import AUDIT, CHECK, workspace_of
from pytest_lucid.report.lint import Reported

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping, Sequence

CLEAN, FINDINGS, USAGE = 0, 1, 2
# What would bring somebody's options or plugins into the run.
_FOREIGN = ("PYTEST_ADDOPTS", "PYTEST_PLUGINS")
_MARKS = ("lucid.toml", ".git")


class _Collector:
    """Keeps what the checks find; pytest itself prints nothing."""

    def __init__(self, paths: Sequence[Path]) -> None:
        self._paths = paths
        self.reported: dict[Reported, None] = {}
        self.problems: dict[str, None] = {}

    def pytest_configure(self, config: pytest.Config) -> None:
        """Give the option that old versions of pytest miss without their terminal when an assertion does not hold."""
        vars(config.option).setdefault("verbose", 0)

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, config: pytest.Config) -> None:
        """Restrict the Dockerfiles to those that were asked for."""
        if self._paths:
            workspace_of(config).project.restrict(self._paths)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Take the findings of one check, unless a waiver covers them."""
        report = yield
        check = item.stash.get(CHECK, None)
        if check is None or call.when != "call" or AUDIT not in item.stash:
            if report.failed and check and call.excinfo and call.excinfo.errisinstance(AssertionError):
                reason = str(call.excinfo.value).splitlines()[0]
                self.reported[Reported("lucid.toml", 1, check.severity, check.id, reason)] = None
            elif report.failed:
                self.problems[str(call.excinfo.value if call.excinfo else report.longrepr)] = None
            return report
        audit = item.stash[AUDIT]
        waived = hasattr(report, "wasxfail") and "waived until" in str(report.wasxfail)
        for finding in (*(() if waived else audit.findings), *audit.notes):
            severity = "note" if finding.is_note else check.severity
            place = (finding.file, finding.line, severity, check.id, finding.message, finding.column, finding.cause)
            self.reported[Reported(*place)] = None
        if call.excinfo and not audit.findings and not call.excinfo.errisinstance(pytest.skip.Exception):
            self.problems[f"{check.id}: {call.excinfo.value}"] = None
        return report


def lint(
    paths: Sequence[str],
    *,
    project: str | None = None,
    fail_on: str = SEVERITIES[0],
    writes: Mapping[str, Path] | None = None,
) -> tuple[list[Reported], int]:
    """Lint files and folders (all of the project without any); returns the findings and the exit code.

    `writes` are files for the reports of a run, by the name of the writer; paths in them are relative to the project.
    Raises ConfigError for a path that is not there, and where a check could not judge.
    """
    places = [Path(os.path.abspath(path)) for path in paths]  # noqa: PTH100 - without `..`, and no link is followed
    if missing := [path for path, place in zip(paths, places, strict=True) if not place.exists()]:
        raise ConfigError(f"{missing[0]}: no such file or folder; expected a Dockerfile, or a folder that holds some")
    root = Path(project).resolve() if project else _root(places)
    collector = _Collector([place for place in places if place != root])
    code = _run(root, collector, writes or {})
    if collector.problems:
        raise ConfigError("\n".join(collector.problems))
    if code not in {pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED}:
        raise ConfigError(f"the checks could not run: pytest ended with {code!r}")
    reported = sorted(replace(item, file=_from_here(root / item.file)) for item in collector.reported)
    least = SEVERITIES.index(fail_on)
    fails = any(item.severity in SEVERITIES[least:] for item in reported)
    return reported, FINDINGS if fails else CLEAN


def _from_here(file: Path) -> str:
    """A path as the caller of the linter writes it, with forward slashes."""
    try:
        return Path(os.path.relpath(file)).as_posix()
    except ValueError:  # another drive
        return file.as_posix()


def _root(places: Sequence[Path]) -> Path:
    """The project: here when all paths are; else the folder above them that has a lucid.toml or a .git, or none."""
    here = Path.cwd()
    if all(place.is_relative_to(here) for place in places):
        return here
    common = Path(os.path.commonpath([place if place.is_dir() else place.parent for place in places]))
    marked = (folder for folder in (common, *common.parents) if any((folder / mark).exists() for mark in _MARKS))
    return next(marked, common)


def _run(root: Path, collector: _Collector, writes: Mapping[str, Path]) -> int:
    kept = {name: os.environ.pop(name) for name in list(os.environ) if name in _FOREIGN or name.startswith("LUCID_")}
    autoload = os.environ.get("PYTEST_DISABLE_PLUGIN_AUTOLOAD")
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    try:
        with tempfile.TemporaryDirectory(prefix="lucid-lint-") as folder:
            empty = Path(folder, "pytest.ini")
            empty.write_text("[pytest]\n", encoding="utf-8")
            arguments = ["--pyargs", "pytest_lucid.suite.dockerfile", f"--rootdir={root}", "-c", str(empty)]
            arguments += ["-p", "no:terminal", "-p", "no:cacheprovider", "-p", "pytest_lucid.plugin.hooks"]
            arguments += [
                "--noconftest",
                "--import-mode=importlib",
                f"--lucid-project={root}",
                "--lucid-all-dockerfiles",
                *(f"--lucid-{name}={path}" for name, path in writes.items()),
            ]
            return pytest.main(arguments, plugins=[collector])
    finally:
        os.environ.update(kept)
        if autoload is None:
            del os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"]
        else:
            os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = autoload
        sys.stdout.flush()
