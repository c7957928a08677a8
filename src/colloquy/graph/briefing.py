"""What a context needs of the graph in one go: the person, what was promised to them, and the
things that a text names. Asked for one by one these are a dozen round trips."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import Any

import msgspec
from msgspec import Struct

from ..storage.search import query_words
from ..storage.store import Reading, Store
from .queries.sql import Moment, Parameters, holds
from .search.words import read_ranked
from .views import MAX_ATTRIBUTES, FactView, described

MAX_TEXT = 200
"""Characters of a text that are searched for names."""

_PROMISED_TO = "PROMISED_TO"
_FACT = "f.number, f.predicate, f.single, f.value, f.valid_to"


class Told(Struct, frozen=True):
    """An entity as it is known now. `until`: of attributes that are known to end, when that is
    (microseconds)."""

    id: str
    name: str | None
    attributes: dict[str, Any]
    until: dict[str, int]


class Promise(Struct, frozen=True):
    """`until`: when it ends to be one (microseconds); None where nothing is known of an end."""

    told: Told
    until: int | None


class Briefing(Struct, frozen=True):
    """`person`: None where nothing is known of it. `promises` in the order in which they became
    known, `named` the best first."""

    person: Told | None
    promises: list[Promise]
    named: list[Told]


async def brief(
    store: Store, person: str, text: str, now: int, *, promises: int, named: int
) -> Briefing:
    """At most so many `promises` to a person, by id, and so many entities that are `named`.

    Raises StoreUnavailable.
    """
    return await store.explore(
        _read(person, text, Moment(None, now), promises, named, store.dialect)
    )


def _read(
    person: str, text: str, moment: Moment, promises: int, named: int, dialect: str
) -> Reading[Briefing]:
    own, promised = yield from _read_person(person, moment, promises)
    words = query_words(text[:MAX_TEXT])
    if not words or not named:
        return Briefing(own, promised, [])
    found = (yield from read_ranked(words, (), dialect)).ranked
    best = sorted(found, key=lambda number: found[number][0])[:named]
    told = (yield from _read_entities(best, moment)) if best else {}
    known = [told[number] for number in best if number in told]
    oneself = {person, own.id} if own is not None else {person}
    return Briefing(own, promised, [one for one in known if one.id not in oneself])


def _read_person(
    person: str, moment: Moment, promises: int
) -> Reading[tuple[Told | None, list[Promise]]]:
    put = Parameters()
    rows = yield (
        f"""WITH me AS (SELECT coalesce(stands, number) AS number FROM graph_entities
                WHERE id = {put(person)}),
            promised AS (SELECT f.number AS edge, f.valid_to, f.subject FROM graph_facts f
                WHERE f.target IN (SELECT number FROM me) AND f.predicate = {put(_PROMISED_TO)}
                    AND {holds(put, moment)} ORDER BY f.number LIMIT {put(promises)})
            SELECT w.edge, w.until, e.id, e.name, {_FACT}
            FROM (SELECT 0 AS edge, CAST(NULL AS BIGINT) AS until, number FROM me
                UNION ALL SELECT edge, valid_to, subject FROM promised) AS w
            JOIN graph_entities e ON e.number = w.number
            LEFT JOIN graph_facts f ON f.subject = w.number AND f.target IS NULL
                AND {holds(put, moment)}
            ORDER BY w.edge = 0, w.edge, f.number LIMIT {put(MAX_ATTRIBUTES)}""",
        put.values,
    )
    own: Told | None = None
    found: list[Promise] = []
    for (edge, until), group in groupby(rows, key=lambda row: (row[0], row[1])):
        of = list(group)
        told = _told(of[0][2], of[0][3], (row[4:] for row in of), moment)
        if edge:
            found.append(Promise(told, until))
        else:
            own = told
    return own, found


def _read_entities(numbers: Sequence[int], moment: Moment) -> Reading[dict[int, Told]]:
    """Those that searching shows: something is known of them, and no other stands for them."""
    put = Parameters()
    rows = yield (
        f"""SELECT e.number, e.id, e.name, {_FACT} FROM graph_entities e
            LEFT JOIN graph_facts f ON f.subject = e.number AND f.target IS NULL
                AND {holds(put, moment)}
            WHERE e.number IN {put.any_of(numbers)} AND e.kind IS NOT NULL AND e.stands IS NULL
            ORDER BY e.number, f.number LIMIT {put(MAX_ATTRIBUTES)}""",
        put.values,
    )
    return {
        number: _told(of[0][1], of[0][2], (row[3:] for row in of), moment)
        for number, group in groupby(rows, key=lambda row: row[0])
        for of in (list(group),)
    }


def _told(id_: str, name: str | None, rows: Iterable[tuple[Any, ...]], moment: Moment) -> Told:
    """Of rows of `_FACT`, all NULL where there is none."""
    facts = [
        FactView(
            number=number, subject=id_, predicate=predicate, single=bool(single),
            value=None if value is None else msgspec.json.decode(value), valid_from=None,
            valid_to=valid_to, learned_from=0, learned_to=None, confidence=1.0, support=1,
        )
        for number, predicate, single, value, valid_to in rows
        if number is not None
    ]  # fmt: skip
    _, attributes = described(facts, moment)
    until: dict[str, int] = {}
    for fact in facts:
        if fact.valid_to is not None and fact.predicate in attributes:
            until[fact.predicate] = min(fact.valid_to, until.get(fact.predicate, fact.valid_to))
    return Told(id_, name, attributes, until)
