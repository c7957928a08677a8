"""What lies around some entities at a moment, and how much of the past is kept.

No copy of a past state is made: the facts of a position of the ledger are there as long as no
history is pruned that a live point needs.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence

from msgspec import Struct

from ..model.errors import InvalidInput, NotFound
from ..storage.store import Store
from .nodes import Node, Nodes
from .queries.sql import NOW, Moment, Parameters, chunks, holds
from .views import drive, nodes_at

MAX_HOPS = 5
MAX_SEEDS = 1000
MAX_AROUND = 20_000
"""Entities that `around` finds at most."""
PRUNE_BATCH = 1000


class Around(Struct, frozen=True):
    """Entities by number, the seeds among them. `truncated`: there are more."""

    nodes: list[Node]
    truncated: bool


async def around(store: Store, seeds: Sequence[str], hops: int, moment: Moment = NOW) -> Around:
    """All within `hops` relationships of the seeds, in either direction.

    Raises NotFound for a seed that is not known, InvalidInput with the field.
    """
    if not 0 < len(seeds) <= MAX_SEEDS:
        raise InvalidInput(f"`seeds` has 1 to {MAX_SEEDS} entities", field="seeds")
    if not 0 <= hops <= MAX_HOPS:
        raise InvalidInput(f"`hops` is 0 to {MAX_HOPS}", field="hops")
    named = Nodes()
    await drive(store, named.find(seeds))
    missing = sorted(set(seeds) - named.by_id.keys())
    if missing:
        raise NotFound(f"nothing is known of {missing[0][:80]!r}", field="seeds")
    then = await nodes_at(store, [named.by_id[seed].number for seed in seeds], moment)
    start = {then.by_id[seed].representative for seed in seeds}
    found, truncated = await _reached(store, start, hops, moment)
    nodes = Nodes()
    await drive(store, nodes.find_numbers(found))
    return Around([nodes.by_number[number] for number in sorted(found)], truncated)


async def _reached(
    store: Store, start: set[int], hops: int, moment: Moment
) -> tuple[set[int], bool]:
    known, front = set(start), set(start)
    for _ in range(hops):
        reached: set[int] = set()
        for part in chunks(sorted(front)):
            for here, there in (("subject", "target"), ("target", "subject")):
                put = Parameters()
                rows = await store.select(
                    f"SELECT DISTINCT f.{there} FROM graph_facts f WHERE f.{here} IN"
                    f" {put.any_of(part)} AND f.target IS NOT NULL AND {holds(put, moment)}"
                    f" LIMIT {put(MAX_AROUND + 1)}",
                    *put.values,
                )
                reached.update(number for (number,) in rows)
        front = reached - known
        room = MAX_AROUND - len(known)
        if len(front) > room:
            return known | set(sorted(front)[:room]), True
        known |= front
        if not front:
            break
    return known, False


async def prune(store: Store, before: int, live: Iterable[int]) -> int:
    """Deletes versions of facts that ended at or before position `before` and that no live point
    (a position) shows; returns how many. What is known now stays. Raises InvalidInput."""
    if before < 0:
        raise InvalidInput("`before` is a position of the ledger, from 0", field="before")
    points = sorted(set(live))
    after, deleted = 0, 0
    while True:
        rows = await store.scan("graph_facts_closed", after, before, PRUNE_BATCH)
        if not rows:
            return deleted
        after = rows[-1][0]
        unneeded = [
            (number,) for number, since, until in rows if not _is_shown(since, until, points)
        ]
        if unneeded:
            deleted += len(await store.change("graph_facts_forget", list(unneeded)))


def _is_shown(since: int, until: int, points: Sequence[int]) -> bool:
    place = bisect_left(points, since)
    return place < len(points) and points[place] < until
