from __future__ import annotations

import re
from itertools import count

from pytest_lucid.report.progress import Drawing


def screen(written: list[str]) -> list[str]:
    """What a terminal shows that obeys the two sequences which are used: up, and clear to the end."""
    lines: list[str] = [""]
    for part in re.split(r"(\x1b\[\d+A\r\x1b\[J)", "".join(written)):
        if up := re.match(r"\x1b\[(\d+)A", part):
            lines = [*lines[: len(lines) - 1 - int(up[1])], ""]
        else:
            first, *others = part.split("\n")
            lines = [*lines[:-1], lines[-1] + first, *others]
    return lines[:-1]


def test_elsewhere_a_line_when_a_service_is_ready() -> None:
    written: list[str] = []
    drawing = Drawing(written.append, live=False, width=80, clock=count().__next__)
    for state in ("building", "built", "starting", "starting", "healthy", "healthy"):
        drawing.service("lucid-a", state)
    drawing("all is well")
    drawing.close()
    assert written == ["lucid: lucid-a: healthy after 2.0 s\n", "lucid: all is well\n", ""]


def test_on_a_terminal_a_line_for_each_service_that_is_not_ready() -> None:
    written: list[str] = []
    drawing = Drawing(written.append, live=True, width=80, clock=count().__next__)
    drawing.service("lucid-a", "building")
    drawing.service("lucid-bb", "starting")
    drawing("built lucid-a")
    drawing.service("lucid-a", "healthy")
    assert screen(written) == ["lucid: built lucid-a", "  lucid-bb  starting, 4.0 s", "  1 of 2 services healthy"]
    drawing.close()
    assert screen(written) == ["lucid: built lucid-a"]


def test_many_services_leave_room_and_no_line_is_too_long() -> None:
    written: list[str] = []
    drawing = Drawing(written.append, live=True, width=40, clock=count().__next__)
    for number in range(60):
        drawing.service(f"lucid-{number}-{'x' * 40}", "starting")
    shown = screen(written)
    assert len(shown) == 13
    assert max(map(len, shown)) < 40


def test_what_has_not_changed_is_not_drawn_at_every_question() -> None:
    written: list[str] = []
    drawing = Drawing(written.append, live=True, width=80, clock=lambda: 1.0)
    for _ in range(100):
        drawing.service("lucid-a", "starting")
    assert len([text for text in written if "lucid-a" in text]) == 1
