"""How knowledge came about: the versions of facts, and what changed between two positions."""

from __future__ import annotations

from typing import Any, NamedTuple

import msgspec
from msgspec import Struct

from ...model.cursors import decode_cursor, encode_cursor
from ...model.errors import InvalidInput, NotFound
from ...storage.store import Store
from ..kinds import check_id
from .entities import Named, numbers_of, resolve
from .sql import Parameters, check_bound
from .steps import check_types

MAX_LIMIT = 1000
CLOSED, OPENED = 0, 1
"""Of one position, what ended comes before what began."""


class Version(Struct, frozen=True):
    """One version of a fact. Either `value` or `target`.

    Times are microseconds: `valid_…` in the world, `…_at` when we learned it and learned better;
    `learned_…` are the positions of that. None at an end: still so. `fact` is its number.
    """

    fact: int
    subject: str
    predicate: str
    value: Any
    target: str | None
    valid_from: int | None
    valid_to: int | None
    learned_from: int
    learned_to: int | None
    learned_at: int | None
    closed_at: int | None
    confidence: float
    support: int


class Timeline(Struct, frozen=True):
    """A page, oldest first; `next` is the cursor of the page after it."""

    versions: list[Version]
    next: str | None


class Changed(Struct, frozen=True):
    """At `position` this version of a fact began (`opened`) or ended."""

    position: int
    opened: bool
    version: Version


class Changes(Struct, frozen=True):
    changes: list[Changed]
    next: str | None


class RelationshipEnds(NamedTuple):
    """Which relationship a timeline is of."""

    source: str
    type: str
    target: str


_COLUMNS = """f.number, s.id, f.predicate, f.value, t.id, f.valid_from, f.valid_to, f.learned_from,
    f.learned_to, began.at, ended.at, f.confidence, f.support"""
_JOINS = """JOIN graph_entities s ON s.number = f.subject
    LEFT JOIN graph_entities t ON t.number = f.target
    LEFT JOIN changes began ON began.position = f.learned_from
    LEFT JOIN changes ended ON ended.position = f.learned_to"""


async def timeline(
    store: Store,
    of: str | RelationshipEnds,
    *,
    predicate: str | None = None,
    cursor: str | None = None,
    limit: int = 100,
) -> Timeline:
    """Every version of the facts about an entity (of one attribute, if `predicate` says so), or of
    a relationship. Raises NotFound, InvalidInput.

    Of a merged entity: its own from before, and those of the one that stands for it.
    """
    check_bound(limit, "limit", MAX_LIMIT)
    put = Parameters()
    if isinstance(of, RelationshipEnds):
        (type_,) = check_types([of.type], "type")
        sources = await _numbers(store, of.source, "source")
        targets = await _numbers(store, of.target, "target")
        tests = (
            f"f.subject IN {put.any_of(sources)} AND f.predicate = {put(type_)}"
            f" AND f.target IN {put.any_of(targets)}"
        )
    else:
        tests = f"f.subject IN {put.any_of(await _numbers(store, of, 'entity'))}"
        if predicate is not None:
            tests += f" AND f.predicate = {put(check_id(predicate, 'predicate'))}"
    if cursor is not None:
        position, number = decode_cursor(cursor, 2)
        tests += f" AND (f.learned_from, f.number) > ({put(position)}, {put(number)})"
    rows = await store.select(
        f"""SELECT {_COLUMNS} FROM graph_facts f {_JOINS} WHERE {tests}
            ORDER BY f.learned_from, f.number LIMIT {put(limit + 1)}""",
        *put.values,
    )
    versions = [_version(row) for row in rows[:limit]]
    more = len(rows) > limit
    last = encode_cursor(versions[-1].learned_from, versions[-1].fact) if more else None
    return Timeline(versions, last)


async def changed_between(
    store: Store,
    after: int,
    to: int,
    *,
    entity: str | None = None,
    cursor: str | None = None,
    limit: int = 100,
) -> Changes:
    """What began and what ended at positions above `after` up to `to`, in their order.

    `entity`: only facts of which it is the subject. Raises NotFound, InvalidInput.
    """
    check_bound(limit, "limit", MAX_LIMIT)
    if not 0 <= after <= to:
        raise InvalidInput("`after` and `to` are positions, the earlier one first", field="to")
    place = (after + 1, CLOSED, 0)
    if cursor is not None:
        found = decode_cursor(cursor, 3)
        if found[0] <= after:
            raise InvalidInput("this is no cursor of this list", field="cursor")
        place = (found[0], found[1], found[2])
    subject = None if entity is None else await resolve(store, entity, "entity")
    put = Parameters()
    sides = []
    for side, column in ((CLOSED, "learned_to"), (OPENED, "learned_from")):
        # Rows of the first position count from the cursor's number on, of a side not yet passed.
        start = 2**62 if side < place[1] else place[2] if side == place[1] else 0
        text = f"""SELECT f.{column} AS position, {side} AS side, f.number AS fact
            FROM graph_facts f WHERE f.{column} <= {put(to)}
                AND (f.{column}, f.number) > ({put(place[0])}, {put(start)})"""
        if subject is not None:
            text += f" AND f.subject = {put(subject)}"
        sides.append(f"SELECT * FROM ({text} ORDER BY 1, 3 LIMIT {put(limit + 1)}) AS one{side}")
    rows = await store.select(
        f"""SELECT c.position, c.side, {_COLUMNS}
            FROM ({" UNION ALL ".join(sides)}) AS c
            JOIN graph_facts f ON f.number = c.fact {_JOINS}
            ORDER BY c.position, c.side, c.fact LIMIT {put(limit + 1)}""",
        *put.values,
    )
    changes = [Changed(row[0], row[1] == OPENED, _version(row[2:])) for row in rows[:limit]]
    if len(rows) <= limit:
        return Changes(changes, None)
    last = changes[-1]
    side = OPENED if last.opened else CLOSED
    return Changes(changes, encode_cursor(last.position, side, last.version.fact))


async def _numbers(store: Store, id_: str, field: str) -> list[int]:
    named: Named | None = (await numbers_of(store, [check_id(id_, field)])).get(id_)
    if named is None:
        raise NotFound(f"the graph knows no entity {id_!r}", field=field)
    return sorted({named.number, named.stands})


def _version(row: tuple[Any, ...]) -> Version:
    value = None if row[3] is None else msgspec.json.decode(row[3])
    fields: tuple[Any, ...] = (*row[:3], value, *row[4:])
    return Version(*fields)
