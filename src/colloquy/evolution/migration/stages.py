"""The stages of a migration, and what has to be true before the next one.

    off → shadow → dual_v1 → dual_v2 → v2_only

| stage | written | read | fall-back |
|---|---|---|---|
| off | V1 | V1 | – |
| shadow | V1, then V2 | V1 | – |
| dual_v1 | V1, then V2 | V1 | V2 |
| dual_v2 | V2, then V1 | V2 | V1 |
| v2_only | V2 | V2 | – |

The state is a record of the ledger, so that each step has its author, its time, its reason and the
figures that it was taken on, and can be compared and taken back like any other change.
"""

from __future__ import annotations

from typing import Any

import msgspec

from ...ledger.collections import Collections
from ...ledger.ledger import Ledger
from ...model.errors import Conflict, InvalidInput, MigrationNotReady, NotFound
from ...model.migrations import MAX_REASON
from ...model.migrations import MigrationStep as Step
from ...model.times import Clock, now_us, rfc3339
from ...storage.store import Store
from ..stage import COLLECTION, Figures, MigrationRecords, Stage, State
from .plan import Gates

__all__ = ["STAGE_AGE_S", "Stages", "Step", "missing_for"]

STAGE_AGE_S = 0.5
"""How long a stage is believed: as with flags, a step is in force everywhere within a second."""


def missing_for(target: Stage, state: State, figures: Figures, gates: Gates) -> list[str]:
    """What keeps a migration from `target`, the stage beside its own; nothing when it may go."""
    is_back = target is state.stage.former
    if target in (Stage.OFF, Stage.SHADOW) or (is_back and target is not Stage.DUAL_V1):
        # Nothing is read from another side than before, or V1 is not read yet.
        return []
    missing = []
    if not is_back and not figures.backfilled:
        missing.append("the backfill is not complete")
    # Until a stage is in force everywhere somebody may go by the one before; where that wrote V2
    # alone, V1 would lack it.
    in_force_us = int(STAGE_AGE_S * 1_000_000) if is_back else 0
    if figures.verified_at <= state.since + in_force_us:
        missing.append("the tables were not compared since this stage began")
    else:
        wanted = min(gates.compared, figures.total)
        if figures.compared < wanted:
            missing.append(f"{figures.compared} messages compared of {wanted}")
        if figures.parity < gates.parity:
            missing.append(f"parity {figures.parity:.6f} is below {gates.parity:g}")
    if figures.open_mismatches > gates.open_mismatches:
        missing.append(
            f"{figures.open_mismatches} mismatches open, at most {gates.open_mismatches} allowed"
        )
    if figures.waiting:
        missing.append(f"{figures.waiting} messages wait in the outbox")
    return missing


class Stages:
    """Where one migration stands, and its steps. Methods may raise StoreUnavailable."""

    def __init__(self, ledger: Ledger, name: str, gates: Gates, *, clock: Clock = now_us) -> None:
        self.ledger = ledger
        self.name = name
        self.gates = gates
        self._clock = clock

    @classmethod
    def on(cls, store: Store, name: str, gates: Gates, *, clock: Clock = now_us) -> Stages:
        """With a ledger of its own on an open store."""
        ledger = Ledger(store, Collections([MigrationRecords()]), clock=clock)
        return cls(ledger, name, gates, clock=clock)

    async def state(self) -> State:
        return (await self._found())[0]

    async def stage(self) -> Stage:
        return (await self.state()).stage

    async def start(self, actor: str, source: str, reason: str = "") -> State:
        """Begins a migration that is off: `shadow`. Raises Conflict for one that is under way."""
        state, position = await self._found()
        if state.stage is not Stage.OFF:
            raise Conflict(f"the migration {self.name!r} is under way, in {state.stage}")
        return await self._put(
            State(stage=Stage.SHADOW, reason=_line(reason), source=source), actor, position
        )

    async def advance(
        self, actor: str, figures: Figures, *, reason: str = "", force: bool = False
    ) -> State:
        """One step forward. `force` needs a reason, and goes against the gates.

        Raises MigrationNotReady, NotFound for a migration that was not started, Conflict at the
        last stage, PreconditionFailed when somebody else took a step meanwhile.
        """
        state, position = await self._found()
        if state.stage is Stage.OFF:
            raise NotFound(f"the migration {self.name!r} was not started")
        target = state.stage.following
        if target is None:
            raise Conflict(f"the migration {self.name!r} is in its last stage, {state.stage}")
        return await self._step(state, target, position, actor, figures, reason, force)

    async def back(
        self, actor: str, figures: Figures, *, reason: str = "", force: bool = False
    ) -> State:
        """One step back. Only the step that makes V1 primary again has a gate: what V2 alone has
        would not be seen any more. Raises as `advance`."""
        state, position = await self._found()
        target = state.stage.former
        if target is None:
            raise Conflict(f"the migration {self.name!r} is off")
        return await self._step(state, target, position, actor, figures, reason, force)

    async def history(self, limit: int = 50) -> list[Step]:
        """The newest steps, newest first."""
        rows = await self.ledger.store.changes_of(COLLECTION, self.name)
        steps = []
        for row in reversed(rows[-limit:]):
            state = State() if row.after is None else msgspec.json.decode(row.after, type=State)
            steps.append(
                Step(
                    position=row.position,
                    at=rfc3339(row.at),
                    by=row.actor,
                    stage=str(state.stage),
                    reason=state.reason,
                    forced=state.forced,
                    operation=row.operation if row.origin is None else "rollback",
                    missing=state.missing,
                )
            )
        return steps

    async def _step(
        self,
        state: State,
        target: Stage,
        position: int,
        actor: str,
        figures: Figures,
        reason: str,
        force: bool,
    ) -> State:
        reason = _line(reason)
        if force and not reason:
            raise InvalidInput("a forced step needs a reason", field="reason")
        missing = missing_for(target, state, figures, self.gates)
        if missing and not force:
            raise MigrationNotReady(
                f"not ready for {target}: {'; '.join(missing)}", missing=missing, stage=str(target)
            )
        following = State(
            stage=target,
            reason=reason,
            forced=bool(missing),
            missing=missing,
            figures=figures,
            source=state.source,
        )
        return await self._put(following, actor, position)

    async def _put(self, state: State, actor: str, position: int) -> State:
        state = msgspec.structs.replace(state, since=self._clock(), by=actor)
        value: Any = msgspec.to_builtins(state)
        await self.ledger.put(COLLECTION, self.name, value, actor, expected=position)
        return state

    async def _found(self) -> tuple[State, int]:
        """The state and the position of its newest change, 0 where there is none."""
        rows = await self.ledger.store.read("change_heads", [(COLLECTION, self.name)])
        if not rows:
            return State(), 0
        _, _, position, after = rows[0]
        if after is None:
            return State(), position
        return msgspec.json.decode(bytes(after), type=State), position


def _line(reason: str) -> str:
    reason = " ".join(reason.split())
    if len(reason) > MAX_REASON:
        raise InvalidInput(f"at most {MAX_REASON} characters", field="reason")
    return reason
