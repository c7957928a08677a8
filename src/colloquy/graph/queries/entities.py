"""Entities by id and by number. An entity that was merged counts as the one that stands for it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from msgspec import Struct

from ...model.errors import NotFound
from ...storage.store import Reading, Store
from ..kinds import check_id
from .sql import NOW, Moment, Parameters, check_moment, chunks, holds


class Node(Struct, frozen=True, gc=False):
    """An entity as lists show it; kind and name are as of now, None where nothing is known."""

    id: str
    kind: str | None
    name: str | None


class Named(NamedTuple):
    """An entity's number, and that of the one that stands for it (its own, if none does)."""

    number: int
    stands: int


async def numbers_of(store: Store, ids: Iterable[str]) -> dict[str, Named]:
    """The numbers of these ids, those that exist."""
    return await store.explore(read_numbers(ids))


async def nodes_of(store: Store, numbers: Iterable[int]) -> dict[int, Node]:
    """Number → entity."""
    return await store.explore(read_nodes(numbers))


async def resolve(store: Store, id_: str, field: str, moment: Moment = NOW) -> int:
    """See `read_resolved`."""
    return await store.explore(read_resolved(id_, field, moment))


def read_numbers(ids: Iterable[str]) -> Reading[dict[str, Named]]:
    """See `numbers_of`."""
    found: dict[str, Named] = {}
    for part in chunks(dict.fromkeys(ids)):
        put = Parameters()
        rows = yield (
            "SELECT id, number, coalesce(stands, number) FROM graph_entities"
            f" WHERE id IN {put.any_of(part)}",
            put.values,
        )
        found |= {id_: Named(number, stands) for id_, number, stands in rows}
    return found


def read_nodes(numbers: Iterable[int]) -> Reading[dict[int, Node]]:
    """See `nodes_of`."""
    found: dict[int, Node] = {}
    # In their order they lie side by side in the file.
    for part in chunks(sorted(set(numbers))):
        put = Parameters()
        rows = yield (
            f"SELECT number, id, kind, name FROM graph_entities WHERE number IN {put.any_of(part)}",
            put.values,
        )
        found |= {number: Node(id_, kind, name) for number, id_, kind, name in rows}
    return found


def read_resolved(id_: str, field: str, moment: Moment = NOW) -> Reading[int]:
    """The number under which the facts about an entity are, at this moment.

    A merged entity is its representative, but at a position of the ledger at which it still had
    facts of its own it is itself. Raises NotFound, InvalidInput.
    """
    check_id(id_, field)
    check_moment(moment)
    named = (yield from read_numbers([id_])).get(id_)
    if named is None:
        raise NotFound(f"the graph knows no entity {id_!r}", field=field)
    if named.stands == named.number or moment.as_of is None:
        return named.stands
    put = Parameters()
    known = Moment(as_of=moment.as_of)
    own = yield (
        f"""SELECT 1 FROM graph_facts f WHERE f.subject = {put(named.number)}
                AND {holds(put, known)}
            UNION ALL SELECT 1 FROM graph_facts f WHERE f.target = {put(named.number)}
                AND {holds(put, known)} LIMIT 1""",
        put.values,
    )
    return named.number if own else named.stands
