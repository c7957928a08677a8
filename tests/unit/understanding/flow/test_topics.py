"""Boundaries of topics: what is learned from a few dialogues, decoding, further columns."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from colloquy.model.errors import InvalidInput
from colloquy.understanding.evaluation.rows import TopicRow, TurnRow
from colloquy.understanding.evaluation.topics import learn, scores_of, serve, texts_of
from colloquy.understanding.flow.topics import (
    Decoding,
    Floats,
    TopicModel,
    cohesion_boundaries,
    decode,
)
from colloquy.understanding.flow.train_topics import Marked, train

SEGMENTS = {
    "taxi": (
        "hello i need a taxi to the station",
        "where does the taxi pick you up",
        "the taxi picks me up at the hotel please",
        "your taxi to the station is on its way",
    ),
    "weather": (
        "hello tell me the weather in paris",
        "the weather in paris is cold with rain",
        "is the rain there all week",
        "yes rain and cold weather all week in paris",
    ),
    "dentist": (
        "hello set a reminder for the dentist",
        "at what time is the dentist appointment",
        "the dentist appointment is at nine",
        "the reminder for the dentist is set",
    ),
}


def rows() -> list[TopicRow]:
    """Dialogues of two or three segments in every order."""
    found = []
    for count in (2, 3):
        for names in itertools.permutations(SEGMENTS, count):
            turns = [TurnRow(text) for name in names for text in SEGMENTS[name]]
            starts = [4 * number for number in range(1, count)]
            found.append(TopicRow(turns, starts, "-".join(names)))
    return found


@pytest.fixture(scope="module")
def model() -> TopicModel:
    return learn(rows())


def test_boundaries_are_learned(model: TopicModel) -> None:
    asked = rows()
    found = serve(model, [texts_of(row) for row in asked])
    assert scores_of(asked, found).f1 > 0.9


def test_the_same_dialogues_in_another_order_give_the_same_chances(model: TopicModel) -> None:
    other = learn(rows()[::-1])
    texts = texts_of(rows()[0])
    assert other.chances(texts).tolist() == model.chances(texts).tolist()


TEXTS = st.lists(
    st.sampled_from([*itertools.chain(*SEGMENTS.values()), "", "?", "ça va 你好"]), max_size=9
)


@settings(max_examples=40, deadline=None)
@given(st.lists(TEXTS, max_size=5))
def test_a_dialogue_is_judged_as_if_it_were_alone(
    model: TopicModel, dialogues: list[list[str]]
) -> None:
    found = serve(model, dialogues)
    assert found == [model.boundaries(texts) for texts in dialogues]
    assert serve(model, dialogues[::-1]) == found[::-1]
    for texts, turns in zip(dialogues, found, strict=True):
        assert all(0 < turn < len(texts) for turn in turns)
        assert turns == sorted(set(turns))


def columns_of(row: TopicRow, *, right: bool) -> Floats:
    """A further column that knows the boundaries, or knows nothing."""
    column = np.zeros((len(row.turns), 1))
    if right:
        column[row.boundaries] = 1.0
    return column


def nonsense(seed: int) -> list[TopicRow]:
    """Dialogues whose words say nothing about their boundaries."""
    chance = np.random.default_rng(seed)
    return [
        TopicRow(
            [TurnRow(" ".join(chance.choice(["la", "lo", "li", "lu"], 4))) for _ in range(10)],
            sorted(chance.choice(np.arange(1, 10), 2, replace=False).tolist()),
        )
        for _ in range(20)
    ]


def test_further_columns_are_used_and_must_be_there_again() -> None:
    known, asked = nonsense(1), nonsense(2)

    def judged(*, right: bool) -> tuple[TopicModel, float]:
        model = train(
            [Marked(texts_of(row), row.boundaries, columns_of(row, right=right)) for row in known],
            lambda wanted, found, _: float(wanted == found),
        )
        found = [model.boundaries(texts_of(row), columns_of(row, right=right)) for row in asked]
        return model, scores_of(asked, found).f1

    model, informed = judged(right=True)
    assert informed == 1.0
    assert judged(right=False)[1] < 0.7
    with pytest.raises(ValueError, match="0 further columns"):
        model.chances(["a", "b"])


def test_dialogues_that_teach_nothing_are_refused() -> None:
    good = [Marked(["a b", "a b", "c d"], [2]) for _ in range(6)]
    for refused in (
        good[:3],
        [Marked(one.texts, []) for one in good],
        [Marked(one.texts, [1, 2]) for one in good],
        [*good, Marked(["a", "b"], [2])],
        [*good, Marked(["a", "b"], [0])],
        [*good, Marked(["a", "b"], [1], np.zeros((2, 1)))],
        [Marked(["", "?"], [1]), *(Marked(["", "?"], []) for _ in range(6))],
    ):
        with pytest.raises(InvalidInput):
            train(refused, lambda *_: 0.0)


def test_decoding_without_windows_is_a_threshold() -> None:
    chances = np.array([0.0, 0.6, 0.2, 0.5, 0.31])
    assert decode(chances, Decoding(0.3, 0.0, 2)) == [1, 3, 4]


@given(
    st.lists(st.floats(0.01, 0.99), min_size=1, max_size=8),
    st.floats(0.1, 0.9),
    st.floats(0, 1),
    st.integers(1, 4),
)
def test_decoding_finds_the_best_choice(
    chances: list[float], threshold: float, together: float, reach: int
) -> None:
    values = np.array([0.0, *chances])
    rule = Decoding(threshold, together, reach)

    def worth(opened: tuple[int, ...]) -> float:
        total = sum(values[turn] - threshold for turn in opened)
        for last in range(reach, len(values)):
            window = range(last - reach + 1, last + 1)
            none = float(np.prod(1.0 - values[list(window)]))
            gain = together * (0.5 - none)
            total += gain if set(window) & set(opened) else -gain
        return float(total)

    places = range(1, len(values))
    best = max(
        worth(opened)
        for count in range(len(values))
        for opened in itertools.combinations(places, count)
    )
    assert worth(tuple(decode(values, rule))) == pytest.approx(best)


def test_cohesion_alone_finds_where_the_words_change() -> None:
    texts = [*SEGMENTS["taxi"], *SEGMENTS["weather"]]
    assert 4 in cohesion_boundaries(texts)
    assert cohesion_boundaries([]) == cohesion_boundaries(["one"]) == []
