"""One step along relationships, for many entities at once: what every walk is made of.

A walk goes one level at a time, a query a level, and remembers the entities it has seen: each is
left only once. A recursive query can only tell apart (entity, level), so it leaves an entity again
on every level that it meets it on. Measured on a million relationships (three hops, SQLite) levels
take half its time. What a walk keeps in memory is bounded by its budget.

Walks are readings (`Store.explore`): on SQLite a walk of many levels crosses to the reading thread
once, and what it works out is worked out there.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import pairwise
from operator import itemgetter
from typing import Literal, NamedTuple

from msgspec import Struct

from ...model.errors import InvalidInput
from ...storage.store import Reading
from ..relationships import type_named
from .entities import Node
from .sql import Dialect, Moment, Parameters, check_bound, chunks, holds

Direction = Literal["outgoing", "incoming", "both"]
DIRECTIONS = ("outgoing", "incoming", "both")

BUDGET = 20_000
"""Relationships that one query reads unless it says otherwise: some 30 ms on SQLite."""
MAX_BUDGET = 200_000
MAX_TYPES = 64


class Step(NamedTuple):
    """A relationship between two entities by their numbers; `fact` is its row's number."""

    fact: int
    source: int
    type: str
    target: int
    confidence: float
    valid_to: int | None

    def other(self, end: int) -> int:
        """The entity at the other end; itself for a loop."""
        return self.target if end == self.source else self.source


class Joins(NamedTuple):
    """Relationships, of each in every column: numbers of facts and of entities."""

    facts: list[int]
    sources: list[int]
    targets: list[int]


_STEP = "f.number, f.subject, f.predicate, f.target, f.confidence, f.valid_to"
_JOIN = "f.number, f.subject, f.target"


class Edge(Struct, frozen=True, gc=False):
    """A relationship as results show it. `fact` is the number of the row that says so; `valid_to`
    in microseconds, None while no end is known."""

    source: str
    type: str
    target: str
    confidence: float
    fact: int
    valid_to: int | None = None


class Walk:
    """Reads relationships for one query, never more of them than its budget.

    `truncated` becomes true when there were more.
    """

    def __init__(
        self, dialect: Dialect, types: Sequence[str], moment: Moment, budget: int = BUDGET
    ) -> None:
        """`types` empty: all. Raises InvalidInput."""
        self._dialect = dialect
        self._types = check_types(types)
        self._moment = moment
        self._left = check_bound(budget, "budget", MAX_BUDGET)
        self.truncated = False

    def steps(
        self,
        entities: Collection[int],
        direction: Direction,
        types: Sequence[str] | None = None,
    ) -> Reading[list[Step]]:
        """The relationships at these entities, by fact number, each once.

        `types`: these instead of the walk's own.
        """
        wanted = self._types if types is None else types
        put = Parameters()
        rows = yield self._joined(put, _STEP, entities, direction, wanted), put.values
        found = sorted(map(Step._make, rows[: self._spent(len(rows))]), key=itemgetter(0))
        if direction != "both":
            return found
        # A relationship between two of the entities was found from both sides.
        return found[:1] + [one for last, one in pairwise(found) if one.fact != last.fact]

    def joins(self, entities: Collection[int], direction: Direction) -> Reading[Joins]:
        """Like `steps`, but no more than who is joined, in no order, and some of them twice."""
        dialect, put = self._dialect, Parameters()
        inner = self._joined(put, _JOIN, entities, direction, self._types)
        names = ("number", "subject", "target")
        columns = ", ".join(f"{dialect.as_list}({name})" for name in names)
        ((facts, sources, targets),) = yield f"SELECT {columns} FROM ({inner}) AS c", put.values
        found = Joins(dialect.decode(facts), dialect.decode(sources), dialect.decode(targets))
        count = len(found.facts)
        most = self._spent(count)
        return found if most == count else Joins(*(column[:most] for column in found))

    def _joined(
        self,
        put: Parameters,
        columns: str,
        entities: Collection[int],
        direction: Direction,
        types: Sequence[str],
    ) -> str:
        """The text that reads what the budget leaves, and one row more if there are more."""
        sides = {"outgoing": ("subject",), "incoming": ("target",)}.get(
            direction, ("subject", "target")
        )
        part = sorted(entities)
        texts = []
        for side in sides:
            # CROSS keeps SQLite from beginning with the facts.
            source = f"{self._dialect.numbers(put, part)} CROSS JOIN graph_facts f"
            tests = [f"f.{side} = j.value", "f.target IS NOT NULL"]
            if types:
                tests.append(f"f.predicate IN {put.any_of(types)}")
            tests.append(holds(put, self._moment))
            texts.append(f"SELECT {columns} FROM {source} WHERE {' AND '.join(tests)}")
        return f"{' UNION ALL '.join(texts)} LIMIT {put(self._left + 1)}"

    def _spent(self, count: int) -> int:
        """How many of so many rows the budget allows; it is less by them from now on."""
        self.truncated |= count > self._left
        most = min(count, self._left)
        self._left -= most
        return most


def read_steps(facts: Iterable[int]) -> Reading[list[Step]]:
    """These relationships whole, by number."""
    found: list[Step] = []
    for part in chunks(sorted(facts)):
        put = Parameters()
        rows = yield (
            f"SELECT {_STEP} FROM graph_facts f WHERE f.number IN {put.any_of(part)}",
            put.values,
        )
        found += map(Step._make, rows)
    return sorted(found)


def check_types(types: Sequence[str], field: str = "types") -> tuple[str, ...]:
    """Relationship types, older names resolved, each once. Raises InvalidInput."""
    if len(types) > MAX_TYPES:
        raise InvalidInput(f"`{field}` has more than {MAX_TYPES} types", field=field)
    try:
        return tuple(sorted({type_named(name) for name in types}))
    except InvalidInput as error:
        raise InvalidInput(error.detail, field=field) from None


def check_direction(direction: str) -> None:
    """Raises InvalidInput."""
    if direction not in DIRECTIONS:
        raise InvalidInput(f"`direction` is one of {', '.join(DIRECTIONS)}", field="direction")


def reverse(direction: Direction) -> Direction:
    opposite: dict[Direction, Direction] = {"outgoing": "incoming", "incoming": "outgoing"}
    return opposite.get(direction, "both")


def reached(steps: Iterable[Step], front: Collection[int], direction: Direction) -> set[int]:
    """The entities to which these steps lead from `front`, whatever was seen before."""
    found = set()
    for step in steps:
        if direction != "incoming" and step.source in front:
            found.add(step.target)
        if direction != "outgoing" and step.target in front:
            found.add(step.source)
    return found


def edges_of(steps: Iterable[Step], nodes: Mapping[int, Node]) -> list[Edge]:
    """The steps with the ids of their ends, in order."""
    return [
        Edge(nodes[source].id, type_, nodes[target].id, confidence, fact, valid_to)
        for fact, source, type_, target, confidence, valid_to in steps
    ]
