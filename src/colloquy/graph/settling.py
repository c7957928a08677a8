"""Which slots settle together, and what a change of them does to the tables of facts.

A *group* is what one call of `facts.settle` works out: one attribute, one member of a set, one
relationship, or, of a relationship that an entity has once at a time, all of its targets. Merged
entities have their groups in common; the facts are the representative's.

Which slots a group has needs no index of slots: each has a fact that holds now, or loses against
one and is then listed in `graph_contradictions`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Generator, Iterable, Iterator, Mapping
from itertools import product
from typing import Any, NamedTuple

from msgspec import Struct, field

from ..storage.commit import Rows
from .confidence import combined
from .facts import UNSAID, Fact, settle
from .nodes import Nodes
from .slots import COLLECTION, Name, Slot, member_in, member_of, read_slot
from .statements import Merge, Statement
from .values import canonical

EVERY = 0
"""The target of a group that has all of them; no entity has this number."""


class Group(NamedTuple):
    """`subject` and `target` are numbers of representatives; `member` as in a slot's key."""

    subject: int
    predicate: str
    single: bool
    target: int | None
    member: str | None


class FactRow(NamedTuple):
    """A row of `graph_facts`."""

    number: int
    subject: int
    predicate: str
    single: int
    target: int | None
    value: bytes | None
    valid_from: int | None
    valid_to: int | None
    confidence: float
    support: int
    learned_from: int

    @property
    def member(self) -> str | None:
        """As in the key of the slots on which it rests."""
        if self.value is None or (self.target is None and self.single):
            return None
        return member_of(self.value)

    @property
    def group(self) -> Group:
        return _group(self.subject, self.predicate, bool(self.single), self.target, self.member)

    @property
    def said(self) -> tuple[Any, ...]:
        """What the fact says: a fact that says the same stays as it is."""
        return self[1:10]


class Clash(NamedTuple):
    """A row of `graph_contradictions`."""

    number: int
    subject: int
    predicate: str
    single: int
    target: int | None
    kind: str
    chosen: str
    other: str
    chosen_key: str
    other_key: str
    learned_from: int

    @property
    def member(self) -> str | None:
        """Of the slot of the other side."""
        return member_in(self.other_key)

    @property
    def group(self) -> Group:
        return _group(self.subject, self.predicate, bool(self.single), self.target, self.member)

    @property
    def said(self) -> tuple[Any, ...]:
        return self[1:10]


class Held(Struct):
    """What the tables say now of the groups that are to be settled again."""

    facts: dict[int, FactRow] = field(default_factory=dict)
    clashes: dict[int, Clash] = field(default_factory=dict)

    def take(self, facts: Rows, clashes: Rows) -> None:
        self.facts.update((row[0], FactRow(*row)) for row in facts)
        self.clashes.update((row[0], Clash(*row)) for row in clashes)

    def rows(self) -> list[FactRow | Clash]:
        return [*self.facts.values(), *self.clashes.values()]

    def representatives(self) -> set[int]:
        """The entities in them; facts know no others."""
        rows = self.rows()
        targets = {row.target for row in rows if row.target is not None}
        return targets | {row.subject for row in rows}

    def names(self, nodes: Nodes) -> Iterator[Name]:
        """The slots on which they rest, and maybe some that are empty."""
        for row in self.rows():
            subjects = nodes.one_with(row.subject)
            if row.target is None:
                for subject in subjects:
                    yield Name(subject.id, row.predicate, None, row.member)
            else:
                for subject, target in product(subjects, nodes.one_with(row.target)):
                    yield Name(subject.id, row.predicate, target.id, row.member)


class News(Struct):
    """What is to be written: rows without their numbers, and numbers of rows."""

    facts: list[tuple[Any, ...]] = field(default_factory=list)
    """subject, predicate, single, target, value, valid_from, valid_to, learned_from, confidence,
    support"""
    closed: list[tuple[FactRow, int]] = field(default_factory=list)
    clashes: list[tuple[Any, ...]] = field(default_factory=list)
    solved: list[int] = field(default_factory=list)


def group_of(name: Name, nodes: Nodes) -> Group:
    subject = nodes.by_id[name.subject].representative
    target = None if name.target is None else nodes.by_id[name.target].representative
    return _group(subject, name.predicate, name.single, target, name.member)


def _group(
    subject: int, predicate: str, single: bool, target: int | None, member: str | None
) -> Group:
    if single and target is not None:
        return Group(subject, predicate, single, EVERY, None)
    return Group(subject, predicate, single, target, member)


def gather(groups: Iterable[Group], held: Held) -> Generator[tuple[str, Rows], Rows, None]:
    """Reads what the tables say of these groups."""
    wanted = set(groups)
    if not wanted:
        return
    edges = sorted((g.subject, g.predicate, g.target) for g in wanted if g.target)
    others = sorted({(g.subject, g.predicate) for g in wanted if not g.target})
    facts: Rows = []
    if edges:
        facts += yield "graph_facts_of_edge", list(edges)
    if others:
        facts += yield "graph_facts_of_predicate", list(others)
    pairs = sorted({(group.subject, group.predicate) for group in wanted})
    clashes = yield "graph_contradictions_of", list(pairs)
    held.take(
        [row for row in facts if FactRow(*row).group in wanted],
        [row for row in clashes if Clash(*row).group in wanted],
    )


def read_slots(
    names: Iterable[Name], slots: dict[str, Slot | None]
) -> Generator[tuple[str, Rows], Rows, None]:
    """Adds the slots that are not there yet as the ledger has them now."""
    wanted = {name.key: name for name in names}
    missing = sorted(wanted.keys() - slots.keys())
    if not missing:
        return
    slots.update(dict.fromkeys(missing))
    for _, key, _, after in (yield "change_heads", [(COLLECTION, key) for key in missing]):
        if after is not None:
            slots[key] = read_slot(key, after)


def settled(
    slots: Mapping[str, Slot | None],
    held: Held,
    nodes: Nodes,
    positions: Mapping[str, int],
    otherwise: int,
) -> News:
    """What changes when these slots are all that is said in their groups.

    `positions` are those of the slots that changed, `otherwise` counts for groups without any.
    """
    groups: dict[Group, list[Slot]] = defaultdict(list)
    since: dict[Group, int] = defaultdict(int)
    for key, slot in slots.items():
        if slot is not None and not slot.name.is_merge:
            group = group_of(slot.name, nodes)
            groups[group].append(slot)
            since[group] = max(since[group], positions.get(key, 0))
    facts: dict[tuple[Any, ...], int] = {}
    clashes: dict[tuple[Any, ...], int] = {}
    for group, together in groups.items():
        position = since[group] or otherwise
        _settle(group, together, nodes, position, facts, clashes)
    news = News()
    for row in held.facts.values():
        if row.said in facts:
            del facts[row.said]
        else:
            news.closed.append((row, since.get(row.group) or otherwise))
    for clash in held.clashes.values():
        if clash.said in clashes:
            del clashes[clash.said]
        else:
            news.solved.append(clash.number)
    news.facts += [(*said[:7], position, *said[7:]) for said, position in facts.items()]
    news.clashes += [(*said, position) for said, position in clashes.items()]
    return news


def _settle(
    group: Group,
    slots: list[Slot],
    nodes: Nodes,
    position: int,
    facts: dict[tuple[Any, ...], int],
    clashes: dict[tuple[Any, ...], int],
) -> None:
    if len(slots) == 1 and len(slots[0].bodies) == 1:
        facts[_alone(group, slots[0], nodes)] = position
        return
    places: dict[str, tuple[str, int | None]] = {}
    for slot in slots:
        target = slot.name.target
        number = None if target is None else nodes.by_id[target].representative
        places |= {one.id: (slot.name.key, number) for one in slot.assertions()}
    result = settle(statements_of(slots, nodes))
    for fact in result.facts:
        facts[said_of(group, fact, nodes)] = position
    for found in result.contradictions:
        other_key, target_number = places[found.other]
        said = (
            group.subject, group.predicate, int(group.single), target_number, found.kind,
            found.chosen, found.other, places[found.chosen][0], other_key,
        )  # fmt: skip
        clashes[said] = position


def _alone(group: Group, slot: Slot, nodes: Nodes) -> tuple[Any, ...]:
    """The fact of a single assertion, which needs no settling."""
    (one,) = slot.assertions()
    target = None if one.target is None else nodes.by_id[one.target].representative
    return (
        group.subject, group.predicate, int(group.single), target,
        None if one.value is None else canonical(one.value), one.valid_from, one.valid_to,
        combined([one.evidence or UNSAID]), 1,
    )  # fmt: skip


def statements_of(slots: Iterable[Slot], nodes: Nodes) -> list[Statement]:
    """What these slots say, with the merges that matter to it."""
    found: list[Statement] = []
    for slot in slots:
        found += slot.assertions()
        found += _merges(slot.name, nodes)
    return found


def _merges(name: Name, nodes: Nodes) -> Iterator[Merge]:
    for id_ in (name.subject, name.target):
        node = None if id_ is None else nodes.by_id[id_]
        if node is not None and node.stands is not None:
            yield Merge(kept=nodes.by_number[node.stands].id, other=node.id, learned=0)


def said_of(group: Group, fact: Fact, nodes: Nodes) -> tuple[Any, ...]:
    target = None if fact.target is None else nodes.by_id[fact.target].number
    value = None if fact.value is None else canonical(fact.value)
    return (
        group.subject, group.predicate, int(group.single), target, value, fact.valid_from,
        fact.valid_to, fact.confidence, len(fact.support),
    )  # fmt: skip
