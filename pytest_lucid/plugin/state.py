"""What the parts of the plugin share through pytest's stash, and the questions that they all ask of it."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from pytest_lucid.errors import ConfigError, LucidError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_lucid.audit.audit import Audit
    from pytest_lucid.config.check import Check
    from pytest_lucid.config.settings import Settings
    from pytest_lucid.matrix import Service
    from pytest_lucid.report.baseline import Baseline
    from pytest_lucid.target.workspace import Workspace

# The column of all Dockerfiles that belong to no row of the matrix.
OTHERS = "other-dockerfiles"
SETTINGS: pytest.StashKey[Settings] = pytest.StashKey()
WORKSPACE: pytest.StashKey[Workspace] = pytest.StashKey()
CHECK: pytest.StashKey[Check] = pytest.StashKey()
# The property of a test that says which session the run has written.
JOURNEY = "lucid.journey"
AUDIT: pytest.StashKey[Audit] = pytest.StashKey()
# The last day (ISO) and the reason of the waiver that covers an item.
WAIVER = pytest.StashKey[tuple[str, str]]()
# Whether the running test is a check whose failed claim is reported in words.
BASELINE = pytest.StashKey["Baseline"]()
IN_WORDS = pytest.StashKey[bool]()


def workspace_of(config: pytest.Config) -> Workspace:
    """What this process knows of Lucid; made on first use, so that other people's runs do not pay for it."""
    from pytest_lucid.engine.run import Run  # noqa: PLC0415 - loads the engine's libraries
    from pytest_lucid.target.workspace import Workspace  # noqa: PLC0415 - likewise

    if WORKSPACE not in config.stash:
        inputs: dict[str, str] = getattr(config, "workerinput", {})
        run = Run(inputs["lucid_run"], inputs["lucid_owner"]) if "lucid_run" in inputs else None
        config.stash[WORKSPACE] = Workspace(config.stash[SETTINGS], run)
    return config.stash[WORKSPACE]


def baseline_in(config: pytest.Config) -> Baseline | None:
    """The baseline that the user gave; raises ConfigError for a file that is none."""
    path = config.stash[SETTINGS].baseline
    if path and BASELINE not in config.stash:
        from pytest_lucid.report.baseline import baseline_of  # noqa: PLC0415 - loads libraries for runs with a baseline
        from pytest_lucid.report.json_file import read  # noqa: PLC0415 - likewise

        try:
            text = path.read_text("utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(
                f"--lucid-baseline: {path} cannot be read ({error}); write it with --lucid-json"
            ) from error
        config.stash[BASELINE] = baseline_of(read(text, f"--lucid-baseline: {path}"), path.name)
    return config.stash.get(BASELINE, None)


@contextmanager
def usage_errors() -> Iterator[None]:
    """Show a problem that the user can solve as one message, and exit with pytest's code for such problems: 4."""
    try:
        yield
    except LucidError as error:
        from pytest_lucid.content.masking import clean  # noqa: PLC0415 - has many patterns, for runs with an error

        raise pytest.UsageError(clean(str(error))) from error


def cell_name(item: pytest.Item) -> str | None:
    """What a waiver calls the item's column: its service, or that of the Dockerfiles that belong to no row."""
    callspec = getattr(item, "callspec", None)
    is_other = callspec is not None and callspec.params.get("lucid_row", item) is None
    return OTHERS if is_other else service_name(item)


def service_name(item: pytest.Item) -> str | None:
    """The service that the item is about; None for one about the whole stack."""
    row = row_of(item)
    return row.name if row else None


def row_of(item: pytest.Item) -> Service | None:
    """The row of the matrix that the item is about; None for one about the whole stack."""
    callspec = getattr(item, "callspec", None)
    return callspec.params.get("lucid_row") if callspec else None


def host_name(item: pytest.Item) -> str | None:
    """The host that the item is about; None for one that needs none."""
    settings = item.config.stash[SETTINGS]
    if "lucid_host" not in getattr(item, "fixturenames", ()) or not settings.wants_engine:
        return None
    callspec = getattr(item, "callspec", None)
    return (callspec.params.get("lucid_host") if callspec else None) or workspace_of(item.config).hosts[0]
