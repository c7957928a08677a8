"""From counts to figures, trends, insights and recommendations. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple, get_args

from ..model.feedback import (
    HIGH,
    CategoryFigures,
    Days,
    Dimension,
    Evidence,
    Implicit,
    Insight,
    Measure,
    Outcomes,
    Period,
    Recommendation,
    ResponseTime,
    Satisfaction,
    TrendView,
)
from ..model.times import rfc3339
from .counting import DAY_US, Tally
from .counts import Counts
from .statistics import (
    Compared,
    Trended,
    benjamini_hochberg,
    mann_kendall,
    mann_whitney,
    proportions,
    wilson,
)

LEAST_CASES = 5
"""Fewer are compared with nothing: whatever came out, nobody should act on it."""
MAX_Q = 0.05
"""Of the insights shown at most so large a share is expected to be chance."""
MOST_RECOMMENDED = 20
DAYS_NOTE = "fewer than 4 days with values"
EACH_NOTE = "fewer than 8 values in one of the periods"
NONE_NOTE = "nothing in one of the periods"

Names = Callable[[int], str | None]
"""The name of a conversation by its number; None where it has none to show."""


def period_of(tally: Tally, *, implicit: bool) -> Period:
    """The figures of a tally."""
    counts = tally.all
    ratings = counts.ratings
    return Period(
        since=rfc3339(tally.window.since),
        until=rfc3339(tally.window.until),
        total_feedback=ratings,
        ratings={str(score): count for score, count in enumerate(counts.scores, 1)},
        average_rating=counts.average,
        satisfaction=_satisfaction(tally) if ratings else None,
        response_time=_response_time(tally) if tally.times.count else None,
        outcomes=_outcomes(counts) if implicit else None,
        implicit=_implicit(tally) if implicit and counts.conversations else None,
        by_category=[_category(name, scores) for name, scores in sorted(tally.categories.items())],
    )


def days_of(tally: Tally) -> Days:
    """A column for each day of the window, also for those on which nothing happened."""
    first, last = tally.window.since // DAY_US, (tally.window.until - 1) // DAY_US
    numbers = range(first, last + 1)
    nothing = Counts()
    days = [tally.days.get(number, nothing) for number in numbers]
    return Days(
        at=[number * 86400 for number in numbers],
        feedback=[day.ratings for day in days],
        average_rating=[day.average for day in days],
        conversations=[day.conversations for day in days],
        completion_rate=[day.completion for day in days],
        response_s=[_mean_response(day) for day in days],
    )


def trends_of(current: Tally, before: Tally, days: Days) -> list[TrendView]:
    """Within the window over its days, and beside the window before it; each conversation has one
    value, so that what is tested is independent."""
    now, then = current.all, before.all
    found = [
        _over_days("average_rating", _rated_days(current)),
        _over_days("completion_rate", days.completion_rate),
        _over_days("response_s", days.response_s),
        _beside(
            "rating",
            mann_whitney(before.mean_ratings, current.mean_ratings),
            then.rated + now.rated,
            EACH_NOTE,
        ),
        _beside(
            "satisfaction",
            proportions(before.good, then.rated, current.good, now.rated),
            then.rated + now.rated,
            NONE_NOTE,
        ),
        _beside(
            "completion",
            proportions(then.completed, then.over, now.completed, now.over),
            then.over + now.over,
            NONE_NOTE,
        ),
        _beside(
            "response_time",
            mann_whitney(before.mean_times, current.mean_times),
            sum(before.mean_times) + sum(current.mean_times),
            EACH_NOTE,
        ),
    ]
    return found


class Comparison(NamedTuple):
    dimension: Dimension
    value: str
    measure: Measure
    counts: Counts
    rest: tuple[int, int]
    compared: Compared


def comparisons_of(tally: Tally) -> list[Comparison]:
    """Every value of every dimension beside the rest, where both have enough cases."""
    return list(_comparisons(tally))


def insights_of(comparisons: Sequence[Comparison], names: Names) -> list[Insight]:
    """What is worse than the rest beyond chance, surest first."""
    corrected = benjamini_hochberg([one.compared.p for one in comparisons])
    found = [
        _insight(one, q, names)
        for one, q in zip(comparisons, corrected, strict=True)
        if q < MAX_Q and one.compared.effect > 0
    ]
    return sorted(found, key=lambda one: (one.evidence.q, -one.evidence.excess, one.value))


def recommendations_of(insights: Sequence[Insight]) -> list[Recommendation]:
    """What to look at, by how many cases went badly beyond what the rest would have."""
    ranked = sorted(insights, key=lambda one: (-one.evidence.excess, one.dimension, one.value))
    return [
        Recommendation(rank=rank, text=_text(insight), insight=insight)
        for rank, insight in enumerate(ranked[:MOST_RECOMMENDED], 1)
    ]


def _comparisons(tally: Tally) -> Iterator[Comparison]:
    for dimension, values in tally.values.items():
        for value, counts in sorted(values.items()):
            for measure in get_args(Measure):
                bad, n = counts.cases(measure)
                all_bad, all_n = tally.all.cases(measure)
                # Conversations without this value: one that has others beside it is with it.
                gone = counts.low_overall if measure == "low_ratings" else bad
                rest_bad, rest_n = all_bad - gone, all_n - n
                if min(n, rest_n) < LEAST_CASES:
                    continue
                compared = proportions(rest_bad, rest_n, bad, n)
                if compared is not None:
                    yield Comparison(
                        dimension, value, measure, counts, (rest_bad, rest_n), compared
                    )


def _insight(one: Comparison, q: float, names: Names) -> Insight:
    bad, n = one.counts.cases(one.measure)
    rest_bad, rest_n = one.rest
    examples = reversed(one.counts.examples.get(one.measure, ()))
    shown = [name for name in map(names, examples) if name is not None]
    test = one.compared.test
    assert test != "mann-whitney"
    return Insight(
        dimension=one.dimension,
        value=one.value,
        measure=one.measure,
        evidence=Evidence(
            n=n,
            bad=bad,
            share=bad / n,
            rest_n=rest_n,
            rest_bad=rest_bad,
            rest_share=rest_bad / rest_n,
            test=test,
            p=one.compared.p,
            q=q,
            excess=bad - n * rest_bad / rest_n,
            conversations=shown,
        ),
    )


_ACTIONS: dict[Measure, str] = {
    "low_ratings": "Read the answers that were rated low",
    "abandoned": "Look at where visitors left without an answer",
    "taken_over": "Look at why people took over",
    "repeated": "Look at what visitors had to say twice",
}
_CASES: dict[Measure, str] = {
    "low_ratings": "rated conversations got 2 or less",
    "abandoned": "conversations were abandoned",
    "taken_over": "conversations were taken over",
    "repeated": "conversations had something said again",
}


def _text(insight: Insight) -> str:
    found = insight.evidence
    return (
        f"{_ACTIONS[insight.measure]}: {insight.dimension} {insight.value}. {found.bad} of "
        f"{found.n} {_CASES[insight.measure]} ({found.share:.0%}), {found.rest_share:.0%} of the "
        f"rest (q = {found.q:.2g})."
    )


def _good(counts: Counts) -> int:
    return sum(counts.scores[HIGH - 1 :])


def _satisfaction(tally: Tally) -> Satisfaction:
    counts, worth = tally.all, tally.satisfied.worth
    low, high = wilson(worth.good, worth.n)
    return Satisfaction(100 * _good(counts) / counts.ratings, 100 * low, 100 * high)


def _response_time(tally: Tally) -> ResponseTime:
    times = tally.times
    return ResponseTime(
        times.total_s / times.count, times.quantile(0.5), times.quantile(0.95), times.count
    )


def _outcomes(counts: Counts) -> Outcomes:
    return Outcomes(
        counts.conversations,
        counts.completed,
        counts.abandoned,
        counts.open,
        counts.handed_over,
        counts.taken_over,
        counts.repeated,
        counts.completion,
    )


def _implicit(tally: Tally) -> Implicit:
    return Implicit(*(total / tally.all.conversations for total in tally.sums))


def _category(name: str, scores: Sequence[int]) -> CategoryFigures:
    total = sum(scores)
    return CategoryFigures(name, total, sum(s * n for s, n in enumerate(scores, 1)) / total)


def _mean_response(counts: Counts) -> float | None:
    return counts.response_s / counts.responses if counts.responses else None


def _rated_days(tally: Tally) -> list[float | None]:
    """Means of the conversations first rated on each day with such."""
    return [total / n for _, (total, n) in sorted(tally.rated_days.items())]


def _over_days(measure: str, values: Sequence[float | None]) -> TrendView:
    known = [value for value in values if value is not None]
    found: Trended | None = mann_kendall(known)
    if found is None:
        return TrendView(measure, "mann-kendall", len(known), None, None, DAYS_NOTE)
    return TrendView(measure, "mann-kendall", len(known), found.slope, found.p)


def _beside(measure: str, found: Compared | None, n: int, note: str) -> TrendView:
    if found is None:
        if note == NONE_NOTE:
            return TrendView(measure, "two-proportions", n, None, None, note)
        return TrendView(measure, "mann-whitney", n, None, None, note)
    return TrendView(measure, found.test, n, found.effect, found.p)
