"""The glue to pytest: options, parametrization, the stack's lifetime, what a report carries.

No condition about containers belongs here, and none of the engine's libraries is loaded before it is needed: this
module is imported by every pytest run of an environment in which the plugin is installed.
"""

from __future__ import annotations

import inspect
import os
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from pytest_lucid.config.check import Check, explain, read_check, shipped
from pytest_lucid.config.options import OPTIONS
from pytest_lucid.config.settings import joined_paths, read_settings
from pytest_lucid.errors import ConfigError
from pytest_lucid.plugin.demand import demanded
from pytest_lucid.plugin.state import (
    CHECK,
    IN_WORDS,
    OTHERS,
    SETTINGS,
    WORKSPACE,
    baseline_in,
    host_name,
    usage_errors,
    workspace_of,
)
from pytest_lucid.suite import PARTS

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Iterator, Mapping

    from pytest_lucid.matrix import Service

SUITE = "pytest_lucid.suite"
MODULES = (
    "pytest_lucid.plugin.fixtures.core",
    "pytest_lucid.plugin.fixtures.image",
    "pytest_lucid.plugin.fixtures.runtime",
    "pytest_lucid.plugin.fixtures.api",
    "pytest_lucid.plugin.fixtures.dockerfile",
    "pytest_lucid.plugin.fixtures.deprecated",
    "pytest_lucid.plugin.foreign",
)

MARKER = (
    "lucid(id, severity, remedy, demand): a check of the Lucid suite: a stable id, how bad it is when it fails "
    "(critical, high, medium, low), what to do then, and the keys of the matrix without which it is not made"
)
# Who asks for one of these is about a Dockerfile.
AUDITED = frozenset({"lucid_audit", "lucid_dockerfile_path"})
ACTIONS = {"flag": "store_true", "value": "store", "path": "store", "list": "append"}
INI_TYPES = {"flag": "bool", "value": "string", "path": "string", "list": "args"}


def pytest_addoption(parser: pytest.Parser, pluginmanager: pytest.PytestPluginManager) -> None:
    """Offer every option on the command line and in the ini file; the environment needs no offering."""
    for name in MODULES:
        # For each name in `pytest_plugins`, pytest would read what every package of the environment says of itself.
        pluginmanager.import_plugin(name)
    group = parser.getgroup("lucid", "Lucid: build, bring up and validate the containers")
    for option in OPTIONS:
        arguments: dict[str, Any] = {"action": ACTIONS[option.kind], "default": None, "help": option.help}
        if option.metavar:
            arguments["metavar"] = option.metavar
        group.addoption(option.flag, dest=option.ini, **arguments)
        parser.addini(option.ini, option.help, type=INI_TYPES[option.kind])  # type: ignore[arg-type]


def pytest_configure(config: pytest.Config) -> None:
    """Read what the user asked for, and refuse what cannot be meant before anything else happens."""
    config.addinivalue_line("markers", MARKER)
    if config.option.pyargs:
        config.args = list(_expanded(config.args))
    with usage_errors():
        settings = read_settings(
            cli=lambda name: getattr(config.option, f"lucid_{name}"),
            environ=os.environ,
            ini=lambda name: config.getini(f"lucid_{name}"),
            rootdir=config.rootpath,
        )
        config.stash[SETTINGS] = settings
        baseline_in(config)
        if settings.chaos and getattr(config.option, "numprocesses", None):
            raise ConfigError("--lucid-chaos: other processes would check what is just being hurt; leave out -n")
        asked = settings.matrix or settings.services or settings.wants_images
        if asked and not config.option.help:
            workspace = workspace_of(config)
            _ = workspace.services, workspace.hosts
    if not hasattr(config, "workerinput"):
        from pytest_lucid.plugin.reports import Reports  # noqa: PLC0415 - not for xdist's workers

        config.pluginmanager.register(Reports(config), "lucid-reports")
        if settings.wants_engine:
            from pytest_lucid.plugin.controller import Controller  # noqa: PLC0415 - likewise

            config.pluginmanager.register(Controller(config), "lucid-controller")


def _expanded(arguments: Iterable[str]) -> Iterator[str]:
    """Name the parts of the suite, because pytest looks for the parts in the folder of the package only."""
    for argument in arguments:
        yield from (f"{SUITE}.{part}" for part in PARTS) if argument == SUITE else (argument,)


def pytest_unconfigure(config: pytest.Config) -> None:
    """End the connections to hosts."""
    if WORKSPACE in config.stash:
        config.stash[WORKSPACE].close()


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test that asks for the service once for each service."""
    if "lucid_waiver" in metafunc.fixturenames and metafunc.definition.get_closest_marker("lucid"):
        waivers = workspace_of(metafunc.config).matrix.waiver
        ids = [f"{waiver.check}:{waiver.service}" for waiver in waivers]
        none = pytest.param(None, marks=pytest.mark.skip("the matrix has no waiver"), id="none")
        metafunc.parametrize("lucid_waiver", waivers or [none], ids=ids or None)
    hosts = metafunc.config.stash[SETTINGS].hosts
    if "lucid_host" in metafunc.fixturenames and len(hosts) > 1:
        metafunc.parametrize("lucid_host", hosts, indirect=True)
    if "lucid_row" in metafunc.fixturenames:
        with usage_errors():
            rows: list[Service | None] = [*workspace_of(metafunc.config).services]
        of_any = "lucid_audit" in metafunc.fixturenames and "lucid_service" not in metafunc.fixturenames
        if workspace_of(metafunc.config).is_strange and AUDITED & set(metafunc.fixturenames):
            rows = [None] if of_any else []
        elif of_any and metafunc.config.stash[SETTINGS].all_dockerfiles:
            rows.append(None)  # one cell for all Dockerfiles that belong to no row
        ids = [row.name if row else OTHERS for row in rows]
        metafunc.parametrize("lucid_row", rows, ids=ids, indirect=True)


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> None:
    """Start anew where a path stands behind a space: pytest takes it for a test, and for where its root is.

    To explain a check of ours nobody's tests and options are needed: that is done here, before any is loaded.
    """
    wanted = early_config.known_args_namespace.lucid_explain or os.environ.get("LUCID_EXPLAIN") or ""
    if page := shipped().get(wanted.upper()) if wanted else None:
        print(page)  # noqa: T201 - nothing of pytest's own is there yet
        raise SystemExit(pytest.ExitCode.OK)
    given = early_config.invocation_params
    joined = list(joined_paths(map(str, given.args)))
    if joined != [*map(str, given.args)]:
        raise SystemExit(pytest.main(joined, plugins=list(given.plugins or ())))


@pytest.hookimpl(wrapper=True)
def pytest_pycollect_makeitem() -> Generator[None, object, object]:
    """Collect no cell of a check that the matrix does not demand, of this service or at all."""
    found = yield
    if not isinstance(found, list):
        return found
    return [item for item in found if not isinstance(item, pytest.Function) or _is_wanted(item)]


def _is_wanted(item: pytest.Function) -> bool:
    if "lucid_row" in item.fixturenames and workspace_of(item.config).is_strange and AUDITED & set(item.fixturenames):
        # pytest makes one item, to be skipped, of a test without any row.
        return "lucid_audit" in item.fixturenames and "lucid_service" not in item.fixturenames
    try:
        check = check_of(item)
        return check is None or demanded(item, check)
    except ConfigError:
        return True  # reported once, after the collection, and not as an error of collecting


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Read what each check says of itself, for JUnit files to carry along, and expect waived cells to fail."""
    for item in items:
        with usage_errors():
            if check := check_of(item):
                if isinstance(item, pytest.Function):
                    demanded(item, check)
                item.stash[CHECK] = check = graded(check, workspace_of(config).matrix.severity)
                item.user_properties.append(("lucid.check", check.id))
                item.user_properties.append(("lucid.severity", check.severity))
                if host := host_name(item):
                    item.user_properties.append(("lucid.host", host))
                if waivers := workspace_of(config).matrix.waiver:
                    from pytest_lucid.plugin.records import waive  # noqa: PLC0415 - only for runs with checks

                    waive(item, check, waivers)


def check_of(item: pytest.Item) -> Check | None:
    """What the marker of a test says; None for a test that is no check."""
    marker = item.get_closest_marker("lucid")
    return read_check(item.nodeid, marker.args, marker.kwargs) if marker else None


def graded(check: Check, severities: Mapping[str, str]) -> Check:
    """The check with the severity that this tree gives it."""
    return replace(check, severity=severities.get(check.id, check.severity))


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop(session: pytest.Session) -> bool | None:
    """With --lucid-explain: explain one check, and run none."""
    wanted = (session.config.stash[SETTINGS].explain or "").upper()
    if not wanted:
        return None
    checks = {item.stash[CHECK].id: item for item in session.items if CHECK in item.stash}
    if wanted not in checks:
        known = ", ".join(sorted(checks)) or "none, because no check was collected"
        raise pytest.UsageError(f"--lucid-explain: no check {wanted!r}; expected one of {known}")
    item = checks[wanted]
    docstring = inspect.getdoc(getattr(item, "function", None)) or ""
    reporter = session.config.pluginmanager.getplugin("terminalreporter")
    reporter.write_line(explain(item.stash[CHECK], docstring))
    return True


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Remember whether a check runs: the hook below does not receive the item."""
    item.config.stash[IN_WORDS] = CHECK in item.stash and not item.config.stash[SETTINGS].trace
    return (yield)


@pytest.hookimpl(tryfirst=True)
def pytest_assertrepr_compare(config: pytest.Config, op: str, left: object, right: object) -> list[str] | None:
    """Say in words why a comparison of a check does not hold."""
    if not config.stash.get(IN_WORDS, False):
        return None
    from pytest_lucid.report.words import compared  # noqa: PLC0415 - only for runs with checks

    return compared(op, left, right)


# Outside pytest's own handling of expected failures, so that its verdict is seen here.
@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Put the record of the cell into the report, and tell a claim that does not hold without a traceback."""
    report = yield
    check = item.stash.get(CHECK, None)
    if check is None:
        return report
    from pytest_lucid.plugin.records import put_record  # noqa: PLC0415 - only for runs with checks

    put_record(item, check, call, report)
    return report
