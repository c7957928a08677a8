"""A roll-out that goes on by itself: what it is, and what happens to it next. No I/O, no clock.

Times are microseconds since 1970. The percentage of a step is held for its time and until its
turns were seen, and longer while the guard finds anything wrong; then comes the next one.
"""

from __future__ import annotations

from typing import Literal

import msgspec
from msgspec import Struct

from ...flags import FlagState, Value
from ...model.errors import Conflict, InvalidInput
from ...model.flags import Key, Rollout
from ...model.rollouts import (
    Judgement,
    Level,
    RolloutRequest,
    RolloutState,
    RolloutStep,
    Verdict,
)

MAX_MOVES = 50
What = Literal[
    "started", "advanced", "completed", "warned", "recovered",
    "paused", "resumed", "cancelled", "rolled_back",
]  # fmt: skip


class Move(Struct, frozen=True, forbid_unknown_fields=True):
    """Something that happened: when, what, by whom, at which percentage then, and why."""

    at: int
    what: What
    by: str
    percentage: float
    why: str = ""


class Plan(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A roll-out as it is kept. `before`: what was said of the flag when it began, at the ledger's
    `position`; `judgement`: the guard's that was told last."""

    flag: str
    value: Value
    by: Key
    steps: tuple[RolloutStep, ...]
    level: Level
    reason: str
    actor: str
    state: RolloutState
    step: int
    started_at: int
    step_at: int
    position: int
    before: FlagState
    moves: tuple[Move, ...]
    judgement: Judgement = "ok"
    rollback: str | None = None

    @property
    def is_open(self) -> bool:
        """Does it still say which percentage is served?"""
        return self.state in ("running", "paused")

    @property
    def percentage(self) -> float:
        """What is served the value because of it."""
        if self.state == "completed":
            return 100.0
        return self.steps[self.step].percentage if self.is_open else 0.0

    @property
    def due_at(self) -> int | None:
        """When its step was held long enough; None where it does not go on by itself."""
        if self.state != "running":
            return None
        return self.step_at + int(self.steps[self.step].hold_s * 1e6)


def begun(
    request: RolloutRequest, value: Value, before: FlagState, position: int, actor: str, now: int
) -> Plan:
    """A plan at its first step. Raises InvalidInput for steps that do not grow."""
    for place, (one, other) in enumerate(zip(request.steps, request.steps[1:], strict=False), 1):
        if other.percentage <= one.percentage:
            raise InvalidInput(
                f"percentages grow: {other.percentage:g} comes after {one.percentage:g}",
                field=f"steps[{place}].percentage",
            )
    plan = Plan(
        flag=request.flag,
        value=value,
        by=request.by,
        steps=request.steps,
        level=request.level,
        reason=request.reason,
        actor=actor,
        state="running",
        step=0,
        started_at=now,
        step_at=now,
        position=position,
        before=before,
        moves=(),
    )
    return _noted(plan, "started", actor, request.reason, now)


def next_move(plan: Plan, verdict: Verdict, seen: int, now: int) -> What | None:
    """What is to happen now; `seen`: turns of this step that were served the value.

    A paused one is still taken back: it serves its percentage all the same.
    """
    if not plan.is_open:
        return None
    if verdict.judgement == "roll_back":
        return "rolled_back"
    if verdict.judgement != "ok":
        return "warned" if plan.judgement != verdict.judgement else None
    if plan.judgement != "ok":
        return "recovered"
    due_at = plan.due_at
    if due_at is None or now < due_at or seen < plan.steps[plan.step].minimum:
        return None
    return "completed" if plan.step == len(plan.steps) - 1 else "advanced"


def moved(
    plan: Plan,
    what: What,
    by: str,
    now: int,
    *,
    why: str = "",
    judgement: Judgement | None = None,
    rollback: str | None = None,
) -> Plan:
    """The plan after a move. Raises Conflict for one that it cannot make."""
    if not plan.is_open:
        raise Conflict(f"the roll-out of {plan.flag} is {plan.state.replace('_', ' ')}")
    if what == "paused" and plan.state == "paused":
        raise Conflict(f"the roll-out of {plan.flag} is paused already")
    if what == "resumed" and plan.state != "paused":
        raise Conflict(f"the roll-out of {plan.flag} is not paused")
    states: dict[What, RolloutState] = {
        "paused": "paused",
        "resumed": "running",
        "completed": "completed",
        "cancelled": "cancelled",
        "rolled_back": "rolled_back",
    }
    is_new_step = what in ("advanced", "resumed")
    changed = msgspec.structs.replace(
        plan,
        state=states.get(what, plan.state),
        step=plan.step + (what == "advanced"),
        step_at=now if is_new_step else plan.step_at,
        judgement=plan.judgement if judgement is None else judgement,
        rollback=rollback or plan.rollback,
    )
    return _noted(changed, what, by, why, now)


def served(plan: Plan, state: FlagState) -> FlagState:
    """What is said of the flag because of the plan; all else that was said stays.

    One that was cancelled or taken back leaves what was said before it.
    """
    if plan.is_open:
        rollout = Rollout(plan.percentage, plan.value, plan.by)
        return msgspec.structs.replace(state, rollout=rollout)
    if plan.state == "completed":
        return msgspec.structs.replace(state, value=plan.value, rollout=None)
    return msgspec.structs.replace(state, value=plan.before.value, rollout=plan.before.rollout)


def _noted(plan: Plan, what: What, by: str, why: str, now: int) -> Plan:
    move = Move(now, what, by, plan.percentage, why[:1000])
    # The first one stays: it says who wanted it.
    kept = plan.moves if len(plan.moves) < MAX_MOVES else (plan.moves[0], *plan.moves[2:])
    return msgspec.structs.replace(plan, moves=(*kept, move))
