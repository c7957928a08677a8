"""Gives a layer that is too slow, batch after batch, a rest.

A budget never decides about one message: what was measured on former batches says whether a layer
takes part in the next one, and a result names the layers that did not.
"""

from __future__ import annotations

BUDGETS_MS = {"patterns": 10.0, "tagger": 50.0, "dictionary": 5.0}
"""Mean time of a message in a batch, by layer."""
STRIKES = 5
"""Batches over budget in a row that open the breaker."""
REST = 100
"""Batches that an open layer leaves out before it is tried on one."""


class Breaker:
    """Counts batches over budget. Time comes from outside."""

    def __init__(self) -> None:
        self._strikes = dict.fromkeys(BUDGETS_MS, 0)
        self._rest = dict.fromkeys(BUDGETS_MS, 0)

    def allows(self, layer: str) -> bool:
        """May the layer take part in this batch? To be asked once per batch."""
        if self._rest[layer] == 0:
            return True
        self._rest[layer] -= 1
        return self._rest[layer] == 0

    def spent(self, layer: str, ns: int, messages: int) -> None:
        """The layer took `ns` nanoseconds for a batch. After a rest one strike opens again."""
        if ns <= BUDGETS_MS[layer] * 1e6 * max(1, messages):
            self._strikes[layer] = 0
            return
        self._strikes[layer] += 1
        if self._strikes[layer] >= STRIKES:
            self._rest[layer] = REST + 1
