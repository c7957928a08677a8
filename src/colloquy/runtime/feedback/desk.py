"""Everything that edges ask of feedback, and the task that tells operators of it."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Any, Protocol

import msgspec
from msgspec import Struct

from ...feedback.analysing import recommendations_of
from ...feedback.naming import Naming
from ...feedback.signals import signals_of
from ...model import ids
from ...model.counting import counted
from ...model.errors import NotFound, Unavailable
from ...model.feedback import (
    Analytics,
    FeedbackFilter,
    FeedbackFormat,
    FeedbackKind,
    FeedbackProgress,
    FeedbackReport,
    Recommendations,
    SignalsView,
)
from ...model.times import Clock, rfc3339
from ...settings import FeedbackSettings
from ...storage.store import Store
from ...telemetry import get_logger
from .computing import Computed, Computing, Range, range_of
from .exporting import file_of, rows_of
from .reading import Reading

log = get_logger(__name__)

LOOK_EVERY_S = 60.0
HOUR_US = 3_600_000_000
PLACE = "feedback_report"
"""The row of the newest report in `meta`."""
TOLD = 3
"""Recommendations that a notice has."""
KEY = hashlib.sha256(b"colloquy.feedback.reports").digest()[:16]
"""On a shared database the process that holds this key's partition makes the reports."""
ALL = FeedbackFilter()
_BY = "or the flag enable_feedback_collection"
SIGNALS_OFF = f"signals are switched off (feedback.implicit, {_BY})"
ANALYTICS_OFF = f"analytics are switched off (feedback.analytics, {_BY})"


class Notices(Protocol):
    """Where operators are told of events; `ops.alerts.Alerts`."""

    def event(
        self, name: str, severity: str, message: str, data: Mapping[str, Any] | None = None
    ) -> None: ...


class _Kept(Struct, frozen=True):
    """How far was reported; without a report where the first stretch has begun."""

    until: int
    report: FeedbackReport | None = None


class FeedbackDesk:
    """All methods may raise StoreUnavailable. `secret` keys the pseudonyms; `owns` says whether
    this process makes the reports."""

    def __init__(
        self,
        settings: FeedbackSettings,
        store: Store,
        notices: Notices,
        *,
        secret: Callable[[str], Awaitable[bytes]],
        owns: Callable[[bytes], bool],
        clock: Clock,
    ) -> None:
        self._settings = settings
        self._store = store
        self._notices = notices
        self._secret = secret
        self._owns = owns
        self._clock = clock
        self._reading = Reading(store)
        self._computing = Computing(settings, store, clock)

    @property
    def settings(self) -> FeedbackSettings:
        return self._settings

    # -- asking -------------------------------------------------------------------------------

    async def analytics(self, chosen: FeedbackFilter = ALL, *, refresh: bool = False) -> Analytics:
        """Raises InvalidInput, NotFound where analytics are off."""
        return (await self._computed(chosen, refresh)).analytics

    async def recommendations(
        self, chosen: FeedbackFilter = ALL, *, refresh: bool = False
    ) -> Recommendations:
        """Out of the same figures. Raises InvalidInput, NotFound where analytics are off."""
        return _recommendations((await self._computed(chosen, refresh)).analytics)

    async def shown(
        self, chosen: FeedbackFilter, wait_s: float
    ) -> tuple[Analytics, Recommendations] | None:
        """Both, for a page; None where they are not there within `wait_s`: they will be, ask again.
        Raises as `analytics` does."""
        try:
            found = (await asyncio.wait_for(self._computed(chosen, False), wait_s)).analytics
        except TimeoutError:
            return None
        return found, _recommendations(found)

    def progress(self, chosen: FeedbackFilter = ALL) -> FeedbackProgress:
        """How far the figures of a filter are that somebody waits for. Raises NotFound where
        analytics are off."""
        self._need_analytics()
        found = self._computing.progress(chosen)
        if found is not None:
            return FeedbackProgress("computing", found.done, found.total)
        return FeedbackProgress("ready" if self._computing.is_kept(chosen) else "idle", 0, 0)

    async def conversation_named(self, chosen: FeedbackFilter, name: str) -> str:
        """The id of a conversation that an insight names. Raises NotFound, InvalidInput."""
        found = (await self._computed(chosen, False)).shown.get(name)
        if found is None:
            raise NotFound("no insight names this conversation any more")
        return found

    async def signals(self, conversation_id: str) -> SignalsView:
        """Of one conversation. Raises NotFound, also where signals are off."""
        if not self._settings.implicit:
            raise NotFound(SIGNALS_OFF)
        session = await self._store.session(ids.parse_id(conversation_id, "conversation_id"))
        now = self._clock()
        found = signals_of(await self._reading.of(session), now, self._settings.rest_s)
        return SignalsView(conversation_id=session.id.hex(), at=rfc3339(now), signals=found)

    async def export(
        self, kind: FeedbackKind, format: FeedbackFormat, chosen: FeedbackFilter = ALL
    ) -> AsyncIterator[bytes]:
        """The bytes of a file, as they are read.

        Raises InvalidInput before the first, NotFound for signals where they are off.
        """
        if kind == "signals" and not self._settings.implicit:
            raise NotFound(SIGNALS_OFF)
        asked = range_of(chosen, self._clock())
        rows = rows_of(self._reading, kind, asked, await self._naming(), self._settings.rest_s)
        return file_of(rows, kind, format)

    async def _computed(self, chosen: FeedbackFilter, refresh: bool) -> Computed:
        self._need_analytics()
        return await self._computing.get(chosen, await self._naming(), refresh=refresh)

    def _need_analytics(self) -> None:
        if not self._settings.analytics:
            raise NotFound(ANALYTICS_OFF)

    async def _naming(self) -> Naming:
        return Naming(self._settings.privacy, await self._secret("feedback"))

    # -- reports ------------------------------------------------------------------------------

    async def report(self) -> FeedbackReport | None:
        """The newest one; None before the first."""
        kept = await self._kept()
        return kept.report if kept is not None else None

    async def run(self) -> None:
        """Keeps what figures need of conversations at rest, and reports, until cancelled: a task
        for the supervisor."""
        while True:
            if self._owns(KEY):
                try:
                    await self.fill()
                    await self.report_if_due()
                except Unavailable as error:
                    log.warning("feedback_unreported", detail=error.detail)
            await asyncio.sleep(LOOK_EVERY_S)

    async def fill(self) -> int:
        """Reads conversations that have come to rest, so that figures need not; returns how many.
        Raises StoreUnavailable."""
        if not self._settings.analytics:
            return 0
        return await self._computing.fill(self._clock() - int(self._settings.rest_s * 1e6))

    async def report_if_due(self) -> FeedbackReport | None:
        """Tells operators once `feedback.report_every_h` have passed since it last did, or since
        it first was asked."""
        now, every = self._clock(), self._settings.report_every_h * HOUR_US
        if not every or not self._settings.analytics:
            return None
        kept = await self._kept()
        if kept is None:
            await self._keep(_Kept(now))
            return None
        if now < kept.until + every:
            return None
        asked = Range(now - every, now, now, ALL)
        found = (await self._computing.compute(asked, await self._naming())).analytics
        report = FeedbackReport(
            at=found.at,
            period=found.period,
            recommendations=recommendations_of(found.insights),
        )
        # Kept first: a report that is told twice is worse than one that only the console shows.
        await self._keep(_Kept(now, report))
        self._tell(report)
        return report

    def _tell(self, report: FeedbackReport) -> None:
        period = report.period
        parts = [counted(period.total_feedback, "rating")]
        if period.average_rating is not None:
            parts.append(f"{period.average_rating:.2f} of 5 on average")
        if period.outcomes is not None and period.outcomes.completion_rate is not None:
            parts.append(f"{period.outcomes.completion_rate:.0%} of conversations completed")
        parts.append(counted(len(report.recommendations), "recommendation"))
        data = {
            "period": msgspec.to_builtins(period),
            "recommendations": [one.text for one in report.recommendations[:TOLD]],
        }
        self._notices.event("feedback_report", "info", ", ".join(parts), data)

    async def _kept(self) -> _Kept | None:
        text = await self._store.meta(PLACE)
        try:
            return None if text is None else msgspec.json.decode(text, type=_Kept)
        except msgspec.DecodeError as error:
            log.error("feedback_report_unreadable", detail=str(error))
            return None

    async def _keep(self, kept: _Kept) -> None:
        await self._store.set_meta(PLACE, msgspec.json.encode(kept).decode())


def _recommendations(found: Analytics) -> Recommendations:
    return Recommendations(
        at=found.at,
        since=found.period.since,
        until=found.period.until,
        comparisons=found.comparisons,
        recommendations=recommendations_of(found.insights),
    )
