"""The first phases: the plan, page by page, and the look at it before anything is written."""

from __future__ import annotations

from collections.abc import AsyncIterator

from ...model.counting import counted
from ..history import PAGE, RecordsDigest
from ..merge import ConflictPolicy
from ..rows import ItemRow
from .folding import Name
from .planning import Effect
from .requests import Preset, recommend
from .targets import Target, check_matched
from .work import Cancelled, Steps, Work, conflict_error

PLANNED = 2_000
"""Rows of the ledger that become items in one transaction."""


class Preparing(Work):
    """Planning and checking."""

    async def _plan(self) -> None:
        target = await self._x.planner.target_again(self.request, self.row)
        last = await self._x.store.query("ledger_items_top", self.row.number)
        after: Name | None = (last[0][0], last[0][1]) if last else None
        gathering = self._x.planner.gathering
        async for page in gathering.pages(target, after, PLANNED):
            await self._put(await gathering.items(page.runs))
        states: dict[str, int] = dict(
            await self._x.store.query("ledger_items_count", self.row.number)
        )
        total = sum(states.values())
        if self.request.scope.exact or not total:
            await self._check_matched(target, total)
        strategy, why = self.row.strategy, "as asked for"
        if strategy == "auto":
            strategy, why = await self._recommended(total, target)
        self._say("info", f"{counted(total, 'record')} to restore, strategy {strategy}: {why}")
        await self._move(phase="checking", planned_to=self.row.head, total=total, strategy=strategy)

    async def _put(self, items: list[ItemRow]) -> None:
        """Stores the next items of the plan. The last of them is how far the plan is."""
        x, number = self._x, self.row.number

        def steps() -> Steps:
            if (yield from x.operations.fence(number)):
                raise Cancelled
            if items:
                yield "ledger_item_put", [(number, *item) for item in items]

        await self._transact(steps)

    async def _check_matched(self, target: Target, total: int) -> None:
        asked = [(self.row.number, *name) for name in sorted(target.scope.exact)]
        found = await self._x.store.read("ledger_items_of", asked)
        check_matched(target.scope, {(collection, key) for collection, key, *_ in found}, total)

    async def _recommended(self, total: int, target: Target) -> tuple[str, str]:
        foreseen = 0
        async for items in self._pages():
            contested = await self._x.planner.gathering.contested(items)
            effects = await self._x.planner.effects(contested, ConflictPolicy.ABORT, target)
            foreseen += sum(effect.clash is not None for effect in effects)
        return recommend(total, self._x.clock() - target.at, foreseen)

    async def _pages(self) -> AsyncIterator[list[ItemRow]]:
        """All items, in the order of their names."""
        after: Name | None = None
        while True:
            page = await self._x.operations.items(self.row, after, PAGE)
            yield page.rows
            if page.cursor is None:
                return
            after = page.cursor

    # -- checking -----------------------------------------------------------------------------

    async def _check(self, preset: Preset) -> None:
        """Before anything is written: with `abort`, any conflict ends the operation here."""
        if preset.on_conflict is not ConflictPolicy.ABORT and not preset.verify:
            return
        target = await self._x.planner.target_again(self.request, self.row)
        clashes: list[Effect] = []
        digest = RecordsDigest()
        async for items in self._pages():
            looked_at = items
            if not preset.verify:
                looked_at = await self._x.planner.gathering.contested(items)
            effects = await self._x.planner.effects(looked_at, preset.on_conflict, target)
            clashes += [effect for effect in effects if effect.clash is not None]
            if preset.verify:
                for effect in effects:
                    digest.add(*effect.item.name, effect.now)
        if clashes and preset.on_conflict is ConflictPolicy.ABORT:
            found = [(effect.item, effect.clash) for effect in clashes if effect.clash is not None]
            await self._record(found[:PAGE], "closed")
            raise conflict_error([clash for _, clash in found])
        if preset.verify:
            self.figures.checksum_before = digest.text()
