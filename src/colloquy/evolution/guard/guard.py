"""Watches how turns end, by version and by the value of a flag that they were served.

    guard = Guard(Limits(), clock=time.monotonic)
    guard.watch("enable_tools", True)
    guard.add("v2", turn_flags_asked, ok=True, seconds=0.2)   # as each attempt at a turn ends
    guard.look(memory=0.4)                                    # about once a second
    guard.verdict("enable_tools").judgement                   # ok, warn, alert or roll_back

No I/O. One thread feeds and asks. A single figure never takes a feature back: it takes the figure
and evidence that chance does not explain it (`evidence`).

Where several processes watch together, each takes out what it saw (`take`), hands it in where all
of them do, and tells the guard what is known there (`know`); then it does without `look`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

from ...flags import Decision, Value
from ...model.rollouts import Figures, Finding, Verdict
from .judging import judged
from .limits import Limits
from .release import Fresh, Release
from .versions import Versions, named
from .window import Outcomes

MAX_PENDING = 1024
"""Outcomes that are not counted yet."""

Outcome = tuple[str, Mapping[str, Decision], bool, float]
"""Version, what was asked of flags, whether it went well, seconds."""


class _Watched:
    """A flag: what is known of it, and what this process saw since."""

    __slots__ = ("fresh", "release", "value")

    def __init__(self, value: Value, release: Release) -> None:
        self.value = value
        self.release = release
        self.fresh = Fresh()


class Guard:
    """`clock` returns seconds, from anywhere; the same for all who watch together."""

    def __init__(
        self, limits: Limits | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.limits = limits or Limits()
        self._clock = clock
        self._versions = Versions(self.limits.window_s)
        self._fresh: dict[str, Outcomes] = {}
        self._watched: dict[str, _Watched] = {}
        self._pending: list[Outcome] = []
        self._memory: float | None = None
        self._full_since: float | None = None

    # -- what is watched ----------------------------------------------------------------------

    def watch(self, flag: str, value: Value) -> None:
        """Begins with a flag, or begins anew: what was seen of it is forgotten."""
        self._fold()
        self._watched[flag] = _Watched(value, Release(self.limits))

    def leave(self, flag: str) -> None:
        """Ends it; one that is not watched is none."""
        self._watched.pop(flag, None)

    @property
    def watched(self) -> list[str]:
        return sorted(self._watched)

    def release(self, flag: str) -> Release | None:
        """What is known of a flag; None for one that is not watched."""
        found = self._watched.get(flag)
        return None if found is None else found.release

    def seen(self, flag: str) -> int:
        """Outcomes with the value since it is watched; 0 for one that is not."""
        self._fold()
        found = self._watched.get(flag)
        return 0 if found is None else found.release.on.all.count + found.fresh.on.tally.count

    # -- feeding ------------------------------------------------------------------------------

    def add(self, version: str, asked: Mapping[str, Decision], ok: bool, seconds: float) -> None:
        """An attempt at a turn ended: of a client of this version, with what it asked of flags."""
        self._pending.append((version, asked, ok, seconds))
        if len(self._pending) >= MAX_PENDING:
            self._fold()

    def _fold(self) -> None:
        """Counts what was added since the last time: together, since most of the cost is once."""
        if not self._pending:
            return
        pending, self._pending = self._pending, []
        slow_s = self.limits.worst_response_s
        for version in {one[0] for one in pending}:
            of_it = [one for one in pending if one[0] == version]
            name = named(version, self._fresh)
            _note(self._fresh.setdefault(name, Outcomes()), of_it, slow_s)
        for flag, watched in self._watched.items():
            on: list[Outcome] = []
            off: list[Outcome] = []
            for one in pending:
                decision = one[1].get(flag)
                if decision is not None:
                    (on if decision[0] == watched.value else off).append(one)
            _note(watched.fresh.on, on, slow_s)
            _note(watched.fresh.off, off, slow_s)

    def take(self, flag: str) -> Fresh:
        """What this process saw of a flag since the last time; it is the caller's from now on.
        Nothing of one that is not watched."""
        self._fold()
        fresh, watched = Fresh(), self._watched.get(flag)
        if watched is not None:
            fresh, watched.fresh = watched.fresh, fresh
        return fresh

    def take_versions(self) -> dict[str, Outcomes]:
        """As `take`, by version."""
        self._fold()
        fresh, self._fresh = self._fresh, {}
        return fresh

    def know(self, flag: str, release: Release) -> None:
        """What is known of a flag by now; one that is not watched stays so."""
        if flag in self._watched:
            self._watched[flag].release = release

    def know_versions(self, versions: Versions) -> None:
        self._versions = versions

    # -- asking -------------------------------------------------------------------------------

    def look(self, memory: float | None = None) -> None:
        """To be called about once a second. `memory`: the share that is used, where it is known."""
        now = self._clock()
        for flag, watched in self._watched.items():
            watched.release.take(now, self.take(flag))
        self._versions.take(now, self.take_versions())
        self.remember(memory)

    def remember(self, memory: float | None) -> None:
        """How much of this process's memory is used now; see `look`."""
        self._memory = memory
        if memory is None or memory <= self.limits.worst_memory:
            self._full_since = None
        elif self._full_since is None:
            self._full_since = self._clock()

    def versions(self) -> dict[str, Figures]:
        """Of the last `window_s` seconds."""
        self._fold()
        return self._versions.figures(self._clock(), self._fresh)

    def verdict(self, flag: str) -> Verdict:
        """What there is to say of a flag that is watched; nothing is wrong with any other."""
        watched = self._watched.get(flag)
        if watched is None:
            return Verdict()
        return judged(watched.release, self.limits, self._clock(), self._of_memory())

    def _of_memory(self) -> list[Finding]:
        limits = self.limits
        if self._full_since is None or self._memory is None:
            return []
        is_long = self._clock() - self._full_since >= limits.memory_for_s
        return [
            Finding(
                what="memory",
                judgement="roll_back" if is_long else "warn",
                value=self._memory,
                bound=limits.worst_memory,
                says=f"{self._memory:.0%} of the memory is used (bound {limits.worst_memory:.0%})",
            )
        ]


def _note(outcomes: Outcomes, found: list[Outcome], slow_s: float) -> None:
    if found:
        outcomes.note([one[2] for one in found], [one[3] for one in found], slow_s)
