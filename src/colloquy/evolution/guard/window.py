"""Outcomes of the last while, of all time, and the newest: bounded however much comes in."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from msgspec import Struct

from ...model.rollouts import Figures
from .tally import KeptTally, Tally

PANES = 10
"""A window's edge is right to within a tenth of its length."""
RECENT = 200
"""So many turns say what a rate is now: a good week before them must not hide it."""
_FAILED, _SLOW = 1, 2
"""What a byte of the newest says of a turn."""


class Outcomes:
    """Outcomes that are not in any window yet: what one process has seen since it last told."""

    __slots__ = ("newest", "tally")

    def __init__(self) -> None:
        self.tally = Tally()
        self.newest = b""

    def note(self, fine: Sequence[bool], seconds: Sequence[float], slow_s: float) -> None:
        """In the order in which they ended: whether each went well, and its seconds; above `slow_s`
        one is slow."""
        failed, took = np.logical_not(fine), np.asarray(seconds, np.float64)
        slow = took > slow_s
        self.tally.note(failed, took, slow)
        said = _FAILED * failed[-RECENT:] + _SLOW * slow[-RECENT:]
        self.newest = (self.newest + said.astype(np.uint8).tobytes())[-RECENT:]


class KeptWindow(Struct, array_like=True, frozen=True, forbid_unknown_fields=True):
    """A window as it is stored."""

    panes: list[tuple[int, KeptTally]] = []
    all: KeptTally = KeptTally()
    newest: bytes = b""


class Window:
    """Outcomes of the last `span_s` seconds, the last RECENT, and sums of all.

    Times are seconds of any clock that all who add go by. One that goes back adds to what is
    newest.
    """

    def __init__(self, span_s: float) -> None:
        self._width_s = span_s / PANES
        self._panes: list[tuple[int, Tally]] = []
        self._newest = b""
        self.all = Tally()

    def add(self, now_s: float, outcomes: Outcomes) -> None:
        """Outcomes that ended at about `now_s`."""
        if not outcomes.tally.count:
            return
        number = int(now_s // self._width_s)
        if not self._panes or self._panes[-1][0] < number:
            self._panes.append((number, Tally()))
            self._panes = self._live(number)
        self._panes[-1][1].add(outcomes.tally)
        self._newest = (self._newest + outcomes.newest)[-RECENT:]
        self.all.add(outcomes.tally)

    def _live(self, number: int) -> list[tuple[int, Tally]]:
        return [one for one in self._panes if one[0] > number - PANES]

    @property
    def recent(self) -> tuple[int, int, int]:
        """Of the last RECENT, however long ago: how many there are, how many failed, how many were
        slow."""
        newest = self._newest
        return (
            len(newest),
            sum(one & _FAILED > 0 for one in newest),
            sum(one & _SLOW > 0 for one in newest),
        )

    def tally(self, now_s: float, minimum: int = 0) -> Tally:
        """Of the last `span_s` seconds before `now_s`; of all where those are fewer than
        `minimum`."""
        found = Tally()
        for _, pane in self._live(int(now_s // self._width_s)):
            found.add(pane)
        return found if found.count >= minimum else self.all

    def figures(self, now_s: float, minimum: int = 0) -> Figures:
        """See `tally`."""
        return self.tally(now_s, minimum).figures()

    def kept(self) -> KeptWindow:
        panes = [(number, pane.kept()) for number, pane in self._panes]
        return KeptWindow(panes, self.all.kept(), self._newest)

    def take_up(self, kept: KeptWindow) -> None:
        """What was stored, in the place of what is here. Raises ValueError."""
        self._panes = [(number, Tally.of(pane)) for number, pane in kept.panes]
        self.all = Tally.of(kept.all)
        self._newest = kept.newest[-RECENT:]
