"""What becomes of one record: restored, left, or a conflict. Preview and executor ask the same.

Values are JSON bytes as they stand in the ledger, None where a record has none. Most records are
restored as they were without being decoded at all.
"""

from __future__ import annotations

from collections.abc import Callable

from msgspec import Struct

from ...model.errors import NotRestorable
from ..collections import Collection, Refused, decode_value, encode_value
from ..diff import format_path
from ..merge import (
    MISSING,
    ConflictKind,
    ConflictPolicy,
    Merged,
    Missing,
    Severity,
    merge,
    severity_of,
)
from ..merge.measure import is_small, similarity
from ..rows import ItemRow
from ..values import Value, same

Stored = Callable[[int], bytes | None]
"""The value that the ledger row at this position has; None at 0."""


class Clash(Struct, frozen=True):
    """Why a record cannot simply be restored, and what a merge would make of it."""

    kind: ConflictKind
    severity: Severity
    base: bytes | None
    ours: bytes | None
    theirs: bytes | None
    paths: tuple[str, ...] = ()
    merged: bytes | None = None
    confidence: float = 0.0
    note: str = ""


class Decision(Struct, frozen=True):
    """The value that the record shall have; with a clash, the one it has."""

    value: bytes | None
    clash: Clash | None = None
    forced: int = 0
    """How often a value that somebody else wrote was overwritten."""


def decide(
    item: ItemRow,
    live: int,
    now: bytes | None,
    stored: Stored,
    policy: ConflictPolicy,
    collection: Collection,
    *,
    named: bool = False,
) -> Decision:
    """Takes the item's runs back, newest first. `live` is the position of `now`, 0 for none.

    Where nobody else changed the record since, it gets the value that it had. Otherwise each run
    is a three-way merge onto what is there: the base is what the run made, the other side what was
    before it. `named`: whoever asked named this record or its collection.
    """
    spans = item.spans()
    if len(spans) == 1 and spans[0][1] == live:
        decision = Decision(stored(spans[0][0]))
    else:
        decision = _merged(spans, now, stored, policy, collection)
    if collection.plain or decision.clash is not None:
        return decision
    return _allowed(item.key, now, decision, collection, named)


def _merged(
    spans: list[tuple[int, int]],
    now: bytes | None,
    stored: Stored,
    policy: ConflictPolicy,
    collection: Collection,
) -> Decision:
    current = _value(now)
    forced = 0
    for target, newest in spans:
        base, theirs = _value(stored(newest)), _value(stored(target))
        if _equal(base, current):
            current = theirs
        elif _equal(current, theirs):
            continue
        elif policy is ConflictPolicy.OVERWRITE:
            current, forced = theirs, forced + 1
        else:
            trial = merge(base, current, theirs, resolvers=collection.resolvers)
            if trial.conflicts or policy is not ConflictPolicy.MERGE:
                return Decision(now, _clash(base, current, theirs, trial))
            current = trial.value
    return Decision(_bytes(current), forced=forced)


def _allowed(
    key: str, now: bytes | None, decision: Decision, collection: Collection, named: bool
) -> Decision:
    """What the collection makes of it, or a conflict where it refuses."""
    try:
        value = composed(key, now, decision.value, collection, named=named)
    except Refused as refusal:
        kind = ConflictKind.PERMISSION_DENIED
        clash = Clash(kind, severity_of(kind, 0), now, now, decision.value, note=str(refusal))
        return Decision(now, clash)
    return Decision(value, forced=decision.forced)


def composed(
    key: str, now: bytes | None, then: bytes | None, collection: Collection, *, named: bool
) -> bytes | None:
    """What the collection makes of a value that one of its records is to get. Raises Refused."""
    if collection.plain:
        return then
    present = _value(now)
    found = collection.compose(key, present, _value(then), named)
    collection.check(key, present, found)
    return _bytes(found)


def dependency_clash(now: bytes | None, then: bytes | None, missing: list[str]) -> Clash:
    """What the record would need is not there."""
    kind = ConflictKind.DEPENDENCY_CONFLICT
    return Clash(kind, severity_of(kind, 0), now, now, then, note=f"needs {', '.join(missing)}")


def lookup(found: dict[int, bytes | None]) -> Stored:
    """Values by position. What it returns raises NotRestorable for a row that is gone."""
    found[0] = None

    def stored(position: int) -> bytes | None:
        try:
            return found[position]
        except KeyError:
            raise NotRestorable(f"the change at position {position} was compacted") from None

    return stored


def _clash(
    base: Value | Missing, ours: Value | Missing, theirs: Value | Missing, trial: Merged
) -> Clash:
    kinds = [conflict.kind for conflict in trial.conflicts] or [ConflictKind.VALUE_MISMATCH]
    if ours is MISSING or theirs is MISSING:
        kinds = [ConflictKind.MISSING_TARGET]
    order = list(ConflictKind)
    kind = max(kinds, key=order.index)
    small = is_small(ours) and is_small(theirs)
    return Clash(
        kind=kind,
        severity=severity_of(kind, similarity(ours, theirs), small=small),
        base=_bytes(base),
        ours=_bytes(ours),
        theirs=_bytes(theirs),
        paths=tuple(format_path(conflict.path) for conflict in trial.conflicts),
        merged=None if trial.conflicts else _bytes(trial.value),
        confidence=trial.confidence,
    )


def _equal(one: Value | Missing, other: Value | Missing) -> bool:
    return one is other or same(one, other)


def _value(body: bytes | None) -> Value | Missing:
    return MISSING if body is None else decode_value(body)


def _bytes(value: Value | Missing) -> bytes | None:
    return None if value is MISSING else encode_value(value)
