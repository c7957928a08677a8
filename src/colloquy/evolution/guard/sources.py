"""Who handed in what: what comes twice counts once."""

from __future__ import annotations

from collections.abc import Mapping

MAX_SOURCES = 64
"""Processes whose newest number is remembered, those that handed in last."""


class Sources:
    """The newest number of each process. Each numbers what it hands in, upwards."""

    def __init__(self, newest: Mapping[str, int] | None = None) -> None:
        self._newest = dict(newest or {})

    def is_new(self, source: str, number: int) -> bool:
        """Notes that `source` hands in this number; False where it has done so before."""
        before = self._newest.pop(source, -1)
        # Behind all others, as the one that came last.
        self._newest[source] = max(before, number)
        while len(self._newest) > MAX_SOURCES:
            del self._newest[next(iter(self._newest))]
        return number > before

    def kept(self) -> dict[str, int]:
        return self._newest
