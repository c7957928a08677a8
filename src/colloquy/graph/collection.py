"""The ledger collection `graph`: brings entities, facts and merges up to date with its rows.

Learning, a rollback, a merge and an import all end here. A slot that is new is one new fact; any
other change settles its group again (`settling`) and writes only what differs.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from typing import Any

from ..ledger.collections import Collection, Refused, Steps, Write, encode_value
from ..ledger.merge import Missing
from ..ledger.values import Value
from ..model.errors import InvalidInput
from ..storage.commit import Rows
from ..storage.store import Store
from .joining import join
from .labels import LABELS, labels, newest
from .learning import TYPE
from .nodes import Node, Nodes
from .settling import Held, News, gather, group_of, read_slots, settled
from .slots import (
    COLLECTION,
    SAME,
    Entry,
    Name,
    Slot,
    bucket_of,
    is_relationship,
    parse_key,
    read_slot,
)
from .verifying import drifted

Fresh = tuple[Entry, int]
"""An entry of which the slot is new and holds nothing else, and its position of the ledger."""


class GraphCollection(Collection):
    """Knowledge. A record is a slot (`slots`). Without `store` nothing can be verified."""

    plain = False

    def __init__(self, store: Store | None = None) -> None:
        super().__init__(COLLECTION)
        self.store = store

    def rank(self, key: str) -> int:
        """The kind of an entity first, then its attributes, relationships, merges."""
        _, predicate, *rest = key.split("|")
        if predicate == SAME:
            return 4
        if is_relationship(key):
            return 3
        return 1 if predicate == TYPE and not rest else 2

    def entities(self, key: str) -> tuple[str, ...]:
        """The ends of a slot; its key where an id in that is too long to be told."""
        name = parse_key(key)
        if name is None:
            return (key,)
        return (name.subject,) if name.target is None else (name.subject, name.target)

    def needs(self, key: str, value: Value) -> list[tuple[str, str]]:
        """A relationship needs the kinds of its ends."""
        if self.rank(key) != 3 or not isinstance(value, dict):
            return []
        ends = (value.get("subject"), value.get("target"))
        return [(COLLECTION, Name(end, TYPE).key) for end in ends if isinstance(end, str)]

    def check(self, key: str, now: Value | Missing, then: Value | Missing) -> None:
        if isinstance(then, Missing):
            return
        try:
            read_slot(key, encode_value(then))
        except InvalidInput as error:
            raise Refused(str(error)) from None

    async def verify(self, records: Mapping[str, bytes | None]) -> list[str]:
        return [] if self.store is None else await drifted(self.store, records)

    def lock(self, keys: Sequence[str]) -> Steps:
        if keys:
            yield "graph_lock", [(bucket,) for bucket in sorted({bucket_of(key) for key in keys})]

    def apply(self, writes: Sequence[Write]) -> Steps:
        yield from self.bring(writes, ())

    def bring(
        self, writes: Sequence[Write], fresh: Sequence[Fresh]
    ) -> Generator[tuple[str, Rows], Rows, News]:
        """`apply`, where some of the slots are known to be new."""
        if not writes and not fresh:
            return News()
        positions = {write.change.key: write.position for write in writes}
        top = max([*(write.position for write in writes), *(position for _, position in fresh)])
        slots, names = yield from _slots(writes)
        nodes = Nodes()
        mentioned = _mentioned(names, fresh)
        yield from nodes.find(mentioned)
        yield from nodes.find_behind(node.representative for node in list(nodes.by_id.values()))
        made = yield from _number(sorted(mentioned - nodes.by_id.keys()), nodes)
        quick, others = _parted(names, fresh, nodes)
        for one, position in others:
            names[one.key], slots[one.key] = one.name, one.slot()
            positions[one.key] = position
        merges = sorted(key for key, name in names.items() if name.predicate == SAME)
        rest = sorted(names.keys() - set(merges))
        news, held = News(), Held()
        moved: set[int] = set()
        if rest or merges:
            pairs = [(names[key], slots[key] is not None, positions[key]) for key in merges]
            moved = yield from join(pairs, nodes, held, slots)
            yield from gather({group_of(names[key], nodes) for key in rest}, held)
            yield from nodes.find_behind(held.representatives())
            yield from read_slots(held.names(nodes), slots)
            since = {key: positions[key] for key in rest}
            news = settled(slots, held, nodes, since, top)
        news.facts += [_fact(entry, nodes, position) for entry, position in quick]
        yield from _insert(made, news, top)
        yield from _write(news)
        yield from _describe(made, moved, news, nodes, top)
        sources = _sources(quick, [slots[key] for key in rest])
        if sources:
            yield "graph_source_insert", sources
        return news


def _slots(
    writes: Sequence[Write],
) -> Generator[tuple[str, Rows], Rows, tuple[dict[str, Slot | None], dict[str, Name]]]:
    """The slots that were written, by key, and what their keys say."""
    slots: dict[str, Slot | None] = {}
    names: dict[str, Name] = {}
    unclear: Rows = []
    last = {write.change.key: write for write in writes}
    for key, (change, position) in last.items():
        if change.after is not None:
            slots[key] = slot = read_slot(key, change.after)
            names[key] = slot.name
        else:
            slots[key] = None
            name = parse_key(key)
            if name is None:
                unclear.append((COLLECTION, key, position - 1))
            else:
                names[key] = name
    if unclear:  # a hashed id: what was there before says whose it is
        for _, key, _, after in (yield "change_values_at", unclear):
            if after is not None:
                names[key] = read_slot(key, after).name
    return slots, names


def _number(ids: Sequence[str], nodes: Nodes) -> Generator[tuple[str, Rows], Rows, list[Node]]:
    if not ids:
        return []
    ((top,),) = yield "counter_add", [("graph_entities", len(ids))]
    made = [Node(id_, top - len(ids) + place, None) for place, id_ in enumerate(ids, 1)]
    for node in made:
        nodes.add(node)
    return made


def _mentioned(names: Mapping[str, Name], fresh: Sequence[Fresh]) -> set[str]:
    """The ids of all entities in these slots."""
    mentioned = {one.subject for one, _ in fresh}
    mentioned.update(one.target for one, _ in fresh if one.target is not None)
    for name in names.values():
        mentioned.add(name.subject)
        if name.target is not None:
            mentioned.add(name.target)
    return mentioned


def _parted(
    names: Mapping[str, Name], fresh: Sequence[Fresh], nodes: Nodes
) -> tuple[Sequence[Fresh], Sequence[Fresh]]:
    """The fresh entries that need no settling, and the others: all where a merge changes who is
    one."""
    if any(name.predicate == SAME for name in names.values()):
        return [], fresh
    if any(one.predicate == SAME for one, _ in fresh):
        return [], fresh
    quick: list[Fresh] = []
    others: list[Fresh] = []
    for pair in fresh:
        entry = pair[0]
        shares = entry.single and entry.target is not None
        if shares or (nodes.any_merged and _is_merged(entry, nodes)):
            others.append(pair)
        else:
            quick.append(pair)
    return quick, others


def _is_merged(entry: Entry, nodes: Nodes) -> bool:
    """Whether somebody merged an entity of it with another."""
    ends = (nodes.by_id[id_] for id_ in (entry.subject, entry.target) if id_ is not None)
    return any(nodes.is_merged(node) for node in ends)


def _fact(entry: Entry, nodes: Nodes, position: int) -> tuple[Any, ...]:
    """The one fact that an entry makes in a slot that is new."""
    target = entry.target
    return (
        nodes.by_id[entry.subject].number, entry.predicate, int(entry.single),
        None if target is None else nodes.by_id[target].number, entry.value, entry.valid_from,
        entry.valid_to, position, entry.confidence, 1,
    )  # fmt: skip


def _insert(made: Sequence[Node], news: News, top: int) -> Steps:
    """Writes the new entities, with what is known of them already."""
    if not made:
        return
    new = {node.number for node in made}
    told = newest(
        (subject, predicate, value, start)
        for subject, predicate, single, _, value, start, end, *_ in news.facts
        if predicate in LABELS and single and value is not None and end is None and subject in new
    )
    for node in made:
        node.kind, node.name = labels(told.get(node.number, {}))
    yield (
        "graph_entity_insert",
        [(node.number, node.id, node.kind, node.name, node.stands, top) for node in made],
    )


def _write(news: News) -> Steps:
    if news.closed:
        yield "graph_fact_close", [(row.number, position) for row, position in news.closed]
    if news.solved:
        yield "graph_contradiction_delete", [(number,) for number in news.solved]
    count = len(news.facts) + len(news.clashes)
    if not count:
        return
    # One counter for both: contradictions are few.
    ((number,),) = yield "counter_add", [("graph_facts", count)]
    number -= count
    numbered = [(number + place, *row) for place, row in enumerate(news.facts, 1)]
    if numbered:
        yield "graph_fact_insert", numbered
    number += len(numbered)
    if news.clashes:
        yield (
            "graph_contradiction_insert",
            [(number + place, *row) for place, row in enumerate(news.clashes, 1)],
        )


def _describe(made: Sequence[Node], moved: set[int], news: News, nodes: Nodes, top: int) -> Steps:
    """Brings kind, name, representative and `changed` of older entities up to date."""
    new = {node.number for node in made}
    told = [(row[0], row[1], row[4]) for row in news.facts if row[3] is None]
    told += [(row.subject, row.predicate, row.value) for row, _ in news.closed]
    # What is no text does not describe.
    named = {
        subject for subject, predicate, _ in told if predicate in LABELS and subject not in new
    }
    changed = {
        subject
        for subject, _, value in told
        if subject not in new and value is not None and value.startswith(b'"')
    }
    changed |= named | moved
    if named:
        rows = yield "graph_labels", [(number,) for number in sorted(named)]
        found = newest(rows)
        for number in named:
            node = nodes.by_number[number]
            node.kind, node.name = labels(found.get(number, {}))
    if changed:
        described = [nodes.by_number[number] for number in sorted(changed)]
        yield (
            "graph_entity_set",
            [(node.number, node.kind, node.name, node.stands, top) for node in described],
        )


def _sources(quick: Sequence[Fresh], slots: Sequence[Slot | None]) -> Rows:
    found: Rows = [(entry.event, entry.key) for entry, _ in quick if entry.event is not None]
    for slot in slots:
        if slot is not None:
            events = (one.evidence.event for one in slot.said() if one.evidence is not None)
            found += {(event, slot.name.key) for event in events if event is not None}
    return found
