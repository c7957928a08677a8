"""What a person usually feels: counts, changes, mood, trend; small whatever comes."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from colloquy.model.errors import InvalidInput
from colloquy.model.understanding import EMOTIONS, Emotion
from colloquy.understanding.emotion.patterns import (
    MAX_HISTORY,
    MAX_TRANSITIONS,
    MOOD_HALF_LIFE_US,
    VALENCE,
    Patterns,
    step,
)

NOW_US = 1_790_000_000_000_000
MINUTE_US = 60_000_000


def after(*labels: str, intensity: float = 0.5) -> Patterns:
    state = Patterns()
    for number, label in enumerate(labels):
        feeling = Emotion(label=label, confidence=0.9, intensity=intensity)
        state = step(state, feeling, NOW_US + number * MINUTE_US)
    return state


def test_counts_changes_and_the_usual_feeling() -> None:
    state = after("neutral", "frustrated", "frustrated", "anger", "neutral", "neutral", "neutral")
    assert state.counts == {"neutral": 4, "frustrated": 2, "anger": 1}
    assert state.transitions == {
        "neutral>frustrated": 1,
        "frustrated>anger": 1,
        "anger>neutral": 1,
    }
    assert state.usual == "frustrated"
    assert state.messages == 7
    assert after("neutral").usual == "neutral"


def test_mood_follows_what_is_felt_and_fades() -> None:
    bad, good = after(*["anger"] * 6), after(*["love"] * 6)
    assert bad.mood < -0.5 < 0.5 < good.mood
    last = good.history[-1].at_us
    assert good.mood_at(last) == good.mood
    assert good.mood_at(last + MOOD_HALF_LIFE_US) == pytest.approx(good.mood / 2, abs=1e-3)
    assert good.mood_at(last - MINUTE_US) == good.mood
    later = step(bad, Emotion(label="neutral"), last + 30 * MOOD_HALF_LIFE_US)
    assert abs(later.mood) < 0.01


@pytest.mark.parametrize(
    ("labels", "trend"),
    [
        (["anger", "anger", "gratitude", "joy"], "better"),
        (["joy", "neutral", "frustrated", "anger"], "worse"),
        (["neutral"] * 6, "steady"),
        (["anger", "joy"], "steady"),
    ],
)
def test_trend(labels: list[str], trend: str) -> None:
    assert after(*labels).trend == trend


def test_the_summary_is_a_sentence() -> None:
    assert Patterns().summary() == "no messages yet"
    said = after("frustrated", "frustrated", "neutral").summary()
    assert said == "3 messages: frustrated 2; mood even (-0.19), steady; last neutral"


def test_history_can_be_shorter_and_wrong_input_is_refused() -> None:
    state = after("joy", "joy", "joy")
    assert len(step(state, Emotion(), NOW_US, max_history=2).history) == 2
    with pytest.raises(InvalidInput):
        step(state, Emotion(), NOW_US, max_history=0)
    with pytest.raises(InvalidInput):
        step(state, Emotion(), NOW_US, max_history=MAX_HISTORY + 1)
    with pytest.raises(InvalidInput):
        step(state, Emotion(label="bliss"), NOW_US)


@given(
    st.lists(
        st.tuples(st.sampled_from(EMOTIONS), st.floats(0, 1), st.integers(0, 10**9)), max_size=120
    )
)
def test_small_bounded_and_json(felt: list[tuple[str, float, int]]) -> None:
    state = Patterns()
    for label, intensity, wait in felt:
        at_us = (state.history[-1].at_us if state.history else NOW_US) + wait
        before = msgspec.json.encode(state)
        state, former = step(state, Emotion(label=label, intensity=intensity), at_us), state
        assert msgspec.json.encode(former) == before
    data = msgspec.json.encode(state)
    assert len(data) < 1024
    assert msgspec.json.decode(data, type=Patterns) == state
    assert len(state.history) <= MAX_HISTORY
    assert len(state.transitions) <= MAX_TRANSITIONS
    assert -1 <= state.mood <= 1
    assert state.messages == len(felt)


def test_every_emotion_has_a_valence() -> None:
    assert set(VALENCE) == set(EMOTIONS)
