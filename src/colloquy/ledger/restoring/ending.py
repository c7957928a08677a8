"""The last phases: steps of users' own, verification, and undoing what went wrong."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from ...model.counting import counted
from ...model.errors import LedgerConflict, RollbackStepFailed
from ...storage.write_set import Change
from ..audit import audit_steps
from ..history import PAGE, RecordsDigest
from ..rows import ItemRow
from ..steps import context_of
from .deciding import lookup
from .folding import Name
from .planning import heads_of
from .requests import Preset
from .work import Steps, Work

MAX_ERROR = 1000
"""Characters of an error that are kept."""
MOST_NAMED = 5
"""Records that an error names."""


class Ending(Work):
    """After the last record is restored, or instead."""

    # -- steps of users' own ------------------------------------------------------------------

    async def _run_steps(self) -> None:
        """Raises RollbackStepFailed for the first that fails."""
        results = await self._x.steps.run_steps(self.row, context_of(self.row))
        ((self._line,),) = await self._x.store.query("ledger_log_top", self.row.number)
        if results and not results[-1].ok:
            raise RollbackStepFailed(f"step {results[-1].name}: {results[-1].error}")

    # -- verifying ----------------------------------------------------------------------------

    async def _verify(self, preset: Preset) -> None:
        """Every restored record still is what was written, and its tables say the same."""
        if not preset.verify:
            return
        wrong: list[str] = []
        changed = 0
        wanted, there = RecordsDigest(), RecordsDigest()
        after: Name | None = None
        while True:
            page = await self._x.operations.items(self.row, after, PAGE, "applied")
            items: list[ItemRow] = page.rows
            found = heads_of(
                await self._x.store.read("change_heads", [item.name for item in items])
            )
            stored = await self._stored_values(items)
            kept: dict[str, dict[str, bytes | None]] = {}
            for item in items:
                position, value = found.get(item.name, (0, None))
                if position != item.written:
                    changed += 1
                    continue
                wanted.add(*item.name, stored[item.name])
                there.add(*item.name, value)
                if value != stored[item.name]:
                    wrong.append("/".join(item.name))
                kept.setdefault(item.collection, {})[item.key] = value
            for name, records in kept.items():
                wrong += [f"{name}/{key}" for key in
                          await self._x.collections[name].verify(records)]  # fmt: skip
            if page.cursor is None:
                break
            after = page.cursor
        self.figures.checksum_target = wanted.text()
        self.figures.checksum_after = there.text()
        self._say("info", f"checksum {there.text()}, to be {wanted.text()}")
        await self._move()
        if changed:
            self._say("warn", f"{counted(changed, 'record')} changed by others since")
        if wrong:
            names = ", ".join(wrong[:MOST_NAMED])
            raise LedgerConflict(
                f"verification failed for {counted(len(wrong), 'record')}: {names}"
            )

    async def _stored_values(self, items: Sequence[ItemRow]) -> dict[Name, bytes | None]:
        """What each item was to become: the value it returns to, or for a merged one the row."""
        values = await self._values(items)
        rows = await self._x.store.read(
            "changes_by_position", [(item.written,) for item in items if item.written]
        )
        by = lookup({row[0]: row[7] for row in rows})
        found: dict[Name, bytes | None] = {}
        for item in items:
            merged = item.note == "merged"
            target = item.spans()[-1][0]
            found[item.name] = by(item.written or 0) if merged else values(target)
        return found

    # -- the end ------------------------------------------------------------------------------

    async def _fail(self, code: str, text: str) -> None:
        self._say("error", text[:MAX_ERROR])
        self.row = self.row._replace(error_code=code, error=text[:MAX_ERROR])
        undo = self._preset().undo_on_failure
        if undo:
            await self._move(phase="undoing", status="in_progress")
            await self._undo()
        else:
            if self.figures.applied:
                self._say("warn", f"{counted(self.figures.applied, 'record')} left restored")
            await self._finish("cancelled" if code == "cancelled" else "failed")

    async def _undo(self) -> None:
        """Puts back what this operation wrote, last first, where nobody changed it since."""
        while True:
            rows = await self._x.store.query("ledger_items_last", self.row.number, "applied", 100)
            if not rows:
                break
            names = await self._undo_batch([ItemRow(*row) for row in rows])
            await self._settle(names)
        cancelled = self.row.error_code == "cancelled"
        await self._finish("cancelled" if cancelled else "failed")

    async def _undo_batch(self, items: list[ItemRow]) -> list[Name]:
        x = self._x
        befores = [item.before for item in items if item.before]
        rows = await x.store.read("changes_by_position", [(one,) for one in befores])
        values = lookup({row[0]: row[7] for row in rows})

        def steps() -> Steps:
            yield from x.operations.fence(self.row.number)
            names = [item.name for item in items]
            yield from x.collections.lock(names)
            yield "counter_add", [("ledger", 0)]
            heads = heads_of((yield "change_heads", names))
            at = x.clock()
            changes: list[Change] = []
            states: list[tuple[Any, ...]] = []
            for item in items:
                if heads.get(item.name, (0, None))[0] != item.written:
                    self.figures.kept += 1
                    states.append((self.row.number, *item.name, "kept", item.before, item.written,
                                   "changed since"))  # fmt: skip
                    self._say("warn", f"{'/'.join(item.name)} was changed since and is left")
                    continue
                now, before = heads[item.name][1], values(item.before or 0)
                value, refusal = self._composed(item.name, now, before)
                if refusal is not None:
                    self.figures.kept += 1
                    states.append((self.row.number, *item.name, "kept", item.before, item.written,
                                   refusal))  # fmt: skip
                    continue
                self.figures.undone += 1
                states.append((self.row.number, *item.name, "undone", item.before, item.written,
                               None))  # fmt: skip
                changes.append(self._change(item, value, at, "undo"))
            yield from x.collections.write(changes)
            yield "ledger_item_set", states
            yield from self._stored()

        await self._transact(steps)
        return [item.name for item in items]

    async def _finish(self, status: str) -> None:
        x = self._x
        now = x.clock()
        self.row = self.row._replace(status=status, phase="done", finished_at=now)
        told = {"completed": "rollback_executed", "failed": "rollback_failed",
                "cancelled": "rollback_cancelled"}  # fmt: skip
        figures = msgspec.to_builtins(self.figures)
        text = status
        if status == "completed":
            text = f"{counted(self.figures.applied, 'record')} restored"
        if not self.row.total:
            text = "nothing to do"
        self._say("info" if status == "completed" else "error", text)
        entry = self._entry(
            told[status], self.row.error or text,
            severity="info" if status == "completed" else "error", data=figures,
        )  # fmt: skip

        def steps() -> Steps:
            if status != "completed":
                yield "ledger_conflicts_close", [(self.row.number,)]
            yield from audit_steps([entry])
            yield from self._stored()

        await self._transact(steps)
        self._tell(f"rollback-{status}")
