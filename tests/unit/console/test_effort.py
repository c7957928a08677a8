"""What an answer took, in words."""

from __future__ import annotations

import pytest

from colloquy.console.effort import ToolLine, effort_of, stopped_text
from colloquy.console.transcript import Answer, Line, Step, lines
from colloquy.model.usage import ModelUse, ToolUse
from colloquy.model.views import ReplyReason, ReplyView, TranscriptItem

AT = "2026-11-21T10:00:00Z"


def shown(*items: TranscriptItem) -> list[Line]:
    return lines(items, lambda actor: actor, "/console/inbox/abc", {})


def call(seq: int = 3, id_: str = "c1", cut: int | None = None) -> TranscriptItem:
    return TranscriptItem(
        "tool_call", seq, AT, name="find", call_id=id_, arguments='{"number":3}', cut=cut
    )


def result(seq: int = 4, id_: str = "c1", outcome: str = "ok", **fields: object) -> TranscriptItem:
    known = {"outcome": outcome, "seconds": 0.0312, "result": "[1]", **fields}
    return TranscriptItem("tool_result", seq, AT, name="find", call_id=id_, **known)  # type: ignore[arg-type]


def test_tokens_price_and_tools() -> None:
    use = ModelUse(
        "small", 2, 1200, 40, False, 0.0031, "EUR",
        [ToolUse("find", "ok", 0.0312), ToolUse("send", "timeout", 5.02, "too slow")],
    )  # fmt: skip
    found = effort_of(use)
    assert (found.model, found.requests, found.tokens) == ("small", "2 requests", "1,240 tokens")
    assert (found.split, found.cost) == ("1,200 sent, 40 received", "0.00310 EUR")
    assert found.failed == ""
    assert [(one.name, one.outcome.text, one.took, one.detail) for one in found.tools] == [
        ("find", "Done", "31 ms", ""), ("send", "Took too long", "5.0 s", "too slow"),
    ]  # fmt: skip


def test_what_is_estimated_failed_or_not_known_says_so() -> None:
    found = effort_of(ModelUse("small", 1, 10, 0, True, 12.5, "EUR", failed="cut"))
    assert (found.requests, found.tokens, found.cost) == (
        "1 request", "about 10 tokens", "about 12.50 EUR",
    )  # fmt: skip
    assert found.failed == "broke off"
    nothing = effort_of(ModelUse("small", failed="something_new"))
    assert (nothing.tokens, nothing.cost, nothing.failed) == ("", "", "Something new")


@pytest.mark.parametrize(
    ("why", "text"),
    [
        (ReplyReason("model:small"), ""),
        (
            ReplyReason("model:small", stopped=True, written=0),
            "Stopped by the visitor before the first word",
        ),
        (
            ReplyReason("model:small", stopped=True, written=1),
            "Stopped by the visitor after 1 character",
        ),
        (
            ReplyReason("model:small", stopped=True, written=1234),
            "Stopped by the visitor after 1,234 characters",
        ),
    ],
)
def test_that_somebody_stopped_it(why: ReplyReason, text: str) -> None:
    assert stopped_text(why) == text


def test_a_call_and_its_result_are_one_line() -> None:
    (line,) = shown(call(), result())
    assert isinstance(line, ToolLine)
    assert (line.seq, line.name, line.took) == (3, "find", "31 ms")
    assert line.outcome is not None and line.outcome.text == "Done"
    assert (line.arguments, line.result, line.error) == ('{"number":3}', "[1]", "")


def test_what_is_on_another_page_is_left_out() -> None:
    alone = shown(result(5, "c0"), call(6, "c1", cut=9000), result(7, "c1", cut=120_000))
    first, second = alone
    assert isinstance(first, ToolLine) and isinstance(second, ToolLine)
    assert (first.seq, first.arguments, first.result) == (5, None, "[1]")
    assert second.arguments_cut == "the beginning of 9,000 characters"
    assert second.result_cut == "the beginning of 120,000 characters"
    (last,) = shown(call(9))
    assert isinstance(last, ToolLine)
    assert (last.outcome, last.result) == (None, None)


def test_a_call_that_failed_says_what_the_model_was_told() -> None:
    (line,) = shown(call(), result(outcome="failed", result=None, detail="ValueError: no"))
    assert isinstance(line, ToolLine)
    assert line.outcome is not None and line.outcome.kind == "bad"
    assert (line.result, line.error) == (None, "ValueError: no")


def test_a_reply_and_a_stop_without_one_say_what_they_took() -> None:
    why = ReplyReason("model:small", model=ModelUse("small", 1, 10, 5), stopped=True, written=7)
    view = ReplyView("r1", "abc", 5, AT, text="Once up", interrupted=True)
    answer, step = shown(
        TranscriptItem("reply", 5, AT, reply=view, why=why, state="sent"),
        TranscriptItem("stopped", 6, AT, why=why),
    )
    assert isinstance(answer, Answer) and answer.why is not None
    assert answer.why.stopped == "Stopped by the visitor after 7 characters"
    assert answer.why.effort is not None and answer.why.effort.tokens == "15 tokens"
    assert isinstance(step, Step)
    assert (step.tone, step.detail) == ("warn", "small, 15 tokens")
