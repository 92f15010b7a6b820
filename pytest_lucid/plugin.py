"""The glue to pytest: options, parametrization, the stack's lifetime, what a report carries.

No condition about containers belongs here, and none of the engine's libraries is loaded before it is needed: this
module is imported by every pytest run of an environment in which the plugin is installed.
"""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from pytest_lucid.errors import LucidError
from pytest_lucid.settings import OPTIONS, Settings, read_settings

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    from pytest_lucid.session import Lucid

pytest_plugins = ["pytest_lucid.fixtures"]

SETTINGS = pytest.StashKey[Settings]()
LUCID = pytest.StashKey["Lucid"]()
MARKER = (
    "lucid(id, severity, remedy): a check of the Lucid suite: a stable id, how bad it is when it fails "
    "(critical, high, medium, low), and what to do then"
)
ACTIONS = {"flag": "store_true", "value": "store", "path": "store", "list": "append"}
INI_TYPES = {"flag": "bool", "value": "string", "path": "string", "list": "args"}


def lucid_of(config: pytest.Config) -> Lucid:
    """What this process knows of Lucid; made on first use, so that other people's runs do not pay for it."""
    from pytest_lucid.session import Lucid  # noqa: PLC0415 - loads the engine's libraries

    if LUCID not in config.stash:
        config.stash[LUCID] = Lucid(config.stash[SETTINGS])
    return config.stash[LUCID]


@contextmanager
def usage_errors() -> Iterator[None]:
    """Show a problem that the user can solve as one message, and exit with pytest's code for such problems: 4."""
    try:
        yield
    except LucidError as error:
        raise pytest.UsageError(str(error)) from error


def pytest_addoption(parser: pytest.Parser) -> None:
    """Offer every option on the command line and in the ini file; the environment needs no offering."""
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
    with usage_errors():
        settings = read_settings(
            cli=lambda name: getattr(config.option, f"lucid_{name}"),
            environ=os.environ,
            ini=lambda name: config.getini(f"lucid_{name}"),
            rootdir=config.rootpath,
        )
        config.stash[SETTINGS] = settings
        asked = settings.matrix or settings.services or settings.wants_images
        if asked and not config.option.help:
            _ = lucid_of(config).services
    if not hasattr(config, "workerinput"):
        from pytest_lucid.controller import Controller  # noqa: PLC0415 - not for xdist's workers

        config.pluginmanager.register(Controller(config), "lucid-controller")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test that asks for the service once for each service."""
    if "lucid_service" in metafunc.fixturenames:
        with usage_errors():
            services = lucid_of(metafunc.config).services
        metafunc.parametrize("lucid_service", services, ids=[service.name for service in services], indirect=True)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Name the check in each test's properties, which JUnit files carry along."""
    for item in items:
        if marker := item.get_closest_marker("lucid"):
            item.user_properties.append(("lucid.check", marker.args[0]))
            item.user_properties.append(("lucid.severity", marker.kwargs["severity"]))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Say in the report which cell it is; on failure add the remedy and what the container logged last."""
    report = yield
    marker = item.get_closest_marker("lucid")
    if marker is None:
        return report
    service = _service_name(item)
    # Attributes of a report survive the way from an xdist worker, if JSON can say them.
    report.lucid = {"check": marker.args[0], "service": service}  # type: ignore[attr-defined]
    if report.failed:
        if call.excinfo and isinstance(call.excinfo.value, LucidError):
            report.longrepr = str(call.excinfo.value)
        _add_section(report, f"{marker.args[0]} ({marker.kwargs['severity']}): remedy", marker.kwargs["remedy"])
        if service and "deployment" in getattr(item, "fixturenames", ()):
            log = lucid_of(item.config).deployment.container(service).log
            _add_section(report, f"{service}: last log lines", log or "(nothing logged)")
    return report


def _service_name(item: pytest.Item) -> str | None:
    callspec = getattr(item, "callspec", None)
    service = callspec.params.get("lucid_service") if callspec else None
    return service.name if service else None


def _add_section(report: pytest.TestReport, title: str, content: str) -> None:
    longrepr = report.longrepr
    if isinstance(longrepr, str):
        report.longrepr = f"{longrepr}\n\n{title}\n{content}"
    elif add := getattr(longrepr, "addsection", None):
        add(title, content)
