"""How often the accurate tier may be asked while messages pour in (decision 2)."""

from __future__ import annotations

SHARE = 0.05
"""Of the messages of a saturated pipeline."""
SMALL_BATCH = 8
"""Batches up to this size mean that nobody waits: all of their unsure messages may be asked about.

Workers take what is there: under load their batches are full."""
MAX_CREDIT = 16.0
"""Questions that may be saved up, so that a burst after a calm does not stop a process."""


class Budget:
    """Counts what one process may ask. All processes together stay within `share`, as each does."""

    def __init__(self, share: float = SHARE) -> None:
        self._share = share
        self._credit = 0.0

    def grant(self, batch: int, unsure: int) -> int:
        """How many of a batch's `unsure` messages may go to the accurate tier."""
        self._credit = min(MAX_CREDIT, self._credit + self._share * batch)
        if batch <= SMALL_BATCH and self._share > 0.0:
            return unsure
        granted = min(unsure, int(self._credit))
        self._credit -= granted
        return granted
