"""Commits what a batch decided, and does what follows from each verdict."""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable
from typing import TypeVar

from msgspec.structs import replace

from ..delivery.live import Signals, Waiters
from ..delivery.outbox import Delivery
from ..delivery.outgoing import Outgoing
from ..model.errors import StaleLease, StoreUnavailable
from ..storage.store import InboxHeader, OutboxItem
from ..storage.write_set import Learner, Outcome, Unit, Verdict, WriteSet
from ..telemetry import get_logger
from . import stages, writes
from .admission import Admission
from .intake import Intake
from .learning import ACTOR
from .lesson import Lesson
from .parking import Parking
from .stages import Engine
from .tally import Tally
from .work import Fate, Work, encode_note

log = get_logger(__name__)

T = TypeVar("T")

OUTAGE_PAUSES_S = (0.05, 0.1, 0.2, 0.5, 1.0)


class Committer:
    """The way from units to the store, and from there to scheduler, delivery and waiters."""

    def __init__(
        self,
        engine: Engine,
        intake: Intake,
        parking: Parking,
        admission: Admission,
        delivery: Delivery,
        signals: Signals,
        waiters: Waiters,
        passed: Callable[[bytes, str, str], None],
    ) -> None:
        self._engine = engine
        self._store = engine.store
        self._clock = engine.clock
        self._metrics = engine.metrics
        self._intake = intake
        self.scheduler = intake.scheduler
        self._parking = parking
        self._admission = admission
        self._delivery = delivery
        self._signals = signals
        self._waiters = waiters
        self._passed = passed
        self._gap_timeout = int(engine.settings.pipeline.gap_timeout_s * 1e6)
        self.draining = False
        self.turns = 0
        self.stage_s: defaultdict[str, float] = defaultdict(float)

    def put_back(self, work: Work) -> None:
        """It goes back to its lane as if it had not been taken."""
        self._parking.drop(work)
        work.fate = Fate.PUT_BACK
        self.stop_writing(work)

    def stop_writing(self, work: Work) -> None:
        """Its handler is done, or not waited for any more."""
        if work.task is not None:
            answered = work.fate is Fate.ANSWERED and bool(work.replies)
            self._engine.writing.end(work.turn, answered=answered)

    async def commit(self, units: list[tuple[Work, Unit]]) -> None:
        """Commits, waiting out an outage of the store, and does what follows from each verdict."""
        if not units:
            return
        started = time.perf_counter()
        write_set = WriteSet(
            units=[unit for _, unit in units],
            leases=self._leases_of(units),
            learner=self._learner_of(units),
        )
        try:
            outcomes = await self.outlast(lambda: self._store.commit(write_set))
        except StaleLease:
            log.warning("stale_lease", turns=len(units))
            self._engine.cache.clear()
            for work, _ in units:
                self.put_back(work)
            await self._intake.renew()
            return
        seconds = time.perf_counter() - started
        self.stage_s["commit"] += seconds
        self._metrics.stage_seconds.of("commit").observe(seconds)
        started = time.perf_counter()
        outgoing: list[Outgoing] = []
        tally = Tally(self._gap_timeout)
        lessons: list[Lesson] = []
        for (work, unit), outcome in zip(units, outcomes, strict=True):
            if outcome.verdict is Verdict.COMMITTED:
                if work.lesson is not None and work.lesson.offered:
                    lessons.append(work.lesson)
                self._committed(work, unit, outcome, outgoing, tally)
            else:
                await self._not_committed(work, outcome)
        if lessons:
            self._engine.learning.committed(lessons, self._clock())
        self.turns += tally.turns
        tally.publish(self._metrics, self._admission)
        self._delivery.offer(outgoing)
        self.stage_s["after"] += time.perf_counter() - started

    async def outlast(self, ask: Callable[[], Awaitable[T]]) -> T:
        """What the store answers, once it can. Raises StoreUnavailable while draining only."""
        pauses = iter(OUTAGE_PAUSES_S)
        while True:
            try:
                return await ask()
            except StoreUnavailable:
                if self.draining:
                    raise
                await asyncio.sleep(next(pauses, OUTAGE_PAUSES_S[-1]))

    def _learner_of(self, units: Iterable[tuple[Work, Unit]]) -> Learner | None:
        make = self._engine.learner
        if make is None or not any(unit.learned for _, unit in units):
            return None
        refused = known = 0
        for work, _ in units:
            if work.lesson is not None:
                repeats = work.lesson.refused.count("known")
                known += repeats
                refused += len(work.lesson.refused) - repeats
        return make(refused, known)

    def _leases_of(self, units: Iterable[tuple[Work, Unit]]) -> dict[int, int]:
        epochs: dict[int, int] = {}
        for work, _ in units:
            partition = work.headers[0].partition
            epochs[partition] = min(work.epoch, epochs.get(partition, work.epoch))
        # What was taken under a lease that is over is refused, even when the partition came back:
        # another worker may have done it in between.
        return epochs

    def _committed(
        self, work: Work, unit: Unit, outcome: Outcome, outgoing: list[Outgoing], tally: Tally
    ) -> None:
        if unit.session:
            session = work.live.session
            if outcome.first_seq != session.last_seq + 1:
                # Somebody else wrote into the log: our window misses those lines.
                self._engine.cache.drop(work.conversation)
            session.last_seq = outcome.first_seq + len(unit.events) - 1
        if work.fate is Fate.RETRY:
            for header in work.headers:
                self.scheduler.replace(header)
            return
        if work.fate is Fate.PARKED:
            work.was_parked = True
            # Its event is written: a turn that is run again must not write it twice.
            work.headers = tuple(
                header._replace(state="parked", recorded=1) for header in work.headers
            )
            for header in work.headers:
                self.scheduler.replace(header)
            self._signals.touch(work.conversation)
            return
        for header in work.headers:
            if header.sequence is not None and header.stream is not None:
                self.scheduler.advance(work.conversation, header.stream, header.sequence)
        tally.add(work, unit)
        session = work.live.session
        for row in unit.outbox:
            event = unit.events[row.event]
            item = OutboxItem(
                session.number,
                outcome.first_seq + row.event,
                row.reply_id,
                row.channel,
                row.account,
                1,
                row.owner_epoch,
                row.priority,
                "pending",
                row.due_at,
                0,
                None,
                row.made,
                session.id,
                session.key,
                session.thread,
            )
            outgoing.append(Outgoing(item, work.turn.id, event.at, event.body))
        self._waiters.settled(
            work.turn.id,
            [header.message_id for header in work.headers],
            [row.reply_id for row in unit.outbox],
        )
        self._signals.touch(work.conversation)
        if work.turn.owner is not None and any(one.kind == "owner_changed" for one in unit.events):
            self._passed(work.conversation, work.turn.owner[0], ACTOR)
        if "inbox_insert" in unit.rows:
            if self._store.shared:
                self._intake.look()
            else:
                self._add_timers(unit)

    def _add_timers(self, unit: Unit) -> None:
        headers = [
            InboxHeader._make((*row[:12], len(row[12]), row[13]))
            for row in unit.rows["inbox_insert"]
        ]
        self.scheduler.add(headers, self._clock())

    async def _not_committed(self, work: Work, outcome: Outcome) -> None:
        self._engine.cache.drop(work.conversation)
        if work.was_parked:
            self._parking.leave(work)
        else:
            self._parking.drop(work)
        if outcome.verdict is Verdict.DONE_ALREADY:
            left = await self._store.payloads(work.ids)
            work.fate = Fate.PUT_BACK if left else Fate.GONE
            work.missing = tuple(number for number in work.ids if number not in left)
        elif outcome.verdict is Verdict.FAILED and work.lesson and work.lesson.learned:
            # What it teaches may be what is refused, and is the lesser loss.
            log.error("lesson_refused", exc_info=outcome.error)
            self._engine.learning.doubt(work)
            work.fate = Fate.PUT_BACK
        elif outcome.verdict is Verdict.FAILED and outcome.error is not None:
            log.error("refused_by_store", exc_info=outcome.error)
            await self.bury(work, outcome.error)
        else:
            work.fate = Fate.PUT_BACK
        if work.fate is Fate.PUT_BACK and (calls := work.calls):
            # Its next run may not call them: somebody else may own the conversation by then.
            note = encode_note(replace(work.note, calls=calls))
            self.scheduler.replace(work.headers[0]._replace(note=note))

    async def bury(self, work: Work, error: Exception) -> None:
        """The database refuses what this turn wants to write: an attempt, then the dead letters,
        with a session read anew."""
        engine = self._engine
        now = self._clock()
        if work.headers[0].attempts == 0:
            work.fate = Fate.RETRY
            unit = writes.retried(work, now, now, error, counts=True)
        else:
            work.fate = Fate.DEAD
            self.stop_writing(work)
            unknown = await engine.cache.load([work.conversation])
            live = engine.cache.get(work.conversation)
            if unknown or live is None:
                (number,) = await self._store.new_session_numbers(1)
                live = stages.stand_in(engine, work.conversation, number)
            work.live = live
            payloads = await self._store.payloads(work.ids)
            work.payloads = {number: payload for number, (payload, _) in payloads.items()}
            work.headers = tuple(header for header in work.headers if header.id in work.payloads)
            if not work.headers:
                work.fate = Fate.GONE
                return
            work.turn = stages.new_turn(engine, work, [], None)
            unit = writes.dead(work, now, error, None)
        try:
            (outcome,) = await self._store.commit(
                WriteSet(units=[unit], leases=self._leases_of([(work, unit)]))
            )
        except (StoreUnavailable, StaleLease):
            # It is still there, and is taken again.
            outcome = Outcome(Verdict.CONFLICT)
        if outcome.verdict is not Verdict.COMMITTED:
            work.fate = Fate.PUT_BACK
        elif work.fate is Fate.DEAD:
            self._metrics.dead_letters.inc(len(work.headers))
        else:
            for header in work.headers:
                self.scheduler.replace(header)
        self._engine.cache.drop(work.conversation)
