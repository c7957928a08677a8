"""What is known, as it is shown: entities and facts with the evidence on which they rest.

A past state is read like the present one: facts, merges and slots all know at which positions of
the ledger they held.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec
from msgspec import Struct

from ..ledger.collections import Steps
from ..model.errors import NotFound
from ..storage.commit import Rows
from ..storage.statements import STATEMENTS
from ..storage.store import Store
from .evidence import Evidence
from .facts import settle
from .kinds import SHAPES, check_id, needed_sets
from .learning import TYPE
from .merging import representatives
from .nodes import Node, Nodes
from .queries.sql import Moment, Parameters, holds
from .settling import FactRow, Group, Held, group_of, said_of, statements_of
from .slots import COLLECTION, Name, Slot, read_slot
from .statements import Assertion, Merge
from .values import canonical

HEAD = 2**62
"""A position after everything."""
MAX_ATTRIBUTES = 2000
"""Facts that describe one entity where that is bounded."""


class FactView(Struct, frozen=True, kw_only=True):
    """One version of a fact, and why it is believed.

    `valid_…` in microseconds, `learned_…` positions of the ledger, ends exclusive; None is open.
    `single`: there is one such value at a time. `assertions` are those on which it rests.
    """

    number: int
    subject: str
    predicate: str
    single: bool
    value: Any = None
    target: str | None = None
    valid_from: int | None
    valid_to: int | None
    learned_from: int
    learned_to: int | None
    confidence: float
    support: int
    assertions: list[Assertion] = []

    def holds_at(self, at_us: int) -> bool:
        """Whether it was so at this time of the world."""
        return (self.valid_from is None or self.valid_from <= at_us) and (
            self.valid_to is None or at_us < self.valid_to
        )

    @property
    def evidence(self) -> list[Evidence]:
        return [one.evidence for one in self.assertions if one.evidence is not None]


class EntityView(Struct, frozen=True, kw_only=True):
    """What is known of an entity. `id` is that of its representative, `merged` are the others that
    are one with it; `attributes` are those that hold, `facts` all of its own, also past ones.
    """

    id: str
    kind: str | None
    attributes: dict[str, Any]
    facts: list[FactView]
    merged: list[str]
    until: dict[str, int] = {}
    """Of attributes that are known to end, when; of several values the first end."""


class ContradictionView(Struct, frozen=True, kw_only=True):
    """Two assertions that cannot both be true, since position `learned_from`; the facts follow
    `chosen`. `kind` as of `facts.Contradiction`."""

    number: int
    subject: str
    predicate: str
    kind: str
    chosen: Assertion
    other: Assertion
    learned_from: int


async def drive(store: Store, steps: Steps) -> None:
    """Runs steps that only read, outside a transaction."""
    try:
        name, rows = next(steps)
        while True:
            if name in STATEMENTS:
                found = await store.read(name, rows)
            else:
                found = await store.query(name, *rows[0])
            name, rows = steps.send(found)
    except StopIteration:
        return


async def entity_view(store: Store, id_: str, moment: Moment) -> EntityView:
    """Raises NotFound where nothing was known of it at that moment."""
    check_id(id_, "id")
    nodes = Nodes()
    await drive(store, nodes.find([id_]))
    known = nodes.by_id.get(id_)
    if known is not None:
        nodes = await nodes_at(store, [known.number], moment)
        subject = nodes.by_number[nodes.by_id[id_].representative]
        # All of them, whenever they hold: what ended decides on what the rest stands.
        rows = await _rows(store, [("subject", subject.number)], Moment(moment.as_of))
        facts = await _with_evidence(store, rows, moment)
        facts = [fact for fact in facts if moment.at_us is None or fact.holds_at(moment.at_us)]
        if facts:
            others = nodes.one_with(subject.number)[1:]
            kind, attributes = described(facts, moment)
            return EntityView(
                id=subject.id, kind=kind, attributes=attributes, facts=facts,
                merged=sorted(node.id for node in others),
            )  # fmt: skip
    raise NotFound(f"nothing is known of {id_[:80]!r}", field="id")


async def description(store: Store, id_: str, moment: Moment) -> tuple[EntityView, bool]:
    """`entity_view` with its attributes alone and without their evidence: what it costs does not
    grow with its relationships. Also whether it has more than `MAX_ATTRIBUTES`. Raises NotFound."""
    nodes = await nodes_at(store, [await representative(store, id_, moment)], moment)
    subject = nodes.by_number[nodes.by_id[id_].representative]
    rows = await _rows(
        store, [("subject", subject.number)], moment, 0, MAX_ATTRIBUTES + 1, "f.target IS NULL"
    )
    if not rows and not await _rows(store, [("subject", subject.number)], moment, 0, 1):
        raise NotFound(f"nothing is known of {id_[:80]!r}", field="id")
    facts = await _shown(store, rows[:MAX_ATTRIBUTES])
    kind, attributes = described(facts, moment)
    ends = sorted(
        ((fact.predicate, fact.valid_to) for fact in facts if fact.valid_to is not None),
        key=lambda end: -end[1],
    )
    others = nodes.one_with(subject.number)[1:]
    view = EntityView(
        id=subject.id, kind=kind, attributes=attributes, facts=[],
        merged=sorted(node.id for node in others),
        until={name: end for name, end in ends if name in attributes} if moment.at_us else {},
    )  # fmt: skip
    return view, len(rows) > MAX_ATTRIBUTES


async def facts_with_evidence(
    store: Store, tests: list[tuple[str, Any]], moment: Moment, after: int, limit: int
) -> list[FactView]:
    """As `fact_views`, with the assertions on which they rest."""
    rows = await _rows(store, tests, moment, after, limit)
    # Of relationships that an entity has one of at a time, the others decide on what each stands.
    single = {(row[1], row[2]) for row in rows if row[3] and row[4] is not None}
    beside = {row[0]: row for row in rows}
    for subject, predicate in sorted(single):
        others = [("subject", subject), ("predicate", predicate)]
        beside |= {row[0]: row for row in await _rows(store, others, Moment(moment.as_of))}
    shown = {row[0] for row in rows}
    facts = await _with_evidence(store, [beside[number] for number in sorted(beside)], moment)
    return [fact for fact in facts if fact.number in shown]


async def representative(store: Store, id_: str, moment: Moment) -> int:
    """The number under which the facts of an entity were at that moment. Raises NotFound."""
    check_id(id_, "id")
    rows = await store.read("graph_entities_by_id", [(id_,)])
    if not rows:
        raise NotFound(f"nothing is known of {id_[:80]!r}", field="id")
    nodes = await nodes_at(store, [rows[0][1]], moment)
    return nodes.by_id[id_].representative


async def contradiction_views(store: Store, rows: Rows) -> list[ContradictionView]:
    """Of rows of `graph_contradictions_page`."""
    keys = sorted({key for row in rows for key in row[5:7]})
    heads = await store.read("change_heads", [(COLLECTION, key) for key in keys])
    said = {
        (key, one.id): one
        for _, key, _, after in heads
        if after is not None
        for one in read_slot(key, after).assertions()
    }
    return [
        ContradictionView(
            number=number, subject=subject, predicate=predicate, kind=kind,
            chosen=said[chosen_key, chosen], other=said[other_key, other],
            learned_from=learned_from,
        )
        for number, predicate, kind, chosen, other, chosen_key, other_key, learned_from, subject
        in rows
        if (chosen_key, chosen) in said and (other_key, other) in said
    ]  # fmt: skip


async def fact_views(
    store: Store, tests: list[tuple[str, Any]], moment: Moment, after: int, limit: int
) -> list[FactView]:
    """Facts whose columns have these values, by number; without their assertions."""
    rows = await _rows(store, tests, moment, after, limit)
    return await _shown(store, rows)


async def nodes_at(store: Store, numbers: Iterable[int], moment: Moment) -> Nodes:
    """These entities and all that were one with them at that moment, as they stood then."""
    position = HEAD if moment.as_of is None else moment.as_of
    known: set[int] = set()
    pairs: set[tuple[int, int]] = set()
    new = set(numbers)
    while new:
        known |= new
        rows = await store.read("graph_merges_of", [(number,) for number in sorted(new)])
        found = {
            (kept, other)
            for kept, other, since, until in rows
            if since <= position and (until is None or until > position)
        }
        pairs |= found
        new = {number for pair in found for number in pair} - known
    read = await store.read("graph_entities_by_number", [(number,) for number in sorted(known)])
    ids = {number: id_ for id_, number, *_ in read}
    stands = representatives(
        Merge(kept=ids[kept], other=ids[other], learned=0) for kept, other in sorted(pairs)
    )
    numbers_of = {id_: number for number, id_ in ids.items()}
    nodes = Nodes()
    for id_, number, _, kind, name in read:
        chosen = numbers_of[stands.get(id_, id_)]
        nodes.add(Node(id_, number, None if chosen == number else chosen, kind, name))
    return nodes


async def _with_evidence(store: Store, rows: list[Any], moment: Moment) -> list[FactView]:
    """The facts of these rows (`_COLUMNS`), with the assertions on which they rest."""
    numbers = {row[1] for row in rows} | {row[4] for row in rows if row[4] is not None}
    nodes = await nodes_at(store, numbers, moment)
    held = Held()
    held.take([row[:11] for row in rows], [])
    position = HEAD if moment.as_of is None else moment.as_of
    names = {name.key: name for name in held.names(nodes)}
    found = await slots_at(store, names.values(), position)
    support = _support(found.values(), nodes)
    return [_view(row, nodes, support.get(FactRow(*row[:11]).said, [])) for row in rows]


async def slots_at(store: Store, names: Iterable[Name], position: int) -> dict[str, Slot]:
    """The slots of these names as they were, those that were not empty."""
    keys = sorted({name.key for name in names})
    rows = await store.read("change_values_at", [(COLLECTION, key, position) for key in keys])
    return {key: read_slot(key, after) for _, key, _, after in rows if after is not None}


def _support(slots: Iterable[Slot], nodes: Nodes) -> dict[tuple[Any, ...], list[Assertion]]:
    groups: dict[Group, list[Slot]] = defaultdict(list)
    for slot in slots:
        groups[group_of(slot.name, nodes)].append(slot)
    support = {}
    for group, together in groups.items():
        said = {one.id: one for slot in together for one in slot.assertions()}
        for fact in settle(statements_of(together, nodes)).facts:
            support[said_of(group, fact, nodes)] = [said[id_] for id_ in fact.support]
    return support


_COLUMNS = """f.number, f.subject, f.predicate, f.single, f.target, f.value, f.valid_from,
    f.valid_to, f.confidence, f.support, f.learned_from, f.learned_to"""


async def _rows(
    store: Store,
    tests: list[tuple[str, Any]],
    moment: Moment,
    after: int = 0,
    limit: int = 2**31,
    also: str = "TRUE",
) -> Rows:
    put = Parameters()
    parts = [also, *(f"f.{column} = {put(value)}" for column, value in tests)]
    parts += [holds(put, moment), f"f.number > {put(after)}"]
    return await store.select(
        f"SELECT {_COLUMNS} FROM graph_facts f WHERE {' AND '.join(parts)}"
        f" ORDER BY f.number LIMIT {put(limit)}",
        *put.values,
    )


async def _shown(store: Store, rows: Rows) -> list[FactView]:
    nodes = Nodes()
    numbers = {row[1] for row in rows} | {row[4] for row in rows if row[4] is not None}
    await drive(store, nodes.find_numbers(numbers))
    return [_view(row, nodes, []) for row in rows]


def _view(row: Any, nodes: Nodes, assertions: list[Assertion]) -> FactView:
    fact = FactRow(*row[:11])
    return FactView(
        number=fact.number,
        subject=nodes.by_number[fact.subject].id,
        predicate=fact.predicate,
        single=bool(fact.single),
        value=None if fact.value is None else msgspec.json.decode(fact.value),
        target=None if fact.target is None else nodes.by_number[fact.target].id,
        valid_from=fact.valid_from,
        valid_to=fact.valid_to,
        learned_from=fact.learned_from,
        learned_to=row[11],
        confidence=fact.confidence,
        support=fact.support,
        assertions=assertions,
    )


def described(facts: list[FactView], moment: Moment) -> tuple[str | None, dict[str, Any]]:
    """Kind and attributes; without a time of the world, as after the last change that is known."""
    single: dict[str, Any] = {}
    sets: dict[str, list[Any]] = {}
    for fact in facts:
        if fact.target is not None or (moment.at_us is None and fact.valid_to is not None):
            continue
        if fact.single:
            single[fact.predicate] = fact.value
        else:
            sets.setdefault(fact.predicate, []).append(fact.value)
    kind = single.pop(TYPE, None)
    kind = kind if isinstance(kind, str) else None
    needed = needed_sets(kind, single) if kind in SHAPES else []
    members: Mapping[str, list[Any]] = {name: [] for name in needed if name not in single} | sets
    return kind, single | {name: sorted(of, key=canonical) for name, of in members.items()}
