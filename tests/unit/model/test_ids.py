"""Identities never change: these values are in databases and in front ends for ever."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from colloquy.model import ids
from colloquy.model.errors import InvalidInput

CONVERSATION = bytes.fromhex("e08d23790be4505a212cb55bb4a06d73")
MESSAGE = bytes.fromhex("c1131d025289ac1c3d01ef6adfcec1ce")
TURN = bytes.fromhex("afd908fae720c71c077f3bf5e6c76b8d")


def test_golden_identities() -> None:
    assert ids.conversation_id("web", "shop", "+4915112345678") == CONVERSATION
    assert ids.message_id(CONVERSATION, "m-1") == MESSAGE
    assert ids.turn_id(MESSAGE) == TURN
    found = {
        "thread": ids.conversation_id("web", "shop", "+4915112345678", "order-7"),
        "unicode": ids.conversation_id("api", "default", "Zoë 🙂"),
        "surrogate": ids.conversation_id("api", "default", "\ud800"),
        "retried turn": ids.turn_id(MESSAGE, 7),
        "reply 0": ids.reply_id(TURN, 0),
        "reply 1": ids.reply_id(TURN, 1),
        "timer": ids.timer_id(TURN, 0),
        "effect": ids.effect_key(TURN, "charge", b"[1]"),
        "body": ids.body_hash(b"{}"),
        "webhook's event": ids.webhook_event_id(CONVERSATION, 7),
        "webhook's test": ids.webhook_test_id(CONVERSATION, 7),
    }
    assert {name: value.hex() for name, value in found.items()} == {
        "thread": "b71dfb0d2bf17a6c5e22b15db3b86375",
        "unicode": "14a6e60ea4cd9f3095714c6c485cd431",
        "surrogate": "234b72718180fe3c6c51b6749cc50b22",
        "retried turn": "9a99af9294699a8365a7314b0ec4fe87",
        "reply 0": "2e09372be53fabfdf706eefb858ab539",
        "reply 1": "6a7a9035c9f1f5725d56d7be63584fb6",
        "timer": "66f7af1f8dce0ba465f050959e31f12f",
        "effect": "188220de93e93ab99367eec380016d6e",
        "body": "01e7b720ff566d53",
        "webhook's event": "c7389ec077a881272da2fbbc44b5a507",
        "webhook's test": "95c7f12094e56a50e4cadc68f7402045",
    }
    assert (ids.PARTITIONS, ids.partition_of(CONVERSATION)) == (64, 57)


parts = st.text(max_size=6)


@given(st.tuples(parts, parts, parts, parts), st.tuples(parts, parts, parts, parts))
def test_conversations_differ_wherever_a_part_differs(
    one: tuple[str, str, str, str], other: tuple[str, str, str, str]
) -> None:
    assert (ids.conversation_id(*one) == ids.conversation_id(*other)) == (one == other)


@given(parts, parts, st.binary(max_size=6), st.binary(max_size=6))
def test_effects_differ_wherever_a_part_differs(
    name: str, other: str, arguments: bytes, others: bytes
) -> None:
    same = (name, arguments) == (other, others)
    one = ids.effect_key(TURN, name, arguments)
    assert (one == ids.effect_key(TURN, other, others)) == same


def test_what_is_counted_is_told_apart() -> None:
    made = {ids.reply_id(TURN, number) for number in range(100)}
    made |= {ids.timer_id(TURN, number) for number in range(100)}
    made |= {ids.turn_id(MESSAGE, number) for number in range(100)}
    assert len(made) == 300


def test_partitions_are_even_and_in_range() -> None:
    counts = [0] * ids.PARTITIONS
    for number in range(6400):
        counts[ids.partition_of(ids.conversation_id("api", "default", str(number)))] += 1
    assert 50 < min(counts) <= max(counts) < 160


def test_uuid7_is_one_and_carries_the_time() -> None:
    before = time.time_ns() // 1_000_000
    made = [ids.uuid7() for _ in range(500)]
    after = time.time_ns() // 1_000_000
    assert len(set(made)) == 500
    for raw in made:
        assert len(raw) == 16
        assert (raw[6] >> 4, raw[8] >> 6) == (7, 2)
        assert before <= int.from_bytes(raw[:6], "big") <= after


def test_ids_are_read_back_and_nothing_else_is() -> None:
    assert ids.parse_id(CONVERSATION.hex()) == CONVERSATION
    assert ids.parse_id(CONVERSATION.hex().upper()) == CONVERSATION
    for text in ("", "zz" * 16, "ab" * 15, "ab" * 17, " " + "ab" * 15 + "a", "ab " * 11):
        with pytest.raises(InvalidInput) as refused:
            ids.parse_id(text, "message_id")
        assert refused.value.field == "message_id"
