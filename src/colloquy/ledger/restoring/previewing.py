"""A dry run: what an operation would do, counted over all its records and shown page by page.

Most records were changed by nobody else since and are restored as they were: those are counted
without a look at their values.
"""

from __future__ import annotations

from collections import Counter, OrderedDict
from typing import NamedTuple

import msgspec
from msgspec import Struct, field

from ...model.counting import counted
from ...model.times import Clock
from ...storage.store import Store
from ..collections import Collections
from ..merge import ConflictPolicy, Severity
from ..rows import ItemRow, OperationRow
from .folding import Name, Runs
from .gathering import Standing, is_contested, items_of
from .planning import Effect, Planner
from .requests import Request, Strategy, recommend
from .targets import Target, check_matched, not_compacted

REMEMBERED = 32
"""Previews whose figures later pages need not count again."""

FIRST_GUESS_S = 0.0002


class Place(NamedTuple):
    """Where a preview goes on: after this record, of what the ledger held at `head`."""

    collection: str
    key: str
    head: int


class Preview(Struct, frozen=True, kw_only=True):
    """A dry run. The figures are of all records, as they stood at the first page; `cursor` is None
    when there are no more effects."""

    target: int
    head: int
    point: str | None
    total: int
    actions: dict[str, int]
    collections: dict[str, int]
    actors: dict[str, int]
    conflicts: dict[str, int]
    strategy: Strategy
    strategy_reason: str
    risk: str
    risk_reasons: list[str]
    estimated_s: float
    effects: list[Effect]
    cursor: Place | None


class _Figures(Struct):
    """Counts of records; `actors` of changes."""

    actions: Counter[str] = field(default_factory=Counter)
    collections: Counter[str] = field(default_factory=Counter)
    actors: Counter[str] = field(default_factory=Counter)
    conflicts: Counter[str] = field(default_factory=Counter)
    critical: int = 0

    @property
    def total(self) -> int:
        return self.actions.total()

    def add(self, effect: Effect) -> None:
        self.actions[effect.action] += 1
        self.collections[effect.item.collection] += 1
        if effect.clash is not None:
            self.conflicts[effect.clash.kind.value] += 1
            self.critical += effect.clash.severity is Severity.CRITICAL


class Previews:
    """Dry runs. All methods may raise StoreUnavailable."""

    def __init__(
        self, store: Store, collections: Collections, planner: Planner, clock: Clock
    ) -> None:
        self._store = store
        self._collections = collections
        self._planner = planner
        self._clock = clock
        self._remembered: OrderedDict[bytes, _Figures] = OrderedDict()

    async def preview(self, request: Request, after: Place | None, limit: int) -> Preview:
        """Reads only. Raises as `Planner.target`; ScopeEmpty where the scope matches nothing."""
        target = await self._planner.target(request, None if after is None else after.head)
        # The same look that `start` takes; it reads only.
        await self._store.transact(lambda: not_compacted(request, target, self._clock()))
        policy = request.on_conflict or ConflictPolicy.ABORT
        figures = await self._figures(request, target, policy, is_first=after is None)
        total, conflicts = figures.total, figures.conflicts.total()
        strategy, why = recommend(total, self._clock() - target.at, conflicts)
        if request.strategy not in ("auto", "dry_run"):
            strategy, why = request.strategy, "as asked for"
        effects = await self._effects(target, policy, after, limit + 1)
        cursor = Place(*effects[limit - 1].item.name, target.head) if limit < len(effects) else None
        risk, reasons = _risk(figures)
        preset = request.preset(strategy, total)
        pauses = max(0, -(-total // preset.batch_size) - 1) * preset.pause_s
        return Preview(
            target=target.position,
            head=target.head,
            point=None if target.point is None else target.point.id,
            total=total,
            actions=dict(figures.actions),
            collections=dict(figures.collections),
            actors=dict(figures.actors),
            conflicts=dict(figures.conflicts),
            strategy=strategy,
            strategy_reason=why,
            risk=risk,
            risk_reasons=reasons,
            estimated_s=round(total * await self._seconds_per_record() + pauses, 3),
            effects=effects[:limit],
            cursor=cursor,
        )

    async def _figures(
        self, request: Request, target: Target, policy: ConflictPolicy, *, is_first: bool
    ) -> _Figures:
        """Counted for a first page; of later ones, as they were then where that is remembered."""
        key = msgspec.json.encode((request, target.position, target.head))
        figures = None if is_first else self._remembered.get(key)
        if figures is None:
            figures = await self._counted(target, policy)
        self._remembered[key] = figures
        self._remembered.move_to_end(key)
        if len(self._remembered) > REMEMBERED:
            self._remembered.popitem(last=False)
        return figures

    async def _counted(self, target: Target, policy: ConflictPolicy) -> _Figures:
        figures = _Figures()
        met: set[Name] = set()
        exact = target.scope.exact
        async for page in self._planner.gathering.pages(target):
            figures.actors.update(page.actors)
            met |= exact & page.runs.keys()
            await self._count(figures, page.runs, policy, target)
        check_matched(target.scope, met, figures.total)
        return figures

    async def _count(
        self, figures: _Figures, runs: Runs, policy: ConflictPolicy, target: Target
    ) -> None:
        contested: list[Standing] = []
        for one in await self._planner.gathering.standings(runs):
            if is_contested(one, runs, self._collections[one.collection]):
                contested.append(one)
                continue
            figures.actions[_action(one)] += 1
            figures.collections[one.collection] += 1
        items = items_of(runs, contested, self._collections)
        for effect in await self._planner.effects(items, policy, target):
            figures.add(effect)

    async def _effects(
        self, target: Target, policy: ConflictPolicy, after: Place | None, limit: int
    ) -> list[Effect]:
        """The next ones, in the order of names."""
        items: list[ItemRow] = []
        name = None if after is None else (after.collection, after.key)
        async for page in self._planner.gathering.pages(target, name, 2 * limit):
            items += await self._planner.gathering.items(page.runs)
            if len(items) >= limit:
                break
        return await self._planner.effects(items[:limit], policy, target)

    async def _seconds_per_record(self) -> float:
        """The mean of the last operations that finished; before any, what a benchmark measured."""
        seconds = records = 0.0
        for row in await self._store.query("ledger_operations_page", 2**62, "completed", "", 20):
            counts = OperationRow(*row).figures()
            seconds += counts.seconds
            records += counts.applied
        return seconds / records if records else FIRST_GUESS_S


def _action(standing: Standing) -> str:
    """As `Effect.action`, of a record that nobody else changed since."""
    if standing.same:
        return "unchanged"
    if not standing.had:
        return "remove"
    return "restore" if standing.has else "recreate"


def _risk(figures: _Figures) -> tuple[str, list[str]]:
    """low, medium (over 50 records, or removals), high (conflicts, or over 1,000 records) or
    critical (what others need would be missing), with the reasons."""
    reasons: list[str] = []
    level = 0
    removals = figures.actions["remove"]
    if removals:
        reasons.append(f"{counted(removals, 'record')} would be removed")
        level = 1
    if figures.total > 50:
        reasons.append(f"{figures.total} records are affected")
        level = 2 if figures.total > 1000 else 1
    conflicts = figures.conflicts.total()
    if conflicts:
        reasons.append(f"{counted(conflicts, 'conflict')} foreseen")
        level = 2
    if figures.critical:
        reasons.append("some of the conflicts are critical")
        level = 3
    return ("low", "medium", "high", "critical")[level], reasons
