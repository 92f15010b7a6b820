from __future__ import annotations

from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any

import pytest
from samples import HOSTILE, bad_tree, broken, green

from pytest_lucid.report import html_file
from pytest_lucid.report.model import Place

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from playwright.sync_api import Browser, Page

    from pytest_lucid.report.model import RunReport

    Show = Callable[..., Page]

REPORTS = pytest.mark.parametrize("make", [green, broken, bad_tree], ids=["green", "broken", "bad"])


def hostile() -> RunReport:
    """Every text that somebody else might have written is hostile, as if nothing before had made it safe."""
    run = broken()
    cells = [
        replace(
            cell,
            claim=HOSTILE,
            remedy=HOSTILE,
            seen=HOSTILE,
            reason=HOSTILE,
            trace=HOSTILE,
            until=HOSTILE,
            places=(Place(HOSTILE, 1, HOSTILE),) if number % 2 else (),
        )
        for number, cell in enumerate(run.cells)
    ]
    services = [
        replace(service, log=(HOSTILE,), health_output=(HOSTILE,), image=HOSTILE, address=HOSTILE, cluster=HOSTILE)
        for service in run.services
    ]
    names = [f.name for f in fields(run.run) if f.name not in {"seconds", "engines", "networks"}]
    answer: dict[str, Any] = dict.fromkeys(names, HOSTILE)
    return replace(run, cells=tuple(cells), services=tuple(services), run=replace(run.run, **answer))


def cells(page: Page) -> str:
    return page.locator("#count").inner_text()


def test_a_script_in_the_data_does_not_run(show: Show) -> None:
    page = show(hostile())
    page.locator("#heat button.failed").first.click()
    assert page.locator("dialog").is_visible()
    assert "<b>" in page.locator("dialog").inner_text()
    assert page.title().startswith("pytest-lucid:")
    assert page.locator("script").count() == 2


def test_even_a_script_that_got_in_is_refused_by_the_policy(browser: Browser, tmp_path: Path) -> None:
    text = html_file.write(green()).replace("<main>", "<main><script>document.title = 'owned'</script>")
    assert "owned" in text
    (tmp_path / "report.html").write_text(text, "utf-8")
    page = browser.new_page()
    page.goto((tmp_path / "report.html").as_uri())
    assert page.title().startswith("pytest-lucid:")
    page.close()


@REPORTS
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_keeps_anybody_from_reading_it(show: Show, make: Callable[[], RunReport], scheme: str) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="nox -s browser installs it").Axe()
    page = show(make(), color_scheme=scheme, bypass_csp=True)
    found = axe.run(page)
    assert found.violations_count == 0, found.generate_report()
    assert len(found.response["passes"]) > 15
    if page.locator("#heat button.failed").count():
        page.locator("#heat button.failed").first.click()
        assert axe.run(page).violations_count == 0


def test_the_accessibility_check_finds_what_is_wrong(show: Show) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="nox -s browser installs it").Axe()
    page = show(green(), bypass_csp=True)
    page.evaluate("document.documentElement.removeAttribute('lang')")
    assert "html-has-lang" in {each["id"] for each in axe.run(page).response["violations"]}


def test_filters(show: Show) -> None:
    page = show(broken())
    whole = len(broken().cells)
    assert cells(page) == f"{whole} of {whole} cells"
    page.locator("#state").select_option("failed")
    assert cells(page) == f"7 of {whole} cells"
    page.locator("#area").select_option("IMG")
    assert cells(page) == f"3 of {whole} cells"
    page.locator("#service").select_option(label="lucid-00")
    assert cells(page) == f"0 of {whole} cells"
    page.locator("#state").select_option("")
    page.locator("#area").select_option("")
    page.locator("#service").select_option("")
    page.locator("#search").fill("lucid-03 http")
    assert cells(page) == f"3 of {whole} cells"
    assert page.locator("#heat button:visible").count() == 3
    page.locator("#search").fill("")
    page.locator("#severity").select_option("low")
    assert cells(page) == f"0 of {whole} cells"


def test_a_tile_of_the_overview_shows_its_cells(show: Show) -> None:
    page = show(broken())
    page.locator("#areas button.failed").first.click()
    assert cells(page) == f"3 of {len(broken().cells)} cells"
    assert page.locator("#heat button:visible").count() == 3
    assert page.locator("#service").evaluate("(it) => it.selectedOptions[0].text") == "lucid-03"
    page.locator("#service").select_option("")
    assert cells(page) == f"18 of {len(broken().cells)} cells"


def test_what_follows_from_a_container_that_does_not_run_is_folded(show: Show) -> None:
    page = show(broken())
    causes = page.locator("details.service > article h4").all_inner_texts()
    assert causes
    assert all(text.split()[1].startswith(("DKF", "IMG", "CTR")) for text in causes)
    assert not page.get_by_text("RUN-3", exact=False).first.is_visible()
    page.get_by_text("cells more not judged because of this").click()
    assert page.locator("details.following article").first.is_visible()


def test_findings_that_belong_to_no_service_are_grouped_by_file(show: Show) -> None:
    page = show(bad_tree())
    assert page.locator("details.service > summary h3").all_inner_texts() == [f"svc{at}/Dockerfile" for at in range(7)]


def test_what_is_waived_until_when_and_why_is_there_without_a_click(show: Show) -> None:
    answer = show(green(), java_script_enabled=False).locator("section[aria-labelledby=excused] li").all_inner_texts()
    assert [" ".join(text.split()) for text in answer] == [
        "w DKF-0 is waived until 2027-01-31 (1 cell): It is known.",
        "s IMG-1 was skipped (1 cell): there is nothing to see",
    ]


def test_every_cell_has_a_name_for_screen_readers(show: Show) -> None:
    page = show(broken(20, 40), bypass_csp=True)
    page.wait_for_function("!document.querySelector('#heat button:not([aria-label])')")
    assert page.locator("#heat button.failed").first.get_attribute("aria-label") == "DKF-0, lucid-03: failed"


def test_by_keyboard_alone(show: Show) -> None:
    page = show(broken())
    page.locator("#severity").focus()
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.dataset.cell") is not None
    first = page.evaluate("document.activeElement.getAttribute('aria-label')")
    page.keyboard.press("ArrowDown")
    assert page.evaluate("document.activeElement.getAttribute('aria-label')") != first
    for _ in range(3):
        page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    dialog = page.locator("dialog")
    assert dialog.is_visible()
    assert "lucid-03" in dialog.inner_text()
    assert "no room left" in dialog.inner_text()
    assert "What to do" in dialog.inner_text()
    page.keyboard.press("Escape")
    assert not dialog.is_visible()
    assert "failed" in page.evaluate("document.activeElement.getAttribute('aria-label')")


def test_every_cell_opens_to_what_is_known_of_it(show: Show) -> None:
    page = show(green())
    page.locator("#heat button.waived").click()
    text = page.locator("dialog").inner_text()
    assert "Waived until 2027-01-31" in text
    assert "It is known." in text


def test_without_scripts_it_still_says_what_is_wrong(show: Show) -> None:
    page = show(broken(), java_script_enabled=False)
    assert page.get_by_text("found 'exited', expected 'running'").first.is_visible()
    assert not page.locator("#filters").is_visible()


def test_printed_it_says_everything(show: Show) -> None:
    page = show(bad_tree())
    page.emulate_media(media="print")
    assert not page.locator("#filters").is_visible()
    assert page.get_by_text("This is wrong in way 76.").is_visible()


@pytest.mark.parametrize("width", [390, 1280])
def test_nothing_sticks_out(show: Show, width: int) -> None:
    page = show(broken(60), viewport={"width": width, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_the_matrix_has_its_size_before_all_of_it_is_laid_out(show: Show) -> None:
    page = show(broken(6, 150), bypass_csp=True)
    height = page.locator("#heat").evaluate("(it) => it.getBoundingClientRect().height")
    assert height > 150 * 20
    page.add_style_tag(content=".area { content-visibility: visible !important; }")
    laid_out = page.locator("#heat").evaluate("(it) => it.getBoundingClientRect().height")
    assert abs(laid_out - height) < height / 5


def test_the_picture_shows_who_needs_whom(show: Show) -> None:
    page = show(broken())
    assert page.locator("svg g.box").count() == 7
    assert page.locator("svg g.ill").count() == 1
    assert page.locator("svg path.arrow").count() == 11
    assert "172.20.0.2" in str(page.locator("svg").text_content())
    assert page.get_by_text("msgspec").count() == 6
