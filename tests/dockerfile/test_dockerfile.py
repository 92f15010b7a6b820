"""What the document claims of every Dockerfile."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pytest_lucid.audit.rules import excuses, hadolint_rules, health, metadata, stages

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_lucid.audit.audit import Audit


@pytest.mark.lucid("DKF-FILE", severity="critical", remedy="Write it, or correct `dockerfile` in the matrix.")
def test_file_is_there(lucid_dockerfile_path: Path) -> None:
    """The Dockerfile is at the path in the matrix, so that the document's build command works unchanged."""
    assert lucid_dockerfile_path.is_file(), f"{lucid_dockerfile_path}:1: no such file"


@pytest.mark.lucid("DKF-PARSE", severity="critical", remedy="Mend what the builder refuses.")
def test_builder_accepts_it(lucid_audit: Audit) -> None:
    """No builder would refuse the file: names, arguments, quotes and here-documents are complete."""
    assert not lucid_audit(stages.refused)


@pytest.mark.lucid(
    "DKF-HADOLINT",
    demand="hadolint",
    severity="medium",
    remedy="Follow the rule, or ignore it in lucid.toml with a reason.",
)
def test_hadolint_finds_nothing(lucid_audit: Audit) -> None:
    """Nothing is found by hadolint from the matrix's threshold on, but for the rules that it ignores with a reason."""
    assert not lucid_audit(hadolint_rules.hadolint)


@pytest.mark.lucid(
    "DKF-STAGES",
    demand="content.multi_stage",
    severity="high",
    remedy="Build in one stage and copy its results into the next.",
)
def test_built_in_stages(lucid_audit: Audit) -> None:
    """The image is made of more than one stage, so that compilers and package managers stay behind."""
    assert not lucid_audit(stages.single_stage)


@pytest.mark.lucid(
    "DKF-BASE", demand="base", severity="critical", remedy="Start the final stage FROM the base of the matrix."
)
def test_base_is_demanded_one(lucid_audit: Audit) -> None:
    """The final stage is on the matrix's base, after all build arguments are put in."""
    assert not lucid_audit(stages.other_base)


@pytest.mark.lucid("DKF-USER", demand="user", severity="high", remedy="End the final stage with USER 65532:65532.")
def test_user_is_nonroot(lucid_audit: Audit) -> None:
    """The final stage runs as the matrix's user, by number, so that a break-out does not start as root."""
    assert not lucid_audit(metadata.other_user)


@pytest.mark.lucid(
    "DKF-EXEC",
    demand="content.no_shell",
    severity="critical",
    remedy='Write it as an array in JSON: ["program", "argument"].',
)
def test_commands_need_no_shell(lucid_audit: Audit) -> None:
    """ENTRYPOINT, CMD and HEALTHCHECK are in exec form: the base has no shell, and signals reach the service."""
    assert not lucid_audit(metadata.shell_form)


@pytest.mark.lucid("DKF-EXCUSES", severity="low", remedy="Delete the comment, or write why it is right.")
def test_ignores_are_needed(lucid_audit: Audit) -> None:
    """Every `# lucid: ignore=ID reason` gives a reason and excuses something: a left-over hides the next defect."""
    assert not lucid_audit(excuses.needless_excuses)


@pytest.mark.lucid(
    "DKF-PORTS",
    demand=("ports", "content.exposes"),
    severity="medium",
    remedy="EXPOSE the ports of the matrix, and no others.",
)
def test_ports_are_those_of_matrix(lucid_service_audit: Audit) -> None:
    """The image declares exactly the ports of the matrix."""
    assert not lucid_service_audit(metadata.other_ports)


@pytest.mark.lucid(
    "DKF-ENV",
    demand=("variables", "content.sets_environment"),
    severity="medium",
    remedy="Set the variable with ENV in the final stage.",
)
def test_environment_is_that_of_matrix(lucid_service_audit: Audit) -> None:
    """The image sets what the matrix demands, PORT included, so that it runs with no other configuration."""
    assert not lucid_service_audit(metadata.other_environment)


@pytest.mark.lucid(
    "DKF-LABELS",
    demand="labels",
    severity="low",
    remedy="Give the label a value in the final stage; declare its ARG there.",
)
def test_labels_are_told(lucid_service_audit: Audit) -> None:
    """Every label of the matrix has a value; phase, cluster and service are those of the matrix row."""
    assert not lucid_service_audit(metadata.missing_labels)


@pytest.mark.lucid(
    "DKF-HEALTH", demand="health.interval", severity="high", remedy="Add HEALTHCHECK: 30 s, timeout 10 s, 3 retries."
)
def test_health_check_is_there(lucid_service_audit: Audit) -> None:
    """The image has a health check with the timings that all services share."""
    assert not lucid_service_audit(health.missing_health_check)


@pytest.mark.lucid(
    "DKF-NAME", demand="prefix", severity="medium", remedy="Use the name of the matrix, with the prefix lucid-."
)
def test_names_have_prefix(lucid_service_audit: Audit) -> None:
    """Container and image have the prefix that all of Lucid shares, and the Dockerfile names the same service."""
    assert not lucid_service_audit(metadata.other_name)
