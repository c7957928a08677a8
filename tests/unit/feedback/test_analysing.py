"""Counts, figures, trends, insights and recommendations out of conversations made by hand."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from colloquy.feedback.analysing import (
    comparisons_of,
    days_of,
    insights_of,
    period_of,
    recommendations_of,
    trends_of,
)
from colloquy.feedback.counting import (
    DAY_US,
    MAX_REMARKS,
    MAX_VALUES,
    OTHER,
    Conversation,
    Tally,
    Wanted,
    Window,
)
from colloquy.feedback.counts import EXAMPLES
from colloquy.feedback.durations import Times
from colloquy.feedback.log import Happened, Passed, Rated, Replied, Said, ratings_of
from colloquy.model.feedback import TrendView

S = 1_000_000
NOW = 100 * DAY_US
WINDOW = Window(90 * DAY_US, NOW, NOW)
REST_S = 1800.0


def conversation(
    number: int,
    *ratings: str | int,
    day: float = 95.0,
    handler: str = "intent:hours",
    model: str = "m1",
    channel: str = "web",
    category: str = "",
    taken_over: bool = False,
    wait_s: float = 2.0,
) -> Conversation:
    """One message and its reply, rated."""
    at = int(day * DAY_US)
    reply_at = at + int(wait_s * S)
    log: list[Happened] = [
        Said(at, 20, None, 0.0, "question", False, model),
        Replied(reply_at, f"r{number}", "t", True, handler, handler[7:], 0.9, (model,)),
    ]
    if taken_over:
        log.append(Passed(reply_at + S, "human", False))
    log += [
        Rated(reply_at + 2 * S, f"r{number}", rating, f"by{place}", category, "")
        for place, rating in enumerate(ratings)
    ]
    return Conversation(number, channel, log)


def tally(
    *conversations: Conversation,
    window: Window = WINDOW,
    wanted: Wanted = Wanted(),  # noqa: B008
    implicit: bool = True,
) -> Tally:
    found = Tally(window, wanted, implicit=implicit, rest_s=REST_S)
    for one in conversations:
        found.add(one)
    return found


def test_the_figures_of_a_period() -> None:
    found = period_of(
        tally(
            conversation(1, "up", category="tone"),
            conversation(2, 4, 3, wait_s=4),
            conversation(3, "down", category="tone", taken_over=True),
            conversation(4, handler="slot:rooms"),
            conversation(5, "up", day=89.9),  # before the window
        ),
        implicit=True,
    )
    assert (found.total_feedback, found.average_rating) == (4, 13 / 4)
    assert found.ratings == {"1": 1, "2": 0, "3": 1, "4": 1, "5": 1}
    assert found.satisfaction is not None
    assert found.satisfaction.percent == 50
    assert (found.satisfaction.low, found.satisfaction.high) == pytest.approx(
        (15.0038989, 84.9961011)
    )
    assert [(one.category, one.total, one.average_rating) for one in found.by_category] == [
        ("", 2, 3.5),
        ("tone", 2, 3.0),
    ]
    assert found.response_time is not None
    assert found.response_time.mean_s == pytest.approx(2.5)
    assert found.response_time.responses == 4
    assert found.response_time.p50_s == pytest.approx(2, rel=0.13)
    assert found.outcomes is not None
    assert (found.outcomes.completed, found.outcomes.abandoned) == (2, 2)
    assert (found.outcomes.completion_rate, found.outcomes.taken_over) == (0.5, 1)
    assert found.implicit is not None
    assert (found.implicit.message_length, found.implicit.conversation_length) == (20, 2)


def test_where_nothing_was_there_are_no_figures() -> None:
    found = period_of(tally(), implicit=True)
    assert (found.total_feedback, found.average_rating, found.satisfaction) == (0, None, None)
    assert (found.response_time, found.implicit) == (None, None)
    assert found.outcomes is not None
    assert found.outcomes.completion_rate is None


def test_without_signals_only_ratings_count() -> None:
    found = period_of(tally(conversation(1, "up"), implicit=False), implicit=False)
    assert (found.total_feedback, found.outcomes, found.implicit) == (1, None, None)


def test_the_newest_rating_of_each_person_counts() -> None:
    at = 95 * DAY_US
    log = [
        Rated(at, "r1", "up", "ann", "", ""),
        Rated(at + 1, "r1", 4, "ben", "", ""),
        Rated(at + 2, "r1", "down", "ann", "", ""),
    ]
    assert [(rated.by, rated.rating, reply) for rated, reply in ratings_of(log)] == [
        ("ben", 4, None),
        ("ann", "down", None),
    ]


@pytest.mark.parametrize(
    ("wanted", "numbers"),
    [
        (Wanted(), 3),
        (Wanted(intent="price"), 1),
        (Wanted(handler="intent:hours"), 2),
        (Wanted(model="m2"), 1),
        (Wanted(handler="intent:hours", model="m2"), 1),
        (Wanted(intent="price", model="m2"), 0),
    ],
)
def test_a_filter_keeps_replies_and_their_conversations(wanted: Wanted, numbers: int) -> None:
    found = tally(
        conversation(1, "up"),
        conversation(2, "up", model="m2"),
        conversation(3, "up", handler="intent:price"),
        wanted=wanted,
    ).all
    assert (found.ratings, found.conversations) == (numbers, numbers)


def test_a_bad_handler_is_found_and_a_good_one_is_not() -> None:
    bad = [conversation(n, "down", handler="intent:price") for n in range(12)]
    good = [conversation(n, "up") for n in range(100, 140)]
    comparisons = comparisons_of(tally(*bad, *good))
    insights = insights_of(comparisons, str)
    found = [one for one in insights if one.measure == "low_ratings"]
    assert {(one.dimension, one.value) for one in found} == {
        ("handler", "intent:price"),
        ("intent", "price"),
    }
    evidence = found[0].evidence
    assert (evidence.n, evidence.bad, evidence.rest_n, evidence.rest_bad) == (12, 12, 40, 0)
    assert evidence.excess == 12
    assert evidence.p <= evidence.q < 0.05
    assert evidence.conversations == ["11", "10", "9", "8", "7"]
    recommended = recommendations_of(insights)
    assert [one.rank for one in recommended] == list(range(1, len(recommended) + 1))
    assert recommended[0].text.startswith("Read the answers that were rated low: handler intent:p")
    assert (
        "12 of 12 rated conversations got 2 or less (100%), 0% of the rest" in recommended[0].text
    )


def test_recommendations_come_by_how_much_goes_wrong() -> None:
    rare = [conversation(n, "down", handler="intent:rare") for n in range(8)]
    often = [
        conversation(100 + n, "down" if n % 2 else "up", handler="intent:often") for n in range(80)
    ]
    good = [conversation(300 + n, "up") for n in range(100)]
    insights = insights_of(comparisons_of(tally(*rare, *often, *good)), lambda _: None)
    ranked = [
        one.insight.value
        for one in recommendations_of(insights)
        if one.insight.dimension == "handler"
    ]
    assert ranked == ["intent:often", "intent:rare"]
    assert all(not one.evidence.conversations for one in insights)


def test_too_few_cases_are_compared_with_nothing() -> None:
    bad = [conversation(n, "down", handler="intent:price") for n in range(4)]
    good = [conversation(100 + n, "up") for n in range(40)]
    values = {one.value for one in comparisons_of(tally(*bad, *good))}
    assert "intent:price" not in values


def trend(trends: list[TrendView], measure: str) -> TrendView:
    return next(one for one in trends if one.measure == measure)


def test_a_fall_is_told_by_its_tests() -> None:
    current = tally(
        *(
            conversation(day * 10 + n, 5 - day // 2, day=90.2 + day)
            for day in range(8)
            for n in range(3)
        )
    )
    before = tally(
        *(conversation(500 + n, "up", day=85.0) for n in range(24)),
        window=Window(80 * DAY_US, 90 * DAY_US, NOW),
    )
    days = days_of(current)
    assert days.average_rating[:8] == [5, 5, 4, 4, 3, 3, 2, 2]
    assert (len(days.at), days.average_rating[9]) == (10, None)
    trends = trends_of(current, before, days)
    falling = trend(trends, "average_rating")
    assert (falling.test, falling.n) == ("mann-kendall", 8)
    assert falling.effect is not None
    assert falling.effect < 0
    assert falling.p is not None
    assert falling.p < 0.01
    rating = trend(trends, "rating")
    assert rating.effect == pytest.approx((6 * 0.5 + 18 * 0) / 24)
    assert rating.p is not None
    assert rating.p < 0.001
    satisfaction = trend(trends, "satisfaction")
    assert (satisfaction.effect, satisfaction.n) == (-0.5, 48)
    assert trend(trends, "completion").p == 1


def test_many_ratings_of_one_conversation_are_one_value() -> None:
    """One person who rates twenty times proves nothing."""
    angry = conversation(1, *[1] * 20, handler="intent:price")
    good = [conversation(100 + n, "up") for n in range(20)]
    current = tally(angry, *good)
    before = tally(*good)
    assert current.all.ratings == 40
    trends = trends_of(current, before, days_of(current))
    assert (trend(trends, "rating").n, trend(trends, "satisfaction").n) == (41, 41)
    rating, satisfaction = trend(trends, "rating"), trend(trends, "satisfaction")
    assert rating.p is not None and rating.p > 0.3
    assert satisfaction.p is not None and satisfaction.p > 0.3
    assert insights_of(comparisons_of(current), str) == []
    found = period_of(current, implicit=True).satisfaction
    assert found is not None
    assert found.percent == 50
    assert found.high - found.low > 0.6 * 100  # of independent ratings it would be half as wide


def test_days_are_compared_by_the_conversations_first_rated_on_them() -> None:
    current = tally(*(conversation(n, *[1 + n % 5] * (1 + n), day=91.0 + n % 5) for n in range(10)))
    assert [total / n for _, (total, n) in sorted(current.rated_days.items())] == [1, 2, 3, 4, 5]
    assert sum(n for _, n in current.rated_days.values()) == 10


def test_the_rest_are_conversations_without_the_value() -> None:
    """A conversation with a bad reply of one handler and a good one of another is with both."""
    at = 95 * DAY_US
    mixed = [
        Conversation(
            n,
            "web",
            [
                Said(at, 20, None, 0.0, "question", False, "m1"),
                Replied(at + S, "a", "t", True, "intent:price", "price", 0.9, ("m1",)),
                Replied(at + 2 * S, "b", "t", True, "intent:hours", "hours", 0.9, ("m1",)),
                Rated(at + 3 * S, "a", 1, "by", "", ""),
                Rated(at + 4 * S, "b", 5, "by", "", ""),
            ],
        )
        for n in range(6)
    ]
    good = [conversation(100 + n, "up", handler="intent:other") for n in range(30)]
    found = tally(*mixed, *good)
    price = found.values["handler"]["intent:price"]
    assert (price.rated, price.low, price.low_overall) == (6, 6, 0)
    (one,) = [
        one
        for one in comparisons_of(found)
        if (one.dimension, one.value, one.measure) == ("handler", "intent:price", "low_ratings")
    ]
    assert one.rest == (0, 30)


def test_the_newest_words_are_kept() -> None:
    at = 95 * DAY_US
    logs = [
        [
            Replied(at, "r", "t", True, "intent:price", "price", 0.9, ("m1",)),
            Rated(at + n, "r", "up" if n % 2 else 4, "by", "tone", f"word {n}"),
        ]
        for n in range(MAX_REMARKS + 20)
    ]
    found = tally(*(Conversation(n, "web", log) for n, log in enumerate(logs))).remarks
    assert len(found) == MAX_REMARKS
    assert found[0].given.comment == f"word {MAX_REMARKS + 19}"
    assert found[-1].given.comment == "word 20"
    assert found[0].made is not None and found[0].made.handler == "intent:price"


def test_what_cannot_be_tested_says_why() -> None:
    current = tally(conversation(1, "up"))
    trends = trends_of(current, tally(), days_of(current))
    assert all(one.p is None and one.effect is None and one.note for one in trends)


def test_memory_is_bounded_whatever_the_values() -> None:
    found = tally(
        *(
            conversation(n, "down", handler=f"intent:h{n}", category=f"c{n}")
            for n in range(MAX_VALUES + 50)
        )
    )
    handlers = found.values["handler"]
    assert len(handlers) == len(found.categories) == MAX_VALUES + 1
    assert handlers[OTHER].ratings == 50
    assert len(handlers[OTHER].examples["low_ratings"]) == EXAMPLES


@given(st.lists(st.floats(0, 3e6), min_size=1, max_size=50), st.floats(0.01, 0.99))
def test_a_quantile_of_times_is_within_its_error(values: list[float], share: float) -> None:
    times = Times()
    for value in values:
        times.add(value)
    ordered = sorted(values)
    exact = next(v for place, v in enumerate(ordered, 1) if place >= share * len(values))
    found = times.quantile(share)
    assert min(values) <= found <= max(values)
    assert found == pytest.approx(exact, rel=0.13, abs=0.001) or exact > 2.67e6
