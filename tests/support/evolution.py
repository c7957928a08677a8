"""Arbitrary valid messages of both formats, and what somebody could make up to confuse them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from hypothesis import strategies as st

from colloquy.evolution.v1 import ALIASES, ROLES
from colloquy.model.message import Data, Media, Message, Sender, Text, ToolCall, ToolResult
from colloquy.model.views import ReplyView

# Everything but lone surrogates, which no JSON can have.
characters = st.characters(codec="utf-8")
text = st.text(characters, max_size=8)
key = st.text(characters, min_size=1, max_size=12)
scalars: st.SearchStrategy[Any] = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | text
scalars |= st.floats(allow_nan=False, allow_infinity=False, width=32)
json = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(text, inner, max_size=2),
    max_leaves=4,
)
# Names that mean something to the adapter, with values that look nearly right.
differences = st.fixed_dictionaries(
    {},
    optional={
        "set": st.dictionaries(
            st.sampled_from(["content", "role", "text", "parts", "id", "metadata", "urgent"]),
            json | st.just("user") | st.just({"v1": {}}),
            max_size=2,
        ),
        "unset": st.lists(st.sampled_from(["conversation_id", "id", "sender"]), max_size=2),
        "kept": json,
    },
)
metadata = st.dictionaries(text, json, max_size=3) | st.dictionaries(
    st.sampled_from(["v1", "colloquy", "tab"]), differences | json, max_size=3
)
objects = st.dictionaries(text, json, max_size=3)
moments = st.datetimes(
    datetime(1971, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC)
) | st.datetimes(
    datetime(1971, 1, 1),
    datetime(2100, 1, 1),
    timezones=st.builds(lambda m: timezone(timedelta(minutes=m)), st.integers(-720, 720)),
)

tool_calls_v2 = st.builds(
    ToolCall,
    call_id=key,
    name=key,
    arguments=objects | st.builds(lambda raw: {"$arguments": raw}, json),
)
parts = st.one_of(
    st.builds(Text, text=text),
    st.builds(
        Media,
        url=key,
        mime=st.sampled_from(["image/*", "image/png", "audio/ogg"]),
        name=st.none() | key,
        size=st.none() | st.integers(0, 2**40),
        caption=st.none() | text,
    ),
    tool_calls_v2,
    st.builds(ToolResult, call_id=key, content=json, error=st.none() | text),
    st.builds(Data, kind=key | st.sampled_from(["v1.audio", "v1.None"]), data=objects),
    st.builds(lambda data: Data("v1.audio", {"type": "audio", **data}), objects),
)
senders = st.builds(
    Sender,
    id=key | st.sampled_from(["assistant", "system", "tool", "function", "developer"]),
    kind=st.sampled_from(["person", "agent", "assistant", "system"]),
    name=st.none() | text,
)


@st.composite
def v2_messages(draw: st.DrawFn) -> Message:
    said = draw(st.none() | text)
    pieces = draw(st.lists(parts, min_size=1 if said is None else 0, max_size=3))
    is_numbered = draw(st.booleans())
    return Message(
        conversation=draw(key | st.just("ann")),
        sender=draw(st.none() | senders),
        id=draw(st.none() | key),
        channel=draw(st.sampled_from(["api", "web"])),
        account=draw(st.sampled_from(["default", "second"])),
        thread=draw(st.sampled_from(["", "t"])),
        text=said,
        parts=pieces,
        stream=draw(key) if is_numbered else None,
        sequence=draw(st.integers(0, 99)) if is_numbered else None,
        reply_to=draw(st.none() | key),
        sent_at=draw(st.none() | moments),
        time_zone=draw(st.none() | st.just("Europe/Berlin")),
        urgent=draw(st.booleans()),
        metadata=draw(metadata),
    )


pieces = st.one_of(
    st.builds(lambda t: {"type": "text", "text": t}, text),
    st.builds(lambda t, more: {**more, "type": "output_text", "text": t}, text, objects),
    st.builds(lambda u: {"type": "image_url", "image_url": {"url": u}}, text),
    st.builds(lambda u: {"type": "image_url", "image_url": {"url": u, "detail": "low"}}, key),
    st.builds(lambda kind, more: {**more, "type": kind}, text, objects),
    st.just({"type": "tool_call", "call_id": "c", "name": "n"}),
)
arguments = (
    text | objects | st.sampled_from(['{"a": 1}', '{"a":1}', "[1]", "", '{"$arguments":"x"}'])
)
tool_calls = st.lists(
    st.builds(
        lambda function, id, more: {**more, **id, "function": function},
        st.builds(lambda name, given: {"name": name, "arguments": given}, key, arguments),
        st.builds(lambda value: {"id": value}, st.none() | key) | st.just({}),
        st.sampled_from([{}, {"type": "function"}, {"type": "function", "index": 0}]),
    ),
    max_size=2,
)
timestamps = st.one_of(
    st.none(),
    moments.map(lambda at: at.isoformat()),
    moments.map(lambda at: at.replace(tzinfo=None).isoformat(" ")),
    st.integers(0, 4_000_000_000),
    st.integers(1_000_000_000_000, 4_000_000_000_000),
    st.floats(0, 4e9),
)


@st.composite
def v1_messages(draw: st.DrawFn) -> dict[str, Any]:
    role = draw(st.sampled_from([*ROLES, *ALIASES]))
    message: dict[str, Any] = {
        "role": role,
        "content": draw(st.none() | text | st.lists(pieces, max_size=3)),
    }
    optional = {
        "id": st.none() | key | st.integers(-(2**63), 2**63 - 1),
        "conversation_id": st.none() | key | st.just("ann"),
        "timestamp": timestamps,
        "name": st.none() | text,
        "tool_calls": st.none() | tool_calls,
        "tool_call_id": st.none() | key,
        "metadata": st.none() | metadata,
        "refusal": json,
        "created_at": json,
    }
    for name, values in optional.items():
        if draw(st.booleans()):
            message[name] = draw(values)
    if role == "tool":
        message["tool_call_id"] = draw(key)
    if role == "function":
        message["name"] = draw(key)
    if message.get("tool_calls") and draw(st.booleans()):
        del message["content"]
    return message


@st.composite
def replies(draw: st.DrawFn) -> ReplyView:
    said = draw(st.none() | text)
    return ReplyView(
        reply_id=draw(key),
        conversation_id=draw(key),
        seq=draw(st.integers(1, 999)),
        at=draw(st.sampled_from(["2026-01-31T10:00:00.000000Z"])),
        text=said,
        parts=draw(st.lists(parts, min_size=1 if said is None else 0, max_size=3)),
        quick_replies=draw(st.lists(text, max_size=2)),
        metadata=draw(metadata),
        turn_id=draw(st.none() | key),
        author=draw(st.sampled_from(["assistant", "human"])),
        author_name=draw(st.none() | key),
        tone=draw(st.none() | st.just("calm")),
        interrupted=draw(st.booleans()),
    )
