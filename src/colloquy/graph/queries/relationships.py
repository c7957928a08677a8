"""Relationships by filter, a page at a time.

What a row of a fact says (type, ends, confidence, times) and the kinds and attributes of the ends
are tested by the database. A relationship's own attributes are facts of an entity of their own,
whose id follows from type, ends and what tells it apart (`ids.relationship_id`) and no database can
work out: they are tested here, a slab of rows after the other. A page on which few pass may end
early, with a cursor.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from msgspec import Struct

from ...model.cursors import decode_cursor, encode_cursor
from ...model.errors import InvalidInput
from ...storage.store import Store
from ..ids import relationship_id
from ..learning import TYPE
from ..relationships import SESSION
from ..values import canonical
from .conditions import Condition, check_condition, passes
from .entities import numbers_of, resolve
from .sql import NOW, Moment, Parameters, check_bound, check_moment, chunks, holds
from .steps import Direction, Edge, check_direction, check_types

SLAB = 500
"""Relationships of which attributes are looked at by one query."""
MAX_SLABS = 20
MAX_LIMIT = 1000
MAX_IDS = 500


class RelationshipQuery(Struct, frozen=True, kw_only=True):
    """Everything given must hold; a list is any of it, empty or None does not filter.

    `entity` is one end, `direction` which; `sources` and `targets` name the ends themselves.
    `kinds` are those of either end. `…_attributes`: what an end must have, any of these values.
    Valid: at some time from `valid_since_us` up to `valid_until_us`. Seen: when we learned it.
    Confidence and `moment` are inclusive.
    """

    entity: str | None = None
    direction: Direction = "both"
    sources: tuple[str, ...] = ()
    targets: tuple[str, ...] = ()
    types: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    source_kinds: tuple[str, ...] = ()
    target_kinds: tuple[str, ...] = ()
    source_attributes: Mapping[str, tuple[Any, ...]] = {}
    target_attributes: Mapping[str, tuple[Any, ...]] = {}
    attributes: tuple[Condition, ...] = ()
    confidence_min: float | None = None
    confidence_max: float | None = None
    valid_since_us: int | None = None
    valid_until_us: int | None = None
    seen_since_us: int | None = None
    seen_until_us: int | None = None
    moment: Moment = NOW
    cursor: str | None = None
    limit: int = 100


class Found(Struct, frozen=True):
    """A relationship with its attributes (None: they were not asked for) and its times.

    `identity` is what tells it apart from others of its type between the same ends.
    """

    edge: Edge
    identity: dict[str, Any] | None
    valid_from: int | None
    valid_to: int | None
    learned_from: int
    learned_to: int | None
    attributes: dict[str, list[Any]] | None = None


class RelationshipPage(Struct, frozen=True):
    """In the order in which they were learned. `next` is None at the end."""

    found: list[Found]
    next: str | None


Row = tuple[Any, ...]


async def find_relationships(store: Store, query: RelationshipQuery) -> RelationshipPage:
    """Raises InvalidInput, and NotFound for an `entity` that the graph does not know.

    Of `sources` and `targets`, ids that nobody knows are passed over.
    """
    check(query)
    anchor = None
    if query.entity is not None:
        anchor = await resolve(store, query.entity, "entity", query.moment)
    ends = {}
    for side, ids in (("subject", query.sources), ("target", query.targets)):
        if ids:
            named = await numbers_of(store, ids)
            ends[side] = sorted({n for one in named.values() for n in one})
            if not ends[side]:
                return RelationshipPage([], None)
    after = 0 if query.cursor is None else decode_cursor(query.cursor, 1)[0]
    slab = SLAB if query.attributes else query.limit + 1
    found: list[Found] = []
    for _ in range(MAX_SLABS):
        put = Parameters()
        sql = select(put, query, anchor, ends, after, slab)
        rows = await store.select(sql, *put.values)
        known = await attributes_of(store, rows, query.moment) if query.attributes else {}
        for row in rows:
            own = known.get(row[0], {})
            if not passes(own, query.attributes):
                continue
            if len(found) == query.limit:
                return RelationshipPage(found, encode_cursor(found[-1].edge.fact))
            found.append(_found(row, own if query.attributes else None))
        if len(rows) < slab:
            return RelationshipPage(found, None)
        after = rows[-1][0]
    return RelationshipPage(found, encode_cursor(after))


def check(query: RelationshipQuery) -> None:
    """Raises InvalidInput with the field."""
    check_direction(query.direction)
    check_moment(query.moment)
    check_bound(query.limit, "limit", MAX_LIMIT)
    for field in ("sources", "targets", "kinds", "source_kinds", "target_kinds"):
        if len(getattr(query, field)) > MAX_IDS:
            raise InvalidInput(f"`{field}` has more than {MAX_IDS} entries", field=field)
    for field in ("confidence_min", "confidence_max"):
        share = getattr(query, field)
        if share is not None and not 0 <= share <= 1:
            raise InvalidInput(f"`{field}` is from 0 to 1", field=field)
    for side in ("source_attributes", "target_attributes"):
        for name, values in getattr(query, side).items():
            if not name or not 0 < len(values) <= MAX_IDS:
                raise InvalidInput(f"`{side}` needs names with 1 to {MAX_IDS} values", field=side)
    check_types(query.types)
    for condition in query.attributes:
        check_condition(condition)


def select(
    put: Parameters,
    query: RelationshipQuery,
    anchor: int | None,
    ends: Mapping[str, Sequence[int]],
    after: int,
    slab: int,
) -> str:
    """The text for the next `slab` rows; parameters go to `put`."""
    # The side of the anchor first: on which index to begin is then plain.
    sides = {"outgoing": ["subject"], "incoming": ["target"], "both": ["subject", "target"]}
    texts = []
    for side in sides[query.direction] if anchor is not None else [""]:
        tests = ["f.target IS NOT NULL"]
        if anchor is not None:
            tests.append(f"f.{side} = {put(anchor)}")
            if side == "target" and query.direction == "both":
                tests.append(f"f.subject <> {put(anchor)}")  # a loop was found from the other side
        tests += [f"f.{column} IN {put.any_of(numbers)}" for column, numbers in ends.items()]
        tests += _tests(put, query)
        texts.append(
            f"""SELECT * FROM (SELECT f.number, f.subject, f.predicate, f.target, f.confidence,
                    f.valid_from, f.valid_to, f.learned_from, f.learned_to, f.value
                FROM graph_facts f
                WHERE {" AND ".join(tests)} AND f.number > {put(after)}
                ORDER BY f.number LIMIT {put(slab)}) AS {side or "every"}_side"""
        )
    return f"""SELECT c.number, s.id, c.predicate, t.id, c.confidence, c.valid_from, c.valid_to,
            c.learned_from, c.learned_to, c.value
        FROM ({" UNION ALL ".join(texts)}) AS c
        JOIN graph_entities s ON s.number = c.subject
        JOIN graph_entities t ON t.number = c.target
        ORDER BY c.number LIMIT {put(slab)}"""


def _tests(put: Parameters, query: RelationshipQuery) -> list[str]:
    tests = [holds(put, query.moment)]
    if query.types:
        tests.append(f"f.predicate IN {put.any_of(check_types(query.types))}")
    if query.confidence_min is not None:
        tests.append(f"f.confidence >= {put(float(query.confidence_min))}")
    if query.confidence_max is not None:
        tests.append(f"f.confidence <= {put(float(query.confidence_max))}")
    if query.valid_since_us is not None:
        tests.append(f"(f.valid_to IS NULL OR f.valid_to > {put(query.valid_since_us)})")
    if query.valid_until_us is not None:
        tests.append(f"(f.valid_from IS NULL OR f.valid_from < {put(query.valid_until_us)})")
    for sign, time in ((">=", query.seen_since_us), ("<", query.seen_until_us)):
        if time is not None:
            tests.append(
                f"""EXISTS (SELECT 1 FROM changes c WHERE c.position = f.learned_from
                    AND c.at {sign} {put(time)})"""
            )
    if query.kinds:
        either = [
            _has(put, side, TYPE, query.kinds, query.moment) for side in ("subject", "target")
        ]
        tests.append(f"({' OR '.join(either)})")
    for side, kinds, attributes in (
        ("subject", query.source_kinds, query.source_attributes),
        ("target", query.target_kinds, query.target_attributes),
    ):
        if kinds:
            tests.append(_has(put, side, TYPE, kinds, query.moment))
        for name, values in attributes.items():
            tests.append(_has(put, side, name, values, query.moment))
    return tests


def _has(
    put: Parameters, side: str, name: str, values: Sequence[Any], moment: Moment
) -> str:  # fmt: skip
    return f"""EXISTS (SELECT 1 FROM graph_facts a WHERE a.subject = f.{side}
        AND a.predicate = {put(name)}
        AND a.value IN {put.any_of([canonical(value) for value in values])}
        AND {holds(put, moment, "a")})"""


async def attributes_of(
    store: Store, rows: Sequence[Row], moment: Moment
) -> dict[int, dict[str, list[Any]]]:
    """The relationships' own attributes at this moment, by the number of their fact."""
    facts: dict[str, list[int]] = defaultdict(list)
    for row in rows:
        identity = _identity(row)
        # Of a session's, said without what tells it apart: no attributes can have been said of it.
        if identity or row[2] not in SESSION:
            edge = {"fromEntityId": row[1], "toEntityId": row[3], "type": row[2]}
            facts[relationship_id({**(identity or {}), **edge})].append(row[0])
    found: dict[int, dict[str, list[Any]]] = {}
    for part in chunks(facts):
        put = Parameters()
        known = await store.select(
            f"""SELECT e.id, f.predicate, f.value FROM graph_entities e
                JOIN graph_facts f ON f.subject = e.number AND f.target IS NULL
                WHERE e.id IN {put.any_of(part)} AND {holds(put, moment)}
                ORDER BY f.number""",
            *put.values,
        )
        for id_, name, value in known:
            for number in facts[id_]:
                own = found.setdefault(number, {})
                own.setdefault(name, []).append(msgspec.json.decode(value))
    return found


def _identity(row: Row) -> dict[str, Any] | None:
    return None if row[9] is None else msgspec.json.decode(row[9])


def _found(row: Row, attributes: dict[str, list[Any]] | None) -> Found:
    number, source, type_, target, confidence, start, end, learned, closed, _ = row
    edge = Edge(source, type_, target, confidence, number)
    return Found(edge, _identity(row), start, end, learned, closed, attributes)
