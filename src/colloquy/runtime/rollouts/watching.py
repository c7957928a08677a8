"""What all processes of one database together know of releases, each with a row of its own there.

Every process adds what it saw since it last did to the row, if that still has the revision it read,
and judges by the row: so all judge by the same turns, a restart goes on where it was, and there is
one bet for each hypothesis however many look at it. What is added has a number of its process:
where nobody knows whether it arrived it is added again, and counts once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol, TypeVar

import msgspec

from ...evolution.guard import Guard
from ...evolution.guard.plan import Plan
from ...evolution.guard.release import Fresh, KeptRelease, Release
from ...evolution.guard.versions import KeptVersions, Versions
from ...evolution.guard.window import Outcomes
from ...model.times import Clock
from ...storage.store import Store
from ...telemetry import get_logger

log = get_logger(__name__)

VERSIONS_ROW = "/versions"
"""The name of no flag."""
VERSIONS_EVERY_US = 10_000_000
"""Turns by version are shown and nothing follows from them: they are written less often."""
TRIES = 5
"""Others may be faster so often; then the next look is to add it."""

_release = msgspec.json.Decoder(KeptRelease)
_versions = msgspec.json.Decoder(KeptVersions)
_encode = msgspec.json.Encoder().encode


class _Known(Protocol):
    """A Release, or the Versions."""

    def kept(self) -> Any: ...


K = TypeVar("K", bound=_Known)
Row = tuple[int, int, bytes]
"""Since when, revision, what is stored."""


class Watch:
    """Brings the guard what is known. `source`: the name of this process."""

    def __init__(self, store: Store, guard: Guard, source: str, clock: Clock) -> None:
        self._store = store
        self._guard = guard
        self._source = source
        self._clock = clock
        self._number = 0
        self._waiting: dict[tuple[str, int], tuple[int, Any]] = {}
        """By name and since when: what was handed in without an answer, with its number."""
        self._versions_at = 0

    async def exchange(self, plans: Sequence[Plan]) -> None:
        """Hands in what this process saw of these plans, and takes out what is known of them.

        Raises StoreUnavailable; what could not be handed in is handed in the next time.
        """
        rows = await self._read([plan.flag for plan in plans])
        for plan in plans:
            await self._release(plan, rows.get(plan.flag))
        wanted = {(plan.flag, plan.started_at) for plan in plans} | {(VERSIONS_ROW, 0)}
        for ended in self._waiting.keys() - wanted:
            del self._waiting[ended]
        if self._clock() - self._versions_at >= VERSIONS_EVERY_US:
            await self.hand_in_versions()

    async def recall(self, plans: Sequence[Plan]) -> None:
        """Takes out what is known and hands in nothing. Raises StoreUnavailable."""
        rows = await self._read([*(plan.flag for plan in plans), VERSIONS_ROW])
        for plan in plans:
            release, _ = self._taken_up(plan, rows.get(plan.flag))
            self._guard.know(plan.flag, release)
        self._guard.know_versions(self._versions_of(rows.get(VERSIONS_ROW)))

    async def hand_in_versions(self) -> None:
        """Turns by version, both ways. Raises StoreUnavailable."""
        self._versions_at = self._clock()
        rows = await self._read([VERSIONS_ROW])

        def add(versions: Versions, number: int, fresh: Mapping[str, Outcomes]) -> bool:
            return bool(fresh) and versions.take(self._now_s(), fresh, self._source, number)

        known = await self._hand_in(
            VERSIONS_ROW, 0, rows.get(VERSIONS_ROW), self._versions_of,
            self._guard.take_versions, add,
        )  # fmt: skip
        if known is not None:
            self._guard.know_versions(known)

    async def _release(self, plan: Plan, row: Row | None) -> None:
        if row is not None and row[0] > plan.started_at:
            return  # there is a newer plan, which this process has not heard of
        is_new = False

        def taken_up(found: Row | None) -> Release:
            nonlocal is_new
            release, is_new = self._taken_up(plan, found)
            return release

        def add(release: Release, number: int, fresh: Fresh) -> bool:
            now = self._now_s()
            changed = is_new
            if not fresh.is_empty:
                changed |= release.take(now, fresh, self._source, number)
            if release.is_due(now):
                release.compare(now)
                changed = True
            return release.step(plan.step_at) or changed

        known = await self._hand_in(
            plan.flag, plan.started_at, row, taken_up, lambda: self._guard.take(plan.flag), add
        )
        if known is not None:
            self._guard.know(plan.flag, known)

    async def _hand_in(
        self,
        name: str,
        started_at: int,
        row: Row | None,
        taken_up: Callable[[Row | None], K],
        fresh: Callable[[], Any],
        add: Callable[[K, int, Any], bool],
    ) -> K | None:
        """What is known with what was `fresh`; None where others were faster again and again."""
        key = (name, started_at)
        if key not in self._waiting:
            self._number += 1
            self._waiting[key] = (self._number, fresh())
        for _ in range(TRIES):
            known = taken_up(row)
            if not add(known, *self._waiting[key]):
                del self._waiting[key]
                return known
            stored = await self._store.change(
                "rollout_watch_put",
                [
                    (
                        name, started_at, 1 if row is None else row[1] + 1, self._clock(),
                        _encode(known.kept()),
                    )
                ],
            )  # fmt: skip
            if stored:
                del self._waiting[key]
                return known
            row = (await self._read([name])).get(name)
            if row is not None and row[0] > started_at:
                break
        return None

    # -- rows ---------------------------------------------------------------------------------

    async def _read(self, names: Sequence[str]) -> dict[str, Row]:
        if not names:
            return {}
        rows = await self._store.read("rollout_watch_of", [(name,) for name in names])
        return {name: (started, revision, bytes(data)) for name, started, revision, data in rows}

    def _taken_up(self, plan: Plan, row: Row | None) -> tuple[Release, bool]:
        """What is known of this plan, and whether that begins now."""
        if row is not None and row[0] == plan.started_at:
            try:
                return Release.of(_release.decode(row[2]), self._guard.limits), False
            except (msgspec.MsgspecError, ValueError) as error:
                # Of another version. What cannot be understood is begun anew.
                log.error("rollout_watch_unreadable", flag=plan.flag, detail=str(error))
        release = Release(self._guard.limits)
        release.step(plan.step_at)
        return release, True

    def _versions_of(self, row: Row | None) -> Versions:
        if row is not None:
            try:
                return Versions.of(_versions.decode(row[2]), self._guard.limits.window_s)
            except (msgspec.MsgspecError, ValueError) as error:
                log.error("rollout_watch_unreadable", flag=VERSIONS_ROW, detail=str(error))
        return Versions(self._guard.limits.window_s)

    def _now_s(self) -> float:
        return self._clock() / 1e6
