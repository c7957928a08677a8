"""Feedback: ratings, what conversations say by how they went, and figures about both.

`docs/feedback.md` has the formula of each figure.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from msgspec import Meta, Struct

Stars = Annotated[int, Meta(ge=1, le=5)]
Rating = Literal["up", "down"] | Stars
Thumb = Literal["up", "neutral", "down"]
Category = Annotated[str, Meta(pattern=r"^[a-z][a-z0-9_-]{0,39}$(?!\n)")]
Outcome = Literal["open", "completed", "abandoned"]
Measure = Literal["low_ratings", "abandoned", "taken_over", "repeated"]
Dimension = Literal["intent", "handler", "model", "channel", "hours"]
FeedbackFormat = Literal["json", "csv"]
FeedbackKind = Literal["ratings", "signals"]
Privacy = Literal["anonymous", "pseudonymous", "identified"]

VISITOR = "visitor"
"""Who rates on the chat page; ratings by others are not for visitors."""
LOW, HIGH = 2, 4
"""Scores up to LOW say that an answer did not help; from HIGH on that it did."""


def score_of(rating: str | int) -> int:
    """1 to 5: a thumb up is 5, a thumb down is 1."""
    if isinstance(rating, int):
        return rating
    return 5 if rating == "up" else 1


def thumb_of(rating: str | int) -> Thumb:
    """The rating as a thumb."""
    score = score_of(rating)
    return "up" if score >= HIGH else "down" if score <= LOW else "neutral"


class FeedbackFilter(Struct, frozen=True):
    """Which feedback: what was given from `since` until before `until`, by default the last 30
    days, and on replies for which every other field that is set holds.

    `model` is one that understood the message or wrote the answer.
    """

    since: datetime | None = None
    until: datetime | None = None
    channel: str | None = None
    intent: str | None = None
    handler: str | None = None
    model: str | None = None


class Signals(Struct, frozen=True, kw_only=True):
    """What a conversation says of itself; the figures that need what never happened are None.

    Times are seconds, lengths characters, rates and `engagement` 0 to 1. `reason` of the outcome:
    closed, answered, unanswered, not_understood, question_left; "" while it is open.
    """

    messages: int
    replies: int
    duration_s: float
    response_s: float | None
    longest_response_s: float | None
    visitor_response_s: float | None
    message_length: float
    conversation_length: int
    topic_switches: int
    topic_switch_rate: float
    emotional_variance: float
    repeats: int
    repeat_rate: float
    handed_over: bool
    taken_over: bool
    engagement: float
    outcome: Outcome
    reason: str


class SignalsView(Struct, frozen=True, kw_only=True):
    """Of one conversation, as far as its newest 2,000 events tell."""

    conversation_id: str
    at: str
    signals: Signals | None
    """None where the visitor said nothing."""


class Satisfaction(Struct, frozen=True):
    """Percent of the ratings that are 4 or 5, with Wilson's interval of 95 %, in which ratings of
    one conversation count as what they are worth together."""

    percent: float
    low: float
    high: float


class ResponseTime(Struct, frozen=True):
    """From the oldest unanswered message to the reply. The quantiles are within 13 %."""

    mean_s: float
    p50_s: float
    p95_s: float
    responses: int


class Outcomes(Struct, frozen=True):
    """Conversations by how they ended. `completion_rate`: of those that are not open."""

    conversations: int
    completed: int
    abandoned: int
    open: int
    handed_over: int
    taken_over: int
    repeated: int
    """In how many the visitor said something again."""
    completion_rate: float | None


class Implicit(Struct, frozen=True):
    """Means over conversations."""

    message_length: float
    conversation_length: float
    topic_switch_rate: float
    emotional_variance: float
    repeat_rate: float
    engagement: float


class CategoryFigures(Struct, frozen=True):
    category: str
    total: int
    average_rating: float


class Period(Struct, frozen=True, kw_only=True):
    """What was measured within a stretch of time; None where there was nothing to measure."""

    since: str
    until: str
    total_feedback: int
    ratings: dict[str, int]
    """How many ratings of each score, "1" to "5"."""
    average_rating: float | None
    satisfaction: Satisfaction | None
    response_time: ResponseTime | None
    outcomes: Outcomes | None
    """None where `feedback.implicit` is off; `implicit` too."""
    implicit: Implicit | None
    by_category: list[CategoryFigures]


class TrendView(Struct, frozen=True):
    """A statistical test of change. `p`: how probable a change at least as large is where nothing
    changed; None, with the reason in `note`, where there is too little to test.

    mann-kendall: a trend over days; `effect` is Sen's slope, per day. mann-whitney: this period
    beside the one before; `effect` is the chance that a value of this one is the larger, 0.5 where
    nothing differs. two-proportions and fisher: the same for shares; `effect` is the difference.
    """

    measure: str
    test: Literal["mann-kendall", "mann-whitney", "two-proportions", "fisher"]
    n: int
    """Days, or conversations of both periods together: each has one value, its mean."""
    effect: float | None
    p: float | None
    note: str = ""


class Evidence(Struct, frozen=True, kw_only=True):
    """Of `n` conversations `bad` went badly, of `rest_n` others `rest_bad`.

    `p` is of that one comparison, `q` is corrected for all that were made (Benjamini-Hochberg).
    `excess`: how many went badly beyond the share of the rest.
    """

    n: int
    bad: int
    share: float
    rest_n: int
    rest_bad: int
    rest_share: float
    test: Literal["two-proportions", "fisher"]
    p: float
    q: float
    excess: float
    conversations: list[str]
    """Newest cases to look at, at most five, as `feedback.privacy` has them; none if anonymous."""


class Insight(Struct, frozen=True, kw_only=True):
    """One intent, handler, model, channel or time of day is worse than the rest (q < 0.05)."""

    dimension: Dimension
    value: str
    measure: Measure
    evidence: Evidence


class Days(Struct, frozen=True):
    """Columns of the same length, a day each (UTC); `at` is its beginning in seconds."""

    at: list[int]
    feedback: list[int]
    average_rating: list[float | None]
    conversations: list[int]
    completion_rate: list[float | None]
    response_s: list[float | None]


class Analytics(Struct, frozen=True, kw_only=True):
    """Figures of a period, the period of the same length before it, and what differs."""

    at: str
    """When it was computed."""
    filter: dict[str, str]
    privacy: Privacy
    period: Period
    before: Period
    days: Days
    trends: list[TrendView]
    insights: list[Insight]
    comparisons: int
    """How many the correction of `insights` is for."""
    remarks: list[Remark]
    """The newest 50, newest first; none if anonymous."""


class FeedbackProgress(Struct, frozen=True):
    """How far figures are that are being computed. `ready`: they are kept, and come at once.
    `idle`: nobody has asked for them."""

    state: Literal["computing", "ready", "idle"]
    done: int
    """Conversations looked at, of `total`; 0 of 0 unless `computing`."""
    total: int


class Remark(Struct, frozen=True, kw_only=True):
    """What somebody wrote with a rating, as `feedback.privacy` has it."""

    at: str
    score: int
    category: str
    comment: str
    conversation: str
    """"" if anonymous."""
    handler: str
    intent: str


class Recommendation(Struct, frozen=True, kw_only=True):
    """What to look at, the most cases first."""

    rank: int
    text: str
    insight: Insight


class Recommendations(Struct, frozen=True, kw_only=True):
    at: str
    since: str
    until: str
    comparisons: int
    recommendations: list[Recommendation]


class FeedbackRow(Struct, frozen=True, kw_only=True):
    """One rating as it is exported, with what produced the reply; see `feedback.privacy`."""

    at: str
    rating: str
    """"" for a reaction that rates nothing; `score` is none then."""
    score: int | None
    category: str
    comment: str
    reaction: str
    """The emoji of a reaction; "" for other ratings."""
    by: str
    person: str
    conversation: str
    channel: str
    reply: str
    turn: str
    handler: str
    intent: str
    confidence: float | None
    models: str
    """Versions of the models that understood the message or wrote the reply, parted by blanks."""
    context_position: int | None
    """The newest event that the reply's context looked at; None where no context was recorded."""
    context_tokens: int | None
    context: str
    """Where its items came from, parted by blanks; they name people, so only if `identified`."""


class SignalsRow(Struct, frozen=True, kw_only=True):
    """The signals of one conversation as they are exported."""

    conversation: str
    person: str
    channel: str
    signals: Signals


class FeedbackReport(Struct, frozen=True, kw_only=True):
    """What operators are told of now and then."""

    at: str
    period: Period
    recommendations: list[Recommendation]
