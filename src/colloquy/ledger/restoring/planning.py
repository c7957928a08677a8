"""The plan of an operation: where it goes, what it would take back, and what stands against it.

A preview and an operation gather the same rows and ask `deciding` the same, so that a dry run says
what the real one does.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from ...model.errors import InvalidInput, NotFound, ScopeEmpty
from ...model.ids import parse_id
from ...model.times import Clock, to_us
from ...storage.commit import Rows
from ...storage.store import Store
from ..collections import Collections, decode_value
from ..history import History
from ..merge import ConflictPolicy
from ..points import Points
from ..rows import ItemRow, OperationRow, PointRow
from ..scope import Scope
from .deciding import Clash, decide, dependency_clash, lookup
from .folding import Name
from .gathering import Gathering
from .requests import Request
from .targets import Target, of_operation

PART = 500
"""Records whose values are read at a time."""


class Effect(NamedTuple):
    """What would become of one record; values are JSON, None where there is none."""

    item: ItemRow
    now: bytes | None
    then: bytes | None
    clash: Clash | None

    @property
    def action(self) -> str:
        if self.clash is not None:
            return "conflict"
        if self.now == self.then:
            return "unchanged"
        if self.then is None:
            return "remove"
        return "recreate" if self.now is None else "restore"


class Planner:
    """Works out targets, and what would become of records. All methods may raise
    StoreUnavailable."""

    def __init__(
        self, store: Store, collections: Collections, history: History, points: Points, clock: Clock
    ) -> None:
        self._store = store
        self._collections = collections
        self._history = history
        self._points = points
        self._clock = clock
        self.gathering = Gathering(store, collections)

    async def target(self, request: Request, head: int | None = None) -> Target:
        """`head`: looked at as of this position, the newest by default.

        Raises NotFound, PointExpired, NotRestorable, InvalidInput.
        """
        newest = await self._history.head()
        head = newest if head is None else head
        if head > newest:
            raise InvalidInput(f"the ledger ends at position {newest}", field="cursor")
        point: PointRow | None = None
        scope = request.scope
        if request.undo is not None:
            first = await self._first_of(request.undo)
            scope = of_operation(scope, request.undo)
            position = first - 1
        elif request.point is not None:
            point = await self._points.get(request.point)
            position = point.position
        elif request.time is not None:
            position = await self._history.position_at(to_us(request.time))
        else:
            position = request.position or 0
        if position > head:
            raise InvalidInput(f"the ledger ends at position {head}", field="position")
        if request.undo is None:
            await self._history.check_restorable(position)
        now = self._clock()
        rows = await self._store.query("change_from", position)
        at = rows[0][1] if rows else now
        return Target(position, head, at, scope, await self._sessions(scope), point, now)

    async def target_again(self, request: Request, row: OperationRow) -> Target:
        """The target of an operation that has begun."""
        scope = request.scope
        if request.undo is not None:
            scope = of_operation(scope, request.undo)
        rows = await self._store.query("change_from", row.target)
        at = rows[0][1] if rows else row.created_at
        sessions = await self._sessions(scope)
        return Target(row.target, row.head, at, scope, sessions, None, row.created_at)

    async def _first_of(self, operation: str) -> int:
        rows = await self._store.query("ledger_operation", operation)
        if not rows:
            raise NotFound(f"no operation {operation!r:.80}", field="undo")
        found = OperationRow(*rows[0])
        if found.is_open:
            raise InvalidInput("this operation is not finished: cancel it instead", field="undo")
        return found.head + 1

    async def _sessions(self, scope: Scope) -> frozenset[int]:
        ids = [parse_id(text, "scope.sessions") for text in scope.sessions]
        found = await self._store.sessions(ids)
        missing = [text for text, id_ in zip(scope.sessions, ids, strict=True) if id_ not in found]
        if missing and not scope.allow_unmatched:
            raise ScopeEmpty(f"no conversation {missing[0]}", field="scope.sessions")
        return frozenset(session.number for session in found.values())

    # -- what becomes of records --------------------------------------------------------------

    async def effects(
        self, items: Sequence[ItemRow], policy: ConflictPolicy, target: Target
    ) -> list[Effect]:
        """What would become of each, as things stand now."""
        effects: list[Effect] = []
        for start in range(0, len(items), PART):
            effects += await self._decided(items[start : start + PART], policy, target.scope)
        return await self._with_needs(effects, policy, target)

    async def _decided(
        self, items: Sequence[ItemRow], policy: ConflictPolicy, scope: Scope
    ) -> list[Effect]:
        heads = heads_of(await self._store.read("change_heads", [one.name for one in items]))
        wanted = {one for item in items for span in item.spans() for one in span} - {0}
        rows = await self._store.read("changes_by_position", [(one,) for one in wanted])
        stored = lookup({row[0]: row[7] for row in rows})
        found: list[Effect] = []
        for item in items:
            live, now = heads.get(item.name, (0, None))
            collection = self._collections[item.collection]
            named = scope.names(*item.name)
            decision = decide(item, live, now, stored, policy, collection, named=named)
            found.append(Effect(item, now, decision.value, decision.clash))
        return found

    async def _with_needs(
        self, effects: list[Effect], policy: ConflictPolicy, target: Target
    ) -> list[Effect]:
        """The same with a clash wherever a record would lack what it needs."""
        needs: dict[int, list[Name]] = {}
        for index, effect in enumerate(effects):
            collection = self._collections[effect.item.collection]
            if effect.clash is None and effect.then is not None and not collection.plain:
                of = collection.needs(effect.item.key, decode_value(effect.then))
                if of:
                    needs[index] = of
        if not needs:
            return effects
        then = {one.item.name: one.then for one in effects if one.clash is None}
        asked = sorted({name for of in needs.values() for name in of} - then.keys())
        then |= await self._planned(asked, policy, target)
        there = await self._history.values(name for name in asked if name not in then)
        for index, of in needs.items():
            missing = [
                name for name in of if (then[name] is None if name in then else name not in there)
            ]
            one = effects[index]
            if missing:
                # What was not there then either is nothing that the record lacks now.
                past = await self._history.values(missing, one.item.spans()[-1][0])
                missing = [name for name in missing if name in past]
            if missing:
                clash = dependency_clash(one.now, one.then, ["/".join(name) for name in missing])
                effects[index] = one._replace(then=one.now, clash=clash)
        return effects

    async def _planned(
        self, names: Sequence[Name], policy: ConflictPolicy, target: Target
    ) -> dict[Name, bytes | None]:
        """Those of the records that are in the scope too and can be restored, with what each would
        become."""
        items = await self.gathering.of(names, target)
        found = await self._decided(items, policy, target.scope)
        return {one.item.name: one.then for one in found if one.clash is None}


def heads_of(rows: Rows) -> dict[Name, tuple[int, bytes | None]]:
    """Record → (position, value) out of what statement `change_heads` returns."""
    return {(collection, key): (position, after) for collection, key, position, after in rows}
