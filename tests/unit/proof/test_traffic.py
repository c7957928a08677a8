"""The traffic follows from the seed and has every kind of trouble in it."""

from __future__ import annotations

from collections import Counter
from itertools import islice, pairwise

import msgspec
import pytest

from colloquy.model import ids
from colloquy.model.errors import InvalidInput
from colloquy.model.message import decode_message
from colloquy.proof.traffic import KINDS, Item, Script, scripts


@pytest.fixture(scope="module")
def some() -> list[Script]:
    return list(islice(scripts(5), 600))


@pytest.fixture(scope="module")
def items(some: list[Script]) -> list[Item]:
    return [item for script in some for step in script.steps for item in step]


def test_the_same_seed_is_the_same_traffic() -> None:
    assert list(islice(scripts(3), 20)) == list(islice(scripts(3), 20))
    assert list(islice(scripts(3), 20)) != list(islice(scripts(4), 20))


def test_a_conversation_does_not_depend_on_those_before_it() -> None:
    assert next(islice(scripts(3), 7, None)) == list(islice(scripts(3), 8))[-1]


def test_good_messages_are_good_and_bad_ones_are_refused(items: list[Item]) -> None:
    seen = set()
    for item in items:
        if item.kind in seen:
            continue
        seen.add(item.kind)
        if not item.must_refuse or item.kind == "reused":
            decode_message(item.body)
        else:
            with pytest.raises(InvalidInput):
                decode_message(item.body)
    assert len(seen) == len(KINDS) + 9


def test_the_ids_are_the_server_s(items: list[Item]) -> None:
    for item in items[:200]:
        if item.kind == "surrogate":
            continue
        fields = msgspec.json.decode(item.body)
        conversation = ids.conversation_id("api", fields["account"], fields["conversation"])
        assert item.conversation_id == conversation.hex()
        assert item.message_id == ids.message_id(conversation, fields["id"]).hex()


def test_an_id_has_one_body_unless_it_must_be_refused(items: list[Item]) -> None:
    bodies: dict[str, bytes] = {}
    for item in items:
        if not item.must_refuse:
            assert bodies.setdefault(item.message_id, item.body) == item.body


def test_a_reused_id_was_sent_before(some: list[Script]) -> None:
    found = 0
    for script in some:
        good: set[str] = set()
        for step in script.steps:
            for item in step:
                if item.kind == "reused":
                    found += 1
                    assert item.message_id in good
                elif not item.must_refuse:
                    good.add(item.message_id)
    assert found > 10


def test_the_shares(some: list[Script], items: list[Item]) -> None:
    good = [item for item in items if not item.must_refuse]
    distinct = {item.message_id for item in good}
    assert 0.06 < 1 - len(distinct) / len(good) < 0.14
    assert 0.015 < (len(items) - len(good)) / len(good) < 0.045
    kinds = Counter(item.kind for item in good)
    for kind, share in KINDS.items():
        assert 0.7 * share < kinds[kind] / len(good) < 1.4 * share
    assert any(item.at_once for item in items)
    assert max(script.items() for script in some) > 60


def test_numbers_come_out_of_order_but_without_repeats(some: list[Script]) -> None:
    swaps = gaps = 0
    for script in some:
        numbers: dict[str, list[int]] = {}
        seen = set()
        for step in script.steps:
            for item in step:
                if item.must_refuse or item.sequence is None or item.message_id in seen:
                    continue
                seen.add(item.message_id)
                numbers.setdefault(item.stream or "", []).append(item.sequence)
        for found in numbers.values():
            assert len(set(found)) == len(found)
            assert min(found) >= 1
            swaps += sum(one > two for one, two in pairwise(found))
            gaps += len(found) < max(found)
    assert swaps > 50
    assert gaps > 0
