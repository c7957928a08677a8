"""Which lines are found, by what, within which bounds; and that it costs what it should."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from colloquy.context.lines import Line
from colloquy.context.recall import NO_WEIGHTS, Filters, RecallIndex, Vocabulary, Weights
from colloquy.understanding.vectors.words import load_words
from support.two_people import NOW, SAID, at, lines_of

WORDS = ("puppy", "rent", "bread", "the", "Lisbon", "é", "Straße", "940", "it's", "  ", "...", "ok")


def seqs(index: RecallIndex, text: str, k: int = 3, **options: object) -> list[int]:
    return [found.seq for found in index.search(text, k, now=NOW, **options)]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("question", "number"),
    [
        ("How much is the rent?", 7),
        ("Who adopted puppies?", 2),
        ("Which injury did her sibling have?", 8),
        ("In which city will he work?", 5),
    ],
)
def test_the_line_that_answers_comes_first(index: RecallIndex, question: str, number: int) -> None:
    assert seqs(index, question)[0] == 3 * number


def test_an_answer_is_found_by_the_words_of_what_it_answers(index: RecallIndex) -> None:
    """ "Biscuit" shares no word with the question; the lines before it do."""
    found = seqs(index, "What is the sweet puppy called?", 4)
    assert 3 * 4 in found


def test_neighbours_of_another_episode_do_not_count(vocabulary: Vocabulary) -> None:
    apart, together = RecallIndex(vocabulary), RecallIndex(vocabulary)
    only_before = NO_WEIGHTS._replace(words_before=1.0)
    for index, moment in ((apart, "2026-05-02T18:00"), (together, "2026-05-02T12:00")):
        index.add(
            lines_of([("2026-05-02T10:00", "Ann", "the puppy"), (moment, "Ben", "a surprise")])
        )
    assert seqs(together, "puppy", weights=only_before) == [6]
    assert seqs(apart, "puppy", weights=only_before) == []


def test_who_said_it_is_heard(index: RecallIndex) -> None:
    only_speaker = NO_WEIGHTS._replace(speaker=1.0)
    ann, ben = (
        [3 * n for n, said in enumerate(SAID, 1) if said[1] == who] for who in ("Ann", "Ben")
    )
    assert sorted(seqs(index, "What did Ann do?", 10, weights=only_speaker)) == ann
    assert sorted(seqs(index, "Ben's plans", 10, weights=only_speaker)) == ben
    assert sorted(seqs(index, "what did I say?", 10, weights=only_speaker)) == ann
    assert sorted(seqs(index, "what did you promise?", 10, weights=only_speaker)) == ben
    assert sorted(seqs(index, "what did I say?", 10, weights=only_speaker, asker="human")) == ben
    assert seqs(index, "what do Ann and Ben like?", 10, weights=only_speaker) == []


def test_when_it_was_said_is_heard(index: RecallIndex) -> None:
    only_time = NO_WEIGHTS._replace(time=1.0)
    assert sorted(seqs(index, "what happened in June?", 10, weights=only_time)) == [15, 18, 21]
    assert sorted(seqs(index, "what did we say yesterday?", 10, weights=only_time)) == [24, 27, 30]
    exact = seqs(index, "on 20 July 2026 or in May?", 10, weights=only_time)
    assert sorted(exact[:3]) == [24, 27, 30]
    assert sorted(exact[3:]) == [3, 6, 9, 12]


def test_a_line_says_why_it_was_found(index: RecallIndex) -> None:
    (first, *_) = index.search("what did you say about rents in June?", 3, now=NOW)
    assert first.seq == 21
    assert first.why.words == ("rents",)
    assert 0 < first.why.meaning <= 1.001
    assert first.why.time == 0.5
    assert first.why.speaker is True
    (other, *_) = index.search("bread", 1, now=NOW)
    assert other.why.time == 0.0
    assert other.why.speaker is False


@pytest.mark.parametrize(
    ("filters", "numbers"),
    [
        (Filters(thread="in 2026-06"), [5, 6, 7]),
        (Filters(thread="unknown"), []),
        (Filters(roles=("visitor",), thread="in 2026-06"), [6]),
        (Filters(roles=("tool",)), []),
        (Filters(after=at("2026-07-20T09:01")), [9, 10]),
        (Filters(before=at("2026-05-02T10:02")), [1, 2]),
        (Filters(below=7), [1, 2]),
        (Filters(after=at("2026-06-11T18:00"), before=at("2026-06-11T18:01")), [5]),
    ],
)
def test_filters_leave_only_what_they_name(
    index: RecallIndex, filters: Filters, numbers: list[int]
) -> None:
    everything = NO_WEIGHTS._replace(time=1.0)
    found = seqs(index, "what was said in 2026?", 10, filters=filters, weights=everything)
    assert sorted(found) == [3 * number for number in numbers]


def test_a_question_comes_after_what_answers_it_unless_it_is_asked_for(
    vocabulary: Vocabulary,
) -> None:
    index = RecallIndex(vocabulary)
    said = ["Is the rent of the flat dear?", "The rent of the flat is dear."]
    index.add([Line(seq, "visitor", text, 0) for seq, text in enumerate(said, 1)])
    alone = NO_WEIGHTS._replace(words=1.0, asks=0.3)
    assert seqs(index, "the rent of the flat", weights=alone) == [2, 1]
    index.add([Line(3, "visitor", "Is the rent of the flat dear?", 0)])
    assert seqs(index, "the rent of the flat", weights=alone) == [2, 3, 1]
    assert seqs(index, "what did I ask of the rent of the flat", weights=alone) == [3, 2, 1]


def test_of_lines_that_fit_as_well_the_longer_comes_first(vocabulary: Vocabulary) -> None:
    index = RecallIndex(vocabulary)
    said = ["Monday is when rent is paid by transfer.", "Rent.", "Weather."]
    index.add([Line(seq, "visitor", text, seq * 10**12) for seq, text in enumerate(said, 1)])
    assert seqs(index, "rent", weights=NO_WEIGHTS._replace(words=0.1, length=1.0)) == [1, 2]


def test_of_equals_the_later_comes_first(vocabulary: Vocabulary) -> None:
    index = RecallIndex(vocabulary)
    index.add([Line(seq, "visitor", "the puppy", 0) for seq in range(1, 40)])
    by_words = NO_WEIGHTS._replace(words=1.0)
    assert seqs(index, "puppy", 3, weights=by_words) == [39, 38, 37]


def test_nothing_is_found_where_there_is_nothing(index: RecallIndex) -> None:
    empty = RecallIndex(Vocabulary(load_words()))
    assert seqs(empty, "puppy") == []
    assert empty.last_seq == 0
    assert seqs(index, "") == []
    assert seqs(index, "?!") == []
    assert seqs(index, "puppy", 0) == []


def test_lines_that_are_known_are_passed_over(index: RecallIndex) -> None:
    before = index.search("puppy", 5, now=NOW)
    index.add(lines_of(SAID))
    index.add([])
    assert len(index) == len(SAID)
    assert index.last_seq == 3 * len(SAID)
    assert index.search("puppy", 5, now=NOW) == before


@given(
    st.lists(st.lists(st.sampled_from(WORDS), max_size=12).map(" ".join), min_size=1, max_size=30),
    st.data(),
)
def test_adding_line_by_line_comes_to_the_same(texts: list[str], data: st.DataObject) -> None:
    vocabulary = Vocabulary(load_words())
    gaps = data.draw(st.lists(st.sampled_from([0, 60, 30_000]), min_size=30, max_size=30))
    times = np.cumsum(gaps) * 1_000_000
    lines = [
        Line(seq, "visitor", text, int(times[seq - 1]), speaker="Ann" if seq % 2 else "Ben")
        for seq, text in enumerate(texts, 1)
    ]
    whole, pieces = RecallIndex(vocabulary), RecallIndex(vocabulary)
    whole.add(lines)
    start = 0
    while start < len(lines):
        size = data.draw(st.integers(1, len(lines)))
        pieces.add(lines[start : start + size])
        start += size
    query = " ".join(data.draw(st.lists(st.sampled_from([*WORDS, "Ben"]), min_size=1, max_size=4)))
    expected = whole.search(query, len(lines), now=NOW)
    found = pieces.search(query, len(lines), now=NOW)
    assert {one.seq: one.why.words for one in found} == {one.seq: one.why.words for one in expected}
    assert [one.score for one in found] == pytest.approx([one.score for one in expected], abs=1e-5)


def test_the_older_half_is_forgotten_beyond_the_bound(vocabulary: Vocabulary) -> None:
    bounded, fresh = RecallIndex(vocabulary, max_lines=100), RecallIndex(vocabulary)
    lines = [
        Line(seq, "visitor", f"line {seq} of {'puppies' if seq % 7 else 'rent'}", seq * 10**9)
        for seq in range(1, 152)
    ]
    for line in lines:
        bounded.add([line])
    fresh.add(lines[51:])
    assert len(bounded) == 100
    assert seqs(bounded, "line 3", 10, weights=NO_WEIGHTS._replace(words=1.0))[0] > 51
    # What lies across the cut counts in neither.
    weights = Weights(words_before=0, words_two_before=0, pair=0, episode=0)
    found, expected = (
        {one.seq: one for one in index.search("the rent of line 77", 100, now=NOW, weights=weights)}
        for index in (bounded, fresh)
    )
    assert found.keys() == expected.keys()
    for seq, one in found.items():
        assert one.score == pytest.approx(expected[seq].score, abs=1e-5)
        assert one.why.words == expected[seq].why.words


def test_its_size_is_about_what_memory_it_takes(vocabulary: Vocabulary) -> None:
    lines = [
        Line(seq, "visitor", f"item{seq} item{seq % 50} of the puppy in Lisbon", seq * 10**9)
        for seq in range(1, 3_001)
    ]
    RecallIndex(vocabulary).add(lines)  # the vocabulary grows, which is not the index's
    tracemalloc.start()
    try:
        index = RecallIndex(vocabulary)
        for start in range(0, len(lines), 200):
            index.add(lines[start : start + 200])
        taken, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert index.nbytes == pytest.approx(taken, rel=0.25)


def test_no_text_is_kept(index: RecallIndex) -> None:
    held = repr({name: value for name, value in vars(index).items() if name != "_vocabulary"})
    assert "puppy" not in held
    assert "Biscuit" not in held
