"""Formats told apart, mixed batches, histories of two systems as one."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from colloquy.evolution import Place, convert_all, detect, merge, to_v1
from colloquy.evolution.detecting import is_v1, is_v2
from colloquy.model.errors import ColloquyError, UnknownFormat
from colloquy.model.message import Message, encode
from support.evolution import v1_messages, v2_messages

ANN = Place("ann")
START = datetime(2026, 1, 31, 10, tzinfo=UTC)


@settings(max_examples=25)
@given(v1_messages())
def test_v1_is_told(v1: dict[str, Any]) -> None:
    assert detect(v1).version == "1"
    assert not is_v2(v1)


@settings(max_examples=25)
@given(v2_messages())
def test_v2_is_told_and_its_v1_form_is_v1(message: Message) -> None:
    tree = msgspec.json.decode(encode(message))
    assert detect(tree).version == "2"
    assert not is_v1(tree)
    assert is_v1(to_v1(message))


@pytest.mark.parametrize(
    ("tree", "reason"),
    [
        (None, "a message is an object, not null"),
        ([], "a message is an object, not a list"),
        (True, "a message is an object, not a boolean"),
        ({}, "neither a `role`, as V1, nor a `conversation`"),
        ({"role": "user"}, "at `content`"),
        ({"role": "wizard", "content": "x"}, "no role 'wizard'"),
        ({"conversation": "a"}, "at `text`"),
        ({"conversation": "a", "text": "x", "content": "y"}, "at `content`"),
        ({"role": "user", "content": "\udc00"}, "lone surrogate"),
        ({"conversation": "a", "text": "x", "version": "3"}, "at `version`"),
    ],
)
def test_why_something_is_neither(tree: Any, reason: str) -> None:
    found = detect(tree)
    assert found.version is None
    assert reason in found.reason


MIXED = [
    {"role": "user", "content": "one"},
    {"conversation": "ann", "text": "two"},
    {"role": "user"},
    Message(conversation="ann", text="three", urgent=True),
    {"what": "?"},
]


def test_a_mixed_batch_becomes_one_version() -> None:
    twos = convert_all(MIXED, "2", ANN)
    assert [type(item).__name__ for item in twos] == [
        "Message",
        "Message",
        "MalformedV1",
        "Message",
        "UnknownFormat",
    ]
    assert [item.field for item in twos if isinstance(item, ColloquyError)] == [
        "[2].content",
        "[4]",
    ]
    ones = convert_all(MIXED, "1", ANN)
    assert [item["content"] for item in ones if isinstance(item, dict)] == ["one", "two", "three"]
    assert convert_all([item for item in ones if isinstance(item, dict)], "2", ANN) == [
        item for item in twos if isinstance(item, Message)
    ]


def said(text: str, second: float | None = None, **fields: Any) -> Message:
    at = START + timedelta(seconds=second) if second is not None else None
    return Message(conversation="ann", text=text, sent_at=at, **fields)


def texts(messages: list[Message]) -> list[str]:
    return [message.full_text for message in messages]


def test_one_id_is_one_message_and_the_first_history_counts() -> None:
    ours = [said("Hello", 0, id="1"), said("Rooms?", 5, id="2")]
    theirs = [said("Hello (edited)", 0, id="1"), said("Bye", 9, id="3")]
    assert texts(merge(ours, theirs)) == ["Hello", "Rooms?", "Bye"]
    assert texts(merge(theirs, ours)) == ["Hello (edited)", "Rooms?", "Bye"]


def test_two_ids_are_two_messages() -> None:
    assert len(merge([said("ok", 0, id="1")], [said("ok", 0, id="2")])) == 2


def test_without_ids_role_content_and_time_decide() -> None:
    base = [said("ok", 0)]
    assert len(merge(base, [said("ok", 1)])) == 1
    assert len(merge(base, [said("ok", 1.1)])) == 2
    assert len(merge(base, [said("ok", 0, id="1")])) == 1
    assert len(merge(base, [said("OK", 0)])) == 2
    other_side = {"role": "assistant", "content": "ok", "timestamp": "2026-01-31T10:00:00Z"}
    assert len(merge(base, [other_side], place=ANN)) == 2
    elsewhere = Message(conversation="ben", text="ok", sent_at=START)
    assert len(merge(base, [elsewhere])) == 2


def test_an_id_that_was_taken_over_counts_for_the_next_history() -> None:
    assert len(merge([said("ok", 0)], [said("ok", 0, id="1")], [said("ok", 0, id="1")])) == 1
    assert len(merge([said("ok", 0)], [said("ok", 0, id="1")], [said("ok", 0, id="2")])) == 2


def test_who_says_it_twice_said_it_twice() -> None:
    twice = [said("ok", 0), said("ok", 0), said("bye", 1)]
    assert texts(merge(twice, twice)) == ["ok", "ok", "bye"]
    once = [{"role": "user", "content": "ok"}]
    assert texts(merge(twice, once, place=ANN)) == ["ok", "ok", "bye"]
    assert texts(merge(once, twice, place=ANN)) == ["ok", "ok", "bye"]


def test_what_has_no_time_stays_behind_what_was_before_it() -> None:
    ours = [said("a", 0), said("b"), said("d", 20)]
    theirs = [said("c", 10), said("e")]
    assert texts(merge(ours, theirs)) == ["a", "b", "c", "e", "d"]


@settings(max_examples=25)
@given(st.lists(v2_messages(), max_size=5), st.lists(v2_messages(), max_size=5))
def test_merging_again_changes_nothing(ours: list[Message], theirs: list[Message]) -> None:
    once = merge(ours, theirs)
    assert {encode(one) for one in once} <= {encode(one) for one in [*ours, *theirs]}
    assert sorted(map(encode, merge(once, ours))) == sorted(map(encode, once))


def test_what_is_neither_is_refused() -> None:
    with pytest.raises(UnknownFormat, match="neither"):
        merge([{}])
