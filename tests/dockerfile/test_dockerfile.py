"""What the document claims of every Dockerfile."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pytest_lucid.review import health, identity, lint, stages
from pytest_lucid.review.finding import listing

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_lucid.review.review import Review


@pytest.mark.lucid("DKF-FILE", severity="critical", remedy="Write it, or correct `dockerfile` in the matrix.")
def test_file_is_there(service_file: Path) -> None:
    """The Dockerfile lies where the matrix says, so that the document's build command works as it stands."""
    assert service_file.is_file(), f"{service_file}:1: no such file"


@pytest.mark.lucid("DKF-PARSE", severity="critical", remedy="Mend what the builder refuses.")
def test_builder_accepts_it(review: Review) -> None:
    """No builder would refuse the file: names, arguments, quotes and here-documents are complete."""
    findings = review(stages.refused)
    assert not findings, listing(findings)


@pytest.mark.lucid(
    "DKF-HADOLINT", severity="medium", remedy="Follow the rule, or ignore it in lucid.toml with a reason."
)
def test_hadolint_finds_nothing(review: Review) -> None:
    """Nothing is found by hadolint from the matrix's threshold on, but for the rules that it ignores with a reason."""
    findings = review(lint.hadolint)
    assert not findings, listing(findings)


@pytest.mark.lucid("DKF-STAGES", severity="high", remedy="Build in one stage and copy its results into the next.")
def test_built_in_stages(review: Review) -> None:
    """The image is made of more than one stage, so that compilers and package managers stay behind."""
    findings = review(stages.single_stage)
    assert not findings, listing(findings)


@pytest.mark.lucid("DKF-BASE", severity="critical", remedy="Start the final stage FROM the base of the matrix.")
def test_base_is_demanded_one(review: Review) -> None:
    """The final stage is on the matrix's base, after all build arguments are put in."""
    findings = review(stages.other_base)
    assert not findings, listing(findings)


@pytest.mark.lucid("DKF-USER", severity="high", remedy="End the final stage with USER 65532:65532.")
def test_user_is_nonroot(review: Review) -> None:
    """The final stage runs as the matrix's user, by number, so that a break-out does not start as root."""
    findings = review(identity.other_user)
    assert not findings, listing(findings)


@pytest.mark.lucid("DKF-EXEC", severity="critical", remedy='Write it as an array in JSON: ["program", "argument"].')
def test_commands_need_no_shell(review: Review) -> None:
    """ENTRYPOINT, CMD and HEALTHCHECK are in exec form: the base has no shell, and signals reach the service."""
    findings = review(identity.shell_form)
    assert not findings, listing(findings)


@pytest.mark.lucid("DKF-PORTS", severity="medium", remedy="EXPOSE the ports of the matrix, and no others.")
def test_ports_are_those_of_matrix(service_review: Review) -> None:
    """The image declares exactly the ports of the matrix."""
    findings = service_review(identity.other_ports)
    assert not findings, listing(findings)


@pytest.mark.lucid("DKF-ENV", severity="medium", remedy="Set the variable with ENV in the final stage.")
def test_environment_is_that_of_matrix(service_review: Review) -> None:
    """The image sets what the matrix demands, PORT included, so that it runs with no other configuration."""
    findings = service_review(identity.other_environment)
    assert not findings, listing(findings)


@pytest.mark.lucid(
    "DKF-LABELS", severity="low", remedy="Give the label a value in the final stage; declare its ARG there."
)
def test_labels_are_told(service_review: Review) -> None:
    """Every label of the matrix is there and not empty, and phase, cluster and service are those of the row."""
    findings = service_review(identity.missing_labels)
    assert not findings, listing(findings)


@pytest.mark.lucid("DKF-HEALTH", severity="high", remedy="Add HEALTHCHECK: 30 s, timeout 10 s, 3 retries.")
def test_health_check_is_there(service_review: Review) -> None:
    """The image tells the engine how to see that it is healthy, as often as all services do."""
    findings = service_review(health.missing_health_check)
    assert not findings, listing(findings)


@pytest.mark.lucid("DKF-NAME", severity="medium", remedy="Use the name of the matrix, with the prefix lucid-.")
def test_names_have_prefix(service_review: Review) -> None:
    """Container and image carry the prefix that all of Lucid shares, and the Dockerfile names the same service."""
    findings = service_review(identity.other_name)
    assert not findings, listing(findings)
