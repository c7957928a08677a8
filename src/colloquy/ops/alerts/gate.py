"""Which notices go out: the same one once, and of one rule or event so many an hour."""

from __future__ import annotations

from collections import OrderedDict, deque

HOUR_US = 3600 * 1_000_000
NAMES = 1000
"""Notices and names remembered; the oldest is forgotten first."""


class Gate:
    """Times are microseconds since 1970, from the caller."""

    def __init__(self, *, repeat_s: float, max_per_hour: int) -> None:
        """The same notice again within `repeat_s` is held back; so is whatever goes beyond
        `max_per_hour` of one name."""
        self._repeat_us = int(repeat_s * 1e6)
        self._max_per_hour = max_per_hour
        self._last: OrderedDict[str, int] = OrderedDict()
        self._lately: OrderedDict[str, deque[int]] = OrderedDict()

    def lets_through(self, name: str, content: str, now: int) -> bool:
        """Whether a notice of this name with this content may go out now; it counts if so."""
        last = self._last.get(content)
        if last is not None and 0 <= now - last < self._repeat_us:
            return False
        lately = self._lately.setdefault(name, deque())
        while lately and lately[0] <= now - HOUR_US:
            lately.popleft()
        if len(lately) >= self._max_per_hour:
            return False
        lately.append(now)
        self._lately.move_to_end(name)
        self._last[content] = now
        self._last.move_to_end(content)
        while len(self._lately) > NAMES:
            self._lately.popitem(last=False)
        while len(self._last) > NAMES:
            self._last.popitem(last=False)
        return True
