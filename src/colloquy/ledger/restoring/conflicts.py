"""Conflicts as rows: what stands against restoring a record, and what somebody decided about it."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from ...model.errors import Conflict, InvalidInput
from ...model.ids import uuid7
from ...model.times import Clock
from ...storage.store import Store
from ..audit import Entry, audit_steps
from ..collections import Collections, Refused, decode_value, encode_value
from ..merge import MISSING, Missing
from ..rows import ConflictRow, ItemRow
from ..values import Value
from .deciding import Clash
from .operations import Operations

Choice = Literal["keep", "take", "merge", "edit"]
"""What is there, what the operation would restore, the merge of both, or a value that is given."""


def conflict_row(
    operation: int, item: ItemRow, clash: Clash, live: int, state: str, now: int
) -> tuple[Any, ...]:
    """A row for statement `ledger_conflict_insert`."""
    return (
        uuid7().hex(), operation, item.collection, item.key, clash.kind.value,
        clash.severity.value, clash.base, clash.ours, clash.theirs, live,
        msgspec.json.encode({"paths": clash.paths, "note": clash.note}), clash.merged,
        clash.confidence, state, now,
    )  # fmt: skip


def choices(row: ConflictRow) -> list[Choice]:
    """What may be decided about this one."""
    found: list[Choice] = ["keep"]
    if row.kind != "permission_denied":
        found.append("take")
    if row.merged is not None:
        found.append("merge")
    if row.kind not in ("permission_denied", "dependency_conflict"):
        found.append("edit")
    return found


def chosen_value(row: ConflictRow) -> bytes | None:
    """The value that the record gets by the decision; what it has now for `keep`."""
    chosen = {"keep": row.ours, "take": row.theirs, "merge": row.merged, "edit": row.value}
    return chosen[row.decision or "keep"]


class Decisions:
    """Deciding conflicts by hand."""

    def __init__(
        self, store: Store, operations: Operations, collections: Collections, clock: Clock
    ) -> None:
        self._store = store
        self._operations = operations
        self._collections = collections
        self._clock = clock

    async def decide(
        self, id_: str, choice: Choice, actor: str, value: Value | Missing = MISSING
    ) -> ConflictRow:
        """Stores a decision; the operation carries it out when it goes on.

        Raises NotFound, Conflict for one that is settled, InvalidInput for a choice that this
        conflict does not have, an `edit` without a value, or one that the record cannot have.
        """
        row = await self._operations.conflict(id_)
        if row.state not in ("open", "decided"):
            raise Conflict(f"conflict {id_} is {row.state}")
        allowed = choices(row)
        if choice not in allowed:
            raise InvalidInput(f"one of {', '.join(allowed)}", field="decision")
        if choice == "edit" and value is MISSING:
            raise InvalidInput("`edit` needs a `value`", field="value")
        body = encode_value(value) if choice == "edit" else None
        if choice != "keep":
            self._check(row._replace(decision=choice, value=body))
        now = self._clock()
        seen = row.decided_at or 0
        entry = Entry(
            at=now, actor=actor, event="conflict_resolved",
            message=f"{row.collection}/{row.key}: {choice}", data={"conflict": id_},
        )  # fmt: skip

        def steps() -> Any:
            found = yield "ledger_conflict_decide", [(choice, body, actor, now, id_, seen)]
            if not found:
                raise Conflict(f"conflict {id_} was decided meanwhile")
            yield from audit_steps([entry])

        await self._store.transact(steps)
        return await self._operations.conflict(id_)

    def _check(self, row: ConflictRow) -> None:
        """Raises InvalidInput where the collection refuses what is decided."""
        ours, value = (
            MISSING if body is None else decode_value(body)
            for body in (row.ours, chosen_value(row))
        )
        try:
            self._collections[row.collection].check(row.key, ours, value)
        except Refused as refusal:
            field = "value" if row.decision == "edit" else "decision"
            raise InvalidInput(str(refusal), field=field) from None
