"""Signals of conversations made by hand, whose figures are known."""

from __future__ import annotations

from math import exp
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from colloquy.feedback.log import Happened, Passed, Rated, Repeated, Replied, Said
from colloquy.feedback.signals import measure, signals_of, within
from colloquy.model.feedback import Outcome, Signals

S = 1_000_000
REST_S = 1800.0
LATER = 10_000 * S


def said(at_s: float, length: int = 20, **fields: Any) -> Said:
    filled = {"thread": None, "polarity": 0.0, "act": "inform", "is_repeat": False, "model": "m1"}
    return Said(int(at_s * S), length, **{**filled, **fields})


def replied(at_s: float, handler: str = "intent:hours", *, automatic: bool = True) -> Replied:
    return Replied(int(at_s * S), f"r{at_s}", "t", automatic, handler, "hours", 0.9, ("m1",))


def passed(at_s: float, owner: str = "human", *, by_engine: bool = False) -> Passed:
    return Passed(int(at_s * S), owner, by_engine)


def signals(*log: Happened, now: int = LATER) -> Signals:
    found = signals_of(log, now, REST_S)
    assert found is not None
    return found


def test_every_figure_of_a_known_conversation() -> None:
    found = signals(
        said(0, 10, thread="flat", polarity=0.5),
        replied(2),
        said(32, 30, thread="flat", polarity=-0.5, is_repeat=True),
        said(34, 20, thread="dog", polarity=0.0),
        replied(38),
        Repeated(40 * S),
        said(98, 20, thread="dog", polarity=0.0, act="thank"),
        replied(99),
        Rated(5000 * S, "r99", "up", "visitor", "", ""),
    )
    assert (found.messages, found.replies, found.conversation_length) == (4, 3, 7)
    assert found.duration_s == 99
    assert found.response_s == pytest.approx((2 + 6 + 1) / 3)
    assert found.longest_response_s == 6
    assert found.visitor_response_s == pytest.approx((30 + 60) / 2)
    assert found.message_length == 20
    assert (found.topic_switches, found.topic_switch_rate) == (1, pytest.approx(1 / 3))
    assert found.emotional_variance == pytest.approx(0.125)
    assert (found.repeats, found.repeat_rate) == (2, 0.4)
    assert (found.handed_over, found.taken_over) == (False, False)
    parts = (1 - exp(-1), 1 - exp(-20 / 60), exp(-45 / 300), 0.6)
    assert found.engagement == pytest.approx(sum(parts) / 4)
    assert (found.outcome, found.reason) == ("completed", "closed")


@pytest.mark.parametrize(
    ("log", "outcome"),
    [
        ([said(0), replied(1)], ("completed", "answered")),
        ([said(0), replied(1, "fallback")], ("abandoned", "not_understood")),
        ([said(0), replied(1, "apology")], ("abandoned", "not_understood")),
        ([said(0), replied(1, "slot:rooms")], ("abandoned", "question_left")),
        ([said(0)], ("abandoned", "unanswered")),
        ([said(0), replied(1), said(2)], ("abandoned", "unanswered")),
        ([said(0), replied(1), said(2, act="goodbye")], ("completed", "closed")),
        ([said(0), replied(1, "hand_over"), passed(1)], ("abandoned", "unanswered")),
        (
            [said(0), passed(1), replied(2, "human", automatic=False)],
            ("completed", "answered"),
        ),
        ([said(0), passed(1), passed(2, "assistant"), replied(3)], ("completed", "answered")),
    ],
)  # fmt: skip
def test_how_a_conversation_ended(log: list[Happened], outcome: tuple[str, str]) -> None:
    found = signals(*log)
    assert (found.outcome, found.reason) == outcome


def test_what_has_not_rested_is_open() -> None:
    log = (said(0), replied(10))
    assert signals(*log, now=int((10 + REST_S) * S) - 1).outcome == "open"
    assert signals(*log, now=int((10 + REST_S) * S)).outcome == "completed"


def test_who_passed_it_on_is_told_apart() -> None:
    by_itself = signals(said(0), passed(1, by_engine=True))
    assert (by_itself.handed_over, by_itself.taken_over) == (True, False)
    by_people = signals(said(0), replied(1), passed(2))
    assert (by_people.handed_over, by_people.taken_over) == (False, True)


def test_a_conversation_in_which_nobody_said_anything_has_none() -> None:
    assert signals_of([replied(1)], LATER, REST_S) is None
    assert signals_of([], LATER, REST_S) is None


def test_a_stretch_of_time_begins_with_its_first_moment_and_ends_before_its_last() -> None:
    log = [said(1), said(2), said(3)]
    assert within(log, 1 * S, 3 * S) == log[:2]
    assert within(log, 0, 4 * S) is log


_happened = st.one_of(
    st.builds(
        Said,
        st.just(0),
        st.integers(0, 10_000),
        st.sampled_from([None, "a", "b"]),
        st.floats(-1, 1),
        st.sampled_from(["inform", "thank", "question"]),
        st.booleans(),
        st.just("m"),
    ),
    st.builds(
        Replied,
        st.just(0),
        st.just("r"),
        st.just("t"),
        st.booleans(),
        st.sampled_from(["intent:a", "fallback", "slot:b", "human"]),
        st.just("a"),
        st.none(),
        st.just(()),
    ),
    st.builds(Repeated, st.just(0)),
    st.builds(Passed, st.just(0), st.sampled_from(["human", "assistant"]), st.booleans()),
    st.builds(
        Rated,
        st.just(0),
        st.just("r"),
        st.integers(1, 5),
        st.just("visitor"),
        st.just(""),
        st.just(""),
    ),
)


@given(st.lists(st.tuples(_happened, st.integers(0, 10**10)), max_size=25))
def test_figures_stay_within_their_bounds(steps: list[tuple[Happened, int]]) -> None:
    log = []
    at = 0
    for happened, later in steps:
        at += later
        log.append(happened._replace(at=at))
    found = signals_of(log, at + int(REST_S * S), REST_S)
    if not any(isinstance(one, Said) for one in log):
        assert found is None
        return
    assert found is not None
    for rate in (found.topic_switch_rate, found.repeat_rate, found.engagement):
        assert 0 <= rate <= 1
    assert 0 <= found.emotional_variance <= 1 + 1e-9
    assert found.outcome in get_args(Outcome)
    assert (found.reason == "") == (found.outcome == "open")
    measured = measure(log, at + int(REST_S * S), REST_S)
    assert measured is not None
    responses = measured.responses_s
    assert len(responses) <= min(found.messages, found.replies)
    assert all(0 <= one <= found.longest_response_s for one in responses)
    assert found.duration_s <= at / S
