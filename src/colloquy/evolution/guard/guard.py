"""Watches how turns end, by version and by the value of a flag that they were served.

    guard = Guard(Limits(), clock=time.monotonic)
    guard.watch("enable_tools", True)
    guard.add("v2", turn_flags_asked, ok=True, seconds=0.2)   # as each attempt at a turn ends
    guard.look(memory=0.4)                                    # about once a second
    guard.verdict("enable_tools").judgement                   # ok, warn, alert or roll_back

No I/O. One thread feeds and asks. A single figure never takes a feature back: it takes the figure
and evidence that chance does not explain it (`evidence`).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

from ...flags import Decision, Value
from ...model.rollouts import Figures, Finding, Judgement, Verdict
from .evidence import Exceeds, Worse
from .limits import Limits
from .window import Totals, Window

ORDER: tuple[Judgement, ...] = ("ok", "warn", "alert", "roll_back")
MAX_VERSIONS = 8
OTHER = "other"
MAX_PENDING = 1024
"""Outcomes that are not counted yet."""

Outcome = tuple[str, Mapping[str, Decision], bool, float]
"""Version, what was asked of flags, whether it went well, seconds."""


class _Release:
    """A flag that is watched: turns with the value, and turns with another."""

    def __init__(self, value: Value, limits: Limits) -> None:
        self.value = value
        self.on = Window(limits.window_s, limits.worst_response_s)
        self.off = Window(limits.window_s, limits.worst_response_s)
        self.errors = Exceeds(limits.warn_error)
        self.slowness = Exceeds(0.05)  # more than 5 % are slow where the 95th percentile is
        self.worse = Worse()
        self._on, self._off = Totals(), Totals()

    def look(self) -> None:
        """Takes what was added since the last look as evidence."""
        on, off = self.on.totals.since(self._on), self.off.totals.since(self._off)
        self._on, self._off = self.on.totals.copy(), self.off.totals.copy()
        self.errors.add(on.count, on.failed)
        self.slowness.add(on.count, on.slow)
        self.worse.add(off.count, off.failed, on.count, on.failed)


class Guard:
    """`clock` returns seconds, from anywhere."""

    def __init__(
        self, limits: Limits | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.limits = limits or Limits()
        self._clock = clock
        self._versions: dict[str, Window] = {}
        self._releases: dict[str, _Release] = {}
        self._pending: list[Outcome] = []
        self._memory: float | None = None
        self._full_since: float | None = None

    # -- what is watched ----------------------------------------------------------------------

    def watch(self, flag: str, value: Value) -> None:
        """Begins with a flag, or begins anew: what was seen of it is forgotten."""
        self._fold()
        self._releases[flag] = _Release(value, self.limits)

    def leave(self, flag: str) -> None:
        """Ends it; one that is not watched is none."""
        self._releases.pop(flag, None)

    @property
    def watched(self) -> list[str]:
        return sorted(self._releases)

    def seen(self, flag: str) -> int:
        """Outcomes with the value since it is watched; 0 for one that is not."""
        self._fold()
        release = self._releases.get(flag)
        return release.on.totals.count if release is not None else 0

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
        now = self._clock()
        for version in {one[0] for one in pending}:
            _count(self._window_of(version), now, [one for one in pending if one[0] == version])
        for flag, release in self._releases.items():
            value = release.value
            on: list[Outcome] = []
            off: list[Outcome] = []
            for one in pending:
                decision = one[1].get(flag)
                if decision is not None:
                    (on if decision[0] == value else off).append(one)
            _count(release.on, now, on)
            _count(release.off, now, off)

    def look(self, memory: float | None = None) -> None:
        """To be called about once a second. `memory`: the share that is used, where it is known."""
        self._fold()
        for release in self._releases.values():
            release.look()
        self._memory = memory
        if memory is None or memory <= self.limits.worst_memory:
            self._full_since = None
        elif self._full_since is None:
            self._full_since = self._clock()

    def _window_of(self, version: str) -> Window:
        if version not in self._versions and len(self._versions) >= MAX_VERSIONS - 1:
            version = OTHER
        found = self._versions.get(version)
        if found is None:
            found = Window(self.limits.window_s, self.limits.worst_response_s)
            self._versions[version] = found
        return found

    # -- asking -------------------------------------------------------------------------------

    def versions(self) -> dict[str, Figures]:
        """Of the last `window_s` seconds."""
        self._fold()
        now = self._clock()
        return {name: one.figures(now) for name, one in sorted(self._versions.items())}

    def verdict(self, flag: str) -> Verdict:
        """What there is to say of a flag that is watched; nothing is wrong with any other."""
        self._fold()
        release = self._releases.get(flag)
        if release is None:
            return Verdict()
        on, off = self._figures(release.on), self._figures(release.off)
        findings = self._of_memory()
        enough = release.on.recent[0] >= self.limits.minimum
        if enough:
            findings += self._of_errors(release)
            findings += self._of_time(release, on)
            if off.count >= self.limits.minimum:
                findings += self._of_baseline(release, on, off)
        findings.sort(key=lambda one: ORDER.index(one.judgement), reverse=True)
        worst = findings[0].judgement if findings else "ok"
        return Verdict(judgement=worst, enough=enough, findings=findings, on=on, off=off)

    def _figures(self, window: Window) -> Figures:
        found = window.figures(self._clock())
        totals = window.totals
        if found.count >= self.limits.minimum or totals.count == found.count:
            return found
        rate = totals.failed / totals.count
        return Figures(
            count=totals.count,
            failed=totals.failed,
            error_rate=rate,
            success_rate=1 - rate,
            mean_s=found.mean_s,
            p95_s=found.p95_s,
            p99_s=found.p99_s,
        )

    def _of_errors(self, release: _Release) -> list[Finding]:
        limits = self.limits
        count, failed = release.on.recent
        rate = failed / count
        if rate <= limits.warn_error:
            return []
        evidence = max(release.errors.value, release.worse.value)
        is_sure = rate > limits.worst_error and evidence >= 1 / limits.alpha
        bound = limits.worst_error if is_sure else limits.warn_error
        found = [
            Finding(
                what="error_rate",
                judgement="roll_back" if is_sure else "warn",
                value=rate,
                bound=bound,
                evidence=evidence,
                says=f"{rate:.1%} of the last {count} turns failed (bound {bound:.0%})",
            )
        ]
        if not is_sure:
            found.append(
                Finding(
                    what="success_rate",
                    judgement="warn",
                    value=1 - rate,
                    bound=1 - limits.warn_error,
                    says=f"{1 - rate:.1%} of the last {count} turns succeeded "
                    f"(bound {1 - limits.warn_error:.0%})",
                )
            )
        return found

    def _of_time(self, release: _Release, on: Figures) -> list[Finding]:
        limits = self.limits
        p95 = on.p95_s
        if p95 is None or p95 <= limits.worst_response_s:
            return []
        is_sure = release.slowness.value >= 1 / limits.alpha
        return [
            Finding(
                what="response_time",
                judgement="roll_back" if is_sure else "warn",
                value=p95,
                bound=limits.worst_response_s,
                evidence=release.slowness.value,
                says=f"the slowest 5 % of {on.count} turns took {p95:.1f} s and more "
                f"(bound {limits.worst_response_s:g} s)",
            )
        ]

    def _of_baseline(self, release: _Release, on: Figures, off: Figures) -> list[Finding]:
        times = self.limits.times_baseline
        rate, base = on.error_rate or 0.0, off.error_rate or 0.0
        found = []
        if rate > times * base and release.worse.value >= 1 / self.limits.alpha:
            found.append(
                Finding(
                    what="baseline",
                    judgement="alert",
                    value=rate,
                    bound=times * base,
                    evidence=release.worse.value,
                    says=f"{rate:.1%} of turns with it failed, {base:.1%} without it",
                )
            )
        if _is_slower(on, off, times):
            found.append(
                Finding(
                    what="baseline",
                    judgement="alert",
                    value=on.mean_s or 0.0,
                    bound=times * (off.mean_s or 0.0),
                    says=f"turns with it took {on.mean_s:.3g} s, without it {off.mean_s:.3g} s",
                )
            )
        return found

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


def _count(window: Window, now: float, outcomes: list[Outcome]) -> None:
    if outcomes:
        window.add(now, [one[2] for one in outcomes], [one[3] for one in outcomes])


def _is_slower(on: Figures, off: Figures, times: float) -> bool:
    """By the mean and by the 95th percentile: a single slow turn moves one of them only."""
    if on.mean_s is None or off.mean_s is None or on.p95_s is None or off.p95_s is None:
        return False
    return on.mean_s > times * off.mean_s and on.p95_s > times * off.p95_s
