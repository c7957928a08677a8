"""Threads: two subjects in one conversation, and nothing that passes from one to the other."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from colloquy.model.errors import InvalidInput, NotFound
from colloquy.model.turn import Said
from colloquy.model.understanding import Cues, Entity, Understanding
from colloquy.understanding.flow import threads
from colloquy.understanding.flow.cues import cues_of
from colloquy.understanding.flow.standing import (
    Standing,
    advance,
    decode_standing,
    encode_standing,
)
from colloquy.understanding.flow.threads import MAX_THREADS, Threads, ids_of, of_thread
from colloquy.understanding.intent import tokens_of

UNITS = ("4B", "17", "22", "31")


def cues(text: str) -> Cues:
    """The unit numbers in the text are its entities, as a dictionary would find them."""
    found = [Entity("unit", 0, 1, unit) for unit in UNITS if f"unit {unit}" in text]
    return cues_of(tokens_of(text), Understanding(entities=found))


def talk(*lines: tuple[str, str] | tuple[str, str, str]) -> tuple[Standing, list[str]]:
    """(side, text, replied to) → where it stands, and each line's thread. "a" is the peer."""
    standing, found = Standing(), []
    for number, (side, text, *reply_to) in enumerate(lines):
        standing, flow = advance(
            standing, cues(text), f"m{number}", number * 60_000_000, from_peer=side == "a",
            reply_to=reply_to[0] if reply_to else None,
        )  # fmt: skip
        assert flow.thread is not None
        found.append(flow.thread)
    return standing, found


TWO_FLATS = (
    ("a", "Is unit 4B still available?"),
    ("b", "Yes, unit 4B is available from May"),
    ("a", "And what does unit 17 cost?"),
    ("b", "unit 17 costs 900 a month"),
    ("a", "are pets allowed there"),
    ("a", "Does unit 4B have a balcony?"),
    ("b", "Yes, a balcony to the south"),
)


def test_two_flats_are_two_threads() -> None:
    standing, found = talk(*TWO_FLATS)
    assert found == ["t1", "t1", "t2", "t2", "t2", "t1", "t1"]
    assert {thread.id: thread.title for thread in standing.threads.threads} == {
        "t1": "4b",
        "t2": "17",
    }


def test_a_reply_goes_to_the_thread_of_what_it_replies_to() -> None:
    _, found = talk(*TWO_FLATS, ("a", "that is too much", "m3"))
    assert found[-1] == "t2"


def test_a_clear_change_of_subject_opens_a_thread_and_the_old_words_return_to_theirs() -> None:
    _, found = talk(
        ("a", "The heating in the bathroom is cold, can you send a plumber?"),
        ("b", "A plumber will look at the heating on Monday"),
        ("a", "My last invoice shows a wrong amount, please correct the invoice"),
        ("b", "We will correct the invoice"),
        ("a", "When exactly will the plumber look at the heating?"),
    )
    assert found == ["t1", "t1", "t2", "t2", "t1"]


def test_our_side_opens_no_thread() -> None:
    _, found = talk(
        ("a", "Is unit 4B available?"), ("b", "By the way, our office moved to Hamburg last week")
    )
    assert found == ["t1", "t1"]


def test_small_talk_stays_where_it_is() -> None:
    _, found = talk(("a", "The heating is cold"), ("a", "hello?"), ("a", "ok thanks"))
    assert found == ["t1"] * 3


def test_nothing_of_one_thread_is_in_the_other() -> None:
    standing, found = talk(*TWO_FLATS)
    lines = [
        Said(side, text, number, found[number]) for number, (side, text) in enumerate(TWO_FLATS)
    ]
    unknown = Said("human", "about unit 4B: sold", 99)
    for thread, other in (("t1", "17"), ("t2", "4B")):
        seen = of_thread([*lines, unknown], ids_of(standing.threads, thread))
        assert seen == [line for line in lines if line.thread == thread]
        assert not any(f"unit {other}" in line.text for line in seen)


def test_no_thread_shows_nothing() -> None:
    assert of_thread([Said("visitor", "hi", 0)], ids_of(Threads(), None)) == []


def test_merged_threads_show_both() -> None:
    standing, found = talk(*TWO_FLATS)
    merged = threads.merge(standing.threads, "t1", "t2")
    assert [thread.id for thread in merged.threads] == ["t1"]
    assert merged.thread_of("m3") == "t1"
    assert merged.get("t2").id == "t1"
    lines = [Said("visitor", "x", number, thread) for number, thread in enumerate(found)]
    assert of_thread(lines, ids_of(merged, "t1")) == lines
    after, thread = threads.assign(merged, cues("unit 17 again"), "n", 10**9, from_peer=True)
    assert thread == "t1"
    assert len(after.threads) == 1


def test_a_split_takes_messages_and_words_with_it() -> None:
    standing, _ = talk(
        ("a", "The heating is cold"), ("a", "and the invoice is wrong"), ("a", "so much for that")
    )
    divided, new = threads.split(standing.threads, "t1", ["m1"], cues("the invoice"), "Invoice")
    assert new == "t2"
    assert divided.get("t2").title == "Invoice"
    assert (divided.thread_of("m0"), divided.thread_of("m1")) == ("t1", "t2")
    assert "invoic" not in divided.get("t1").stems
    lines = [Said("visitor", "x", number, "t1", f"m{number}") for number in range(3)]
    moved = dict(divided.moved)
    assert of_thread(lines, ids_of(divided, "t1"), moved) == [lines[0], lines[2]]
    assert of_thread(lines, ids_of(divided, "t2"), moved) == [lines[1]]
    _, thread = threads.assign(divided, cues("invoice of last month"), "n", 10**9, from_peer=True)
    assert thread == "t2"


def test_a_thread_is_renamed() -> None:
    standing, _ = talk(*TWO_FLATS)
    renamed = threads.rename(standing.threads, "t2", "  Flat   17 ")
    assert renamed.get("t2").title == "Flat 17"
    assert standing.threads.get("t2").title == "17"


def test_what_cannot_be_done_is_refused() -> None:
    standing, _ = talk(*TWO_FLATS)
    state = standing.threads
    for operation in (
        lambda: threads.rename(state, "t9", "x"),
        lambda: threads.merge(state, "t1", "t9"),
        lambda: threads.split(state, "t9", ["m0"], Cues()),
    ):
        with pytest.raises(NotFound):
            operation()
    for refused in (
        lambda: threads.rename(state, "t1", " "),
        lambda: threads.rename(state, "t1", "x" * 100),
        lambda: threads.merge(state, "t1", "t1"),
        lambda: threads.split(state, "t1", ["m3"], Cues()),
        lambda: threads.split(state, "t1", [], Cues()),
    ):
        with pytest.raises(InvalidInput):
            refused()


SUBJECTS = (
    "heating", "plumber", "invoice", "amount", "balcony", "garden", "unit", "4B", "17", "22",
    "31", "where", "please", "contract", "parking", "cellar", "window", "letter", "bicycle",
)  # fmt: skip
LINES = st.lists(
    st.tuples(
        st.sampled_from(("a", "b")),
        st.lists(
            st.sampled_from(SUBJECTS),
            max_size=9,
        ).map(" ".join),
    ),
    max_size=25,
)


@settings(max_examples=60)
@given(LINES)
def test_threads_are_bounded_and_survive_their_encoding(lines: list[tuple[str, str]]) -> None:
    standing = Standing()
    for number, (side, text) in enumerate(lines):
        standing, flow = advance(
            standing, cues(text), f"{number:032x}", number * 10**7, from_peer=side == "a"
        )
        assert flow.thread == standing.threads.threads[0].id
        assert standing.threads.thread_of(f"{number:032x}") == flow.thread
        assert len(standing.threads.threads) <= MAX_THREADS
        encoded = encode_standing(standing)
        assert len(encoded) < 3000
        assert decode_standing(encoded) == standing


def test_a_standing_of_another_version_is_begun_anew_and_a_damaged_one_told_of() -> None:
    assert decode_standing(None) == Standing()
    assert decode_standing(msgspec.json.encode([99, "of", "later"])) == Standing()
    good = encode_standing(talk(*TWO_FLATS)[0])
    with pytest.raises(InvalidInput):
        decode_standing(good[:-3])
