"""Contexts of old systems and ours as one (what is missing has its default)."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from colloquy.evolution import context_of_v1, merge_contexts
from colloquy.model.context import AssembledContext, ContextItem
from colloquy.model.errors import InvalidInput, MalformedV1
from colloquy.settings.memory import ContextSettings

OLD: dict[str, Any] = {
    "summary": "Ann looks for a flat.",
    "user": {"name": "Ann", "language": None},
    "facts": {"Email": "ann@example.com", "rooms": 3},
    "messages": [
        {"role": "user", "content": "Hello", "timestamp": "2026-01-31T10:00:00Z"},
        {"role": "assistant", "content": None, "tool_calls": [
            {"id": "c", "function": {"name": "find", "arguments": "{}"}}]},
        {"role": "tool", "tool_call_id": "c", "content": "2 flats"},
        {"role": "ai", "content": "Two."},
    ],
    "max_tokens": 500,
    "temperature": 0.2,
}  # fmt: skip


def new(**fields: Any) -> AssembledContext:
    items = [
        ContextItem(kind="summary", text="Ann wants three rooms.", source="session", tokens=6),
        ContextItem(kind="fact", text="email: ann@new.example", source="fact:ann|email", tokens=8),
        ContextItem(kind="recent", text="Two.", source="event:4", tokens=2, role="assistant"),
        ContextItem(kind="message", text="Which?", source="event:5", tokens=2, role="visitor"),
    ]
    made = {"items": items, "tokens": 18, "budget": 200, "counter": "x", "position": 5, **fields}
    return AssembledContext(**made)


def test_an_old_context_in_our_form() -> None:
    made = context_of_v1(OLD)
    assert [(item.kind, item.source, item.text) for item in made.items] == [
        ("summary", "v1:summary", "Ann looks for a flat."),
        ("profile", "v1:user.name", "name: Ann"),
        ("fact", "v1:facts.Email", "Email: ann@example.com"),
        ("fact", "v1:facts.rooms", "rooms: 3"),
        ("recent", "v1:messages[0]", "Hello"),
        ("recent", "v1:messages[1]", "find({})"),
        ("recent", "v1:messages[2]", "2 flats"),
        ("recent", "v1:messages[3]", "Two."),
    ]
    assert made.items[4].at == "2026-01-31T10:00:00Z"
    assert made.items[5].calls == made.items[6].answers == "c"
    assert made.budget == 500
    assert made.tokens == sum(item.tokens for item in made.items) > 8


def test_everything_may_be_missing() -> None:
    empty = context_of_v1({})
    assert (empty.items, empty.tokens, empty.budget) == ([], 0, ContextSettings().budget)
    assert merge_contexts(None, None) == empty
    assert merge_contexts({}, None) == empty
    assert merge_contexts(OLD, None) == context_of_v1(OLD)
    assert merge_contexts(None, new()) == new()


def test_of_both_the_new_word_counts() -> None:
    merged = merge_contexts(OLD, new())
    assert [(item.kind, item.text) for item in merged.items] == [
        ("summary", "Ann wants three rooms."),
        ("profile", "name: Ann"),
        ("fact", "rooms: 3"),
        ("fact", "email: ann@new.example"),
        ("recent", "Hello"),
        ("recent", "find({})"),
        ("recent", "2 flats"),
        ("recent", "Two."),
        ("message", "Which?"),
    ]
    assert (merged.budget, merged.position) == (200, 5)
    assert merged.tokens == sum(item.tokens for item in merged.items) <= merged.budget


def test_a_new_context_may_lack_fields_too() -> None:
    tree = {"items": [{"kind": "recent", "text": "Hello", "role": "visitor"}]}
    merged = merge_contexts(OLD, tree)
    assert [item.text for item in merged.of("recent")].count("Hello") == 1
    assert merged.counter == context_of_v1({}).counter
    whole = msgspec.to_builtins(new())
    assert merge_contexts(None, whole) == new()


def test_what_is_too_much_goes_from_the_old_part_oldest_first() -> None:
    budget = merge_contexts(OLD, new()).tokens - 1
    merged = merge_contexts(OLD, new(budget=budget, left_out={"recent": 2}))
    assert merged.left_out == {"recent": 3}
    assert merged.tokens <= budget
    assert "Hello" not in [item.text for item in merged.items]
    tight = merge_contexts(OLD, new(budget=18))
    assert tight.items == new().items
    assert tight.left_out == {"recent": 3, "fact": 1, "profile": 1}


@pytest.mark.parametrize(
    ("old", "field"),
    [
        ({"messages": {}}, "messages"),
        ({"messages": [{"role": "user", "content": "x"}, {"role": "user"}]}, "messages[1].content"),
        ({"messages": [{"role": "x", "content": "x"}]}, "messages[0].role"),
        ({"facts": ["a"]}, "facts"),
        ({"max_tokens": "many"}, "max_tokens"),
    ],
)
def test_what_is_wrong_in_an_old_context_is_named(old: dict[str, Any], field: str) -> None:
    with pytest.raises(MalformedV1) as caught:
        merge_contexts(old, new())
    assert caught.value.field == field


def test_what_is_wrong_in_a_new_one_is_named() -> None:
    with pytest.raises(InvalidInput):
        merge_contexts(OLD, {"items": [{"kind": "recent"}]})
    with pytest.raises(InvalidInput):
        merge_contexts(OLD, {"items": 3})
