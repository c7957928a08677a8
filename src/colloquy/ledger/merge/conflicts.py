"""A conflict: what it is, of which kind, and how bad."""

from __future__ import annotations

import enum
from decimal import Decimal
from typing import Final

import msgspec

from colloquy.ledger.diff import Path
from colloquy.ledger.values import Value, same
from colloquy.model.errors import InvalidInput


class Missing(enum.Enum):
    """The type of `MISSING`."""

    MISSING = "missing"

    def __repr__(self) -> str:
        return "MISSING"


MISSING: Final = Missing.MISSING
"""Stands where a key or an item is absent; None is JSON's null, which is a value."""


class ConflictKind(enum.StrEnum):
    """Why a change cannot simply be made. The names are those on the wire."""

    VALUE_MISMATCH = "value_mismatch"
    """Both sides changed it, to different values of one type."""
    TYPE_MISMATCH = "type_mismatch"
    """Both sides changed it, to values of different types; null has a type of its own."""
    MISSING_TARGET = "missing_target"
    """One side removed what the other changed."""
    PERMISSION_DENIED = "permission_denied"
    """Whoever asks may not change it. Never found in values: the caller says so."""
    DEPENDENCY_CONFLICT = "dependency_conflict"
    """What it needs is not there, or not selected. Never found in values: the caller says so."""


class Severity(enum.StrEnum):
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"


class PathConflict(msgspec.Struct, frozen=True):
    """A place where both sides want something else. Any of the three values may be `MISSING`."""

    path: Path
    base: Value
    ours: Value
    theirs: Value
    kind: ConflictKind
    error: str | None = None
    """Why the resolver registered for this place did not resolve it."""


_FIXED = {
    ConflictKind.TYPE_MISMATCH: Severity.HIGH,
    ConflictKind.MISSING_TARGET: Severity.MEDIUM,
    ConflictKind.PERMISSION_DENIED: Severity.HIGH,
    ConflictKind.DEPENDENCY_CONFLICT: Severity.CRITICAL,
}
# Per cent of likeness below which a value mismatch is critical, or else medium.
_CRITICAL_BELOW = 30
_MEDIUM_BELOW = 60

_NUMBERS = (int, float, Decimal)


def classify(base: Value, ours: Value, theirs: Value) -> ConflictKind:
    """The kind of conflict between three values. Numbers count as one type, booleans as another.

    Raises InvalidInput where nothing is in conflict: two of the three are the same.
    """
    if same(ours, theirs) or same(base, ours) or same(base, theirs):
        raise InvalidInput("two of the three values are the same: that is no conflict")
    if ours is MISSING or theirs is MISSING:
        return ConflictKind.MISSING_TARGET
    if type(ours) is type(theirs) or (type(ours) in _NUMBERS and type(theirs) in _NUMBERS):
        return ConflictKind.VALUE_MISMATCH
    return ConflictKind.TYPE_MISMATCH


def severity_of(kind: ConflictKind, similarity: float, *, small: bool = False) -> Severity:
    """How bad a conflict is; `similarity` (0 to 100) counts only for a value mismatch.

    There, below 30 is critical, below 60 medium, else low. `small` says that both values are short
    scalars (`measure.is_small`): 850 and 900 share no character worth counting, so such a mismatch
    is medium whatever the similarity.
    """
    if kind is not ConflictKind.VALUE_MISMATCH:
        return _FIXED[kind]
    if small:
        return Severity.MEDIUM
    if similarity < _CRITICAL_BELOW:
        return Severity.CRITICAL
    return Severity.MEDIUM if similarity < _MEDIUM_BELOW else Severity.LOW
