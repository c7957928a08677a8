"""What is printed."""

from __future__ import annotations

import pytest

from colloquy.cli.output import clock_time, print_error, print_table, progress, shortened
from colloquy.cli.trace import print_trace
from colloquy.model.errors import InvalidInput
from colloquy.model.views import MessageState, ReplyView, Trace, TraceStep


def test_a_table_shows_brackets_as_they_are_and_whole_cells(
    capsys: pytest.CaptureFixture[str],
) -> None:
    print_table(["who", "text"], [("ana", "[red]not markup[/]" * 20), ("ben", None)], empty="none")
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["who", "text"]
    assert lines[1] == "ana  " + "[red]not markup[/]" * 20
    assert len(lines) == 3
    print_table(["who"], [], empty="nobody")
    assert capsys.readouterr().out == "nobody\n"


def test_an_error_stays_on_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    print_error(InvalidInput("too\nlong", field="text"))
    assert capsys.readouterr().err == "error: invalid_input: text: too long\n"


def test_texts_are_shortened_to_one_line() -> None:
    assert shortened("a\n b   c") == "a b c"
    assert shortened("x" * 100, 10) == "x" * 9 + "…"
    assert clock_time("2026-01-31T10:00:00.123456Z") == "2026-01-31 10:00:00"


def test_progress_draws_nothing_where_nobody_looks(capsys: pytest.CaptureFixture[str]) -> None:
    with progress("working", 3) as advance:
        advance(3)
    assert capsys.readouterr() == ("", "")


def test_a_trace_shows_steps_with_the_time_between_them(
    capsys: pytest.CaptureFixture[str],
) -> None:
    reply = ReplyView("r", "c", 3, "2026-01-31T10:00:01.250000Z", text="Hello")
    state = MessageState("m1", "done", "committed", conversation_id="c1", seq=2, replies=[reply])
    steps = [
        TraceStep("2026-01-31T10:00:00.000000Z", "accepted", {"message": {"text": "hi"}}),
        TraceStep("2026-01-31T10:00:00.004000Z", "message", {"seq": 2}),
        TraceStep("2026-01-31T10:00:01.250000Z", "reply", {"text": "Hello"}),
    ]
    print_trace(Trace(state, steps))
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "message m1  done — committed"
    assert lines[1] == "conversation c1, event 2"
    assert "accepted" in lines[2]
    assert "+4.0 ms" in lines[3]
    assert "+1.25 s" in lines[4]
    assert lines[5] == "reply assistant: Hello"
