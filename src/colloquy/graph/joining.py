"""Merges of entities, and their undoing: who stands for whom, and which facts that moves.

A merge writes nothing into the slots of the entities, so undoing it is exact: the same slots
settle apart again.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence

from ..storage.commit import Rows
from .merging import representatives
from .nodes import Nodes
from .settling import Group, Held, gather, read_slots
from .slots import Name, Slot
from .statements import Merge


def join(
    merges: Sequence[tuple[Name, bool, int]],
    nodes: Nodes,
    held: Held,
    slots: dict[str, Slot | None],
) -> Generator[tuple[str, Rows], Rows, set[int]]:
    """Makes these merges hold, or no longer hold, from a position on.

    Reads into `held` the facts that may move and into `slots` what they rest on; gives the
    entities another representative and returns their numbers.
    """
    if not merges:
        return set()
    ends = {id_ for name, _, _ in merges for id_ in (name.subject, name.target) if id_}
    old = {nodes.by_id[id_].representative for id_ in ends}
    yield from nodes.find_behind(old)
    members = {node.number: node for one in old for node in nodes.one_with(one)}
    pairs = yield from _pairs(merges, list(members), nodes)
    yield from _touched(old, held)
    yield from nodes.find_behind(held.representatives())
    yield from read_slots(held.names(nodes), slots)
    ids = {number: node.id for number, node in members.items()}
    stands = representatives(
        Merge(kept=ids[kept], other=ids[other], learned=0) for kept, other in sorted(pairs)
    )
    moved = set()
    for number, node in members.items():
        chosen = nodes.by_id[stands.get(node.id, node.id)].number
        representative = None if chosen == number else chosen
        if representative != node.stands:
            nodes.place(node, representative)
            moved.add(number)
    return moved


def _pairs(
    merges: Sequence[tuple[Name, bool, int]], members: list[int], nodes: Nodes
) -> Generator[tuple[str, Rows], Rows, set[tuple[int, int]]]:
    """The merges among these that hold from now on."""
    rows = yield "graph_merges_of", [(number,) for number in sorted(members)]
    pairs = {(kept, other) for kept, other, _, until in rows if until is None}
    begun: Rows = []
    ended: Rows = []
    for name, holds, position in merges:
        assert name.target is not None
        pair = (nodes.by_id[name.subject].number, nodes.by_id[name.target].number)
        if holds and pair not in pairs:
            pairs.add(pair)
            begun.append((*pair, position))
        elif not holds and pair in pairs:
            pairs.discard(pair)
            ended.append((*pair, position))
    if ended:
        yield "graph_merge_close", ended
    if begun:
        yield "graph_merge_insert", begun
    return pairs


def _touched(entities: set[int], held: Held) -> Generator[tuple[str, Rows], Rows, None]:
    """Reads every fact from or to these entities, and the whole groups to which they belong."""
    rows: Rows = [(number,) for number in sorted(entities)]
    facts = yield "graph_facts_out_of", rows
    facts += yield "graph_facts_into", rows
    clashes = yield "graph_contradictions_about", rows
    clashes += yield "graph_contradictions_into", rows
    held.take(facts, clashes)
    rest = (row for row in held.rows() if row.single and row.target is not None)
    shared: set[Group] = {row.group for row in rest}
    yield from gather(shared, held)
