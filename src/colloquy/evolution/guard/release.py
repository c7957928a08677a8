"""What is known of a flag that is watched: turns with the value and without it, and evidence.

It may be stored and taken up again, and outcomes may come from several processes: each hands in
what it saw, with a number of its own, and what is handed in twice counts once.
"""

from __future__ import annotations

from msgspec import Struct

from .evidence import Exceeds, KeptBet, Slower, Worse
from .limits import Limits
from .sources import Sources
from .tally import OCTAVE, KeptTally, Tally
from .window import KeptWindow, Outcomes, Window

TOGETHER = 20
"""So many turns are compared at once, so that there are some of both sides among them."""
TOGETHER_S = 10.0
"""Fewer are compared after so long: a worse hour must not be compared with a better one. Neither
number depends on which side a turn is of, or on how it ended."""


class KeptRelease(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A release as it is stored. `seen_before`: turns with the value before the present step, which
    began at `step_at`; `sources`: the newest number of each process, the newest last."""

    step_at: int
    seen_before: int
    on: KeptWindow
    off: KeptWindow
    waiting_on: KeptTally
    waiting_off: KeptTally
    waiting_since_s: float | None
    tail: int | None
    bets: list[KeptBet]
    sources: dict[str, int]


class Fresh:
    """What one process saw of a release and has not handed in."""

    __slots__ = ("off", "on")

    def __init__(self) -> None:
        self.on, self.off = Outcomes(), Outcomes()

    @property
    def is_empty(self) -> bool:
        return not self.on.tally.count and not self.off.tally.count


class Release:
    """Times are seconds of the clock of all who hand in, but for `step_at` in microseconds."""

    def __init__(self, limits: Limits) -> None:
        self._minimum = limits.minimum
        self.on, self.off = Window(limits.window_s), Window(limits.window_s)
        self.errors = Exceeds(limits.warn_error)
        self.slowness = Exceeds(limits.slow_share)
        self.worse = Worse()
        self.slower = Slower()
        self.tail = Worse()
        self._bets = (self.errors, self.slowness, self.worse, self.slower, self.tail)
        self._on, self._off = Tally(), Tally()
        self._since_s: float | None = None
        self._tail: int | None = None
        self._step_at = 0
        self._seen_before = 0
        self._sources = Sources()

    # -- what comes in ------------------------------------------------------------------------

    def take(self, now_s: float, fresh: Fresh, source: str = "", number: int = 0) -> bool:
        """Counts outcomes; False where `source` has handed in this `number` before."""
        if source and not self._sources.is_new(source, number):
            return False
        self.on.add(now_s, fresh.on)
        self.off.add(now_s, fresh.off)
        on = fresh.on.tally
        self.errors.add(on.count, on.failed)
        self.slowness.add(on.count, on.slow)
        self._on.add(on)
        self._off.add(fresh.off.tally)
        if self._since_s is None and not fresh.is_empty:
            self._since_s = now_s
        self.compare(now_s)
        return True

    def is_due(self, now_s: float) -> bool:
        """Is there something to be compared?"""
        if self._since_s is None:
            return False
        waiting = self._on.count + self._off.count
        return waiting >= TOGETHER or now_s - self._since_s >= TOGETHER_S

    def compare(self, now_s: float) -> None:
        """Takes what waited for it as evidence of a difference, where that is due."""
        if not self.is_due(now_s):
            return
        on, off = self._on, self._off
        self.worse.add(off.count, off.failed, on.count, on.failed)
        self.slower.add(off.bins, on.bins)
        if self._tail is not None:
            # From before these turns, or they would choose what they are judged by.
            long_off = int(off.bins[self._tail + 1 :].sum())
            long_on = int(on.bins[self._tail + OCTAVE + 1 :].sum())
            self.tail.add(off.count, long_off, on.count, long_on)
        tally = self.off.tally(now_s, self._minimum)
        self._tail = tally.bin_of(0.95) if tally.count >= self._minimum else None
        self._on, self._off, self._since_s = Tally(), Tally(), None

    @property
    def slower_value(self) -> float:
        """Of both bets that it is slower, by all times and by the long ones: half is placed on
        each, so that they are one."""
        return (self.slower.value + self.tail.value) / 2

    # -- steps --------------------------------------------------------------------------------

    def step(self, step_at: int) -> bool:
        """Counts the turns of a step anew that began then; False for one that is not newer."""
        if step_at <= self._step_at:
            return False
        self._step_at, self._seen_before = step_at, self.on.all.count
        return True

    def seen(self, step_at: int) -> int:
        """Turns that were served the value since the step that began then, if it is known here."""
        return self.on.all.count - self._seen_before if step_at == self._step_at else 0

    # -- keeping ------------------------------------------------------------------------------

    def kept(self) -> KeptRelease:
        return KeptRelease(
            step_at=self._step_at,
            seen_before=self._seen_before,
            on=self.on.kept(),
            off=self.off.kept(),
            waiting_on=self._on.kept(),
            waiting_off=self._off.kept(),
            waiting_since_s=self._since_s,
            tail=self._tail,
            bets=[bet.kept() for bet in self._bets],
            sources=self._sources.kept(),
        )

    @classmethod
    def of(cls, kept: KeptRelease, limits: Limits) -> Release:
        """Raises ValueError for one of another version."""
        found = cls(limits)
        found.on.take_up(kept.on)
        found.off.take_up(kept.off)
        found._on, found._off = Tally.of(kept.waiting_on), Tally.of(kept.waiting_off)
        found._since_s, found._tail = kept.waiting_since_s, kept.tail
        for bet, said in zip(found._bets, kept.bets, strict=True):
            bet.take_up(said)
        found._step_at, found._seen_before = kept.step_at, kept.seen_before
        found._sources = Sources(kept.sources)
        return found
