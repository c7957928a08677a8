"""What a conversation says of itself by how it went. Pure; `docs/feedback.md` has the formulas."""

from __future__ import annotations

from itertools import pairwise
from math import exp
from statistics import fmean
from typing import NamedTuple

from ..model.feedback import Outcome, Signals
from .log import Log, Passed, Rated, Repeated, Replied, Said

ENDS = frozenset({"thank", "goodbye"})
"""Acts with which somebody leaves who got what they wanted."""
NO_ANSWER = frozenset({"fallback", "apology"})
"""Handlers that say only that nothing was understood or something failed."""
MANY_MESSAGES = 4
"""How many messages, characters and seconds bring a part of `engagement` to 63 % of its range, or
take it down to 37 %: scales of a chat, chosen and not fitted."""
MANY_CHARACTERS = 60
LONG_PAUSE_S = 300.0


class Measured(NamedTuple):
    """`responses_s`: seconds from the oldest unanswered message to the reply, for each reply that
    ends a wait."""

    signals: Signals
    responses_s: list[float]


class _Pace(NamedTuple):
    responses_s: list[float]
    visitor_s: list[float]
    waits: bool
    """The visitor's last message has no answer."""


def within(log: Log, since: int, until: int) -> Log:
    """What happened from `since` until before `until`."""
    if not log or (log[0].at >= since and log[-1].at < until):
        return log
    return [one for one in log if since <= one.at < until]


def signals_of(log: Log, now: int, rest_s: float) -> Signals | None:
    """The signals alone, as `measure` has them."""
    measured = measure(log, now, rest_s)
    return measured.signals if measured is not None else None


def measure(log: Log, now: int, rest_s: float) -> Measured | None:
    """None where the visitor said nothing. A conversation in which nothing happened for `rest_s`
    seconds before `now` (microseconds since 1970) is over. Ratings move none of the figures."""
    log = [one for one in log if not isinstance(one, Rated)]
    said = [one for one in log if isinstance(one, Said)]
    if not said:
        return None
    replies = [one for one in log if isinstance(one, Replied)]
    passed = [one for one in log if isinstance(one, Passed) and one.owner != "assistant"]
    pace = _pace(log)
    again = sum(isinstance(one, Repeated) for one in log)
    repeats = again + sum(one.is_repeat for one in said)
    switches = sum(
        before.thread is not None and after.thread is not None and before.thread != after.thread
        for before, after in pairwise(said)
    )
    length = fmean(one.length for one in said)
    repeat_rate = repeats / (len(said) + again)
    visitor_s = _mean(pace.visitor_s)
    outcome, reason = _outcome(log, said[-1], pace.waits, now, rest_s)
    signals = Signals(
        messages=len(said),
        replies=len(replies),
        duration_s=max(0, log[-1].at - log[0].at) / 1e6,
        response_s=_mean(pace.responses_s),
        longest_response_s=max(pace.responses_s, default=None),
        visitor_response_s=visitor_s,
        message_length=length,
        conversation_length=len(said) + len(replies),
        topic_switches=switches,
        topic_switch_rate=switches / max(1, len(said) - 1),
        emotional_variance=_variance([one.polarity for one in said]),
        repeats=repeats,
        repeat_rate=repeat_rate,
        handed_over=any(one.by_engine for one in passed),
        taken_over=any(not one.by_engine for one in passed),
        engagement=_engagement(len(said), length, visitor_s, repeat_rate),
        outcome=outcome,
        reason=reason,
    )
    return Measured(signals, pace.responses_s)


def _pace(log: Log) -> _Pace:
    responses: list[float] = []
    visitor: list[float] = []
    waiting_since: int | None = None
    replied_at: int | None = None
    for one in log:
        if isinstance(one, Said):
            if replied_at is not None:
                visitor.append(max(0, one.at - replied_at) / 1e6)
                replied_at = None
            waiting_since = one.at if waiting_since is None else waiting_since
        elif isinstance(one, Replied):
            if waiting_since is not None:
                responses.append(max(0, one.at - waiting_since) / 1e6)
                waiting_since = None
            replied_at = one.at
    return _Pace(responses, visitor, waiting_since is not None)


def _outcome(
    log: Log, last_said: Said, waits: bool, now: int, rest_s: float
) -> tuple[Outcome, str]:
    if now - log[-1].at < rest_s * 1e6:
        return "open", ""
    if last_said.act in ENDS:
        return "completed", "closed"
    last_reply: Replied | None = None
    is_left_to_people = False
    for one in log:
        if isinstance(one, Replied):
            last_reply = one
            is_left_to_people = is_left_to_people and one.is_automatic
        elif isinstance(one, Passed):
            is_left_to_people = one.owner != "assistant"
    if waits or last_reply is None or is_left_to_people:
        return "abandoned", "unanswered"
    if last_reply.handler in NO_ANSWER:
        return "abandoned", "not_understood"
    if last_reply.handler.startswith("slot:"):
        return "abandoned", "question_left"
    return "completed", "answered"


def _engagement(messages: int, length: float, pause_s: float | None, repeat_rate: float) -> float:
    parts = (
        1 - exp(-messages / MANY_MESSAGES),
        1 - exp(-length / MANY_CHARACTERS),
        0.0 if pause_s is None else exp(-pause_s / LONG_PAUSE_S),
        1 - repeat_rate,
    )
    return fmean(parts)


def _mean(values: list[float]) -> float | None:
    return fmean(values) if values else None


def _variance(values: list[float]) -> float:
    """Of the population. That of the standard library is exact, and thirty times slower."""
    mean = fmean(values)
    return fmean([(value - mean) ** 2 for value in values])
