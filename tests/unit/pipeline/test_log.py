"""Events as lines: who said what, in which thread, and how it was meant."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from colloquy.context.lines import Line
from colloquy.pipeline.log import MAX_TEXT, MAX_TOOL_TEXT, line_of, lines_of
from colloquy.storage.store import StoreEvent

FRUSTRATED = {"label": "frustrated", "intensity": 0.8}


def event(kind: str, **body: Any) -> StoreEvent:
    return StoreEvent(1, 10, 7, kind, 5, None, msgspec.json.encode(body))


def message(said: dict[str, Any], **more: Any) -> StoreEvent:
    return event("message", message_id="m", message={"conversation": "c", **said}, **more)


def test_a_message_is_what_its_sender_said_and_meant() -> None:
    found = line_of(
        message(
            {"text": "it is broken", "sender": {"id": "ann", "name": "Ann Lee"}},
            understanding={
                "intent": "complain", "polarity": -0.6, "act": "complain", "emotion": FRUSTRATED,
                "entities": [],
            },
            flow={"thread": "t2"},
        )
    )  # fmt: skip
    assert found == Line(
        7, "visitor", "it is broken", 5, id="m", speaker="Ann Lee", thread="t2",
        intent="complain", emotion="frustrated", polarity=-0.6, act="complain",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("sender", "role"),
    [({}, "visitor"), ({"sender": {"id": "a", "kind": "agent"}}, "agent")],
)
def test_who_is_no_person_has_a_role(sender: dict[str, Any], role: str) -> None:
    assert line_of(message({"text": "hello", **sender})) == Line(7, role, "hello", 5, id="m")


def test_parts_are_read_like_a_text() -> None:
    parts = [
        {"type": "text", "text": "two"},
        {"type": "media", "url": "https://example.com/a.png", "caption": "a red door"},
        {"type": "data", "kind": "form"},
    ]
    found = line_of(message({"text": "one", "parts": parts}))
    assert found is not None and found.text == "one\ntwo\na red door"
    found = line_of(message({"parts": parts[2:]}))
    assert found is not None and found.text == ""


def test_a_reply_has_its_author_and_its_thread() -> None:
    said = {"reply_id": "r", "text": "yes", "thread": "t1", "tone": "warm", "why": {"rule": 1}}
    assert line_of(event("reply", **said)) == Line(7, "assistant", "yes", 5, id="r", thread="t1")
    human = line_of(event("reply", reply_id="r", author="human", author_name="Sue"))
    assert human == Line(7, "human", "", 5, id="r", speaker="Sue")


def test_events_in_which_nothing_was_said_are_no_lines() -> None:
    events = [event("session_opened"), message({"text": "x" * (MAX_TEXT + 1)})]
    (line,) = lines_of(events)
    assert len(line.text) == MAX_TEXT


def test_a_tools_call_and_its_result_are_lines_that_belong_together() -> None:
    call = line_of(event("tool_call", call_id="c", tool="find", arguments='{"a":1}', thread="t1"))
    assert call == Line(
        7, "tool", 'find {"a":1}', 5, thread="t1", kind="call", pair="c"
    )  # fmt: skip
    result = line_of(event("tool_result", call_id="c", tool="find", outcome="ok", result="[2]"))
    assert result == Line(7, "tool", "find ok: [2]", 5, kind="result", pair="c")
    failed = line_of(
        event("tool_result", call_id="c", tool="find", outcome="timeout", error="too slow")
    )
    assert failed is not None and failed.text == "find timeout: too slow"


def test_a_long_result_is_the_beginning_of_one() -> None:
    cut = event("tool_result", call_id="c", tool="find", outcome="ok", result="x" * 5000)
    line = line_of(cut)
    assert line is not None
    assert line.text.endswith(" [cut]") and len(line.text) == MAX_TOOL_TEXT + len(" [cut]")
    short = line_of(
        event("tool_call", call_id="c", tool="find", arguments='{"text":"abc', cut=9000)
    )
    assert short is not None and short.text == 'find {"text":"abc [cut]'
