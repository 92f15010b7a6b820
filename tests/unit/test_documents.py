from __future__ import annotations

import runpy
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pytest_lucid.config.check import Check

ROOT = Path(__file__).parents[2]
sys.path.append(str(ROOT / "scripts"))
SCRIPT: dict[str, Any] = runpy.run_path(str(ROOT / "scripts" / "document.py"))
PAGES: dict[str, Any] = runpy.run_path(str(ROOT / "scripts" / "pages.py"))
CHECKS: list[tuple[Check, str]] = PAGES["read_suite"]()


def test_readme_has_the_table_of_options_as_it_is() -> None:
    readme = (ROOT / "README.md").read_text("utf-8")
    assert SCRIPT["write"](readme, "options", SCRIPT["options"]()) == readme, "run `nox -s docs`"


def test_the_page_of_the_matrix_is_as_its_types_are() -> None:
    made: str = runpy.run_path(str(ROOT / "scripts" / "reference.py"))["matrix"]()
    assert (ROOT / "docs" / "matrix.md").read_text("utf-8") == made, "run `nox -s docs`"


def test_the_pages_of_the_checks_are_as_the_checks_are() -> None:
    written = {page.name: page.read_text("utf-8") for page in (ROOT / "docs" / "checks").glob("*.md")}
    assert written == PAGES["pages"](), "run `nox -s docs`"


@pytest.mark.parametrize("area", ["DKF", "IMG"])
def test_pages_of_files_show_a_defect_before_and_after(area: str) -> None:
    pages = {name: text for name, text in PAGES["pages"]().items() if name.startswith(area)}
    without = {name for name, text in pages.items() if "## Before" not in text or "## After" not in text}
    # Proven by a demand that the healthy image does not meet: there is no other image to show.
    assert without <= {"IMG-PINNED.md"}


def test_no_id_is_used_twice() -> None:
    assert not [check for check, count in Counter(check.id for check, _ in CHECKS).items() if count > 1]


@pytest.mark.parametrize(("check", "docstring"), CHECKS, ids=[check.id for check, _ in CHECKS])
def test_every_check_says_why_it_matters_and_what_to_do(check: Check, docstring: str) -> None:
    assert docstring.rstrip().endswith(".")
    assert check.remedy.endswith(".")


@pytest.mark.parametrize("check", sorted(check.id for check, _ in CHECKS))
def test_every_check_is_proven_by_a_defect(check: str) -> None:
    proofs = [m for m in PAGES["MUTATIONS"] if check in m.proves]
    assert proofs, f"no mutation of tests/proof turns {check} red"


def test_every_check_of_a_container_is_red_without_the_container() -> None:
    renamed = next(each for each in PAGES["MUTATIONS"] if each.name == "another one under a similar name")
    # The matrix of this tree demands neither work that ends, nor instances, nor an address to publish on.
    missed = {check.id for check, _ in CHECKS if check.id.startswith(("CTR-", "RUN-"))} - renamed.kills
    assert missed == {"CTR-BOUND", "CTR-ENDED", "CTR-INSTANCES"}, "OF_CONTAINER or WITHIN of tests/proof/running.py"


def test_every_defect_is_named_once_and_kills_what_exists() -> None:
    mutations = PAGES["MUTATIONS"]
    assert not [name for name, count in Counter(m.name for m in mutations).items() if count > 1]
    known = {check.id for check, _ in CHECKS}
    assert not {check for m in mutations for check in m.proves} - known


def test_a_defect_that_turns_several_claims_false_says_why() -> None:
    silent = [m.name for m in PAGES["MUTATIONS"] if len(m.kills) > 1 and not m.note]
    assert not silent
