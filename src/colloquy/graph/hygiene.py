"""How clean the graph is: shares of junk, of repeats and of what has gone stale.

Junk is what an admission refused of all that was offered; a repeat is an assertion that was known
word for word; stale is a fact that no longer holds in the world, or that was not learned or
confirmed for `stale_days`.
"""

from __future__ import annotations

from msgspec import Struct

from ..ledger.history import History
from ..model.errors import InvalidInput
from ..model.times import Clock
from ..storage.store import Store

STALE_DAYS = 180
"""Half a year: our own choice, nothing was measured."""
_DAY_US = 86_400_000_000


class Hygiene(Struct, frozen=True, kw_only=True):
    """Counts since the database was made, but for facts: those that are known now."""

    offered: int
    """Statements handed to the graph or refused before."""
    refused: int
    repeated: int
    facts: int
    stale: int

    @property
    def junk_rate(self) -> float:
        return _share(self.refused, self.offered)

    @property
    def duplicate_rate(self) -> float:
        """Of what was not refused."""
        return _share(self.repeated, self.offered - self.refused)

    @property
    def stale_rate(self) -> float:
        return _share(self.stale, self.facts)


async def hygiene(
    store: Store, past: History, clock: Clock, stale_days: int = STALE_DAYS
) -> Hygiene:
    """Reads every current fact once, beside the event loop. Raises InvalidInput."""
    if stale_days < 1:
        raise InvalidInput("`stale_days` must be at least 1", field="stale_days")
    now = clock()
    ((facts, stale),) = await store.scan(
        "graph_stale_count", now, await past.position_at(now - stale_days * _DAY_US)
    )
    counters: dict[str, int] = dict(await store.query("graph_counters"))
    refused = counters["graph_refused"]
    return Hygiene(
        offered=counters["graph_offered"] + refused, refused=refused,
        repeated=counters["graph_repeated"], facts=facts, stale=stale or 0,
    )  # fmt: skip


def _share(part: int, whole: int) -> float:
    return part / whole if whole else 0.0
