"""What may come in, and how exactly what is wrong is named."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from colloquy.model.errors import (
    InvalidInput,
    InvalidUnicode,
    MalformedJson,
    TooLarge,
    UnsupportedVersion,
)
from colloquy.model.message import (
    MAX_BODY,
    MAX_TEXT,
    Message,
    Sender,
    Text,
    decode_message,
    encode,
    split_items,
)


def body(**fields: Any) -> bytes:
    return msgspec.json.encode({"conversation": "ann", "text": "hello"} | fields)


NOTHING: dict[str, Any] = {"text": None}

WRONG: list[tuple[bytes, type[InvalidInput], str | None]] = [
    (b"", MalformedJson, None),
    (b"{", MalformedJson, None),
    (b"nonsense", MalformedJson, None),
    (body() + b" x", MalformedJson, None),
    (b"null", InvalidInput, None),
    (b"[]", InvalidInput, None),
    (b"{}", InvalidInput, "conversation"),
    (body(conversation=""), InvalidInput, "conversation"),
    (body(conversation="k" * 257), InvalidInput, "conversation"),
    (body(conversation=7), InvalidInput, "conversation"),
    (body(text=5), InvalidInput, "text"),
    (body(text=None), InvalidInput, "text"),
    (body(id=""), InvalidInput, "id"),
    (body(colour="red"), InvalidInput, "colour"),
    (body(channel="a b"), InvalidInput, "channel"),
    (body(channel="-a"), InvalidInput, "channel"),
    (body(channel="web\n"), InvalidInput, "channel"),
    (body(account="a/b"), InvalidInput, "account"),
    (body(sender={}), InvalidInput, "sender.id"),
    (body(sender={"id": "x", "kind": "alien"}), InvalidInput, "sender.kind"),
    (body(sender={"id": "x", "age": 3}), InvalidInput, "sender.age"),
    (body(parts=[{"type": "text"}]), InvalidInput, "parts[0].text"),
    (body(parts=[{"type": "text", "text": "a"}, {"type": "film"}]), InvalidInput, "parts[1].type"),
    (body(parts=[{"type": "media", "url": ""}]), InvalidInput, "parts[0].url"),
    (body(parts=[{"type": "media", "url": "u", "size": -1}]), InvalidInput, "parts[0].size"),
    (body(parts=[{"type": "text", "text": "a"}] * 33), InvalidInput, "parts"),
    (body(stream="tab"), InvalidInput, "sequence"),
    (body(sequence=1), InvalidInput, "stream"),
    (body(stream="tab", sequence=-1), InvalidInput, "sequence"),
    (body(stream="tab", sequence=1.5), InvalidInput, "sequence"),
    (body(stream="tab", sequence=2**53 + 1), InvalidInput, "sequence"),
    (body(sent_at="2026-01-01T00:00:00"), InvalidInput, "sent_at"),
    (body(sent_at="yesterday"), InvalidInput, "sent_at"),
    (body(urgent=1), InvalidInput, "urgent"),
    (body(metadata=[]), InvalidInput, "metadata"),
    (body(version="3"), UnsupportedVersion, "version"),
    (body(version="3", text=None), UnsupportedVersion, "version"),
    (body(text="x" * (MAX_TEXT + 1)), TooLarge, "text"),
    (body(text="x" * MAX_TEXT, parts=[{"type": "text", "text": "y"}]), TooLarge, "text"),
    (body(metadata={"x": "y" * MAX_BODY}), TooLarge, None),
    (b'{"conversation":"a","text":"\\ud800"}', InvalidUnicode, None),
    (b'{"conversation":"a","text":"\\udc00 \\ud83d\\ude00"}', InvalidUnicode, None),
    (b'{"conversation":"a","text":"\\\\\\ud800"}', InvalidUnicode, None),
    (b'{"conversation":"a","text":"x","metadata":{"\\udfff":1}}', InvalidUnicode, None),
    (b'{"conversation":"a","text":"\xff"}', InvalidUnicode, None),
    (b'{"conversation":"a","text":"\xed\xa0\x80"}', InvalidUnicode, None),
    (b'{"conversation":"a","metadata":{"x":' + b"[" * 100_000, InvalidInput, None),
]


@pytest.mark.parametrize(("raw", "error", "field"), WRONG, ids=lambda value: repr(value)[:40])
def test_what_is_wrong_is_named(raw: bytes, error: type[InvalidInput], field: str | None) -> None:
    with pytest.raises(InvalidInput) as refused:
        decode_message(raw)
    assert type(refused.value) is error
    assert refused.value.field == field
    problem = refused.value.problem()
    assert problem["code"] == error.code
    assert problem["detail"]
    assert problem.get("field") == field
    msgspec.json.encode(problem)


RIGHT = [
    body(),
    body(text="<script>alert('x')</script> -- ' \" ; DROP TABLE"),
    body(text="\x00 nul, emoji 😀, \u202e right to left"),
    b'{"conversation":"a","text":"\\ud83d\\ude00 and \\\\ud800"}',
    body(text="", parts=[]),
    body(text=None, parts=[{"type": "media", "url": "https://x/y.jpg", "caption": "c"}]),
    body(parts=[{"type": "data", "kind": "form", "data": {"a": [1, {"b": None}]}}]),
    body(parts=[{"type": "tool_call", "call_id": "1", "name": "n", "arguments": {}}]),
    body(parts=[{"type": "tool_result", "call_id": "1", "content": [1]}]),
    body(stream="tab", sequence=0),
    body(stream="tab", sequence=2**53),
    body(sent_at="2026-01-01T00:00:00+02:00", time_zone="Europe/Berlin", urgent=True),
    body(sender={"id": "x", "kind": "agent", "name": "n"}, reply_to="m0", thread="t", id="m1"),
    body(text="x" * MAX_TEXT),
]


@pytest.mark.parametrize("raw", RIGHT, ids=lambda value: repr(value)[:40])
def test_what_is_right_comes_through_and_back(raw: bytes) -> None:
    message = decode_message(raw)
    again = encode(message)
    assert decode_message(again) == message
    assert encode(decode_message(again)) == again


def test_imports_and_mail_keep_the_whole_text() -> None:
    assert decode_message(body(text="x" * 50_000), max_text=None).text == "x" * 50_000


@given(st.text(st.characters(exclude_categories=("Cs",)), max_size=50))
def test_any_text_that_is_unicode_is_kept_as_it_is(text: str) -> None:
    assert decode_message(body(text=text)).text == text


@given(st.binary(max_size=60))
def test_bytes_of_any_kind_raise_nothing_else(raw: bytes) -> None:
    for attempt in (raw, b'{"conversation":"a","text":"' + raw + b'"}'):
        try:
            decode_message(attempt)
        except InvalidInput as refused:
            assert refused.problem()["code"]


def test_the_full_text_joins_what_is_written() -> None:
    message = Message(conversation="a", text="one", parts=[Text("two")])
    assert message.full_text == "one\ntwo"
    assert Message(conversation="a", parts=[Text("two")]).full_text == "two"
    assert Message(conversation="a").full_text == ""
    assert Message(conversation="a").sender_id == "a"
    assert Message(conversation="a", sender=Sender("b")).sender_id == "b"


def test_a_batch_is_cut_without_looking_inside() -> None:
    items = split_items(b'[{"a":1}, 5, "x", [], {"conversation":"a","text":"hi"}]')
    assert [bytes(item).strip() for item in items[:4]] == [b'{"a":1}', b"5", b'"x"', b"[]"]
    assert decode_message(items[4]).text == "hi"
    for raw, error in ((b"{}", InvalidInput), (b"[1,", MalformedJson), (b"", MalformedJson)):
        with pytest.raises(error):
            split_items(raw)
