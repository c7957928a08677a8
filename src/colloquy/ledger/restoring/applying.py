"""The phase that writes: records restored in batches, conflicts left, decided ones carried out."""

from __future__ import annotations

import time
from collections.abc import Generator
from typing import Any, NamedTuple

from msgspec.structs import replace

from ...storage.commit import Rows
from ...storage.write_set import Change
from ..collections import decode_value
from ..history import PAGE
from ..merge import ConflictPolicy
from ..rows import ConflictRow, Figures, ItemRow
from .conflicts import chosen_value
from .deciding import Clash, Stored, decide, dependency_clash
from .folding import Name
from .planning import heads_of
from .requests import Preset
from .work import Cancelled, Heads, Steps, Work, conflict_error


class _Batch(NamedTuple):
    """What a transaction did; `clashes` stop the operation where its policy is to abort."""

    names: list[Name]
    figures: Figures
    clashes: list[tuple[ItemRow, Clash]]


class Applying(Work):
    """Restoring, and what waits for decisions."""

    async def _restore(self, preset: Preset) -> None:
        first = True
        while True:
            rows = await self._x.store.query(
                "ledger_items_next", self.row.number, "pending", preset.batch_size
            )
            if not rows:
                return
            if not first and preset.pause_s:
                await self._pause(preset.pause_s)
            first = False
            await self._batch([ItemRow(*row) for row in rows], preset)

    async def _pause(self, seconds: float) -> None:
        """Waits between batches; a cancellation ends the wait, the lease does not end in it."""
        left = seconds
        while left > 0:
            step = min(left, 0.5)
            await self._x.sleep(step)
            left -= step
            if await self._x.store.transact(lambda: self._x.operations.fence(self.row.number)):
                raise Cancelled

    def _check_time(self) -> None:
        most = self.request.max_duration_s
        started = self.row.started_at
        if most is None or started is None:
            return
        if self._x.clock() - started > most * 1_000_000:
            raise Cancelled(f"it took longer than the {most:g} s it was given")

    async def _batch(self, items: list[ItemRow], preset: Preset) -> None:
        self._check_time()
        started = time.perf_counter()
        values = await self._values(items)
        spent = self.figures.seconds

        def steps() -> Steps:
            done = yield from self._apply(items, values, preset)
            self.figures.seconds = spent + time.perf_counter() - started
            yield from self._stored()
            return done

        batch: _Batch = await self._transact(steps)
        if batch.clashes:
            raise conflict_error([clash for _, clash in batch.clashes])
        await self._settle(batch.names)
        self._tell("rollback-progress", progress=self.row.progress)

    async def _settle_again(self) -> None:
        """A crash may have come between a commit and what follows from it outside the database."""
        if self.row.phase not in ("applying", "deciding", "verifying", "undoing"):
            return
        for state in ("applied", "undone"):
            after: Name | None = None
            while True:
                page = await self._x.operations.items(self.row, after, PAGE, state)
                await self._settle(
                    [one.name for one in page.rows if not self._x.collections[one.collection].plain]
                )
                if page.cursor is None:
                    break
                after = page.cursor

    def _apply(self, items: list[ItemRow], values: Stored, preset: Preset) -> Steps:
        """One transaction: what becomes of each item. With `abort` and a clash, nothing."""
        x = self._x
        if (yield from x.operations.fence(self.row.number)):
            raise Cancelled
        names = [item.name for item in items]
        yield from x.collections.lock(names)
        # From here no other process writes to the ledger until this transaction ends.
        yield "counter_add", [("ledger", 0)]
        heads = heads_of((yield "change_heads", names))
        changes: list[Change] = []
        written: list[tuple[ItemRow, int, str | None]] = []
        states: list[tuple[Any, ...]] = []
        clashes: list[tuple[ItemRow, Clash]] = []
        restored: set[Name] = set()
        before = replace(self.figures)
        at = x.clock()
        for item in items:
            position, now = heads.get(item.name, (0, None))
            collection = x.collections[item.collection]
            named = self.request.scope.names(*item.name)
            decision = decide(
                item, position, now, values, preset.on_conflict, collection, named=named
            )
            clash = decision.clash
            if clash is None and decision.value is not None:
                clash = yield from self._lacks(item, now, decision.value, restored)
                if clash is not None and preset.on_conflict is ConflictPolicy.OVERWRITE:
                    self._say("warn", f"{'/'.join(item.name)} {clash.note}; written all the same")
                    clash = None
            if clash is not None:
                clashes.append((item, clash))
                continue
            self.figures.forced += decision.forced
            if decision.value is not None:
                restored.add(item.name)
            if now == decision.value:
                self.figures.unchanged += 1
                states.append((self.row.number, *item.name, "unchanged", position, None, None))
                continue
            self._count(now, decision.value)
            as_it_was = decision.value == values(item.spans()[-1][0])
            written.append((item, position, None if as_it_was else "merged"))
            changes.append(self._change(item, decision.value, at, "restore"))
        if clashes and preset.on_conflict is ConflictPolicy.ABORT:
            self.figures = before
            yield from self._conflict_rows(clashes, heads, "closed")
            return _Batch([], self.figures, clashes)
        positions = yield from x.collections.write(changes)
        for (item, position, note), new in zip(written, positions, strict=True):
            states.append((self.row.number, *item.name, "applied", position, new, note))
        yield from self._left(clashes, heads, preset, states)
        if states:
            yield "ledger_item_set", states
        return _Batch([item.name for item, *_ in written], self.figures, [])

    def _lacks(
        self, item: ItemRow, now: bytes | None, then: bytes, restored: set[Name]
    ) -> Generator[tuple[str, Rows], Rows, Clash | None]:
        collection = self._x.collections[item.collection]
        if collection.plain:
            return None
        needs = collection.needs(item.key, decode_value(then))
        asked = [name for name in needs if name not in restored]
        if not asked:
            return None
        there = heads_of((yield "change_heads", asked))
        missing = [name for name in asked if there.get(name, (0, None))[1] is None]
        if not missing:
            return None
        # What was not there then either is nothing that the record lacks now.
        target = item.spans()[-1][0]
        past = heads_of((yield "change_values_at", [(*name, target) for name in missing]))
        lacking = ["/".join(name) for name in missing if past.get(name, (0, None))[1] is not None]
        return dependency_clash(now, then, lacking) if lacking else None

    def _left(
        self,
        clashes: list[tuple[ItemRow, Clash]],
        heads: Heads,
        preset: Preset,
        states: list[tuple[Any, ...]],
    ) -> Steps:
        """What is not restored: skipped for good, or open until somebody decides."""
        if not clashes:
            return
        asks = preset.on_conflict in (ConflictPolicy.ASK_USER, ConflictPolicy.MERGE)
        state = "conflict" if asks else "skipped"
        for item, clash in clashes:
            note = clash.note or clash.kind.value
            states.append((self.row.number, *item.name, state, None, None, note))
            self._say("warn", f"{'/'.join(item.name)}: {clash.kind.value}, {state}")
        if asks:
            self.figures.conflicts += len(clashes)
        else:
            self.figures.skipped += len(clashes)
        yield from self._conflict_rows(clashes, heads, "open" if asks else "closed")

    # -- conflicts that wait ------------------------------------------------------------------

    async def _carry_out_decisions(self) -> bool:
        """Whether there were any."""
        found = await self._x.store.query(
            "ledger_conflicts_page", "~", self.row.number, "decided", 100
        )
        if not found:
            return False
        rows = [ConflictRow(*row) for row in found]
        await self._settle(await self._transact(lambda: self._decided(rows)))
        for row in rows:
            self._tell("conflict-resolved", conflict=row.id, decision=row.decision)
        return True

    def _decided(self, rows: list[ConflictRow]) -> Steps:
        """One transaction: each decision written, if the record still is what it was about."""
        x, number = self._x, self.row.number
        if (yield from x.operations.fence(number)):
            raise Cancelled
        names = sorted({(row.collection, row.key) for row in rows})
        yield from x.collections.lock(names)
        yield "counter_add", [("ledger", 0)]
        heads = heads_of((yield "change_heads", names))
        changes: list[Change] = []
        states: list[tuple[Any, ...]] = []
        at = x.clock()
        for row in rows:
            name = (row.collection, row.key)
            live, now = heads.get(name, (0, None))
            self.figures.conflicts -= 1
            if live != row.live:
                yield "ledger_conflict_state", [("stale", row.id)]
                states.append((number, *name, "pending", None, None, None))
                continue
            yield "ledger_conflict_state", [("applied", row.id)]
            value, note = now, "kept by decision"
            if row.decision != "keep":
                value, refusal = self._composed(name, now, chosen_value(row))
                note = refusal or note
            if now == value:
                self.figures.skipped += 1
                states.append((number, *name, "skipped", None, None, note))
                continue
            self._count(now, value)
            item = ItemRow(*name, 1, b"[]")
            change = self._change(item, value, at, "resolve")._replace(actor=row.decided_by or "")
            changes.append(change)
            position = yield from x.collections.write([change])
            states.append((number, *name, "applied", live, position[0], "merged"))
        yield "ledger_item_set", states
        yield from self._stored()
        return [(change.collection, change.key) for change in changes]

    async def _waits(self) -> bool:
        """Whether conflicts are open; the operation then stands still until they are decided."""
        counts: dict[str, int] = dict(
            await self._x.store.query("ledger_conflicts_count", self.row.number)
        )
        if not counts.get("open"):
            return False
        self._say("info", f"{counts['open']} conflicts wait for a decision")
        await self._move(status="waiting", phase="deciding")
        await self._x.operations.release(self.row)
        self._tell("rollback-waiting", conflicts=counts["open"])
        return True
