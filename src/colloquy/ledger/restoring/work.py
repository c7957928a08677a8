"""One operation while it is being carried out: its state here, and how that is stored.

Whatever is written goes through `_transact` together with how far the operation is.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Generator, Sequence
from typing import Any

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from ...model.errors import LedgerConflict
from ...model.times import Clock
from ...storage.commit import Rows
from ...storage.store import Store
from ...storage.write_set import Change
from ..audit import Entry, audit_steps
from ..collections import Collections, Refused
from ..events import LedgerEvent, Listeners
from ..history import History
from ..rows import ItemRow, OperationRow
from ..steps import RollbackSteps
from .conflicts import conflict_row
from .deciding import Clash, Stored, composed, lookup
from .folding import Name
from .operations import Operations, request_of
from .planning import Planner, heads_of
from .requests import Preset

Steps = Generator[tuple[str, Rows], Rows, Any]
Heads = dict[Name, tuple[int, bytes | None]]

MAX_LINES = 200
"""Lines that one transaction adds to an operation's log: 10,000 conflicts are rows, not a log."""


class Cancelled(Exception):
    """Somebody asked the operation to stop, or its time is up."""


class Tools(Struct):
    """What every operation of a process works with. `sleep` is for tests."""

    store: Store
    collections: Collections
    history: History
    planner: Planner
    operations: Operations
    steps: RollbackSteps
    listeners: Listeners
    clock: Clock
    sleep: Callable[[float], Awaitable[None]]


class Work:
    """The operation's row and figures as they are now, and what its parts share."""

    def __init__(self, tools: Tools, row: OperationRow) -> None:
        self._x = tools
        self.row = row
        self.request = request_of(row)
        self.figures = row.figures()
        self._lines: list[tuple[str, str, dict[str, Any]]] = []
        self._line = 0

    def _preset(self) -> Preset:
        strategy = self.row.strategy if self.row.strategy != "auto" else "immediate"
        return self.request.preset(strategy, self.row.total)

    # -- rows ---------------------------------------------------------------------------------

    async def _move(self, **changes: Any) -> None:
        self.row = self.row._replace(**changes)
        cancelled = False

        def steps() -> Steps:
            nonlocal cancelled
            cancelled = yield from self._x.operations.fence(self.row.number)
            yield from self._stored()

        await self._transact(steps)
        if cancelled and self.row.phase not in ("undoing", "done"):
            raise Cancelled

    async def _transact(self, steps: Callable[[], Steps]) -> Any:
        """Runs steps; where they run again, they find everything here as it was."""
        before = (self.row, replace(self.figures), list(self._lines))

        def again() -> Steps:
            self.row, self.figures, self._lines = before[0], replace(before[1]), list(before[2])
            return (yield from steps())

        found = await self._x.store.transact(again)
        self._line += len(self._lines)
        self._lines = []
        return found

    def _stored(self) -> Steps:
        """Stores figures, state and log of the operation."""
        self.row = self.row._replace(counts=msgspec.json.encode(self.figures))
        yield from self._x.operations.move(self.row)
        if self._lines:
            now = self._x.clock()
            rows: Rows = [
                (self.row.number, self._line + offset, now, level, message,
                 msgspec.json.encode(data) if data else None)
                for offset, (level, message, data) in enumerate(self._lines, 1)
            ]  # fmt: skip
            yield "ledger_log_insert", rows

    def _say(self, level: str, message: str, **data: Any) -> None:
        if len(self._lines) < MAX_LINES:
            self._lines.append((level, message, data))

    def _entry(self, event: str, message: str, **further: Any) -> Entry:
        return Entry(
            at=self._x.clock(), actor=self.row.actor, event=event, message=message,
            operation=self.row.id, point=self.row.point, reason=self.row.reason, **further,
        )  # fmt: skip

    def _tell(self, name: str, **data: Any) -> None:
        self._x.listeners.tell(
            LedgerEvent(name=name, operation=self.row, point=self.row.point, data=data)
        )

    # -- records ------------------------------------------------------------------------------

    async def _settle(self, names: Sequence[Name]) -> None:
        of: dict[str, list[str]] = {}
        for collection, key in names:
            of.setdefault(collection, []).append(key)
        for collection, keys in sorted(of.items()):
            await self._x.collections[collection].settle(keys)

    async def _values(self, items: Sequence[ItemRow]) -> Stored:
        """The values that the items' runs begin and end with. They never change."""
        wanted = {one for item in items for span in item.spans() for one in span} - {0}
        rows = await self._x.store.read("changes_by_position", [(one,) for one in wanted])
        return lookup({row[0]: row[7] for row in rows})

    def _conflict_rows(
        self,
        clashes: list[tuple[ItemRow, Clash]],
        heads: Heads,
        state: str,
    ) -> Steps:
        now = self._x.clock()
        rows = [
            conflict_row(self.row.number, item, clash, heads.get(item.name, (0, None))[0], state,
                         now)
            for item, clash in clashes
        ]  # fmt: skip
        yield "ledger_conflict_insert", rows
        yield from audit_steps(
            [
                self._entry("conflict_detected", f"{'/'.join(item.name)}: {clash.kind.value}",
                            severity=severity_text(clash))
                for item, clash in clashes[:50]
            ]
        )  # fmt: skip

    async def _record(self, clashes: list[tuple[ItemRow, Clash]], state: str) -> None:
        rows = await self._x.store.read("change_heads", [item.name for item, _ in clashes])
        heads = heads_of(rows)
        await self._x.store.transact(lambda: self._conflict_rows(clashes, heads, state))
        for item, clash in clashes:
            self._tell("conflict-detected", key="/".join(item.name), kind=clash.kind.value,
                       severity=clash.severity.value)  # fmt: skip

    def _composed(
        self, name: Name, now: bytes | None, then: bytes | None
    ) -> tuple[bytes | None, str | None]:
        """What the record gets instead of `then`; what it has, and why, if that is refused."""
        named = self.request.scope.names(*name)
        try:
            value = composed(name[1], now, then, self._x.collections[name[0]], named=named)
        except Refused as refusal:
            self._say("warn", f"{'/'.join(name)} is left as it is: {refusal}")
            return now, str(refusal)
        return value, None

    def _count(self, now: bytes | None, then: bytes | None) -> None:
        self.figures.applied += 1
        self.figures.removed += then is None
        self.figures.recreated += now is None

    def _change(self, item: ItemRow, after: bytes | None, at: int, operation: str) -> Change:
        return Change(
            at, self.row.actor, None, operation, item.collection, item.key, after, self.row.id
        )


def conflict_error(clashes: list[Clash]) -> LedgerConflict:
    kinds = sorted({clash.kind.value for clash in clashes})
    return LedgerConflict(f"{len(clashes)} conflicts ({', '.join(kinds)}); nothing was restored")


def severity_text(clash: Clash) -> str:
    return "critical" if clash.severity.value == "critical" else "warn"
