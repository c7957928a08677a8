"""Where an operation goes, and whether it still can."""

from __future__ import annotations

from collections.abc import Set
from typing import NamedTuple

import msgspec

from ...model.errors import InvalidInput, NotFound, NotRestorable, ScopeEmpty
from ...storage.commit import Steps
from ..rows import OperationRow, PointRow
from ..scope import Scope
from .folding import Name
from .requests import Request


class Target(NamedTuple):
    """Where an operation goes: to the state at `position`, of what the ledger held at `head`."""

    position: int
    head: int
    at: int
    """When that was, in microseconds; the newest time for an empty ledger."""
    scope: Scope
    sessions: frozenset[int]
    point: PointRow | None
    now: int
    """When it was asked for: what ages of changes are counted from."""


def not_compacted(request: Request, target: Target, now: int) -> Steps:
    """Raises NotRestorable for what compaction no longer kept, or deletes just now."""
    ((horizon, undo_from),) = yield "ledger_horizon", [()]
    if request.undo is not None:
        found = yield "ledger_operation", [(request.undo,)]
        if not found:
            raise NotFound(f"no operation {request.undo!r:.80}", field="undo")
        row = OperationRow(*found[0])
        if row.head < horizon and (row.finished_at or 0) < undo_from:
            raise NotRestorable(f"what operation {row.id} wrote is compacted", field="undo")
        return
    if target.position >= horizon:
        return
    if not (yield "ledger_point_at", [(target.position, now)]):
        raise NotRestorable(f"the ledger is compacted up to position {horizon}")
    if request.scope.looks_at_changes:
        raise NotRestorable(
            f"up to position {horizon} it is no longer known who changed what and when: this scope"
            " needs a target after that",
            field="scope",
        )


def check_matched(scope: Scope, met: Set[Name], total: int) -> None:
    """`met`: those of the records that the scope names which are among the `total` found.

    Raises ScopeEmpty where nothing changed a record that is named, or the scope matches nothing.
    """
    if scope.allow_unmatched:
        return
    for name in sorted(scope.exact):
        if name not in met:
            text = "/".join(name)
            raise ScopeEmpty(f"no change of {text} is in the scope", field="scope.keys")
    if not total and not scope.is_whole and not scope.origin:
        raise ScopeEmpty("the scope matches no change", field="scope")


def of_operation(scope: Scope, operation: str) -> Scope:
    if scope.origin not in ("", operation):
        raise InvalidInput("`origin` is another operation than `undo`", field="scope.origin")
    return msgspec.structs.replace(scope, origin=operation)
