"""Batch size by itself: grow while batches are quick, shrink when one takes too long.

Additive increase, multiplicative decrease, as in TCP's congestion control (Chiu and Jain, 1989):
the size settles where a full batch takes about the target time, whatever the machine.
"""

from __future__ import annotations

TARGET_S = 0.12
"""A full batch should not take longer: half of the latency budget at half load (200 ms)."""
LEAST = 16
STEP = 8
CUT = 0.7


class BatchTuner:
    """`size` turns per batch, at most `limit`."""

    def __init__(self, limit: int, target_s: float = TARGET_S) -> None:
        self.limit = limit
        self.target_s = target_s
        self.size = limit

    def observe(self, turns: int, seconds: float) -> None:
        """A batch of this many turns took so long."""
        if turns < self.size:
            return
        if seconds > self.target_s:
            self.size = max(min(LEAST, self.limit), int(self.size * CUT))
        else:
            self.size = min(self.limit, self.size + STEP)
