"""The worker: takes batches from the scheduler, runs the stages, commits, and clears up after them.

Several batches are under way at once (one waits for a compute process while another commits), but a
conversation is only ever in one of them. Whatever happens to a batch, each of its lanes ends in
`finish` or `park`, or the process ends and the inbox rows are still there.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Coroutine
from typing import TypeVar

from ..delivery.live import Signals, Waiters
from ..delivery.outbox import Delivery
from ..model.errors import (
    ColloquyError,
    Crashed,
    FlagKilled,
    Overloaded,
    StoreUnavailable,
    Transient,
    Unavailable,
)
from ..storage.store import InboxHeader
from ..storage.write_set import Unit
from ..telemetry import get_logger
from ..understanding.compute import ComputeCrashed
from . import following, stages, writes
from .admission import Admission
from .committer import OUTAGE_PAUSES_S, Committer
from .intake import Intake
from .lesson import Taught
from .parking import Parking
from .running import RunningFile
from .scheduler import Bundle, Scheduler
from .stages import Engine
from .tuning import BatchTuner
from .work import Fate, Work, code_of, encode_note, note_of

log = get_logger(__name__)

T = TypeVar("T")

ALONE_AFTER = 2
"""Unclean ends in a row at which a message was being worked on, before it runs alone."""
ALONE_WAIT_S = 2.0
"""How long a parked handler of a suspect holds up the others."""
MEMORY = "enable_memory_system"
"""The flag without which nothing is taught."""
LINGER_S = 0.004
"""With a batch under way, a small one waits this long to grow."""


class Worker:
    """Works on the partitions that this process holds."""

    def __init__(
        self,
        engine: Engine,
        scheduler: Scheduler,
        admission: Admission,
        delivery: Delivery,
        signals: Signals,
        waiters: Waiters,
        running: RunningFile,
        *,
        name: str,
        passed: Callable[[bytes, str, str], None],
    ) -> None:
        """`passed` is told of a conversation that has another owner: its id, who, by whom."""
        self._engine = engine
        self._store = engine.store
        self._settings = engine.settings.pipeline
        self.scheduler = scheduler
        self._running = running
        self._clock = engine.clock
        self._metrics = engine.metrics
        self._delivery = delivery
        self.tuner = BatchTuner(self._settings.batch_size)
        self._wake = asyncio.Event()
        self.intake = Intake(
            self._store,
            scheduler,
            name=name,
            lease_s=self._settings.lease_s,
            wake=self._wake,
            lost=engine.cache.clear,
            clock=self._clock,
        )
        self._parking = Parking(
            running,
            self._metrics,
            limit=self._settings.max_parked,
            timeout_s=self._settings.parked_timeout_s,
            wake=self._wake,
        )
        self._committer = Committer(
            engine, self.intake, self._parking, admission, delivery, signals, waiters, passed
        )
        self.stage_s = self._committer.stage_s
        self._batches: set[asyncio.Task[None]] = set()
        self._suspects: set[int] = set()
        self.draining = False

    # -- life ---------------------------------------------------------------------------------

    async def start(self) -> None:
        """Takes the leases and looks at what an earlier process left."""
        deaths = self._running.open()
        await self.intake.start()
        if deaths:
            await self._blame_suspects(deaths)
        await self.intake.read()

    async def keep_leases(self) -> None:
        """Renews the leases, and sees to the outbox of partitions that came. Supervised task."""
        await self.intake.keep_leases(self._delivery.load)

    async def _blame_suspects(self, deaths: dict[int, int]) -> None:
        """Messages that were being worked on at several unclean ends in a row run alone from now
        on, and each of these ends is to their account."""
        self._suspects = {number for number, count in deaths.items() if count >= ALONE_AFTER}
        log.warning("unclean_end", messages=len(deaths), suspects=len(self._suspects))
        self.scheduler.mark_solo(self._suspects)
        rows = []
        for number in self._suspects:
            found = await self._store.query("inbox_headers", number - 1, 1)
            if not found or found[0][0] != number:
                continue
            header = InboxHeader(*found[0])
            note = note_of(header.note)
            note.crashes = max(note.crashes, deaths[number])
            rows.append(
                (
                    number,
                    header.state,
                    header.due_at,
                    header.attempts,
                    header.recorded,
                    encode_note(note),
                )
            )
        if rows:
            await self._store.change("inbox_set", rows)

    # -- the loop -----------------------------------------------------------------------------

    async def run(self) -> None:
        """Works until cancelled or told to drain."""
        while not self.draining:
            try:
                if self.intake.is_behind and self.intake.has_room(self.tuner.size):
                    await self.intake.read()
                if self._parking.has_ready:
                    self._start(self._commit_parked(self._parking.take(self.tuner.size)))
                await self._start_batch()
            except StoreUnavailable as error:
                log.warning("worker_waits", detail=error.detail)
                await asyncio.sleep(OUTAGE_PAUSES_S[-1] / 4)
                continue
            await self._rest()

    async def _start_batch(self) -> None:
        now = self._clock()
        while len(self._batches) < self._settings.concurrent_batches and not self.draining:
            if not self.scheduler.has_ready(now):
                return
            if self.scheduler.solo and self._batches:
                # A suspect runs alone in the process, so that a crash has one cause.
                await asyncio.wait(self._batches)
                continue
            if self._batches and self.scheduler.ready_lanes() < self.tuner.size // 4:
                self._wake.clear()
                await self._linger()
                now = self._clock()
            bundles = self.scheduler.take(self.tuner.size, now)
            if not bundles:
                return
            leases = self.intake.leases
            works = [
                Work(bundle, leases[bundle.headers[0].partition])
                for bundle in bundles
                if self._is_ours(bundle)
            ]
            if not works:
                continue
            alone = self.scheduler.is_solo(works[0].bundle)
            self._start(self._run_batch(works))
            if alone:
                await self._finish_alone(works[0])
                now = self._clock()

    def _is_ours(self, bundle: Bundle) -> bool:
        """False, and forgotten, when the partition went to another worker meanwhile."""
        if self.intake.is_open(bundle.headers[0].partition):
            return True
        self.scheduler.drop(bundle.conversation)
        return False

    async def _finish_alone(self, work: Work) -> None:
        """Until the batch has ended, and for a while the handler too where it was parked: a slow
        one must not stop everybody."""
        await asyncio.wait(self._batches)
        deadline = asyncio.get_running_loop().time() + ALONE_WAIT_S
        while work in self._parking and not self.draining:
            left = deadline - asyncio.get_running_loop().time()
            if left <= 0:
                return
            if work.task is not None:
                await asyncio.wait([work.task], timeout=left)
            await asyncio.sleep(0)
            if self._parking.has_ready:
                await self._commit_parked(self._parking.take(self.tuner.size))

    async def _linger(self) -> None:
        tasks = set(self._batches)
        await asyncio.wait(tasks, timeout=LINGER_S, return_when=asyncio.FIRST_COMPLETED)

    def _start(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._batches.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._batches.discard(task)
        self._wake.set()
        if not task.cancelled() and task.exception() is not None:
            log.error("batch_failed", exc_info=task.exception())

    async def _rest(self) -> None:
        """Until something was stored, a batch ended, a parked turn is ready, or a time has come."""
        free = len(self._batches) < self._settings.concurrent_batches
        intake = self.intake
        if (free and self.scheduler.has_ready(self._clock())) or (
            intake.is_behind and intake.has_room(self.tuner.size) and not self.scheduler.is_full
        ):
            await asyncio.sleep(0)
            return
        timeout = self._settings.claim_poll_s
        # What falls due while every batch is taken is looked at when one of them ends.
        due = self.scheduler.next_due() if free else None
        if due is not None:
            timeout = min(timeout, max(0.0, (due - self._clock()) / 1e6))
        try:
            # Not `wait_for`, which on Python 3.11 can swallow a cancellation.
            async with asyncio.timeout(timeout):
                await self._wake.wait()
        except TimeoutError:
            if self._store.shared:
                intake.is_behind = True
        self._wake.clear()

    async def drain(self, timeout_s: float) -> None:
        """Takes nothing new, lets what is under way finish; parked turns stay in the inbox."""
        self.draining = self._committer.draining = True
        self._wake.set()
        deadline = asyncio.get_running_loop().time() + timeout_s
        while self._batches and asyncio.get_running_loop().time() < deadline:
            await asyncio.wait(self._batches, timeout=deadline - asyncio.get_running_loop().time())
        late = set(self._batches)
        for batch in late:
            batch.cancel()
        if late:
            log.warning("batches_unfinished", batches=len(late))
            await asyncio.wait(late)
        self._parking.close()
        self._running.close()
        self._engine.close()

    # -- a batch ------------------------------------------------------------------------------

    async def _run_batch(self, works: list[Work]) -> None:
        handle = self._running.begin(tuple(number for work in works for number in work.ids))
        started = time.perf_counter()
        try:
            try:
                await self._process(works)
            except (Unavailable, Overloaded) as error:
                # The store or the compute processes are away. Nothing was decided: the lanes go
                # back and are taken again.
                log.warning("batch_waits", turns=len(works), detail=error.detail)
                for work in works:
                    self._committer.put_back(work)
                    self._engine.cache.drop(work.conversation)
                await asyncio.sleep(OUTAGE_PAUSES_S[0])
            except Exception as error:
                log.error("batch_failed", turns=len(works), exc_info=error)
                await self._isolate(works)
        finally:
            self._release(works)
            self._running.end(handle)
        self.tuner.observe(len(works), time.perf_counter() - started)
        self._metrics.batch_size.observe(len(works))
        if self._engine.flags.enabled("verbose_logging"):
            self._tell(works)
        log.debug("batch", turns=len(works), seconds=time.perf_counter() - started)

    @staticmethod
    def _tell(works: list[Work]) -> None:
        """A line for every turn: for looking into one conversation, not for a busy server."""
        for work in works:
            log.info(
                "turn",
                conversation=work.conversation.hex(),
                messages=[header.message_id.hex() for header in work.headers],
                fate=work.fate.value,
                replies=len(work.replies),
            )

    async def _process(self, works: list[Work]) -> None:
        engine = self._engine
        going = await self._stage("load", stages.load(engine, works))
        going = [work for work in going if not self._over_crash_limit(work)]
        going = [work for work in going if self._in_sequence(work)]
        going = await self._stage("understand", stages.understand(engine, going))
        units: list[tuple[Work, Unit]] = []
        taught: Taught = {}
        blocked: set[bytes] = set()
        lanes: dict[bytes, list[Work]] = {}
        for work in works:
            lanes.setdefault(work.conversation, []).append(work)
        for turn_number in range(max(map(len, lanes.values()), default=0)):
            current = [lane[turn_number] for lane in lanes.values() if len(lane) > turn_number]
            fresh = [
                work
                for work in current
                if work.fate is Fate.GOING and work.conversation not in blocked
            ]
            fresh = await self._stage("repeats", stages.recognise_repeats(engine, fresh))
            fresh = self._timed("flow", following.follow, fresh)
            stages.give_context(engine, fresh)
            await self._stage("answer", stages.answer(engine, fresh, self._parking.has_room))
            current = self._unblocked(current, blocked)
            # All before the first unit: in a row, their code and data stay in the caches.
            await self._teach(current, taught)
            for work in current:
                unit = await self._unit(work)
                if work.fate in (Fate.PARKED, Fate.RETRY, Fate.PUT_BACK):
                    # What comes after it in its conversation must wait for it.
                    blocked.add(work.conversation)
                if unit is not None:
                    units.append((work, unit))
        await self._committer.commit(units)

    async def _isolate(self, works: list[Work]) -> None:
        """A stage itself failed on a batch: each conversation's first turn once more, alone."""
        seen: set[bytes] = set()
        for work in works:
            self._committer.put_back(work)
            self._engine.cache.drop(work.conversation)
            if work.conversation in seen:
                continue
            seen.add(work.conversation)
            work.fate = Fate.GOING
            try:
                await self._process([work])
            except (Unavailable, Overloaded):
                self._committer.put_back(work)
                self._engine.cache.drop(work.conversation)
            except Exception as error:
                log.error("turn_failed", inbox_id=work.headers[0].id, exc_info=error)
                self._engine.cache.drop(work.conversation)
                await self._committer.bury(work, error)

    async def _stage(self, name: str, work: Awaitable[T]) -> T:
        started = time.perf_counter()
        result = await work
        seconds = time.perf_counter() - started
        self.stage_s[name] += seconds
        self._metrics.stage_seconds.of(name).observe(seconds)
        return result

    def _timed(
        self, name: str, stage: Callable[[list[Work]], list[Work]], works: list[Work]
    ) -> list[Work]:
        started = time.perf_counter()
        going = stage(works)
        seconds = time.perf_counter() - started
        self.stage_s[name] += seconds
        self._metrics.stage_seconds.of(name).observe(seconds)
        return going

    def _over_crash_limit(self, work: Work) -> bool:
        if work.note.crashes < self._settings.crash_limit:
            return False
        work.fail(Crashed(f"the process died {work.note.crashes} times on this message"))
        return True

    def _in_sequence(self, work: Work) -> bool:
        """False for a turn that was taken before its stream's position was known: put back."""
        conversation = work.conversation
        if work.headers[0].sequence is None or self.scheduler.knows_streams(conversation):
            return True
        self.scheduler.learn(conversation, work.live.session.streams)
        work.fate = Fate.PUT_BACK
        return False

    def _unblocked(self, works: list[Work], blocked: set[bytes]) -> list[Work]:
        """The works whose conversation goes on in this batch; the others are put back."""
        for work in works:
            if work.conversation in blocked:
                work.fate = Fate.PUT_BACK
        return [work for work in works if work.conversation not in blocked]

    async def _teach(self, works: list[Work], taught: Taught) -> None:
        """Finds what works, of one conversation each, teach the graph: before their sessions move
        on. `taught`: by all that are committed together."""
        learning = self._engine.learning if self._engine.learner is not None else None
        for work in works:
            work.lesson = None
        if learning is None:
            return
        works = [
            work
            for work in works
            if work.fate in (Fate.ANSWERED, Fate.PARKED) and work.flags.enabled(MEMORY)
        ]
        promises = learning.withdrawn(works)
        if promises:
            await self._committer.outlast(lambda: learning.recall(self._store, promises, taught))
        now = self._clock()
        for work in works:
            work.lesson = learning.lesson(work, taught, now)

    async def _unit(self, work: Work) -> Unit | None:
        """What this work's fate writes, with its lesson."""
        unit = await self._written(work, self._clock())
        if unit is not None and work.lesson is not None:
            unit.learned = tuple(work.lesson.learned)
        return unit

    async def _written(self, work: Work, now: int) -> Unit | None:
        replies = self._engine.settings.replies
        if work.fate is Fate.ANSWERED:
            revoked = work.flags.revoked
            if revoked:
                return self._without(work, now, revoked)
            timers = work.turn.timers
            numbers = await self._store.new_inbox_numbers(len(timers)) if timers else []
            return writes.finished(
                work, now, numbers, replies.hand_over_text, self._engine.threshold
            )
        if work.fate is Fate.DUPLICATE:
            return writes.duplicate(work, now)
        if work.fate is Fate.PARKED:
            self._parking.enter(work)
            return writes.parked(work, now, now + int(self._parking.timeout_s * 1e6))
        if work.fate is Fate.FAILED:
            return self._failed(work, now)
        return None

    def _without(self, work: Work, now: int, revoked: list[str]) -> Unit:
        """A switch was thrown while the turn was under way: it is done again, without what it used
        (engine decision 36)."""
        log.warning("turn_again_after_kill", inbox_id=work.headers[0].id, flags=revoked)
        work.fate = Fate.RETRY
        return writes.retried(work, now, now, FlagKilled(revoked), counts=False)

    def _failed(self, work: Work, now: int) -> Unit:
        """Another attempt, or the dead letters (engine decision 19)."""
        error = work.error
        assert error is not None
        self._metrics.attempts_failed.inc()
        last = work.headers[-1]
        work.flags.end(False, max(0, now - max(last.received_at, last.due_at)) / 1e6)
        attempts = work.headers[0].attempts
        work.fate = Fate.RETRY
        if len(work.headers) > 1:
            return writes.retried(work, now, now, error, counts=False)
        if isinstance(error, ComputeCrashed):
            work.note.crashes += 1
            self.scheduler.mark_solo(work.ids)
            if work.note.crashes < self._settings.crash_limit:
                return writes.retried(work, now, now, error, counts=False)
        elif isinstance(error, Crashed):
            pass
        elif isinstance(error, Transient):
            delays = self._settings.retry_delays_s
            if attempts < len(delays):
                due = now + int(delays[attempts] * 1e6)
                return writes.retried(work, now, due, error, counts=True)
        elif attempts == 0 and not (isinstance(error, ColloquyError) and error.is_about_input):
            return writes.retried(work, now, now, error, counts=True)
        work.fate = Fate.DEAD
        log.warning(
            "dead_letter",
            inbox_id=work.headers[0].id,
            code=code_of(error),
            detail=str(error)[:200],
        )
        speaks = work.flags.enabled("enable_apology") and stages.is_answered_here(work)
        return writes.dead(work, now, error, self._engine.settings.replies if speaks else None)

    # -- commit -------------------------------------------------------------------------------

    def _release(self, works: list[Work]) -> None:
        """Gives the lanes back to the scheduler with what is done in each."""
        done: dict[bytes, list[int]] = {}
        parked: dict[bytes, Work] = {}
        for work in works:
            completed = done.setdefault(work.conversation, [])
            completed.extend(work.missing)
            if work.fate in (Fate.ANSWERED, Fate.DUPLICATE, Fate.GONE, Fate.DEAD):
                completed.extend(header.id for header in work.bundle.headers)
            elif work.fate is Fate.PARKED and work.was_parked:
                parked[work.conversation] = work
            elif work.fate is Fate.PARKED:
                self._committer.put_back(work)
            if work is not parked.get(work.conversation):
                self._committer.stop_writing(work)
        now = self._clock()
        due = now + int(self._parking.timeout_s * 1e6)
        for conversation, completed in done.items():
            waiting = parked.get(conversation)
            if waiting is None:
                self.scheduler.finish(conversation, completed, now)
            else:
                self.scheduler.complete(conversation, completed)
                self.scheduler.park(conversation, due)
                # Not before: a handler that is done by now would finish its lane twice.
                self._parking.watch(waiting)
                self._engine.writing.announce(waiting.turn)

    # -- parked turns -------------------------------------------------------------------------

    async def _commit_parked(self, works: list[Work]) -> None:
        """The second commit of turns that were parked."""
        handle = self._running.begin(tuple(number for work in works for number in work.ids))
        try:
            units: list[tuple[Work, Unit]] = []
            taught: Taught = {}
            for work in works:
                assert work.task is not None
                if work.error is not None:
                    work.fate = Fate.FAILED
                elif self.draining and work.task.cancelled():
                    work.fate = Fate.PUT_BACK
                else:
                    stages.take_result(work)
                await self._teach([work], taught)
                unit = await self._unit(work)
                if unit is not None:
                    units.append((work, unit))
            await self._committer.commit(units)
        except BaseException:
            for work in works:
                self._engine.cache.drop(work.conversation)
                work.fate = Fate.PUT_BACK
            raise
        finally:
            self._running.end(handle)
            for work in works:
                self._parking.settled(work)
            self._release(works)

    @property
    def turns(self) -> int:
        """Turns committed since the start."""
        return self._committer.turns

    @property
    def sessions_in_memory(self) -> int:
        return len(self._engine.cache)

    @property
    def parked(self) -> int:
        return len(self._parking)

    @property
    def is_idle(self) -> bool:
        busy = self.intake.is_behind or self._batches or len(self._parking) or len(self.scheduler)
        return not busy
