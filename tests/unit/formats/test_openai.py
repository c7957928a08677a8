"""Logs in OpenAI's chat form, read and written."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest

from colloquy.formats import Item, Problem, guess, openai, rows
from colloquy.model.message import Media, Message, Sender, Text, ToolCall, ToolResult

LOG: dict[str, Any] = {
    "id": "log-7",
    "channel": "support",
    "score": 0.5,
    "messages": [
        {"role": "system", "content": "Be kind."},
        {"role": "user", "content": "Where is my parcel?", "name": "Ana"},
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [
                {
                    "id": "call_1",
                    "type": "function",
                    "function": {"name": "find_parcel", "arguments": '{"number":12}'},
                }
            ],
        },
        {"role": "tool", "tool_call_id": "call_1", "name": "find_parcel", "content": '{"at":"x"}'},
        {"role": "assistant", "content": "It is on its way."},
        {"role": "user", "content": [{"type": "text", "text": "And this one?"},
                                     {"type": "image_url", "image_url": {"url": "https://x/y"}}]},
        {"role": "assistant", "content": ""},
    ],
}  # fmt: skip


def read(*logs: Any) -> list[Item | Problem]:
    data = b"".join(json.dumps(log).encode() + b"\n" for log in logs)
    return list(openai.read(rows(io.BytesIO(data))))


def messages(*logs: Any) -> list[Message]:
    found = read(*logs)
    assert not [item for item in found if isinstance(item, Problem)]
    return [item.message for item in found if isinstance(item, Item)]


def test_a_log_becomes_one_conversation_in_order() -> None:
    found = messages(LOG)
    assert {(one.channel, one.conversation) for one in found} == {("import", "log-7")}
    assert [one.id for one in found] == [f"import-{index}" for index in range(7)]
    assert [one.sender.kind for one in found if one.sender] == [
        "system", "person", "assistant", "system", "assistant", "person", "assistant",
    ]  # fmt: skip
    assert found[1].sender == Sender("log-7", "person", "Ana")
    assert found[2].parts == [ToolCall("call_1", "find_parcel", {"number": 12})]
    assert found[2].text is None
    assert found[3].parts == [ToolResult("call_1", '{"at":"x"}')]
    assert found[5].parts == [Text("And this one?"), Media("https://x/y", "image/*")]
    assert found[6].text == "", "an empty message keeps its place"


def test_writing_gives_back_what_was_read() -> None:
    assert json.loads(openai.write(messages(LOG))) == LOG


@pytest.mark.parametrize(
    "message",
    [
        {"role": "developer", "content": "Be brief."},
        {"role": "function", "name": "old_style", "content": "7"},
        {"role": "assistant", "content": None, "refusal": "I cannot help with that."},
        {"role": "user", "content": [{"type": "input_audio", "input_audio": {"data": "AA=="}}]},
        {"role": "user", "content": [{"type": "image_url",
                                      "image_url": {"url": "data:," + "x" * 5000}}]},
        {"role": "user", "content": "hi", "weight": 0, "timestamp": "2026-01-01T00:00:00Z"},
        {"role": "assistant", "content": "x", "audio": {"id": "a"}, "annotations": []},
        {"role": "assistant", "content": "Looking.", "tool_calls": [
            {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}},
            {"id": "d", "type": "function", "function": {"name": "f", "arguments": "not json"}},
        ]},
    ],
)  # fmt: skip
def test_forms_that_occur_survive_the_round_trip(message: dict[str, Any]) -> None:
    log = {"id": "one", "messages": [message]}
    assert json.loads(openai.write(messages(log))) == log


def test_the_old_function_call_is_kept_as_a_tool_call() -> None:
    call = {"name": "f", "arguments": '{"a":1}'}
    log = {"id": 1, "messages": [{"role": "assistant", "content": None, "function_call": call}]}
    (message,) = messages(log)
    assert message.conversation == "1"
    assert message.parts == [ToolCall("function-f", "f", {"a": 1})]


def test_a_bad_message_leaves_out_its_log_and_names_the_place() -> None:
    bad = {"id": "b", "messages": [LOG["messages"][0], {"role": "wizard", "content": "x"}]}
    found = read(LOG, bad, {"id": "c"}, {"id": "d", "messages": []}, LOG)
    problems = [item for item in found if isinstance(item, Problem)]
    assert [(one.line, one.code, one.field) for one in problems] == [
        (2, "invalid_input", "messages[1].role"),
        (3, "invalid_input", "messages"),
        (4, "invalid_input", "messages"),
    ]
    assert sum(isinstance(item, Item) for item in found) == 14


def test_a_log_without_an_id_gets_one_from_its_content() -> None:
    log = {"messages": [{"role": "user", "content": "hi"}]}
    other = {"messages": [{"role": "user", "content": "hello"}]}
    first, second, third = messages(log, log, other)
    assert first == second
    assert first.conversation != third.conversation


def test_a_key_that_is_too_long_is_shortened_the_same_way_each_time() -> None:
    log = {"id": "x" * 1000, "messages": [{"role": "user", "content": "hi"}]}
    first, second = messages(log, log)
    assert first == second
    assert len(first.conversation) <= 256


def test_replies_and_parts_without_a_place_are_still_shown() -> None:
    reply = Message(
        conversation="ana", id="r", sender=Sender("human", "person", "Maya"),
        text="Hello", metadata={"author": "human"},
    )  # fmt: skip
    both = Message(
        conversation="ana", id="t", sender=Sender("bot", "agent"), text="Done",
        parts=[ToolResult("c", {"ok": True}), ToolResult("d", error="timeout")],
    )  # fmt: skip
    written = json.loads(openai.write([reply, both]))["messages"]
    assert written == [
        {"role": "assistant", "content": "Hello", "name": "Maya"},
        {"role": "tool", "content": '{"ok":true}', "tool_call_id": "c"},
        {"role": "tool", "content": "timeout", "tool_call_id": "d"},
        {"role": "assistant", "content": "Done"},
    ]


def test_no_messages_are_no_row() -> None:
    assert openai.write([]) == b""


def test_the_format_is_seen_from_the_rows() -> None:
    def name_of(data: bytes) -> tuple[str | None, int]:
        name, again = guess(rows(io.BytesIO(data)))
        return name, len(list(again))

    assert name_of(json.dumps(LOG).encode()) == ("openai", 1)
    assert name_of(b'[{"messages": []}, {"messages": []}]') == ("openai", 2)
    assert name_of(b'oops\n{"conversation": "a", "text": "b"}\n{}\n') == ("jsonl", 3)
    assert name_of(b'{"transcript": "user: hi"}\n') == (None, 1)
