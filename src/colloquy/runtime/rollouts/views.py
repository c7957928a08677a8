"""Plans as clients see them."""

from __future__ import annotations

from ...evolution.guard.plan import Plan
from ...model.rollouts import MoveView, RolloutView, Verdict
from ...model.times import rfc3339


def rollout_view(plan: Plan, revision: int, seen: int, verdict: Verdict | None) -> RolloutView:
    """`seen` and `verdict`: of the guard in this process."""
    due_at = plan.due_at
    return RolloutView(
        flag=plan.flag,
        value=plan.value,
        by=plan.by,
        state=plan.state,
        step=plan.step,
        percentage=plan.percentage,
        steps=list(plan.steps),
        level=plan.level,
        reason=plan.reason,
        actor=plan.actor,
        started_at=rfc3339(plan.started_at),
        step_at=rfc3339(plan.step_at),
        due_at=None if due_at is None else rfc3339(due_at),
        seen=seen,
        verdict=verdict,
        moves=[
            MoveView(
                at=rfc3339(move.at),
                what=move.what,
                by=move.by,
                percentage=move.percentage,
                why=move.why,
            )
            for move in plan.moves
        ],
        rollback=plan.rollback,
        revision=revision,
    )
