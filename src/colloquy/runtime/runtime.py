"""The composition root of one process: store, compute, pipeline, delivery, operation.

Everything runs in one event loop; `start` and `stop` are the only places that know the order.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from functools import partial
from operator import attrgetter
from typing import Any

import msgspec

from ..context.contexts import MAX_FACTS, MAX_PROMISES, Contexts
from ..context.kept import Shelf
from ..context.memory import Memories
from ..context.validation import Validator
from ..delivery.drafts import Drafts
from ..delivery.live import Signals, Waiters
from ..delivery.outbox import Delivery
from ..evolution.stage import MigrationRecords
from ..flags import Flags
from ..graph.briefing import brief
from ..graph.graph import Graph
from ..graph.learner import GraphLearner
from ..ledger.collections import Collections
from ..ledger.files.files import Files
from ..model import ids
from ..model.errors import ColloquyError, NotFound, Unavailable
from ..model.message import Message
from ..model.statistics import Now, Series, StatisticsView
from ..model.times import Clock, now_us
from ..model.views import (
    Receipt,
    ReplyView,
)
from ..ops.alerts import TOPIC as ALERTS_TOPIC
from ..ops.alerts.defaults import PENDING_OPERATIONS
from ..ops.health import Health
from ..ops.monitoring import TOPIC as MONITORING_TOPIC
from ..ops.pulse import Pulse
from ..ops.tasks import Supervisor
from ..ops.watchdog import Watchdog
from ..pipeline.accept import ROW_OVERHEAD, Acceptor
from ..pipeline.admission import Admission
from ..pipeline.cache import SessionCache
from ..pipeline.effects import Effects
from ..pipeline.learning import Learning
from ..pipeline.log import Log
from ..pipeline.restoring import SessionStates
from ..pipeline.running import RunningFile
from ..pipeline.scheduler import Scheduler
from ..pipeline.stages import Engine
from ..pipeline.worker import Worker
from ..pipeline.writing import Writing
from ..privacy.sealing import Sealer
from ..replies.choosing import chain, make_model
from ..replies.handlers import Templates
from ..replies.model import ModelResponder
from ..replies.tone import Tones
from ..settings import FeedbackSettings, Resolution, Settings, UnderstandingSettings
from ..storage.signals.signals import MISSED
from ..storage.spool import Spool
from ..storage.sqlite import SqliteStore
from ..storage.store import Store
from ..storage.write_set import KIND_RECORD, KIND_TIMER, InboxRow, Learner
from ..telemetry import Metrics, get_logger
from ..telemetry.services import Service
from ..understanding.pack import DEFAULT_THRESHOLD, Pack
from . import interpreter
from .acting import Actions
from .alerts import make_alerts, provide_figures
from .assistant import Assistant, NoUnderstanding, Understander, models_of, pack_of, start_compute
from .census import Counting
from .conversations import Conversations
from .dead_letters import DeadLetters
from .feedback import FeedbackDesk
from .flags import TOPIC as FLAGS_TOPIC
from .flags import FlagDesk, FlagRecords, SwitchRecords, bind_openfeature
from .graph import AskedByTurn, GraphDesk
from .idempotency import Idempotency
from .keys import Keys
from .kills import KilledReplies
from .knowing import Knowing
from .learned import TOPIC as KNOWLEDGE_TOPIC
from .learned import LearnedGraph
from .ledger import TOPIC as LEDGER_TOPIC
from .ledger import LedgerDesk
from .live import LiveStreams
from .lookup import Lookup
from .migration import MigrationDesk
from .monitoring import Observer, make_monitoring, tell_ledger, tell_notice
from .operating import Desk
from .reactions import Reactions
from .remarks import Remarks
from .rollouts import RolloutDesk, rollout_records
from .search import Indexer
from .services import Services
from .statistics import Statistics
from .surface import INTERRUPT_TOPIC, Surface
from .transcript import Transcripts
from .vitals import Vitals
from .webhook_records import WebhookRecords
from .webhooks import TOPIC as WEBHOOKS_TOPIC
from .webhooks import Webhooks

log = get_logger(__name__)

_tone_of = attrgetter("manner.tone")

RELEASE_POLL_S = 0.01
"""How soon who waits looks for a reply that is committed; each time after twice as long."""
WAIT_POLL_S = {False: 5.0, True: 0.25}
"""How often somebody who waits for replies looks by himself; on a shared store (True) another
process may answer."""


def make_store(settings: Settings) -> Store:
    """The store that `database_url` names."""
    file = settings.sqlite_file
    if file is not None:
        return SqliteStore(file, lock_wait_s=settings.accept.lock_wait_s)
    from ..storage.postgres import PostgresStore

    return PostgresStore(settings.database_url, signals=settings.signals)


class Runtime(Surface):
    """A running engine. See the module; every public method may be called by any edge."""

    def __init__(
        self,
        app: Assistant,
        settings: Settings | Resolution | None = None,
        *,
        worker: bool = True,
        clock: Clock = now_us,
    ) -> None:
        self.app = app
        if settings is None:
            settings = app.settings()
        self.resolution = settings if isinstance(settings, Resolution) else Resolution.of(settings)
        self.settings = self.resolution.settings
        self.flags = Flags.of(self.settings, self.resolution)
        self.metrics = Metrics(enabled=self.flags.enabled("capture_metrics"))
        self.store = make_store(self.settings)
        self.signals = Signals()
        self._drafts = Drafts(self.signals, self._tell_draft if self.store.shared else None, clock)
        self.name = f"{os.uname().nodename}-{os.getpid()}-{secrets.token_hex(3)}"
        self._clock = clock
        self._works = worker
        self._waiters = Waiters()
        self._rating = Service(clock=clock)
        self._supervisor = Supervisor(clock=clock)
        self._running = False
        self._stopping = False
        self._started_at = 0.0
        self._watchdog: Watchdog | None = None
        self._loads: set[asyncio.Task[None]] = set()
        self.keys = Keys(self.store, clock)
        self.sealer = Sealer(self.settings.security.secret_key, self.settings.key_file)
        self.idempotency = Idempotency(self.store, self.sealer, clock)
        self.webhooks = Webhooks(
            self.settings,
            self.store,
            self.metrics,
            self.sealer,
            owns=self._may_begin,
            clock=clock,
        )
        self.alerts = make_alerts(self.settings, self.store, self.metrics, clock)
        self.monitoring = make_monitoring(self.settings, self.flags, self.store, self.name, clock)
        self.alerts.listen(partial(tell_notice, self.monitoring))
        self.feedback_desk = FeedbackDesk(
            self._feedback_settings(),
            self.store,
            self.alerts,
            secret=self.secret,
            owns=self._may_begin,
            clock=clock,
        )
        self._learning = Learning(self.settings.graph, self.metrics)
        self.collections = Collections(
            [
                SessionStates(self.store, self._moved),
                WebhookRecords(self.webhooks.heard),
                LearnedGraph(self.store, self._learning.forget),
                FlagRecords(lambda: self.flag_desk.heard()),
                SwitchRecords(lambda: self.flag_desk.heard()),
                *rollout_records(lambda: self.rollouts.heard()),
                MigrationRecords(),
            ]
        )
        if self.settings.ledger.files:
            self.collections.add(Files(self.store, self.settings.ledger, clock))
        self.graph = Graph(self.store, self.collections, clock)
        self.ledger = LedgerDesk(
            self.settings.ledger,
            self.store,
            self.collections,
            self.metrics,
            self.alerts,
            owner=self.name,
            is_keeper=lambda: self._may_begin(bytes(16)),
            forgotten=self.graph.prune_history,
            clock=clock,
        )
        self.flag_desk = FlagDesk(
            self.flags,
            self.store,
            self.ledger.ledger,
            file=self.settings.switch_file,
            known=self.settings.flags_file,
            clock=clock,
            changed=self._flags_changed,
        )
        self.rollouts = RolloutDesk(
            self.store, self.flag_desk, self.ledger, self.alerts,
            caches=(lambda: self._engine.cache.clear(), self._learning.forget),
            is_mover=lambda: self._may_begin(bytes(16)), works=worker, name=self.name,
            clock=clock,
        )  # fmt: skip
        self.migration = MigrationDesk(
            self.settings.versions.migration, self.ledger.ledger, self.alerts, self.import_messages,
            is_mover=lambda: self._may_begin(bytes(16)), clock=clock,
        )  # fmt: skip
        for name, step, timeout_s in app.rollback_steps:
            self.ledger.ledger.steps.register(name, step, timeout_s)
        self.alerts.provide(PENDING_OPERATIONS, self.ledger.pending)
        self.ledger.ledger.listeners.add(partial(tell_ledger, self.monitoring))
        self.compute: Understander = NoUnderstanding()
        self._pack: Pack | None = None
        self._model: ModelResponder | None = None

    # -- life ---------------------------------------------------------------------------------

    async def start(self) -> None:
        """Opens the store, loads what understands, takes up the work. Raises ColloquyError."""
        self._started_at = time.monotonic()
        await self.store.open()
        try:
            await self._build()
        except BaseException:
            await self._supervisor.stop(1.0)
            await self.migration.stop()
            await self.compute.stop()
            await self.store.close()
            raise
        interpreter.settle()
        self._running = True
        log.info("started", database=self.store.dialect, worker=self._works, pid=os.getpid())

    async def _build(self) -> None:
        settings, pipeline = self.settings, self.settings.pipeline
        pack = self._pack = pack_of(self.app, settings) if self._works else None
        if self._works:
            self.compute = await start_compute(settings, pack)
        cache = SessionCache(
            self.store,
            # What is under way at once has to fit, or it would push itself out.
            capacity=max(
                pipeline.session_cache, pipeline.batch_size * (pipeline.concurrent_batches + 1)
            ),
            window=pipeline.recent_window,
        )
        self.scheduler = Scheduler(
            gap_timeout_us=int(pipeline.gap_timeout_s * 1e6),
            bundle_limit=pipeline.bundle_limit,
            streams=cache.streams,
        )
        self.admission = Admission(
            max_bytes=settings.accept.max_pending_bytes,
            max_age_us=int(settings.accept.max_age_s * 1e6),
            max_per_conversation=settings.accept.max_per_conversation,
            oldest_ready=self.scheduler.oldest_ready,
            lane_length=self.scheduler.lane_length,
        )
        ((messages, size, _),) = await self.store.query("inbox_totals")
        self.admission.add(messages, int(size) + messages * ROW_OVERHEAD)
        self.delivery = Delivery(
            self.store,
            settings.delivery,
            self.metrics,
            self.signals,
            self._waiters,
            flags=self.flags,
            take_back=lambda conversation: self._killed_replies.take_back(conversation),
            owns=self._owns,
            clock=self._clock,
        )
        for name, channel in self.app.channels.items():
            self.delivery.register(name, channel)
        learning = self._learning
        learning.expect(pack.language if pack is not None else None)
        self.knowledge = GraphDesk(
            settings.graph,
            self.store,
            self.graph,
            self.ledger.ledger,
            is_busy=lambda: self.admission.messages > 0,
            owns=self._may_begin,
            clock=self._clock,
        )
        self._knowing = Knowing(
            self.store, settings.graph, settings.names_file, pack, learning.know, self._clock
        )
        self._writing = Writing(self.store, cache, self._drafts)
        log_of = Log(self.store)
        self._memories = Memories(
            log_of.after,
            max_bytes=settings.context.memory_mb * 1024 * 1024,
            shelf=Shelf(self.store),
        )
        contexts = self._contexts = Contexts(
            self._memories,
            log_of.at,
            lambda flag, turn: turn.flags.enabled(flag),
            self._clock,
            budget=settings.context.budget,
            validator=self._validator(),
            brief=partial(brief, self.store, promises=MAX_PROMISES, named=MAX_FACTS),
        )
        responder = self.app.own_responder
        if self._works and responder is None:
            responder = self._model = await make_model(
                settings,
                self.metrics,
                self.app.tools.values(),
                attrgetter("manner.tone"),
            )
        self._engine = Engine(
            store=self.store,
            settings=settings,
            flags=self.flags,
            compute=self.compute,
            handlers=self.app.handlers,
            templates=Templates(
                {name: pack.replies(name) for name in pack.intents} if pack is not None else {}
            ),
            tones=Tones(settings.replies.tones, settings.replies.tone),
            responder=chain(responder, settings) if responder is not None else None,
            contexts=contexts,
            cache=cache,
            effects=Effects(self.store, self._clock),
            writing=self._writing,
            learning=learning,
            learner=self._learner if settings.graph.learn else None,
            metrics=self.metrics,
            knows=partial(AskedByTurn, self.knowledge),
            region=pack.region if pack is not None else None,
            threshold=pack.threshold if pack is not None else DEFAULT_THRESHOLD,
            clock=self._clock,
        )
        owner = f"-{self.name}" if self.store.shared else ""
        self.worker = Worker(
            self._engine,
            self.scheduler,
            self.admission,
            self.delivery,
            self.signals,
            self._waiters,
            RunningFile(settings.data_folder, settings.files_name, owner),
            name=self.name,
            passed=self.ledger.checkpoints.passed,
        )
        self.spool = Spool(settings.spool_folder, settings.accept.spool_max_bytes, f"main{owner}")
        self.acceptor = Acceptor(
            self.store,
            settings,
            self.flags,
            self.admission,
            self.spool,
            self.worker.intake.offer,
            self._clock,
        )
        self._lookup = Lookup(self.store, self.scheduler, self.acceptor.in_spool)
        self._conversations = Conversations(self.store)
        self._transcripts = Transcripts(self.store)
        self._live = LiveStreams(self.store, self.signals, self._drafts)
        actions = Actions(self.store, self._moved)
        self._desk = Desk(
            self.store,
            actions,
            self.delivery,
            self.signals,
            in_flight_wait_s=settings.delivery.timeout_s,
            passed=self.ledger.checkpoints.passed,
            clock=self._clock,
        )
        self._killed_replies = KilledReplies(
            self.store, self.flags, actions, stored=self._put_back, clock=self._clock
        )
        self._remarks = Remarks(self.store, actions, self.signals, self._clock)
        self._reactions = Reactions(self.store, actions, self.signals, self._clock)
        self._dead_letters = DeadLetters(
            self.store, stored=self.worker.intake.look, clock=self._clock
        )
        self._indexer = Indexer(
            self.store, is_busy=lambda: self.admission.messages > 0, owns=self._may_begin
        )
        await self.keys.load()
        await self.flag_desk.load()
        await self.rollouts.load()
        self._unbind = bind_openfeature(self.flags, self.app.openfeature_domains)
        await self.alerts.load()
        await self.monitoring.recall()
        self.store.listen(self._heard)
        await asyncio.to_thread(self.spool.open)
        if self._works:
            await asyncio.to_thread(self._knowing.recall)
            await self.worker.start()
            await self.delivery.load()
        self._start_tasks()

    def _feedback_settings(self) -> FeedbackSettings:
        chosen = self.settings.feedback
        if self.collects_feedback:
            return chosen
        return msgspec.structs.replace(chosen, implicit=False, analytics=False)

    def _validator(self) -> Validator:
        validator = Validator(strict=self.settings.context.strict)
        for rule in self.app.context_rules:
            validator.add(rule)
        return validator

    def _start_tasks(self) -> None:
        tasks = self._supervisor
        tasks.start("accept", self.acceptor.run)
        if self._works:
            tasks.start("worker", self.worker.run, once=True)
            tasks.start("leases", self.worker.keep_leases)
            tasks.start("summaries", self._memories.run)
            if self.settings.graph.names_limit:
                tasks.start("names", self._knowing.run)
        tasks.start("delivery", self.delivery.run)
        if self._works:
            self.webhooks.start(tasks)
        self.ledger.start(tasks, works=self._works)
        tasks.start("idempotency", self.idempotency.run)
        tasks.start("flags", self.flag_desk.run)
        self.rollouts.start(tasks)
        self.migration.start(tasks, works=self._works)
        tasks.start("search", self._indexer.run)
        self.knowledge.start(tasks)
        if self._works and self.feedback_desk.settings.analytics:
            tasks.start("feedback", self.feedback_desk.run)
        watchdog = self.settings.watchdog
        if watchdog.enabled:
            self._watchdog = Watchdog(watchdog.block_s)
            self._watchdog.start()
        pulse = Pulse(beat=self._watchdog.beat if self._watchdog is not None else None)
        self._vitals = Vitals(
            settings=self.settings,
            store=self.store,
            scheduler=self.scheduler,
            admission=self.admission,
            acceptor=self.acceptor,
            spool=self.spool,
            worker=self.worker,
            delivery=self.delivery,
            compute=self.compute,
            keys=self.keys,
            webhooks=self.webhooks,
            services=Services(
                is_on=self.flags.enabled,
                contexts=self._contexts,
                memories=self._memories,
                feedback=self._rating,
                understood=self.compute.stats,
            ),
            metrics=self.metrics,
            supervisor=tasks,
            pulse=pulse,
            clock=self._clock,
        )
        provide_figures(
            self.alerts,
            settings=self.settings,
            store=self.store,
            metrics=self.metrics,
            scheduler=self.scheduler,
            acceptor=self.acceptor,
            vitals=self._vitals,
            webhook_lag_s=self.webhooks.lag_s,
            clock=self._clock,
        )
        self.alerts.start(tasks, watch=self._works)
        tasks.start("pulse", pulse.run)
        tasks.start("health", self._vitals.watch)
        self.monitoring.observe(
            Observer(
                metrics=self.metrics,
                flags=self.flags,
                signals=self.signals,
                validator=self._contexts.validator,
                supervisor=tasks,
                health=self._vitals.health,
            )
        )
        self.monitoring.start(tasks)
        self._counting = Counting(self.store, self._clock)
        self._statistics = Statistics(
            self.metrics,
            waiting=self._vitals.waiting,
            health=self._vitals.health,
            census=self._counting.census,
        )
        tasks.start("census", self._counting.run)
        tasks.start("statistics", self._statistics.run)

    def announce(self, url: str) -> None:
        """Writes where this server is, and a token for its own command line, into the lock file."""
        if isinstance(self.store, SqliteStore):
            self.store.lock.write({"url": url, "token": self.keys.make_local()})

    async def stop(self) -> None:
        """Refuses new work, finishes what is under way, lets go. May be called twice."""
        if self._stopping:
            return
        self._stopping = True
        if not self._running:
            return
        grace = self.settings.shutdown.grace_s
        try:
            await asyncio.wait_for(self.acceptor.settle(), grace)
        except TimeoutError:
            log.warning("accept_unfinished")
        if self._works:
            await self.worker.drain(grace)
            if self._model is not None:
                await self._model.close()
            await self.store.drop_leases(self.name)
        await self.delivery.settle(grace)
        await self.webhooks.stop(grace)
        await self.ledger.stop()
        await self.rollouts.stop(grace)
        await self.alerts.stop(grace)
        await self.monitoring.stop(grace)
        self.signals.close()
        self._unbind()
        if self._watchdog is not None:
            self._watchdog.stop()
        await self._supervisor.stop(1.0)
        await self.migration.stop()
        await self.compute.stop()
        self.spool.close()
        await self.store.close()
        self._running = False
        interpreter.unsettle()
        log.info("stopped", turns=self.worker.turns)

    async def switch_models(self, chosen: UnderstandingSettings) -> None:
        """Goes over to other models and extensions while messages are understood; the pack stays.

        Raises what `start_compute` raises; then everything is as before.
        """
        settings = msgspec.structs.replace(self.settings, understanding=chosen)
        await self.compute.switch(await models_of(settings, self._pack))
        self.settings = settings
        log.info("models_switched", model=chosen.model, shadow=chosen.shadow)

    def _learner(self, refused: int, known: int) -> Learner:
        return GraphLearner(self.graph.collection, refused=refused, known=known)

    def _owns(self, conversation: bytes) -> bool:
        return self.worker.intake.holds(ids.partition_of(conversation))

    def _may_begin(self, key: bytes) -> bool:
        return self.worker.intake.is_open(ids.partition_of(key))

    def _heard(self, topic: str, text: str) -> None:
        """Another process on this database did something."""
        if topic == "inbox" and self._works:
            self.worker.intake.look()
        elif topic == "events":
            self._writing.doubt_sessions({int(number) for number in text.split(",")})
            self.signals.touch_all()
        elif topic == "draft":
            self._drafts.heard(text)
        elif topic == INTERRUPT_TOPIC:
            self._interrupted(text)
        elif topic == "outbox" and self._works:
            self._supervisor_load()
        elif topic == WEBHOOKS_TOPIC:
            self.webhooks.heard()
        elif topic == LEDGER_TOPIC:
            self.ledger.heard()
        elif topic == KNOWLEDGE_TOPIC:
            self._learning.forget()
        elif topic == MONITORING_TOPIC:
            self.monitoring.heard(text)
        elif topic == ALERTS_TOPIC:
            self.alerts.heard(text)
        elif topic == FLAGS_TOPIC:
            self.flag_desk.heard()
            self.rollouts.heard()
        elif topic == MISSED:
            self._look_at_everything()

    def _look_at_everything(self) -> None:
        """Signals may have been lost: what they would have said, without waiting for the polls."""
        if self._works:
            self.worker.intake.look()
            self._supervisor_load()
        self._writing.doubt_all()
        self.signals.touch_all()
        self.webhooks.heard()
        self.ledger.heard()
        self._learning.forget()
        self.flag_desk.heard()
        self.rollouts.heard()

    def _flags_changed(self, names: Iterable[str]) -> None:
        self.metrics.switch.on = self.flags.enabled("capture_metrics")
        self.delivery.wake()

    def _put_back(self, rows: Sequence[InboxRow]) -> None:
        """These are in the inbox again."""
        messages = [row for row in rows if row.kind != KIND_TIMER]
        size = sum(len(row.payload) + ROW_OVERHEAD for row in messages)
        self.admission.add(len(messages), size)
        self.worker.intake.look()

    def _tell_draft(self, text: str) -> None:
        self.store.hint("draft", text)

    def _moved(self, conversation: bytes) -> None:
        """Somebody wrote to a conversation: what is known of it in memory is old."""
        self._engine.cache.drop(conversation)
        self._writing.doubt(conversation)

    def _supervisor_load(self) -> None:
        task = asyncio.get_running_loop().create_task(self._load_outbox())
        self._loads.add(task)
        task.add_done_callback(self._loads.discard)

    async def _load_outbox(self) -> None:
        try:
            await self.delivery.load()
        except Unavailable as error:
            log.warning("outbox_unread", detail=error.detail)

    # -- accept -------------------------------------------------------------------------------

    async def accept(
        self, items: Sequence[Message | ColloquyError]
    ) -> list[Receipt | ColloquyError]:
        """See `pipeline.accept.Acceptor.accept`."""
        started = time.perf_counter()
        results = await self.acceptor.accept(items)
        metrics = self.metrics
        metrics.accept_seconds.observe(time.perf_counter() - started)
        counts: dict[str, int] = {}
        for result in results:
            if isinstance(result, Receipt):
                counts[result.status] = counts.get(result.status, 0) + 1
            else:
                metrics.refused.of(result.code).inc()
        for status, count in counts.items():
            metrics.accepted.of(status).inc(count)
        return results

    async def import_messages(
        self, items: Sequence[Message | ColloquyError]
    ) -> list[Receipt | ColloquyError]:
        """Records history: it goes into the log in order, is not understood and not answered."""
        return await self.acceptor.accept(items, kind=KIND_RECORD)

    async def wait(self, message_id: str, timeout_s: float) -> list[ReplyView] | None:
        """The replies to a message once they are released; [] if its turn said nothing; None if it
        took longer."""
        key = ids.parse_id(message_id, "message_id")
        future = self._waiters.wait(key)
        deadline = asyncio.get_running_loop().time() + timeout_s
        release_s = RELEASE_POLL_S
        try:
            while True:
                finished = False
                try:
                    finished, replies = await self._lookup.answered(message_id)
                    if replies is not None:
                        return replies
                except NotFound:
                    # Spooled: it reaches the inbox when the database is back.
                    pass
                left = deadline - asyncio.get_running_loop().time()
                if left <= 0:
                    return None
                poll_s = WAIT_POLL_S[self.store.shared]
                if finished:
                    # One that was committed before we waited is released any moment, unannounced;
                    # or its channel is down, and it takes long.
                    poll_s, release_s = min(poll_s, release_s), 2 * release_s
                try:
                    async with asyncio.timeout(min(left, poll_s)):
                        return await asyncio.shield(future)
                except TimeoutError:
                    continue
        finally:
            self._waiters.leave(key, future)

    # -- operation ----------------------------------------------------------------------------

    def ready(self) -> bool:
        """Whether work should be sent here."""
        return self._running and not self._stopping

    def health(self) -> Health:
        """The last look at the health (every `health.interval_s`)."""
        return self._vitals.health()

    def statistics(self) -> StatisticsView:
        """Rates, latencies and what waits, now and over time."""
        return self._statistics.view()

    def statistics_now(self) -> tuple[Now, Series]:
        """The figures of this moment, and the newest point alone."""
        return self._statistics.now(), self._statistics.newest()

    def dead_letter_count(self) -> int:
        """How many dead letters there are to look at, up to a thousand; a few seconds old."""
        return self._counting.dead_letters

    def supervise(self, name: str, run: Callable[[], Awaitable[None]]) -> None:
        """Runs a background task of an edge, such as a producer of live events, until `stop`."""
        self._supervisor.start(name, run)

    def render_metrics(self) -> bytes:
        self._vitals.set_gauges()
        return self.metrics.render()

    def stats(self) -> dict[str, Any]:
        """Figures of this process, for `doctor`, benchmarks and the health page."""
        return self._vitals.stats()
