"""The knowledge graph: what is learned goes in, what is known comes out.

    graph = Graph(store, collections, now_us)
    await graph.learn(of_entity(Entity("ann", "person", {"name": "Ann"}), now_us()), "operator")
    view = await graph.entity("ann")

The truth is the ledger's collection `graph`; entities, facts and merges are tables that follow
from it (`collection`), so a rollback or an import of ledger rows brings them along.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Generator, Iterable, Sequence
from operator import attrgetter
from typing import Any, Generic, TypeVar

from msgspec import Struct

from ..ledger.collections import Collections
from ..ledger.history import History
from ..ledger.points import Points
from ..model.cursors import decode_cursor, encode_cursor
from ..model.errors import InvalidInput, NotFound
from ..model.times import Clock
from ..storage.commit import Rows, number_changes
from ..storage.store import Store
from .collection import GraphCollection
from .history import Around, around, prune
from .hygiene import STALE_DAYS, Hygiene, hygiene
from .kinds import check_id
from .learner import RETRACT, GraphLearner, Learned, TakenBack, learned
from .queries.entities import Node
from .queries.sql import Moment, check_bound, check_moment
from .slots import COLLECTION, SAME, Name, entry_of, read_slot, said_by
from .statements import Assertion, Merge
from .views import (
    ContradictionView,
    EntityView,
    FactView,
    contradiction_views,
    entity_view,
    fact_views,
    representative,
)

T = TypeVar("T")

BATCH = 2000
"""Rows of the ledger that one transaction writes at most. Every transaction writes each page of an
index that it touches, so few large ones write far less; the writer is busy for some 0.1 s."""
TURN = 500
"""Statements that are checked in one go."""
FIRST_TIME = 10**14
"""From this number on `as_of` is a time in microseconds (1973), below a position of the ledger."""
MAX_LIMIT = 1000
MAX_REASON = 500


class Report(Struct, frozen=True):
    """What came of statements: how many were new or known, and what they did to the facts."""

    new: int = 0
    repeated: int = 0
    opened: int = 0
    closed: int = 0
    contradictions: int = 0
    """Recorded anew; those solved are not subtracted."""
    position: int = 0
    """The ledger's last row of it; 0 where nothing was written."""

    def plus(self, other: Report) -> Report:
        return Report(
            self.new + other.new, self.repeated + other.repeated, self.opened + other.opened,
            self.closed + other.closed, self.contradictions + other.contradictions,
            max(self.position, other.position),
        )  # fmt: skip


class Page(Struct, Generic[T], frozen=True):
    """`next` is the cursor of the page after it; None where there is none."""

    items: list[T]
    next: str | None


class Statistics(Struct, frozen=True, kw_only=True):
    """`entities` by kind; `facts` are those that are known now, relationships among them; `closed`
    are versions of the past."""

    entities: dict[str, int]
    facts: int
    relationships: int
    closed: int
    contradictions: int
    merges: int


class Graph:
    """`collections` must hold a `GraphCollection`, or gets one."""

    def __init__(
        self,
        store: Store,
        collections: Collections,
        clock: Clock,
    ) -> None:
        if COLLECTION not in collections.names():
            collections.add(GraphCollection(store))
        collection = collections[COLLECTION]
        assert isinstance(collection, GraphCollection)
        self.store = store
        self._clock = clock
        self.collection = collection
        self._past = History(store, collections, clock)
        self._points = Points(store, clock)

    # -- learning -----------------------------------------------------------------------------

    async def learn(
        self,
        statements: Iterable[Assertion | Merge],
        actor: str,
        session: int | None = None,
        *,
        refused: int = 0,
    ) -> Report:
        """Learns statements, in transactions of at most `BATCH` rows. Raises InvalidInput with the
        field, and then nothing was learned; when the store fails, what came before is there.

        `refused` statements were told apart before as junk: they count (`hygiene`)."""
        at = self._clock()
        checked: list[Learned] = []
        for place, one in enumerate(statements, 1):
            checked.append(learned(one, at, actor, session))
            if place % TURN == 0:  # others may have their turn meanwhile
                await asyncio.sleep(0)
        return await self._learn(checked, refused)

    async def merge(self, kept: str, other: str, actor: str, note: str = "") -> Report:
        """From now on both are one, under the name of `kept`. Raises NotFound, InvalidInput."""
        await self._must_exist(kept, other)
        merge = Merge(kept=kept, other=other, learned=self._clock(), note=note)
        return await self.learn([merge], actor)

    async def unmerge(self, kept: str, other: str, actor: str, reason: str = "") -> Report:
        """Undoes a merge exactly. Raises NotFound where there is none."""
        return await self._take_back([(Name(kept, SAME, other), _everything)], actor, reason)

    # -- taking back --------------------------------------------------------------------------

    async def retract(self, what: str | FactView | int, actor: str, reason: str = "") -> Report:
        """Takes back what is said under a key of the ledger, what a fact rests on, or what an
        event said (its position). Raises NotFound where nothing is said, InvalidInput."""
        if isinstance(what, FactView):
            bodies = await self._bodies_of(what)
            return await self._take_back([(n, of.__contains__) for n, of in bodies], actor, reason)
        if isinstance(what, str):
            rows = await self.store.read("change_heads", [(COLLECTION, what)])
            names = [read_slot(key, after).name for _, key, _, after in rows if after is not None]
            return await self._take_back([(name, _everything) for name in names], actor, reason)
        rows = await self.store.read("graph_sources_of", [(what,)])
        heads = await self.store.read("change_heads", [(COLLECTION, key) for _, key in rows])
        names = [read_slot(key, after).name for _, key, _, after in heads if after is not None]
        return await self._take_back([(name, said_by(what)) for name in names], actor, reason)

    # -- reading ------------------------------------------------------------------------------

    async def entity(self, id_: str, as_of: int | None = None, at: int | None = None) -> EntityView:
        """What is known of it; or was known `as_of` a position of the ledger or a time of ours,
        and of that what was so `at` a time of the world (microseconds). Raises NotFound."""
        return await entity_view(self.store, id_, await self.moment(as_of, at))

    async def entities(
        self, kind: str = "", prefix: str = "", cursor: str = "", limit: int = 100
    ) -> Page[Node]:
        """Entities of which the kind is known, by number; `prefix` is that of id or name."""
        check_bound(limit, "limit", MAX_LIMIT)
        after = _after(cursor)
        if kind:
            rows = await self.store.scan("graph_entities_page_of", kind, after, prefix, limit)
        else:
            rows = await self.store.scan("graph_entities_page", after, prefix, limit)
        nodes = [Node(id_, kind_, name) for _, id_, kind_, name in rows]
        return Page(nodes, _next(rows, limit))

    async def facts(
        self,
        subject: str = "",
        predicate: str = "",
        target: str = "",
        as_of: int | None = None,
        at: int | None = None,
        cursor: str = "",
        limit: int = 100,
    ) -> Page[FactView]:
        """Facts by number, without their evidence; "" is any. Raises NotFound for entities."""
        check_bound(limit, "limit", MAX_LIMIT)
        moment = await self.moment(as_of, at)
        tests: list[tuple[str, Any]] = []
        for column, id_ in (("subject", subject), ("target", target)):
            if id_:
                tests.append((column, await representative(self.store, id_, moment)))
        if predicate:
            tests.append(("predicate", predicate))
        views = await fact_views(self.store, tests, moment, _after(cursor), limit)
        return Page(views, _next([(view.number,) for view in views], limit))

    async def contradictions(self, cursor: str = "", limit: int = 100) -> Page[ContradictionView]:
        """What contradicts what in all that is known now; nothing of it was overwritten."""
        check_bound(limit, "limit", MAX_LIMIT)
        rows = await self.store.query("graph_contradictions_page", _after(cursor), limit)
        return Page(await contradiction_views(self.store, rows), _next(rows, limit))

    async def statistics(self) -> Statistics:
        kinds = await self.store.scan("graph_kinds_count")
        ((versions, _, closed, edges),) = await self.store.scan("graph_facts_count")
        ((contradictions,),) = await self.store.query("graph_contradictions_count")
        ((merges,),) = await self.store.query("graph_merges_count")
        return Statistics(
            entities=dict(kinds), facts=versions - closed, relationships=edges or 0,
            closed=closed, contradictions=contradictions, merges=merges,
        )  # fmt: skip

    async def hygiene(self, stale_days: int = STALE_DAYS) -> Hygiene:
        return await hygiene(self.store, self._past, self._clock, stale_days)

    # -- history ------------------------------------------------------------------------------

    async def around(self, seeds: Sequence[str], hops: int, as_of: int | None = None) -> Around:
        """All within `hops` relationships of the seeds, now or as it was. Raises NotFound,
        InvalidInput, NotRestorable."""
        return await around(self.store, seeds, hops, await self.moment(as_of))

    async def prune_history(self, before: int) -> int:
        """Deletes versions of facts that ended at or before a position and that no rollback point
        shows. Returns how many. Raises InvalidInput."""
        points = await self._points.live()
        return await prune(self.store, before, (point.position for point in points))

    async def moment(self, as_of: int | None = None, at: int | None = None) -> Moment:
        """What was known `as_of` a position of the ledger or a time of ours, and of that what was
        so `at` a time of the world. Raises InvalidInput, and NotRestorable where the past was
        forgotten."""
        if as_of is not None and as_of >= FIRST_TIME:
            as_of = await self.position_at(as_of)
        moment = Moment(as_of, at)
        check_moment(moment)
        if as_of is not None:
            await self._past.check_restorable(as_of)
        return moment

    async def position_at(self, at_us: int) -> int:
        """The ledger's newest position at or before a time of ours; 0 before all of them."""
        return await self._past.position_at(at_us)

    # -- inside -------------------------------------------------------------------------------

    async def _must_exist(self, *ids: str) -> None:
        rows = await self.store.read("graph_entities_by_id", [(check_id(i, "id"),) for i in ids])
        missing = set(ids) - {row[0] for row in rows}
        if missing:
            raise NotFound(f"nothing is known of {min(missing)[:80]!r}")

    async def _bodies_of(self, fact: FactView) -> list[tuple[Name, set[bytes]]]:
        """The assertions on which a fact rests now, by slot."""
        found: dict[Name, set[bytes]] = {}
        view = await entity_view(self.store, fact.subject, Moment())
        for known in view.facts:
            if known.number == fact.number:
                for one in known.assertions:
                    entry = entry_of(one)
                    found.setdefault(entry.name, set()).add(entry.body)
        return list(found.items())

    async def _take_back(
        self, what: Iterable[tuple[Name, Callable[[bytes], bool]]], actor: str, reason: str
    ) -> Report:
        if len(reason) > MAX_REASON:
            raise InvalidInput(f"a reason has at most {MAX_REASON} characters", field="reason")
        operation = f"{RETRACT}: {reason}" if reason else RETRACT
        at = self._clock()
        what = list(what)
        taken = [TakenBack(name, goes, at, actor, None, operation) for name, goes in what]
        report = await self._learn(taken)
        if not report.position:
            raise NotFound("nothing of this is said, or not any more")
        await self.collection.settle(sorted({name.key for name, _ in what}))
        return report

    async def _learn(self, entries: Sequence[Learned | TakenBack], refused: int = 0) -> Report:
        report = Report()
        # What belongs together is written together; the order makes no difference to what is known.
        entries = sorted(entries, key=attrgetter("key"))
        for start in range(0, max(len(entries), bool(refused)), BATCH):
            part = entries[start : start + BATCH]
            report = report.plus(await self._transact(part, 0 if start else refused))
        return report

    async def _transact(self, entries: Sequence[Learned | TakenBack], refused: int) -> Report:
        def steps() -> Generator[tuple[str, Rows], Rows, Report]:
            learner = GraphLearner(self.collection, refused=refused)
            changes = yield from learner.changes(entries)
            positions = yield from number_changes(changes)
            yield from learner.apply(changes, positions)
            return Report(
                learner.offered - learner.repeated, learner.repeated, len(learner.news.facts),
                len(learner.news.closed), len(learner.news.clashes), max(positions, default=0),
            )  # fmt: skip

        report: Report = await self.store.transact(steps)
        return report


def _everything(body: bytes) -> bool:
    return True


def _after(cursor: str) -> int:
    return decode_cursor(cursor, 1)[0] if cursor else 0


def _next(rows: Sequence[Sequence[Any]], limit: int) -> str | None:
    return encode_cursor(rows[-1][0]) if len(rows) == limit else None
