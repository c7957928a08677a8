"""What the demo draws."""

from __future__ import annotations

import io

from rich.console import Console

from colloquy.demo.feed import Feed, Figures, Line, understood
from colloquy.demo.screen import LiveScreen, PlainScreen, figure_rows
from colloquy.model.understanding import Entity, Understanding


def test_what_was_understood_in_one_line() -> None:
    entities = [Entity("pet", 0, 3, "dog")]
    assert understood(Understanding(intent="pets", confidence=0.987, entities=entities)) == (
        "pets 0.99 · pet “dog”"
    )
    assert understood(Understanding(guess="pets", confidence=0.4, urgent=True)) == (
        "no intent (0.40, nearest pets) · urgent"
    )
    assert understood(None) == "not understood yet"


def test_plain_lines_come_at_once_and_figures_at_the_end() -> None:
    out = io.StringIO()
    with PlainScreen(out) as screen:
        screen.feed.note("it begins")
        screen.feed.add(Line("in", "Ana", "hi", "greet 1.00"))
        screen.feed.add(Line("out", "Colloquy", "hello"))
        assert out.getvalue().splitlines() == [
            "— it begins",
            "     Ana ▸ hi  [greet 1.00]",
            "Colloquy ◂ hello",
        ]
        screen.feed.figures.accepted = 1234
    assert "1,234 accepted" in out.getvalue()


def test_the_live_screen_keeps_the_newest_lines_and_the_height_of_the_terminal() -> None:
    out = io.StringIO()
    console = Console(file=out, width=100, height=20, force_terminal=True, color_system=None)
    screen = LiveScreen(console)
    for number in range(50):
        screen.feed.add(Line("in", "Ana", f"[b]line {number} " + "x" * 200, "greet 1.00"))
    screen.feed.act = "Act 1"
    console.print(screen.render())
    drawn = out.getvalue().splitlines()
    assert len(drawn) <= 20
    assert any("[b]line 49" in line for line in drawn), "brackets are text"
    assert not any("line 0 " in line for line in drawn)
    assert drawn[-1].strip() == "▸ Act 1"
    assert all(len(line) <= 100 for line in drawn)


def test_a_feed_is_bounded() -> None:
    feed = Feed()
    for number in range(1000):
        feed.note(str(number))
    assert len(feed.lines) == 200
    assert feed.lines[-1].text == "999"


def test_figures() -> None:
    figures = Figures(latencies_s=[number / 1000 for number in range(1, 101)])
    assert figures.percentile_ms(0.5) == 51.0
    assert figures.percentile_ms(0.99) == 100.0
    assert Figures().percentile_ms(0.5) is None
    assert figures.report()["latency_ms"] == {"p50": 51.0, "p99": 100.0}
    assert figures.kept_its_promises
    assert not Figures(lost=1).kept_its_promises
    assert "kill" not in str(figure_rows(figures))
    assert ("0", "lost") in figure_rows(Figures(kills=1))
