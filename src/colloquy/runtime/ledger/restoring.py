"""Rollbacks: previewed, begun, watched, cancelled, undone; their conflicts and decisions."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec
from msgspec import UNSET

from ...ledger.collections import decode_value
from ...ledger.merge import MISSING, ConflictKind, ConflictPolicy, PathConflict
from ...ledger.merge.explain import explain
from ...ledger.restoring.conflicts import choices
from ...ledger.restoring.previewing import Place
from ...ledger.restoring.requests import Request, read_request
from ...ledger.rows import ConflictRow, OperationRow
from ...model.cursors import decode_cursor, encode_cursor
from ...model.errors import InvalidInput, PreconditionFailed
from ...model.ledger import (
    ConflictDetail,
    ConflictPage,
    ConflictView,
    DecisionName,
    DecisionRequest,
    Format,
    ItemPage,
    OperationLog,
    OperationPage,
    OperationView,
    OptionView,
    PreviewView,
    RollbackRequest,
    SideRow,
    UndoRequest,
)
from ...model.times import rfc3339
from .cursors import decode_place, encode_place
from .part import Part
from .runner import Runner
from .views import decoded, effect_view, item_view, log_line, operation_view, value_view

_DECISIONS: dict[ConflictPolicy, DecisionName] = {
    ConflictPolicy.SKIP: "keep",
    ConflictPolicy.OVERWRITE: "take",
    ConflictPolicy.MERGE: "merge",
    ConflictPolicy.ASK_USER: "edit",
}


class Restoring(Part):
    """All methods may raise StoreUnavailable."""

    runner: Runner

    # -- operations ---------------------------------------------------------------------------

    async def preview(
        self,
        request: RollbackRequest,
        cursor: str | None = None,
        limit: int = 50,
        format: Format = "semantic",
    ) -> PreviewView:
        """What it would do, without a write. Raises as `rollback` but for LedgerBusy."""
        after = None if cursor is None else decode_place(cursor, Place)
        found = await self.ledger.preview(_request(request), after, limit)
        return PreviewView(
            target=found.target,
            head=found.head,
            point=found.point,
            total=found.total,
            actions=found.actions,
            collections=found.collections,
            actors=found.actors,
            conflicts=found.conflicts,
            strategy=found.strategy,
            strategy_reason=found.strategy_reason,
            risk=found.risk,
            risk_reasons=found.risk_reasons,
            estimated_s=found.estimated_s,
            effects=[effect_view(effect, format) for effect in found.effects],
            next=None if found.cursor is None else encode_place(found.cursor),
        )

    async def rollback(self, request: RollbackRequest, actor: str) -> OperationView:
        """Begins an operation, which the task behind carries out.

        Raises InvalidInput, NotFound, PointExpired, NotRestorable, ScopeEmpty, LedgerBusy.
        """
        row = await self.ledger.start(_request(request), actor)
        await self.runner.begun(row)
        return operation_view(row)

    async def undo(self, operation_id: str, request: UndoRequest, actor: str) -> OperationView:
        """Takes back what a finished operation wrote. Raises as `rollback`."""
        await self.ledger.operations.get(operation_id)
        fields = {name: getattr(request, name) for name in UndoRequest.__struct_fields__}
        return await self.rollback(RollbackRequest(**fields, undo=operation_id), actor)

    async def operations(
        self, cursor: str | None = None, limit: int = 50, *, status: str = "", point: str = ""
    ) -> OperationPage:
        """Newest first. Raises InvalidInput."""
        page = await self.ledger.operations.page(
            None if cursor is None else decode_cursor(cursor, 1)[0],
            limit,
            status=status,
            point=point,
        )
        return OperationPage(
            [operation_view(row) for row in page.rows],
            None if page.cursor is None else encode_cursor(page.cursor),
        )

    async def operation(self, operation_id: str) -> OperationView:
        """Raises NotFound."""
        return operation_view(await self.ledger.operations.get(operation_id))

    async def operation_log(
        self, operation_id: str, cursor: str | None = None, limit: int = 50
    ) -> OperationLog:
        """Oldest first. Raises NotFound, InvalidInput."""
        row = await self.ledger.operations.get(operation_id)
        after = 0 if cursor is None else decode_cursor(cursor, 1)[0]
        page = await self.ledger.operations.log(row, after, limit)
        return OperationLog(
            [log_line(line) for line in page.rows],
            None if page.cursor is None else encode_cursor(page.cursor),
        )

    async def operation_items(
        self, operation_id: str, cursor: str | None = None, limit: int = 50, state: str = ""
    ) -> ItemPage:
        """In the order of their names. Raises NotFound, InvalidInput."""
        row = await self.ledger.operations.get(operation_id)
        after = None if cursor is None else decode_place(cursor, tuple[str, str])
        page = await self.ledger.operations.items(row, after, limit, state)
        return ItemPage(
            [item_view(item) for item in page.rows],
            None if page.cursor is None else encode_place(page.cursor),
        )

    async def cancel(self, operation_id: str) -> OperationView:
        """It stops at the next record and undoes what it did. Raises NotFound, Conflict."""
        row = await self.ledger.cancel(operation_id)
        await self.runner.changed(row.id)
        return operation_view(row)

    async def carry_out(self, operation_id: str) -> OperationView:
        """Runs it here, until it is finished or waits: for a process without the task behind."""
        return operation_view(await self.ledger.run(operation_id))

    # -- conflicts ----------------------------------------------------------------------------

    async def conflicts(
        self,
        cursor: str | None = None,
        limit: int = 50,
        *,
        operation_id: str | None = None,
        state: str = "",
    ) -> ConflictPage:
        """Newest first. Raises NotFound (the operation), InvalidInput."""
        operation = None
        if operation_id is not None:
            operation = (await self.ledger.operations.get(operation_id)).number
        page = await self.ledger.operations.conflicts(
            None if cursor is None else decode_place(cursor, tuple[str])[0],
            limit,
            operation=operation,
            state=state,
        )
        rows: list[ConflictRow] = page.rows
        of = await self._operation_ids(row.operation for row in rows)
        return ConflictPage(
            [_conflict_view(row, of) for row in rows],
            None if page.cursor is None else encode_place((page.cursor,)),
        )

    async def conflict(self, conflict_id: str) -> ConflictDetail:
        """One with its values and its explanation. Raises NotFound."""
        row = await self.ledger.operations.conflict(conflict_id)
        view = _conflict_view(row, await self._operation_ids([row.operation]))
        kind = ConflictKind(row.kind)
        found = explain(
            PathConflict((), decoded(row.base), decoded(row.ours), decoded(row.theirs), kind),
            resolvers=self.ledger.collections[row.collection].resolvers,
        )
        options = [
            OptionView(_DECISIONS[one.policy], one.name, one.confidence, one.preview)
            for one in found.options
            if _DECISIONS[one.policy] in view.choices
        ]
        recommended = _DECISIONS[found.recommended]
        is_sure = recommended in view.choices and recommended != "edit"
        return ConflictDetail(
            conflict=view,
            recommended=recommended if is_sure else None,
            reason=found.reason,
            similarity=round(found.similarity, 1),
            options=options,
            rows=msgspec.convert(found.sides.rows, list[SideRow], from_attributes=True),
            hidden=found.sides.hidden,
            base=value_view(row.base),
            ours=value_view(row.ours),
            theirs=value_view(row.theirs),
            merged=value_view(row.merged),
            value=value_view(row.value),
        )

    async def decide(
        self, conflict_id: str, request: DecisionRequest, actor: str, version: int | None = None
    ) -> ConflictView:
        """Its operation goes on by itself.

        Raises NotFound, Conflict (it is settled), InvalidInput (a choice it does not have, a value
        that is none), and PreconditionFailed when it no longer has this version.
        """
        if request.value is not UNSET and request.decision != "edit":
            raise InvalidInput("only `edit` has a value", field="value")
        value = MISSING if request.value is UNSET else _value(bytes(request.value))
        async with self.runner.deciding:
            row = await self.ledger.operations.conflict(conflict_id)
            if version is not None and _version(row) != version:
                raise PreconditionFailed("somebody decided meanwhile: read it again")
            row = await self.ledger.decide(conflict_id, request.decision, actor, value)
        of = await self._operation_ids([row.operation])
        await self.runner.changed(of[row.operation])
        return _conflict_view(row, of)

    async def _operation_ids(self, numbers: Iterable[int]) -> dict[int, str]:
        found: dict[int, str] = {}
        for number in set(numbers):
            rows = await self._store.query("ledger_operations_page", number + 1, "", "", 1)
            found[number] = OperationRow(*rows[0]).id if rows and rows[0][0] == number else ""
        return found


def _request(request: RollbackRequest) -> Request:
    """Raises InvalidInput with the field."""
    raw = {name: getattr(request, name) for name in request.__struct_fields__}
    raw["scope"] = msgspec.to_builtins(request.scope)
    return read_request({name: value for name, value in raw.items() if value is not None})


def _value(body: bytes) -> object:
    try:
        return decode_value(body)
    except InvalidInput as error:
        raise InvalidInput(error.detail, field="value") from None


def _version(row: ConflictRow) -> int:
    return row.decided_at or 0


def _conflict_view(row: ConflictRow, operations: dict[int, str]) -> ConflictView:
    where: dict[str, object] = msgspec.json.decode(row.paths)
    paths = where.get("paths")
    return ConflictView(
        id=row.id,
        operation_id=operations[row.operation],
        collection=row.collection,
        key=row.key,
        kind=row.kind,
        severity=row.severity,
        state=row.state,  # type: ignore[arg-type]  # the column has no other
        confidence=round(row.confidence, 1),
        paths=[str(path) for path in paths] if isinstance(paths, list) else [],
        note=str(where.get("note") or ""),
        choices=list(choices(row)) if row.state in ("open", "decided") else [],
        created_at=rfc3339(row.created_at),
        version=_version(row),
        decision=row.decision,  # type: ignore[arg-type]  # the column has no other
        decided_by=row.decided_by,
        decided_at=None if row.decided_at is None else rfc3339(row.decided_at),
    )
