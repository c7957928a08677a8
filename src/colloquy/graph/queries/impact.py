"""What a change of an entity touches, level by level, and how bad that is.

Who depends on what follows from the type of a relationship: who calls, imports or wants something
is touched when that changes; a document is touched when what it documents changes. How much is
`WEIGHTS`. The figures are ours, chosen and not measured:

    score of an entity next to the change   weight(type) x CHANGES[change] x confidence
    confidence further away                 the product of the confidences on the way there
    severity                                high from 0.6, medium from 0.3, else low
    risk       the greatest score x (0.5 + 0.5 x min(1, log10(1 + sum of confidences) / 2)):
               critical from 0.75, high from 0.5, medium from 0.25, else low

An entity counts once: at the fewest steps, by the way of greatest confidence among those.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from typing import Literal, NamedTuple

from msgspec import Struct

from ...model.errors import InvalidInput
from ...storage.store import Reading, Store
from .entities import read_nodes, read_resolved
from .sql import NOW, Dialect, Moment, check_bound, dialect_of
from .steps import BUDGET, Step, Walk, check_types
from .traversal import MAX_HOPS

Change = Literal["modify", "delete", "rename"]
Severity = Literal["high", "medium", "low"]
Risk = Literal["critical", "high", "medium", "low"]

CHANGES: dict[str, float] = {"delete": 1.0, "rename": 0.8, "modify": 0.6}
_PAST = {"delete": "deleted", "rename": "renamed", "modify": "modified"}

WEIGHTS: dict[str, float] = {
    **dict.fromkeys(("EXTENDS", "IMPLEMENTS", "OVERRIDES", "CALLS", "DEPENDS_ON", "REQUIRES",
                     "PRICED_AT"), 1.0),
    **dict.fromkeys(("IMPORTS", "REFERENCES", "READS", "WRITES", "THROWS", "TYPE_USES",
                     "RETURNS_TYPE", "PARAM_TYPE", "IMPLEMENTS_SPEC", "DEPENDS_ON_CHANGE",
                     "DUE_ON", "TAKES_PLACE_ON", "CONCERNS", "OFFERS", "OWNS"), 0.8),
    **dict.fromkeys(("EXPORTS", "TESTS", "VALIDATES", "INTERESTED_IN", "PROMISED_TO",
                     "LOCATED_AT", "REACHED_AT", "WORKS_FOR"), 0.5),
    **dict.fromkeys(("CONTAINS", "DEFINES", "DOCUMENTED_BY", "TALKED_ABOUT"), 0.3),
}  # fmt: skip
"""By type: how much the one that depends is touched. What is not here carries no change."""

TO_TARGET = frozenset({"DOCUMENTED_BY"})
"""Of these the target is touched when the source changes; of all others the other way round."""

UNWEIGHTED = 0.5
"""Of a type that somebody asks for and that has no weight."""


class ImpactQuery(Struct, frozen=True, kw_only=True):
    """`types` empty: those of `WEIGHTS`. Without `include_indirect` one level is looked at."""

    entity: str
    change: Change
    include_indirect: bool = True
    max_depth: int = 3
    types: tuple[str, ...] = ()
    moment: Moment = NOW
    budget: int = BUDGET


class Direct(Struct, frozen=True):
    """Entities next to the change, of one severity and by one type."""

    entities: list[str]
    severity: Severity
    relationship: str
    reason: str


class Cascade(Struct, frozen=True):
    """Entities further away, of one level (from 2) and by one type; the greatest confidence."""

    level: int
    entities: list[str]
    relationship: str
    confidence: float


class ImpactResult(Struct, frozen=True):
    """`score` runs from 0 to 1. `truncated`: the budget ended before all was found."""

    direct: list[Direct]
    cascading: list[Cascade]
    total: int
    score: float
    risk: Risk
    truncated: bool


class _Touched(NamedTuple):
    confidence: float
    type: str


async def impact(store: Store, query: ImpactQuery) -> ImpactResult:
    """Raises NotFound, InvalidInput."""
    if query.change not in CHANGES:
        raise InvalidInput(f"`change` is one of {', '.join(CHANGES)}", field="change")
    check_bound(query.max_depth, "max_depth", MAX_HOPS)
    return await store.explore(_impact(query, dialect_of(store)))


def _impact(query: ImpactQuery, dialect: Dialect) -> Reading[ImpactResult]:
    types = check_types(query.types) or tuple(WEIGHTS)
    walk = Walk(dialect, types, query.moment, query.budget)
    start = yield from read_resolved(query.entity, "entity", query.moment)
    depth = query.max_depth if query.include_indirect else 1
    levels = yield from _levels(walk, start, depth, types)
    nodes = yield from read_nodes(one for level in levels for one in level)
    ids = {number: node.id for number, node in nodes.items()}
    factor = CHANGES[query.change]
    near = levels[0] if levels else {}
    total = sum(len(level) for level in levels)
    top = max((_weight(one.type) * factor * one.confidence for one in near.values()), default=0.0)
    expected = sum(one.confidence for level in levels for one in level.values())
    score = top * (0.5 + 0.5 * min(1.0, math.log10(1 + expected) / 2))
    return ImpactResult(
        _direct(near, factor, query.change, ids),
        [one for level, found in enumerate(levels[1:], 2) for one in _cascades(level, found, ids)],
        total,
        score,
        risk_of(score),
        walk.truncated,
    )


def severity_of(score: float) -> Severity:
    return "high" if score >= 0.6 else "medium" if score >= 0.3 else "low"


def risk_of(score: float) -> Risk:
    if score >= 0.75:
        return "critical"
    return "high" if score >= 0.5 else "medium" if score >= 0.25 else "low"


def _levels(
    walk: Walk, start: int, depth: int, types: Sequence[str]
) -> Reading[list[dict[int, _Touched]]]:
    """Per level who is touched, with the best confidence from the change to there."""
    inward = [name for name in types if name not in TO_TARGET]
    outward = [name for name in types if name in TO_TARGET]
    levels: list[dict[int, _Touched]] = []
    seen = {start}
    front = {start: _Touched(1.0, "")}
    while len(levels) < depth and front and not walk.truncated:
        fresh: dict[int, _Touched] = {}
        steps: list[Step] = []
        if inward:
            steps += yield from walk.steps(front, "incoming", inward)
        if outward:
            steps += yield from walk.steps(front, "outgoing", outward)
        for step in steps:
            cause, touched = _follows(step)
            if cause not in front or touched in seen:
                continue
            found = _Touched(front[cause].confidence * step.confidence, step.type)
            # Of equal confidence the heavier type, then the first by name.
            fresh[touched] = max(fresh.get(touched, found), found, key=_rank)
        seen.update(fresh)
        front = fresh
        if fresh:
            levels.append(fresh)
    return levels


def _follows(step: Step) -> tuple[int, int]:
    """(what changes, who is touched)."""
    if step.type in TO_TARGET:
        return step.source, step.target
    return step.target, step.source


def _rank(touched: _Touched) -> tuple[float, float, tuple[int, ...]]:
    return (
        touched.confidence * _weight(touched.type),
        touched.confidence,
        tuple(-ord(char) for char in touched.type),
    )


def _weight(type_: str) -> float:
    return WEIGHTS.get(type_, UNWEIGHTED)


def _direct(
    near: dict[int, _Touched], factor: float, change: str, ids: dict[int, str]
) -> list[Direct]:
    groups: dict[tuple[float, Severity, str], list[str]] = defaultdict(list)
    order = {"high": 0.0, "medium": 1.0, "low": 2.0}
    for number, one in near.items():
        severity = severity_of(_weight(one.type) * factor * one.confidence)
        groups[order[severity], severity, one.type].append(ids[number])
    return [
        Direct(sorted(found), severity, type_, _reason(len(found), type_, change))
        for (_, severity, type_), found in sorted(groups.items())
    ]


def _reason(count: int, type_: str, change: str) -> str:
    who = "one entity depends" if count == 1 else f"{count} entities depend"
    return f"{who} by {type_} on what is {_PAST[change]}"


def _cascades(level: int, found: dict[int, _Touched], ids: dict[int, str]) -> list[Cascade]:
    groups: dict[str, list[int]] = defaultdict(list)
    for number, one in found.items():
        groups[one.type].append(number)
    return [
        Cascade(
            level,
            sorted(ids[number] for number in numbers),
            type_,
            max(found[number].confidence for number in numbers),
        )
        for type_, numbers in sorted(groups.items())
    ]
