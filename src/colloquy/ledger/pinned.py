"""What live points keep of the history before the horizon: counted after a compaction, then read.

Counting looks at every row up to the horizon once, so it is never done for somebody who asks.
"""

from __future__ import annotations

from heapq import nlargest

import msgspec
from msgspec import Struct

from ..model.times import Clock
from ..storage.store import Store
from .points import Points

COUNTED = "ledger_pinned"
"""In `meta`: the newest count."""
MOST_POINTS = 1000
"""Points whose figures are kept: those that keep the most bytes."""
SHARED = ""
"""Instead of a point's id: rows that more than one point needs."""


class Pinned(Struct, frozen=True, kw_only=True):
    """Rows, and bytes of their values, that are there for points alone. `points`: by its id, what
    goes with one. `counted_at` in microseconds; 0 where nothing was compacted yet."""

    counted_at: int = 0
    rows: int = 0
    bytes: int = 0
    points: dict[str, tuple[int, int]] = {}


_decoder = msgspec.json.Decoder(Pinned)


async def read_pinned(store: Store) -> Pinned:
    """As of the newest count: a point made or deleted since is not in it."""
    stored = await store.meta(COUNTED)
    return _decoder.decode(stored) if stored else Pinned()


async def count_pinned(store: Store, points: Points, clock: Clock) -> Pinned:
    """Counts and stores. Reads nothing of the history where no point is before the horizon."""
    now = clock()
    ((horizon, _),) = await store.query("ledger_horizon")
    _, lowest = await points.figures()
    found: dict[str, tuple[int, int]] = {}
    if lowest is not None and lowest < horizon:
        rows = await store.scan("ledger_pinned_bytes", horizon, now)
        found = {point: (count, int(size)) for point, count, size in rows}
    counts = Pinned(
        counted_at=now,
        rows=sum(count for count, _ in found.values()),
        bytes=sum(size for _, size in found.values()),
        points=dict(
            nlargest(
                MOST_POINTS,
                ((point, of) for point, of in found.items() if point != SHARED),
                key=lambda one: one[1][1],
            )
        ),
    )
    await store.set_meta(COUNTED, msgspec.json.encode(counts).decode())
    return counts
