"""Slots: keys that can be told apart and read back, values that are equal for equal knowledge."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from colloquy.graph import slots
from colloquy.graph.evidence import Evidence, Location
from colloquy.graph.slots import (
    MAX_ASSERTIONS,
    SAME,
    Name,
    Slot,
    bucket_of,
    entry_of,
    is_relationship,
    parse_key,
    read_slot,
    said_by,
)
from colloquy.graph.statements import Assertion, Merge
from colloquy.ledger.collections import decode_value, encode_value
from colloquy.model.errors import InvalidInput
from support.graph_statements import assertions
from support.graphs import says

IDS = st.text(st.sampled_from("a|%>#=7C~é"), min_size=1, max_size=12)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63) + 1, 2**63 - 1) | st.floats(allow_nan=False,
    allow_infinity=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(st.sampled_from(["$int", "$object", "a", "b"]), inner, max_size=2),
    max_leaves=6,
).filter(lambda value: value is not None)  # fmt: skip


@given(IDS, IDS.filter(lambda text: text != SAME), st.none() | IDS, st.none() | st.just("0" * 16))
def test_a_key_says_what_it_is_about(
    subject: str, predicate: str, target: str | None, member: str | None
) -> None:
    name = Name(subject, predicate, target, member)
    assert parse_key(name.key) == name
    assert name.key.startswith(f"{Name(subject, 'x').key[:-1]}")
    assert bucket_of(name.key) == bucket_of(Name(subject, "other").key)


MEMBERS = st.none() | st.sampled_from(["0" * 16, "1" * 16])
NAMES = st.tuples(IDS, IDS.filter(lambda text: text != SAME), st.none() | IDS, MEMBERS)


@given(st.lists(NAMES, max_size=8))
def test_different_names_have_different_keys(
    names: list[tuple[str, str, str | None, str | None]],
) -> None:
    assert len({Name(*name).key for name in names}) == len(set(names))


def test_a_long_id_is_told_by_its_hash_and_the_key_stays_short() -> None:
    name = Name("🙂" * 512, "KNOWS", "%" * 1024)
    assert len(name.key.encode()) < 200
    assert parse_key(name.key) is None
    assert name.key != Name("🙂" * 511, "KNOWS", "%" * 1024).key


@pytest.mark.parametrize(
    "key",
    [
        "",
        "a",
        "|",
        "a|b|",
        "a|b|c",
        "a|b|c|d",
        "a|b|>",
        "|b",
        "a|b|>|#0",
        "a|b|>c|d",
        "a|b|#0|#0",
        "a|=|b|#0",
        "a|b|>c|#0|#0",
    ],
)
def test_what_is_no_key_is_refused(key: str) -> None:
    with pytest.raises(InvalidInput):
        parse_key(key)


def test_relationships_of_one_type_between_the_same_ends_have_slots_of_their_own() -> None:
    first, second, plain = (
        entry_of(says("s", "SESSION_MODIFIED", value, to="f"))
        for value in ({"sessionId": "1"}, {"sessionId": "2"}, None)
    )
    assert plain.key == "s|SESSION_MODIFIED|>f"
    assert first.key.startswith(f"{plain.key}|#")
    assert len({first.key, second.key, plain.key}) == 3
    assert is_relationship(first.key)
    assert is_relationship(plain.key)
    for key in (plain.key, second.key):
        with pytest.raises(InvalidInput):
            read_slot(key, first.record)


def test_a_predicate_that_looks_like_a_member_is_none() -> None:
    entry = entry_of(says("a", "#b", 1))
    assert read_slot(entry.key, entry.record).name == Name("a", "#b")
    assert not is_relationship(entry.key)


@given(assertions(), VALUES)
def test_an_assertion_comes_back_from_the_ledger(one: Assertion, value: object) -> None:
    if one.target is None:
        one = says(one.subject, one.predicate, value, said=one.learned, single=one.single, sure=0.5)
    entry = entry_of(one)
    record = entry.slot().encoded()
    assert record is not None
    assert encode_value(decode_value(record)) == record
    (back,) = read_slot(entry.key, record).assertions()
    assert back.id == entry_of(back).slot().assertions()[0].id
    assert entry_of(back).body == entry.body
    assert entry_of(back).value == entry.value


@given(st.data())
def test_what_a_full_slot_keeps_does_not_depend_on_the_order(data: st.DataObject) -> None:
    times = st.sampled_from([1, 2, 3, 11, 100])
    said = st.builds(
        lambda value, at, sure: entry_of(says("a", "one", value, said=at, sure=sure)).body,
        st.sampled_from(["x", "y" * 40, "z" * 80]), times, st.sampled_from([0.5, None]),
    )  # fmt: skip
    bodies = data.draw(st.lists(said, max_size=14))
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(slots, "MAX_ASSERTIONS", 3)
        empty = Slot(Name("a", "one"), ())
        whole, stepwise = empty.with_bodies(bodies), empty
        rest = data.draw(st.permutations(bodies + bodies[:3]))
        while rest:
            size = data.draw(st.integers(1, len(rest)))
            stepwise = stepwise.with_bodies([*stepwise.bodies, *rest[:size]])
            rest = rest[size:]
        assert stepwise == whole
        assert len(whole.bodies) == min(3, len(set(bodies)))


def test_a_slot_of_large_values_stays_within_its_bytes() -> None:
    said = [entry_of(says("a", "one", "x" * 200_000, said=at)).body for at in range(6)]
    kept = Slot(Name("a", "one"), ()).with_bodies(said).bodies
    assert kept == tuple(said[:1:-1])


@given(st.lists(assertions(), min_size=1, max_size=6), st.randoms())
def test_a_slot_has_one_order(said: list[Assertion], chance) -> None:  # type: ignore[no-untyped-def]
    bodies = [entry_of(one).body for one in said]
    slot = Slot(Name("a", "one"), ())
    shuffled = bodies * 2
    chance.shuffle(shuffled)
    stepwise = slot
    for body in shuffled:
        stepwise = stepwise.with_bodies([*stepwise.bodies, body])
    assert stepwise == slot.with_bodies(bodies)


def test_equal_numbers_are_one_assertion() -> None:
    assert entry_of(says("a", "p", 1)) == entry_of(says("a", "p", 1.0))
    assert entry_of(says("a", "p", 1)).key != entry_of(says("a", "p", 1, single=False)).key
    assert entry_of(says("a", "p", 1)).body != entry_of(says("a", "p", True)).body


def test_the_newest_assertions_are_kept_in_whatever_steps() -> None:
    bodies = [entry_of(says("a", "p", n, said=n)).body for n in range(MAX_ASSERTIONS + 9)]
    slot = Slot(Name("a", "p"), ())
    at_once = slot.with_bodies(bodies)
    late = slot.with_bodies(bodies[5:])
    assert at_once == late.with_bodies([*late.bodies, *bodies[:7]])
    assert len(at_once.bodies) == MAX_ASSERTIONS


def test_evidence_and_merges_are_kept_whole() -> None:
    evidence = Evidence("ast", 1, Location("a.py", 3), 9, "why", "1.2")
    entry = entry_of(Assertion(subject="a", predicate="p", value=1, learned=2, evidence=evidence))
    (back,) = entry.slot().assertions()
    assert back.evidence == evidence
    assert said_by(9)(entry.body)
    assert not said_by(8)(entry.body)
    merge = entry_of(Merge(kept="a", other="b", learned=4, note="same phone"))
    (said,) = read_slot("a|=|b", merge.slot().encoded() or b"").said()
    assert (said.said, said.note) == (4, "same phone")


@pytest.mark.parametrize(
    "record",
    [b"", b"[]", b'{"assertions":[],"predicate":"p","subject":"a"}',
     b'{"assertions":[{"said":1,"value":2}],"predicate":"p","subject":"b"}',
     b'{"assertions":[{"said":"x"}],"predicate":"p","subject":"a"}',
     b'{"assertions":[{"said":1,"more":2}],"predicate":"p","subject":"a"}'],
)  # fmt: skip
def test_a_record_that_is_no_slot_of_its_key_is_refused(record: bytes) -> None:
    with pytest.raises(InvalidInput):
        read_slot("a|p", record)
