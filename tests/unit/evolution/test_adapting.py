"""V1 and V2 into each other: nothing is lost, whatever is made up; errors name their place."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from colloquy.evolution import V1_KEY, V2_KEY, Place, to_v1, to_v2
from colloquy.model.errors import InvalidInput, InvalidUnicode, MalformedV1
from colloquy.model.message import Media, Message, Sender, Text, ToolCall, ToolResult, encode
from support.evolution import v1_messages, v2_messages

ANN = Place("ann")
places = st.sampled_from([Place(), ANN, Place(None, "web"), Place("ann", "web", "second", "t")])


def canonical(value: Any) -> str:
    return json.dumps(msgspec.to_builtins(value), sort_keys=True)


@settings(max_examples=80)
@given(v2_messages(), places)
def test_v2_comes_back_from_v1(message: Message, place: Place) -> None:
    if place.conversation is not None:
        message = msgspec.structs.replace(message, conversation=place.conversation)
    v1 = msgspec.json.decode(encode(to_v1(message, place)))  # as it went over a wire
    back = to_v2(v1, place)
    assert back == message
    assert canonical(back) == canonical(message)


@settings(max_examples=80)
@given(v1_messages(), places)
@example({"role": "user", "content": "x", "metadata": {V2_KEY: {}}, "foo": 1}, ANN)
@example({"role": "user", "content": "x", "metadata": {V2_KEY: {"set": {"urgent": True}}}}, ANN)
@example({"role": "user", "content": "x", "metadata": {V1_KEY: {}, V2_KEY: {}}}, ANN)
def test_v1_comes_back_from_v2(v1: dict[str, Any], place: Place) -> None:
    if place.conversation is not None and v1.get("conversation_id") is not None:
        v1["conversation_id"] = place.conversation
    if place.conversation is None and v1.get("conversation_id") is None:
        v1["conversation_id"] = "ann"
    message = msgspec.json.decode(encode(to_v2(v1, place)), type=Message)
    back = to_v1(message, place)
    assert back == v1
    assert canonical(back) == canonical(v1)


@settings(max_examples=40)
@given(v2_messages(), st.dictionaries(st.sampled_from(["foo", "content", "role"]), st.text("ab")))
def test_what_a_v1_client_edits_is_kept_as_it_says(message: Message, edits: dict[str, Any]) -> None:
    """Of a message that came from V2: nothing of either is lost, and the edit counts."""
    v1 = {**to_v1(message), **edits}
    try:
        edited = to_v2(v1)
    except MalformedV1 as error:
        assert error.field in ("role", "content", "tool_call_id", "name")
        return
    assert to_v1(edited) == v1
    if isinstance(v1["content"], str) and v1["role"] != "tool" and "content" in edits:
        assert edited.full_text == v1["content"] or edited.parts


def test_what_both_hold_has_no_mark() -> None:
    v1 = {
        "conversation_id": "ann",
        "id": "m-1",
        "role": "user",
        "content": "Hello",
        "name": "Ann",
        "timestamp": "2026-01-31T10:00:00Z",
        "metadata": {"tab": 2},
    }
    message = to_v2(v1)
    assert (message.conversation, message.id, message.text) == ("ann", "m-1", "Hello")
    assert message.sender == Sender("ann", name="Ann")
    assert message.metadata == {"tab": 2}
    assert to_v1(message) == v1


def test_what_v1_cannot_hold_travels_under_one_key() -> None:
    message = Message(conversation="ann", text="now", urgent=True, stream="tab", sequence=3)
    v1 = to_v1(message)
    assert v1["content"] == "now"
    assert v1["metadata"] == {V2_KEY: {"set": {"sequence": 3, "stream": "tab", "urgent": True}}}


def test_what_v2_does_not_know_is_kept() -> None:
    v1 = {"role": "user", "content": "hi", "refusal": None, "id": 17, "likes": 3}
    message = to_v2(v1, ANN)
    assert message.id == "17"
    assert message.metadata == {
        V1_KEY: {"set": {"id": 17, "likes": 3, "refusal": None}, "unset": ["conversation_id"]}
    }


def test_tool_calls_and_their_results() -> None:
    calls = [
        {"id": "c1", "type": "function", "function": {"name": "find", "arguments": '{"id":1}'}},
        {"id": "c2", "type": "function", "function": {"name": "find", "arguments": "not json"}},
    ]
    asked = to_v2({"role": "assistant", "content": None, "tool_calls": calls}, ANN)
    assert asked.parts == [
        ToolCall("c1", "find", {"id": 1}),
        ToolCall("c2", "find", {"$arguments": "not json"}),
    ]
    told = to_v2({"role": "tool", "tool_call_id": "c1", "content": "12 rooms"}, ANN)
    assert told.parts == [ToolResult("c1", "12 rooms")]
    assert told.sender == Sender("tool", "system")
    native = Message(conversation="ann", parts=[ToolResult("c1", {"rooms": 12})])
    assert to_v1(native)["role"] == "tool"
    assert to_v1(native)["content"] == '{"rooms":12}'
    old = to_v2({"role": "function", "name": "find", "content": "12 rooms"}, ANN)
    assert old.parts == [ToolResult("function-find", "12 rooms")]


def test_pictures_and_pieces() -> None:
    pieces = [
        {"type": "text", "text": "this one?"},
        {"type": "image_url", "image_url": {"url": "https://a.example/1.png"}},
        {"type": "input_audio", "input_audio": {"data": "AAAA"}},
    ]
    message = to_v2({"conversation_id": "ann", "role": "user", "content": pieces})
    assert message.text == "this one?"
    assert message.parts[0] == Media("https://a.example/1.png", "image/*")
    assert message.metadata == {}
    both = Message(conversation="ann", text="a", parts=[Text("b")])
    assert to_v1(both)["content"] == [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]
    assert "metadata" not in to_v1(both)


@pytest.mark.parametrize(
    ("timestamp", "expected"),
    [
        ("2026-01-31 10:00:00", "2026-01-31T10:00:00Z"),
        ("2026-01-31T12:00:00+02:00", "2026-01-31T12:00:00+02:00"),
        (1769853600, "2026-01-31T10:00:00Z"),
        (1769853600000, "2026-01-31T10:00:00Z"),
        (1769853600.5, "2026-01-31T10:00:00.500000Z"),
    ],
)
def test_times_of_older_tables(timestamp: Any, expected: str) -> None:
    message = to_v2({"role": "user", "content": "x", "timestamp": timestamp}, ANN)
    assert msgspec.to_builtins(message)["sent_at"] == expected


GOOD = {"conversation_id": "ann", "role": "user", "content": "hi"}
CALL = {"function": {"name": "find"}}
LONG = [{"type": "image_url", "image_url": {"url": "u"}}] * 33


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"role": ...}, "role"),
        ({"role": "wizard"}, "role"),
        ({"role": 7}, "role"),
        ({"content": ...}, "content"),
        ({"content": 7}, "content"),
        ({"content": ["x"]}, "content[0]"),
        ({"content": [{"text": "x"}]}, "content[0].type"),
        ({"content": LONG}, "content"),
        ({"id": ""}, "id"),
        ({"id": True}, "id"),
        ({"id": "x" * 257}, "id"),
        ({"conversation_id": ...}, "conversation_id"),
        ({"conversation_id": []}, "conversation_id"),
        ({"timestamp": "yesterday"}, "timestamp"),
        ({"timestamp": 1e30}, "timestamp"),
        ({"timestamp": True}, "timestamp"),
        ({"name": "x" * 201}, "name"),
        ({"metadata": []}, "metadata"),
        ({"tool_calls": [{}]}, "tool_calls[0].function"),
        ({"tool_calls": [{"function": {}}]}, "tool_calls[0].function.name"),
        ({"tool_calls": [{**CALL, "type": "magic"}]}, "tool_calls[0].type"),
        ({"role": "tool"}, "tool_call_id"),
        ({"role": "function"}, "name"),
    ],
)
def test_what_is_wrong_is_named(changes: dict[str, Any], field: str) -> None:
    v1 = {name: value for name, value in {**GOOD, **changes}.items() if value is not ...}
    with pytest.raises(MalformedV1) as caught:
        to_v2(v1)
    assert (caught.value.code, caught.value.field) == ("malformed_v1", field)


def test_a_message_of_another_conversation_is_refused() -> None:
    with pytest.raises(MalformedV1) as caught:
        to_v2(GOOD, Place("ben"))
    assert caught.value.field == "conversation_id"


def test_what_is_no_json_is_refused() -> None:
    with pytest.raises(InvalidUnicode):
        to_v2({**GOOD, "content": "\ud800"})
    with pytest.raises(MalformedV1, match="not JSON"):
        to_v2({**GOOD, "other": object()})
    with pytest.raises(InvalidInput):
        to_v1(Message(conversation="ann"))


@pytest.mark.parametrize("layer", [V1_KEY, V2_KEY])
def test_layers_upon_layers_end_in_an_error_or_come_back(layer: str) -> None:
    metadata: dict[str, Any] = {}
    for _ in range(120):
        metadata = {layer: {"kept": metadata, "set": {"metadata": metadata}}}
        metadata = {layer: {"kept": metadata[layer]["kept"]}}
    v1 = {**GOOD, "metadata": metadata}
    assert to_v1(to_v2(v1)) == v1
    deep: dict[str, Any] = {}
    for _ in range(100_000):
        deep = {"a": deep}
    nested: dict[str, Any] = {**GOOD, "metadata": deep}
    with pytest.raises(InvalidInput):
        to_v2(nested)
    nested.clear()
    while deep:  # a tree this deep cannot be let go of at once
        deep = deep.pop("a")


def test_a_log_in_openai_form() -> None:
    log: list[dict[str, Any]] = [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Rooms?"},
        {
            "role": "assistant",
            "content": None,
            "refusal": None,
            "tool_calls": [
                {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}
            ],
        },
        {"role": "tool", "tool_call_id": "c", "content": "[1, 2]"},
        {"role": "assistant", "content": "Two."},
    ]
    messages = [to_v2(one, ANN) for one in log]
    assert [message.full_text for message in messages] == ["Be brief.", "Rooms?", "", "", "Two."]
    assert [to_v1(message, ANN) for message in messages] == log
