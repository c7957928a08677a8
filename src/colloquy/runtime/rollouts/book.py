"""The roll-outs of one database as this process knows them, each with its place in the ledger."""

from __future__ import annotations

import asyncio

import msgspec

from ...evolution.guard import Guard
from ...evolution.guard.plan import Plan
from ...flags import REGISTRY
from ...model.errors import NotFound
from ...storage.store import Store
from ...telemetry import get_logger
from .records import ROLLOUTS

log = get_logger(__name__)

_plan = msgspec.json.Decoder(Plan)


class RolloutBook:
    """Plans by flag, the newest of each. The guard watches those that are open."""

    def __init__(self, store: Store, guard: Guard) -> None:
        self._store = store
        self._guard = guard
        self._names = [(ROLLOUTS, name) for name in sorted(REGISTRY)]
        self._reading = asyncio.Lock()
        self.plans: dict[str, Plan] = {}
        self.positions: dict[str, int] = {}

    async def refresh(self) -> None:
        """Reads what the database says now. Raises StoreUnavailable."""
        async with self._reading:
            for _, name, position, after in await self._store.read("change_heads", self._names):
                if self.positions.get(name) == position:
                    continue
                plan = None if after is None else _decoded(name, bytes(after))
                self.positions[name] = position
                self._take(name, plan)

    def get(self, flag: str) -> Plan:
        """The newest of a flag. Raises NotFound."""
        found = self.plans.get(flag)
        if found is None:
            raise NotFound(f"there is no roll-out of {flag!r}", field="flag")
        return found

    def seen(self, flag: str) -> int:
        """Turns of the present step that were served the value, as far as they were handed in."""
        release, plan = self._guard.release(flag), self.plans.get(flag)
        return 0 if release is None or plan is None else release.seen(plan.step_at)

    @property
    def open(self) -> list[Plan]:
        return [plan for _, plan in sorted(self.plans.items()) if plan.is_open]

    def _take(self, name: str, plan: Plan | None) -> None:
        """The guard begins with a new one."""
        before = self.plans.pop(name, None)
        if plan is None or not plan.is_open:
            self._guard.leave(name)
        elif before is None or not before.is_open or before.started_at != plan.started_at:
            self._guard.watch(name, plan.value)
        if plan is not None:
            self.plans[name] = plan


def _decoded(name: str, data: bytes) -> Plan | None:
    try:
        return _plan.decode(data)
    except msgspec.MsgspecError as error:
        # Of another version. What cannot be understood is not gone on with.
        log.error("rollout_unreadable", flag=name, detail=str(error))
        return None
