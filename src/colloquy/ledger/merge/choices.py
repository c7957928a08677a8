"""Resolvers for the usual kinds of data. Each raises InvalidInput for what it cannot compare.

The confidence is always the same measure: how much of what both sides changed is in the result.
Where one side is taken whole that is its share of the changed leaves, 50 for two scalars.
"""

from __future__ import annotations

import decimal
from collections.abc import Callable, Hashable
from datetime import datetime
from decimal import Decimal
from typing import TypeAlias

from colloquy.ledger.diff import Path, format_path
from colloquy.ledger.diff.lists import hunks, identities, mark
from colloquy.ledger.diff.sequences import align
from colloquy.ledger.values import Value
from colloquy.model.errors import InvalidInput
from colloquy.model.times import to_us

from .conflicts import MISSING, PathConflict
from .diff3 import diff3
from .measure import share_of_changes, share_of_side
from .resolvers import Choice, Resolver

Number: TypeAlias = int | float | Decimal

_DIGITS = 1000
"""Decimals are added exactly with up to so many digits, and not at all beyond."""


def newest(field: str) -> Resolver:
    """Takes the record whose `field` is later: a datetime, its text, or integer microseconds."""

    def choose(conflict: PathConflict) -> Choice:
        ours, theirs = _fields(conflict, field)
        return _taken(conflict, _instant(ours), _instant(theirs))

    return choose


def newest_by(times: Callable[[Path], tuple[int, int]]) -> Resolver:
    """Takes the side that changed last: `times` says when ours and theirs did, in one unit."""

    def choose(conflict: PathConflict) -> Choice:
        return _taken(conflict, *times(conflict.path))

    return choose


def largest(conflict: PathConflict) -> Choice:
    """Takes the larger number."""
    return _taken(conflict, _number(conflict.ours), _number(conflict.theirs))


def smallest(conflict: PathConflict) -> Choice:
    """Takes the smaller number."""
    return _taken(conflict, _number(conflict.theirs), _number(conflict.ours))


def max_confidence(conflict: PathConflict) -> Choice:
    """Takes the record with the higher number in `confidence`."""
    ours, theirs = _fields(conflict, "confidence")
    return _taken(conflict, _number(ours), _number(theirs))


def sum_of_changes(conflict: PathConflict) -> Choice:
    """Base plus both changes, all numbers of one type; a missing base is 0. Nothing is lost: 100.

    Integers and decimals are exact; a decimal of more than 1,000 digits is refused.
    """
    ours, theirs = _number(conflict.ours), _number(conflict.theirs)
    base = type(ours)(0) if conflict.base is MISSING else _number(conflict.base)
    if type(ours) is not type(theirs) or type(base) is not type(ours):
        raise InvalidInput("only numbers of one type are added up")
    with decimal.localcontext(decimal.Context(prec=_DIGITS, traps=[decimal.Inexact])):
        return Choice(ours + (theirs - base), 100.0)  # type: ignore[operator]


def union(conflict: PathConflict) -> Choice:
    """The list as a set: what either side has, in the order of ours, then of theirs."""
    base, ours, theirs = _sets(conflict)
    return _chosen_set(base, ours, theirs, {**ours, **theirs})


def intersection(conflict: PathConflict) -> Choice:
    """The list as a set: what both sides have, in the order of ours."""
    base, ours, theirs = _sets(conflict)
    both = {one: item for one, item in ours.items() if one in theirs}
    return _chosen_set(base, ours, theirs, both)


def text_lines(conflict: PathConflict) -> Choice:
    """Merges by lines; where both changed the same lines, keeps those of ours, then of theirs."""
    base, ours, theirs = (_lines(side) for side in (conflict.base, conflict.ours, conflict.theirs))
    lines: list[str] = []
    for chunk in diff3(base, ours, theirs):
        if chunk.in_conflict():
            lines += _both(ours[chunk.ours], theirs[chunk.theirs])
        else:
            lines += chunk.merged(ours, theirs)
    return Choice("\n".join(lines), share_of_changes(base, (ours, theirs), lines))


def _taken(conflict: PathConflict, in_favour: Number, against: Number) -> Choice:
    """Ours, if what speaks for it is more than what speaks against it."""
    if in_favour == against:
        raise InvalidInput("both sides are equal in what decides between them")
    one, other = conflict.ours, conflict.theirs
    if in_favour < against:
        one, other = other, one
    return Choice(one, share_of_side(conflict.base, one, other))


def _number(value: Value) -> Number:
    if type(value) not in (int, float, Decimal):
        raise InvalidInput(f"numbers are compared, not {_named(value)}")
    return value  # type: ignore[no-any-return]


def _fields(conflict: PathConflict, field: str) -> tuple[Value, Value]:
    for side in (conflict.ours, conflict.theirs):
        if type(side) is not dict or field not in side:
            raise InvalidInput(f"a record with {format_path((field,))} is needed")
    return conflict.ours[field], conflict.theirs[field]


def _instant(value: Value) -> int:
    if type(value) is int:
        return value
    try:
        moment = datetime.fromisoformat(value) if type(value) is str else value
        if type(moment) is datetime:
            return to_us(moment)
    except ValueError:
        pass
    raise InvalidInput(f"a time with its zone is needed, not {_named(value)}")


def _sets(conflict: PathConflict) -> tuple[dict[Hashable, Value], ...]:
    """Base, ours and theirs: items by content, each once. A missing base is empty."""
    base = [] if conflict.base is MISSING else conflict.base
    found = []
    for side in (base, conflict.ours, conflict.theirs):
        if type(side) is not list:
            raise InvalidInput(f"lists are taken as sets, not {_named(side)}")
        if side and identities(side) is not None:
            raise InvalidInput("a list of items with identities is no set")
        found.append({mark(item, len(conflict.path) + 1): item for item in side})
    return tuple(found)


def _chosen_set(
    base: dict[Hashable, Value],
    ours: dict[Hashable, Value],
    theirs: dict[Hashable, Value],
    chosen: dict[Hashable, Value],
) -> Choice:
    share = share_of_changes(list(base), (list(ours), list(theirs)), list(chosen))
    return Choice(list(chosen.values()), share)


def _lines(value: Value) -> list[str]:
    if value is MISSING:
        return []
    if type(value) is not str:
        raise InvalidInput(f"texts have lines, not {_named(value)}")
    return value.split("\n")


def _both(ours: list[str], theirs: list[str]) -> list[str]:
    """All lines of both in their orders, those that they share once."""
    lines: list[str] = []
    done = 0
    for i, i_end, j, j_end in hunks(align(ours, theirs), len(ours), len(theirs)):
        lines += [*ours[done:i], *ours[i:i_end], *theirs[j:j_end]]
        done = i_end
    return lines + ours[done:]


def _named(value: Value) -> str:
    return "what is missing" if value is MISSING else f"a value of type {type(value).__name__}"
