"""Counts over many conversations, in memory of a fixed size whatever their number.

A `Tally` is given one conversation after the other. It keeps counts by day, by category and by what
is compared (intent, handler, model, channel, time of day), and never a conversation.

What is tested must be independent, and what one person says in one conversation is not: each
conversation has one value, the mean of its ratings or of its response times.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Sequence
from operator import add
from typing import NamedTuple

from ..model.feedback import HIGH, LOW, Dimension, score_of
from .clusters import Clusters
from .counts import SCORES, Counts
from .durations import CLASSES, Times, class_of
from .log import Log, Replied
from .summaries import EVER, MEANS, Course, Given, Made, Summary, summary_of

DAY_US = 86_400_000_000
HOUR_US = 3_600_000_000
HOURS_TOGETHER = 6
FINENESS = 20
"""Classes of mean ratings for each whole one: 0.05 wide."""
MAX_VALUES = 200
"""Values of one dimension, and categories, that are told apart; those that come later are one."""
OTHER = "(other)"
MAX_LISTS = 4_096
MAX_REMARKS = 50
"""Comments that are kept, the newest."""


class Window(NamedTuple):
    """From `since` until before `until`, in microseconds since 1970; `now` is when it is looked at:
    what is not over then is open."""

    since: int
    until: int
    now: int

    def holds(self, summary: Summary) -> bool:
        """Whether all of a conversation happened within."""
        return self.since <= summary.first_at and summary.last_at < self.until

    def misses(self, summary: Summary) -> bool:
        return summary.last_at < self.since or self.until <= summary.first_at


class Wanted(NamedTuple):
    """Replies of this intent, handler and model count, with their conversations; "" is any."""

    intent: str = ""
    handler: str = ""
    model: str = ""

    @property
    def is_any(self) -> bool:
        return self == Wanted()

    def takes(self, reply: Made | Replied | None) -> bool:
        """Whether what a reply was made by counts; None is a reply that is not known."""
        if reply is None:
            return self.is_any
        return (
            self.intent in ("", reply.intent)
            and self.handler in ("", reply.handler)
            and (not self.model or self.model in reply.models)
        )


class Conversation(NamedTuple):
    """`number` tells it from others; `log` as far as it is kept."""

    number: int
    channel: str
    log: Log


class Remark(NamedTuple):
    """A rating with words. `order` tells apart what was given at the same time."""

    at: int
    number: int
    order: int
    given: Given
    made: Made | None


class Tally:
    """What was counted within a window. `implicit`: whether signals are, too."""

    def __init__(self, window: Window, wanted: Wanted, *, implicit: bool, rest_s: float) -> None:
        self.window = window
        self._wanted = None if wanted.is_any else wanted
        self._implicit = implicit
        self._rest_us = rest_s * 1e6
        self._now = min(window.now, window.until)
        self.all = Counts()
        self.times = Times()
        self.days: dict[int, Counts] = {}
        self.categories: dict[str, list[int]] = {}
        self.values: dict[Dimension, dict[str, Counts]] = {}
        self.sums = [0.0] * len(MEANS)
        """Of signals over conversations, in the order of MEANS."""
        self.satisfied = Clusters()
        # One value of each conversation.
        self.mean_ratings = [0] * ((SCORES - 1) * FINENESS + 1)
        self.mean_times = [0] * CLASSES
        self.good = 0
        """Conversations with a mean rating of HIGH or more."""
        self.rated_days: dict[int, list[float]] = {}
        """Sum of the conversations' mean ratings and their number, by the day of the first one."""
        self._remarks: list[Remark] = []
        self._heard = 0
        self._lists: dict[tuple[int, str, tuple[Made, ...]], list[Counts]] = {}
        """Counts by what they are of: looked up for many conversations alike."""

    def add(self, conversation: Conversation) -> None:
        """Counts what happened within the window, out of the log."""
        window = self.window
        summary = summary_of(conversation.log, window.since, window.until, implicit=self._implicit)
        if summary is not None:
            self.count(conversation.number, conversation.channel, summary)

    def count(self, number: int, channel: str, summary: Summary) -> None:
        """Counts a conversation all of which happened within the window."""
        if summary.given:
            self._ratings(number, channel, summary)
        if self._implicit and summary.course is not None:
            self._course(number, channel, summary, summary.course)

    @property
    def remarks(self) -> list[Remark]:
        """The newest ratings with words, newest first."""
        return sorted(self._remarks, reverse=True)

    def _ratings(self, number: int, channel: str, summary: Summary) -> None:
        scores: list[int] = []
        by_counts: dict[Counts, list[int]] = {}
        first_at = EVER
        for given in summary.given:
            reply = summary.made[given.made] if given.made >= 0 else None
            if self._wanted is not None and not self._wanted.takes(reply):
                continue
            first_at = min(first_at, given.at)
            score = score_of(given.rating)
            scores.append(score)
            self._category(given.category)[score - 1] += 1
            replies = (reply,) if reply is not None else ()
            for counts in (self._day(given.at), *self._of(replies, channel, given.at)):
                by_counts.setdefault(counts, []).append(score)
            if given.comment:
                self._remark(number, given, reply)
        if not scores:
            return
        mean = sum(scores) / len(scores)
        by_counts[self.all] = scores
        for counts, some in by_counts.items():
            counts.rate(some, mean <= LOW, number)
        self.satisfied.add(sum(score >= HIGH for score in scores), len(scores))
        self.mean_ratings[round((mean - 1) * FINENESS)] += 1
        self.good += mean >= HIGH
        day = self.rated_days.setdefault(first_at // DAY_US, [0.0, 0])
        day[0] += mean
        day[1] += 1

    def _course(self, number: int, channel: str, summary: Summary, course: Course) -> None:
        replies: Sequence[Made] = summary.made[: summary.replied]
        if self._wanted is not None:
            replies = [reply for reply in replies if self._wanted.takes(reply)]
            if not replies:
                return
        is_open = self._now - summary.quiet_at < self._rest_us
        for seconds in summary.responses_s:
            self.times.add(seconds)
        responses, response_s = len(summary.responses_s), sum(summary.responses_s)
        if responses:
            self.mean_times[class_of(response_s / responses)] += 1
        self.sums = list(map(add, self.sums, course.means))
        at = summary.first_at
        for counts in (self.all, self._day(at), *self._of(replies, channel, at)):
            counts.add(course, is_open, responses, response_s, number)

    def _day(self, at: int) -> Counts:
        found = self.days.get(at // DAY_US)
        if found is None:
            found = self.days[at // DAY_US] = Counts()
        return found

    def _category(self, name: str) -> list[int]:
        if name not in self.categories and len(self.categories) >= MAX_VALUES:
            name = OTHER
        return self.categories.setdefault(name, [0] * SCORES)

    def _remark(self, number: int, given: Given, made: Made | None) -> None:
        self._heard += 1
        remark = Remark(given.at, number, self._heard, given, made)
        if len(self._remarks) < MAX_REMARKS:
            heapq.heappush(self._remarks, remark)
        else:
            heapq.heappushpop(self._remarks, remark)

    def _of(self, replies: Sequence[Made], channel: str, at: int) -> list[Counts]:
        """The counts of each value that these replies have, each once."""
        part = at % DAY_US // HOUR_US // HOURS_TOGETHER
        key = (part, channel, tuple(replies))
        found = self._lists.get(key)
        if found is None:
            found = list(self._look_up(replies, channel, part * HOURS_TOGETHER))
            if len(self._lists) >= MAX_LISTS:
                self._lists.clear()
            self._lists[key] = found
        return found

    def _look_up(self, replies: Sequence[Made], channel: str, start: int) -> Iterator[Counts]:
        values: dict[Dimension, set[str]] = {
            "channel": {channel},
            "hours": {f"{start:02}-{start + HOURS_TOGETHER:02} UTC"},
            "intent": {reply.intent for reply in replies},
            "handler": {reply.handler for reply in replies},
            "model": {model for reply in replies for model in reply.models},
        }
        for dimension, names in values.items():
            known = self.values.setdefault(dimension, {})
            told_apart = {
                name if name in known or len(known) < MAX_VALUES else OTHER
                for name in names
                if name
            }
            for name in told_apart:
                if name not in known:
                    known[name] = Counts()
                yield known[name]
