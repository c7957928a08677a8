"""Rollbacks by level: previewed, carried out, listed, undone.

First comes what stops the harm: flags, switches and plans change in one transaction, which is in
force here at once and elsewhere within a second. Caches, the user's own steps, the data and the
notice come after it; what fails among them leaves the flags taken back.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec
from msgspec.structs import replace

from ...evolution.guard.plan import Plan, moved
from ...evolution.levels import V1_FLAG, Changes, Situation, changes_of
from ...ledger.ledger import AUTOMATIC_US
from ...ledger.merge import MISSING
from ...ledger.points import NewPoint
from ...ledger.rows import PointRow
from ...ledger.steps import StepContext
from ...model.alerts import Severity
from ...model.errors import (
    ColloquyError,
    Conflict,
    NotFound,
    PreconditionFailed,
)
from ...model.flags import FlagState
from ...model.ids import uuid7
from ...model.ledger import LedgerScope, RollbackRequest
from ...model.rollouts import (
    LevelChange,
    LevelPage,
    LevelPlan,
    LevelRequest,
    LevelView,
    StepView,
    Verdict,
)
from ...model.times import Clock
from ...ops.alerts import Alerts
from ...storage.store import Store
from ...telemetry import get_logger
from ..flags.desk import FlagDesk
from ..flags.records import FLAGS, SWITCHES, Thrown, value_of
from ..ledger import LedgerDesk
from ..ledger.cursors import decode_place, encode_place
from .book import RolloutBook
from .following import LAST, Following
from .records import ROLLBACKS, ROLLOUTS, LevelRecord
from .records import value_of as record_of

log = get_logger(__name__)

_record = msgspec.json.Decoder(LevelRecord)
_COLLECTIONS = {"flag": FLAGS, "switch": SWITCHES}
Records = list[tuple[str, str, object, int | None]]


class LevelDesk:
    """All methods may raise StoreUnavailable."""

    def __init__(
        self,
        store: Store,
        flags: FlagDesk,
        ledger: LedgerDesk,
        alerts: Alerts,
        book: RolloutBook,
        *,
        caches: Sequence[Callable[[], None]],
        works: bool,
        clock: Clock,
    ) -> None:
        """`caches`: what clears each of this process; `works`: whether a task of it carries out
        operations of the ledger."""
        self._store = store
        self._flags = flags
        self._ledger = ledger
        self._alerts = alerts
        self._book = book
        self._works = works
        self._clock = clock
        self.following = Following(store, caches)

    # -- before -------------------------------------------------------------------------------

    async def preview(self, request: LevelRequest) -> LevelPlan:
        """What it would change. Raises InvalidInput, NotFound (the flag), Conflict (the data
        cannot be restored)."""
        changes = await self._changes(request)
        return LevelPlan(
            level=request.level,
            flag=request.flag,
            changes=self._told(changes),
            rollouts=changes.rollouts,
            routes_to_v1=changes.routes_to_v1,
            clears_caches=changes.clears_caches,
            keep_data=request.keep_data,
            data_since=self._data_since(request),
            steps=self._ledger.ledger.steps.names,
            severity=str(changes.severity),
        )

    async def _changes(self, request: LevelRequest) -> Changes:
        await self._flags.refresh()
        await self._book.refresh()
        flags = self._flags.flags
        situation = Situation(
            states=flags.states,
            thrown=frozenset(flags.thrown),
            plans=self._book.plans,
            serves_v1=flags.default(V1_FLAG) is True,
        )
        changes = changes_of(request.level, request.flag, situation)
        self._data_since(request)
        return changes

    def _data_since(self, request: LevelRequest) -> int | None:
        """Raises Conflict where there is nothing to count from."""
        if request.keep_data:
            return None
        plans = self._book.plans
        if request.flag is not None:
            begun = [plans[request.flag].position] if request.flag in plans else []
        else:
            begun = [plan.position for plan in self._book.open]
        if not begun:
            raise Conflict(
                "there is no roll-out whose beginning the data could be restored to",
                field="keep_data",
            )
        return min(begun)

    def _told(self, changes: Changes) -> list[LevelChange]:
        states = self._flags.flags.states
        found = [
            LevelChange(
                kind="flag",
                name=name,
                before=_plain(states.get(name)),
                after=_plain(state),
            )
            for name, state in changes.flags.items()
        ]
        return found + [
            LevelChange(kind="switch", name=name, before=None, after="thrown")
            for name in changes.switches
        ]

    # -- doing it -----------------------------------------------------------------------------

    async def back(
        self,
        request: LevelRequest,
        actor: str,
        *,
        found: Verdict | None = None,
        plan: Plan | None = None,
    ) -> LevelView:
        """Takes back what the level says; `found`: the verdict on `plan` that led to it.

        Raises as `preview`, and Conflict where somebody changed a flag at this moment, or the plan
        before.
        """
        started = time.perf_counter()
        changes = await self._changes(request)
        if plan is not None and self._book.plans.get(plan.flag) != plan:
            raise Conflict(f"the roll-out of {plan.flag} was changed meanwhile")
        since = self._data_since(request)
        id_, now = uuid7().hex(), self._clock()
        point = await self._ledger.ledger.create_point(
            NewPoint(
                name=f"before a rollback: {request.level}",
                description=request.reason,
                lifetime_us=AUTOMATIC_US,
                automatic="before_rollback",
            ),
            actor,
        )
        thrown = msgspec.to_builtins(Thrown(f"rollback: {request.level}", actor, now))
        told = [
            one if one.kind == "flag" else replace(one, after=thrown) for one in self._told(changes)
        ]
        record = LevelRecord(
            id=id_, level=request.level, flag=request.flag, status="running",
            reason=request.reason, actor=actor, at=now, seconds=0.0, point=point.id,
            changes=tuple(told), rollouts=tuple(changes.rollouts),
        )  # fmt: skip
        await self._write(self._records(record, actor, now), actor, id_)
        await self._book.refresh()
        if changes.clears_caches:
            self.following.clear()
        self.following.note(record)
        self._tell(record, changes.severity, found)
        record = await self._finished(record, point, since, started)
        await self._put(record, actor)
        return record.view()

    def _records(self, record: LevelRecord, actor: str, now: int) -> Records:
        """Flags, switches and plans, and the record itself."""
        records: Records = []
        for change in record.changes:
            expected = None
            if change.kind == "flag":
                expected = self._flags.show(change.name).revision
            after = MISSING if change.after is None else change.after
            records.append((_COLLECTIONS[change.kind], change.name, after, expected))
        for flag in record.rollouts:
            plan = self._book.plans[flag]
            plan = moved(plan, "rolled_back", actor, now, why=record.reason, rollback=record.id)
            records.append((ROLLOUTS, flag, record_of(plan), self._book.positions[flag]))
        records.append((ROLLBACKS, record.id, record_of(record), 0))
        return records

    async def _finished(
        self, record: LevelRecord, point: PointRow, since: int | None, started: float
    ) -> LevelRecord:
        """The user's own steps, in an operation of the ledger where the data are restored."""
        steps: list[StepView] = []
        operation, is_whole = None, True
        if since is not None:
            try:
                operation = await self._restore(record, since)
            except ColloquyError as error:
                log.error("rollback_keeps_data", rollback=record.id, detail=error.detail)
                steps.append(StepView(name="restore the data", ok=False, error=error.detail))
                is_whole = False
        else:
            context = StepContext(
                operation=record.id, kind="level", actor=record.actor, reason=record.reason,
                target=point.position, head=point.position,
                data={"level": record.level, "flag": record.flag},
            )  # fmt: skip
            for one in await self._ledger.ledger.steps.run_all(context):
                steps.append(
                    StepView(name=one.name, ok=one.ok, error=one.error, seconds=one.seconds)
                )
            is_whole = all(one.ok for one in steps)
        return replace(
            record,
            status="done" if is_whole else "incomplete",
            steps=tuple(steps),
            operation=operation,
            seconds=time.perf_counter() - started,
        )

    async def _restore(self, record: LevelRecord, since: int) -> str:
        """Begins an operation that restores all but what is said of flags; returns its id."""
        view = await self._ledger.rollback(
            RollbackRequest(
                position=since,
                scope=LedgerScope(exclude=(f"{FLAGS}/**",), allow_unmatched=True),
                on_conflict="skip",
                reason=record.reason or f"rollback {record.level}",
            ),
            record.actor,
        )
        if not self._works:
            view = await self._ledger.carry_out(view.id)
        return view.id

    def _tell(self, record: LevelRecord, severity: Severity, found: Verdict | None) -> None:
        of = f" of {record.flag}" if record.flag is not None else ""
        why = f": {record.reason}" if record.reason else ""
        data: dict[str, Any] = {
            "rollback": record.id,
            "level": record.level,
            "flag": record.flag,
            "flags": [one.name for one in record.changes if one.kind == "flag"],
            "switches": [one.name for one in record.changes if one.kind == "switch"],
            "rollouts": list(record.rollouts),
        }
        if found is not None:
            data["verdict"] = msgspec.to_builtins(found)
        self._alerts.event(
            "feature_rolled_back",
            severity,
            f"rollback {record.level}{of} by {record.actor}{why}",
            data,
        )

    async def _write(self, records: Records, actor: str, origin: str) -> None:
        """Raises Conflict where somebody was faster."""
        try:
            await self._flags.write(records, actor, origin)
        except PreconditionFailed as error:
            raise Conflict(error.detail) from None

    async def _put(self, record: LevelRecord, actor: str) -> None:
        await self._ledger.ledger.put(ROLLBACKS, record.id, record_of(record), actor)
        self.following.note(record)

    async def settle(self) -> None:
        """Says of rollbacks that a process left in the middle that nobody knows how far their
        steps came: what they changed of flags is whole."""
        place: str | None = None
        while True:
            page = await self.page(place)
            for view in page.rollbacks:
                if view.status == "running":
                    record, _ = await self._read(view.id)
                    await self._put(replace(record, status="incomplete"), record.actor)
            place = page.next
            if place is None:
                return

    # -- after --------------------------------------------------------------------------------

    async def undo(self, rollback_id: str, actor: str) -> LevelView:
        """Flags and switches are what they were before it, but for those that were changed since:
        they are left alone. Nothing else is undone. Raises NotFound, Conflict (it is undone, or
        under way, or somebody changes a flag at this moment)."""
        record, position = await self._read(rollback_id)
        if record.status not in ("done", "incomplete"):
            raise Conflict(f"rollback {rollback_id} is {record.status}")
        now = await self._heads(record.changes)
        records: Records = []
        left: list[str] = []
        for change in record.changes:
            name = (_COLLECTIONS[change.kind], change.name)
            head, value = now.get(name, (0, None))
            if value != change.after:
                left.append(change.name)
                continue
            before = MISSING if change.before is None else change.before
            records.append((*name, before, head))
        record = replace(
            record, status="undone", undone_at=self._clock(), undone_by=actor, left=tuple(left)
        )
        records.append((ROLLBACKS, record.id, record_of(record), position))
        await self._write(records, actor, record.id)
        self.following.note(record)
        return record.view()

    async def _heads(
        self, changes: tuple[LevelChange, ...]
    ) -> Mapping[tuple[str, str], tuple[int, Any]]:
        """Position and value of each record that was changed, as they are now."""
        names = [(_COLLECTIONS[change.kind], change.name) for change in changes]
        rows = await self._store.read("change_heads", names) if names else []
        return {
            (collection, key): (
                position,
                None if after is None else msgspec.json.decode(bytes(after)),
            )
            for collection, key, position, after in rows
        }

    async def _read(self, rollback_id: str) -> tuple[LevelRecord, int]:
        rows = await self._store.read("change_heads", [(ROLLBACKS, rollback_id)])
        if not rows or rows[0][3] is None:
            raise NotFound(f"no rollback {rollback_id!r:.80}", field="rollback")
        return _record.decode(bytes(rows[0][3])), rows[0][2]

    async def get(self, rollback_id: str) -> LevelView:
        """Raises NotFound."""
        record, _ = await self._read(rollback_id)
        return record.view()

    async def newest(self, cursor: str | None = None, limit: int = 50) -> LevelPage:
        """In the order of their ids, the newest first. Raises InvalidInput."""
        before = LAST if cursor is None else decode_place(cursor, tuple[str])[0]
        rows = await self._store.query("ledger_records_back", ROLLBACKS, before, limit + 1)
        found = [_record.decode(bytes(row[3])) for row in rows]
        return LevelPage(
            [record.view() for record in found[:limit]],
            encode_place((found[limit - 1].id,)) if len(found) > limit else None,
        )

    async def page(self, cursor: str | None = None, limit: int = 50) -> LevelPage:
        """In the order of their ids, the oldest first. Raises InvalidInput."""
        after = "" if cursor is None else decode_place(cursor, tuple[str])[0]
        head = await self._ledger.ledger.history.head()
        rows = await self._store.scan("ledger_records_page", ROLLBACKS, after, head, limit)
        mine = [_record.decode(bytes(row[3])) for row in rows if row[0] == ROLLBACKS]
        is_more = len(mine) == limit
        return LevelPage(
            [record.view() for record in mine],
            encode_place((mine[-1].id,)) if is_more else None,
        )


def _plain(state: FlagState | None) -> Any:
    """What was said as JSON has it; None for nothing."""
    found = None if state is None else value_of(state)
    return None if found is MISSING else found
