"""Learning: from statements to rows of the ledger, inside the transaction that commits them.

    learned(Assertion(…), at=now_us(), actor="assistant")

checks and encodes a statement before any transaction; `GraphLearner` adds many of them to their
slots. What is known already costs a look at its slot and writes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from typing import NamedTuple

from msgspec import Struct

from ..ledger.collections import Steps, Write
from ..storage.commit import Rows
from ..storage.write_set import Change
from .collection import GraphCollection
from .settling import News
from .slots import COLLECTION, Entry, Name, Slot, entry_of, read_slot
from .statements import Assertion, Merge

LEARN = "learn"
RETRACT = "retract"


class Learned(Struct, frozen=True, gc=False):
    """A checked statement, and who said it when: what `Unit.learned` holds."""

    key: str
    entry: Entry
    at: int
    actor: str
    session: int | None
    operation: str = LEARN


class TakenBack(NamedTuple):
    """Those assertions of a slot for which `goes` is true no longer count."""

    name: Name
    goes: Callable[[bytes], bool]
    """Of an assertion as JSON (`slots.Said`)."""
    at: int
    actor: str
    session: int | None
    operation: str = RETRACT

    @property
    def key(self) -> str:
        return self.name.key


def learned(
    statement: Assertion | Merge, at: int, actor: str, session: int | None = None
) -> Learned:
    """Raises InvalidInput with the field. `at` in microseconds; `session` is its number."""
    entry = entry_of(statement)
    return Learned(entry.key, entry, at, actor, session)


class GraphLearner:
    """A `storage.write_set.Learner`; one per write set."""

    def __init__(self, graph: GraphCollection, *, refused: int = 0, known: int = 0) -> None:
        """`refused` and `known` were told apart before: they count, and are not written."""
        self._graph = graph
        self._refused = refused
        self._known = known
        self._fresh: dict[str, Entry] = {}
        self.offered = 0
        self.repeated = 0
        self.news = News()
        """What the rows did to the tables, after `apply`."""

    def changes(
        self, learned: Sequence[Learned | TakenBack]
    ) -> Generator[tuple[str, Rows], Rows, list[Change]]:
        self._fresh, self.repeated = {}, 0
        self.offered = sum(isinstance(one, Learned) for one in learned)
        firsts: dict[str, Learned | TakenBack] = {}
        several: dict[str, list[Learned | TakenBack]] = {}
        for one in learned:
            if one.key in firsts:
                several.setdefault(one.key, [firsts[one.key]]).append(one)
            else:
                firsts[one.key] = one
        keys = sorted(firsts)
        if not keys:
            return []
        yield from self._graph.lock(keys)
        heads = yield "change_heads", [(COLLECTION, key) for key in keys]
        known = {key: after for _, key, _, after in heads}
        made: list[Change] = []
        for key in keys:
            first, before = firsts[key], known.get(key)
            if key not in several and isinstance(first, Learned):
                # The two usual cases need no look into the slot: it is new, or just this is known.
                record = first.entry.record
                if before is None:
                    self._fresh[key] = first.entry
                    made.append(_row(first, record))
                    continue
                if before == record:
                    self.repeated += 1
                    continue
            change = self._change(key, several.get(key, [first]), before)
            if change is not None:
                made.append(change)
        return made

    def apply(self, changes: list[Change], positions: list[int]) -> Steps:
        writes: list[Write] = []
        fresh: list[tuple[Entry, int]] = []
        for change, position in zip(changes, positions, strict=True):
            entry = self._fresh.get(change.key)
            if entry is None:
                writes.append(Write(change, position))
            else:
                fresh.append((entry, position))
        self.news = yield from self._graph.bring(writes, fresh)
        if self.offered or self._refused:
            yield (
                "counter_add",
                [
                    ("graph_offered", self.offered + self._known),
                    ("graph_refused", self._refused),
                    ("graph_repeated", self.repeated + self._known),
                ],
            )

    def _change(
        self, key: str, news: list[Learned | TakenBack], before: bytes | None
    ) -> Change | None:
        first = news[0]
        name = first.entry.name if isinstance(first, Learned) else first.name
        slot = Slot(name, ()) if before is None else read_slot(key, before)
        bodies = set(slot.bodies)
        for one in news:
            if isinstance(one, TakenBack):
                bodies = {body for body in bodies if not one.goes(body)}
            else:
                self.repeated += one.entry.body in bodies
                bodies.add(one.entry.body)
        after = slot.with_bodies(bodies)
        return None if after.bodies == slot.bodies else _row(news[-1], after.encoded())


def _row(one: Learned | TakenBack, after: bytes | None) -> Change:
    return Change(one.at, one.actor, one.session, one.operation, COLLECTION, one.key, after)
