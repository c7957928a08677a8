"""What a turn teaches the knowledge graph: from what was understood to assertions.

Only what understanding found already, and only what people said themselves (`graph.admission`).
An assertion's evidence names the message by its inbox number, which is known before the commit and
stays with the message's event (`events_of_inbox`). What a shared thing is by its own name (a topic,
a word of the dictionary) stands on nobody's words, so it has no event and never grows.

Subjects: `person:<conversation>` is its peer, `person:<conversation>:<hash>` another one who writes
or is spoken of there. A lesson is written with the message's event, in one unit: once, or not.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

import msgspec

from ..graph.admission import Known, Limits
from ..graph.learner import learned
from ..graph.learning import TYPE
from ..graph.slots import COLLECTION, Name, read_slot
from ..model.errors import InvalidInput
from ..model.understanding import Understanding
from ..settings import GraphSettings
from ..storage.store import Store
from ..storage.write_set import KIND_RECORD
from ..telemetry import Metrics, get_logger
from . import teaching, wishes
from .lesson import Lesson, Notebook, Taught
from .wishes import Plan
from .work import Fate, Work

log = get_logger(__name__)

REMEMBER_US = 24 * 3_600_000_000
"""What was learned is offered again after a day: it may have been taken back meanwhile."""
MAX_DOUBTED = 1000
ACTOR = "engine"
"""Who writes what messages teach."""

_understanding = msgspec.json.Decoder(Understanding)


class Learning:
    """Makes lessons, and remembers what was committed."""

    def __init__(self, settings: GraphSettings, metrics: Metrics) -> None:
        self._settings = settings
        self._metrics = metrics
        self._limits = Limits(
            min_confidence=settings.min_confidence,
            min_length=settings.min_length,
            max_length=settings.max_length,
        )
        self._plan = Plan(
            preferences=frozenset(settings.preferences),
            promises=_pairs(settings.promises),
            withdrawals=_pairs(settings.withdrawals),
            labels=frozenset(settings.preferences) | teaching.LABELS,
        )
        self._known = Known(settings.remembered_slots, REMEMBER_US)
        self._doubted: dict[int, None] = {}
        self._forgotten = self._cleared = 0
        self._ids: frozenset[str] = frozenset()

    def withdrawn(self, works: Iterable[Work]) -> list[str]:
        """The promises that these works take back, if they were made: `recall` them first."""
        if not self._settings.learn:
            return []
        found = (
            wishes.withdrawn_promise(self._plan, work)
            for work in works
            if work.fate is Fate.ANSWERED
        )
        return [promise for promise in found if promise is not None]

    @staticmethod
    async def recall(store: Store, promises: Iterable[str], batch: Taught) -> None:
        """Reads where these promises stand into `batch`: an earlier process or another one may
        have learned of them. Raises StoreUnavailable."""
        keys = sorted({Name(promise, "status").key for promise in promises})
        for _, key, _, after in await store.read("change_heads", [(COLLECTION, k) for k in keys]):
            if after is None:
                continue
            try:
                newest = read_slot(key, after).assertions()[0]
            except InvalidInput:
                log.exception("promise_unreadable", key=key)
                continue
            # What is taught with the same commit is newer still.
            batch.setdefault((newest.subject, TYPE, None), "commitment")
            batch.setdefault((newest.subject, newest.predicate, None), newest.value)

    def lesson(self, work: Work, batch: Taught, now: int) -> Lesson | None:
        """What the work teaches, to be made before its session moves on. `batch` is shared by all
        that is committed together. A fault in here costs the lesson, never the turn."""
        if not self._settings.learn or not work.turn.incoming:
            return None
        if self._doubted and not self._doubted.keys().isdisjoint(work.ids):
            return None
        forgotten = self._forgotten
        if forgotten != self._cleared:
            self._cleared = forgotten
            self._known.clear()
        notebook = Notebook(self._known, self._limits, batch, now)
        try:
            self._teach(work, notebook)
            lesson = notebook.lesson
            lesson.forgotten = forgotten
            if lesson.assertions:
                number = work.live.session.number
                lesson.learned = [learned(one, now, ACTOR, number) for one in lesson.assertions]
        except Exception:
            log.exception("learning_failed", inbox_id=work.headers[0].id)
            self._metrics.graph_refused.of("failed").inc()
            for slot, _ in notebook.lesson.slots:
                batch.pop(slot, None)
            return None
        return lesson

    def committed(self, lessons: Iterable[Lesson], now: int) -> None:
        """They are in the graph: the same again costs nothing now."""
        offered = learned_ = 0
        refused: list[str] = []
        for lesson in lessons:
            offered += lesson.offered
            learned_ += len(lesson.assertions)
            refused += lesson.refused
            # What was taken back since may be the very thing that it said.
            for slot, mark in lesson.slots if lesson.forgotten == self._forgotten else ():
                self._known.note(slot, mark, now)
        metrics = self._metrics
        metrics.graph_offered.inc(offered)
        metrics.graph_learned.inc(learned_)
        for reason, count in Counter(refused).items():
            metrics.graph_refused.of(reason).inc(count)

    def doubt(self, work: Work) -> None:
        """The store refused what this work taught, or may have: it is done again without it."""
        for number in work.ids:
            self._doubted[number] = None
        while len(self._doubted) > MAX_DOUBTED:
            del self._doubted[next(iter(self._doubted))]
        self._metrics.graph_refused.of("store").inc()

    def know(self, ids: frozenset[str]) -> None:
        """Entities whose names the dictionary has: a value of it that is one means that entity."""
        self._ids = ids

    def expect(self, language: str | None) -> None:
        """People write this language here: it is learned of somebody who wrote another before."""
        self._plan = msgspec.structs.replace(self._plan, language=language)

    def forget(self) -> None:
        """Something was taken back or rolled back: nothing counts as known any more. May be called
        in any thread."""
        self._forgotten += 1

    def _teach(self, work: Work, notebook: Notebook) -> None:
        turn = work.turn
        raws = turn.raw_understanding
        if work.headers[0].kind == KIND_RECORD:
            notebook.refuse("history")
            return
        for index, incoming in enumerate(turn.incoming):
            if incoming.recorded or work.was_parked:
                continue
            notebook.turn_to(incoming)
            raw = raws[index] if index < len(raws) else None
            if raw is None:
                continue
            found = turn.understanding if len(turn.incoming) == 1 else _understanding.decode(raw)
            teaching.from_message(notebook, self._plan, work, incoming, found, self._ids)
        if work.fate is Fate.ANSWERED and wishes.are_possible(self._plan, turn):
            notebook.turn_to(turn.incoming[-1])
            teaching.from_outcome(notebook, self._plan, work)


def _pairs(texts: tuple[str, ...]) -> dict[str, str]:
    """`intent=what` by intent."""
    split = (text.partition("=") for text in texts)
    return {intent.strip(): what.strip() for intent, _, what in split}
