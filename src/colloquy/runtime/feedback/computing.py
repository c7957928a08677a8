"""Figures over a stretch of time: every conversation once through two tallies, and kept a while.

What is kept of an answer is the answer itself; what is kept of conversations is in the database
(`summarising.py`).
"""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any, NamedTuple

import msgspec

from ...feedback import counting
from ...feedback.analysing import (
    Comparison,
    comparisons_of,
    days_of,
    insights_of,
    period_of,
    trends_of,
)
from ...feedback.counting import DAY_US, Tally, Wanted, Window
from ...feedback.naming import Naming
from ...model.errors import InvalidInput
from ...model.feedback import Analytics, FeedbackFilter, Remark, score_of
from ...model.times import Clock, rfc3339, to_us
from ...settings import FeedbackSettings
from ...storage.store import Store
from .summarising import Progress, Summaries

DEFAULT_DAYS = 30
MAX_DAYS = 366
LATEST_US = to_us(datetime(9999, 1, 1, tzinfo=UTC))
KEPT = 16
"""Answers that are kept, of the filters asked for last."""


class Range(NamedTuple):
    """A filter with its times settled, in microseconds since 1970."""

    since: int
    until: int
    now: int
    filter: FeedbackFilter

    @property
    def wanted(self) -> Wanted:
        chosen = self.filter
        return Wanted(chosen.intent or "", chosen.handler or "", chosen.model or "")

    @property
    def channel(self) -> str:
        return self.filter.channel or ""


class Computed(NamedTuple):
    """`shown` are the ids of the conversations that the insights name, by their names there."""

    analytics: Analytics
    shown: dict[str, str]


def range_of(chosen: FeedbackFilter, now: int) -> Range:
    """Raises InvalidInput for times without a zone, in the wrong order or over 366 days apart."""
    for field in ("since", "until"):
        moment = getattr(chosen, field)
        if moment is not None and moment.tzinfo is None:
            raise InvalidInput("a time needs a zone (RFC 3339)", field=field)
    until = now if chosen.until is None else to_us(chosen.until)
    since = until - DEFAULT_DAYS * DAY_US if chosen.since is None else to_us(chosen.since)
    if until > LATEST_US:
        raise InvalidInput("no time from the year 9999 on", field="until")
    if not 0 <= since < until:
        raise InvalidInput("`since` comes before `until`, and after 1970", field="since")
    if until - since > MAX_DAYS * DAY_US:
        raise InvalidInput(f"at most {MAX_DAYS} days at a time", field="since")
    return Range(since, until, now, chosen)


class Computing:
    """Each filter is computed once at a time, whoever waits for it."""

    def __init__(self, settings: FeedbackSettings, store: Store, clock: Clock) -> None:
        self._settings = settings
        self._store = store
        self._summaries = Summaries(store, implicit=settings.implicit)
        self._clock = clock
        self._kept: OrderedDict[FeedbackFilter, tuple[float, Computed]] = OrderedDict()
        self._under_way: dict[FeedbackFilter, asyncio.Task[Computed]] = {}
        self._progress: dict[FeedbackFilter, Progress] = {}

    async def get(
        self, chosen: FeedbackFilter, naming: Naming, *, refresh: bool = False
    ) -> Computed:
        """The figures, not older than `feedback.cache_s` or, with `refresh`, than now."""
        range_of(chosen, self._clock())
        if not refresh and self.is_kept(chosen):
            self._kept.move_to_end(chosen)
            return self._kept[chosen][1]
        task = self._under_way.get(chosen)
        if task is None:
            task = asyncio.create_task(self._compute(chosen, naming))
            self._under_way[chosen] = task
            task.add_done_callback(lambda _: self._over(chosen))
        # Somebody who goes away ends nobody else's wait.
        return await asyncio.shield(task)

    def progress(self, chosen: FeedbackFilter) -> Progress | None:
        """How far the figures that are being computed are; None where they are not."""
        return self._progress.get(chosen)

    def is_kept(self, chosen: FeedbackFilter) -> bool:
        """Whether `get` would answer at once."""
        known = self._kept.get(chosen)
        return known is not None and time.monotonic() - known[0] < self._settings.cache_s

    async def fill(self, until: int) -> int:
        """See `Summaries.fill`."""
        return await self._summaries.fill(until)

    def _over(self, chosen: FeedbackFilter) -> None:
        self._under_way.pop(chosen, None)
        self._progress.pop(chosen, None)

    async def _compute(self, chosen: FeedbackFilter, naming: Naming) -> Computed:
        asked = range_of(chosen, self._clock())
        computed = await self.compute(asked, naming)
        self._kept[chosen] = (time.monotonic(), computed)
        self._kept.move_to_end(chosen)
        while len(self._kept) > KEPT:
            self._kept.popitem(last=False)
        return computed

    async def compute(self, asked: Range, naming: Naming) -> Computed:
        """Reads everything in the range, and in the one of the same length before it."""
        settings = self._settings
        start = max(0, 2 * asked.since - asked.until)
        current, before = (
            Tally(window, asked.wanted, implicit=settings.implicit, rest_s=settings.rest_s)
            for window in (
                Window(asked.since, asked.until, asked.now),
                Window(start, asked.since, asked.now),
            )
        )
        async for progress in self._summaries.count(
            start, asked.until, asked.channel, (before, current)
        ):
            self._progress[asked.filter] = progress
        comparisons = comparisons_of(current)
        numbers = {n for one in comparisons for n in _examples(one)}
        numbers |= {one.number for one in current.remarks}
        sessions = await self._store.sessions_by_number(numbers)
        names = {
            number: name
            for number, session in sessions.items()
            if (name := naming.conversation(session.id))
        }
        shown = {names[number]: sessions[number].id.hex() for number in names}
        make = _analytics(asked, current, before, comparisons, names.get, naming, settings.implicit)
        return Computed(await asyncio.to_thread(make), shown)


def _examples(one: Comparison) -> Iterable[int]:
    return one.counts.examples.get(one.measure, ())


def _analytics(
    asked: Range,
    current: Tally,
    before: Tally,
    comparisons: list[Comparison],
    names: Callable[[int], str | None],
    naming: Naming,
    implicit: bool,
) -> Callable[[], Analytics]:
    def make() -> Analytics:
        days = days_of(current)
        return Analytics(
            at=rfc3339(asked.now),
            filter=_filter_view(asked.filter),
            privacy=naming.mode,
            period=period_of(current, implicit=implicit),
            before=period_of(before, implicit=implicit),
            days=days,
            trends=trends_of(current, before, days),
            insights=insights_of(comparisons, names),
            comparisons=len(comparisons),
            remarks=list(filter(None, (_remark(one, names, naming) for one in current.remarks))),
        )

    return make


def _remark(
    found: counting.Remark, names: Callable[[int], str | None], naming: Naming
) -> Remark | None:
    given, made = found.given, found.made
    comment = naming.comment(given.comment)
    if not comment:
        return None
    return Remark(
        at=naming.moment(given.at),
        score=score_of(given.rating),
        category=given.category,
        comment=comment,
        conversation=names(found.number) or "",
        handler=made.handler if made is not None else "",
        intent=made.intent if made is not None else "",
    )


def _filter_view(chosen: FeedbackFilter) -> dict[str, str]:
    given: dict[str, Any] = msgspec.to_builtins(chosen)
    return {name: value for name, value in given.items() if value is not None}
