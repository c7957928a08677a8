"""Operations on roll-outs and rollbacks by level: `/v2/rollouts`, `/v2/rollbacks`."""

from __future__ import annotations

from ..model.rollouts import (
    LevelPage,
    LevelPlan,
    LevelRequest,
    LevelView,
    RolloutNote,
    RolloutPage,
    RolloutRequest,
    RolloutView,
)
from .operation import operation, paged
from .request import Ask, json

_NOTE = RolloutNote()


class RolloutOperations:
    """`/v2/rollouts` and `/v2/rollbacks`."""

    @operation("GET", "/v2/rollouts")
    def rollout_page(self, cursor: str | None = None, limit: int | None = None) -> Ask[RolloutPage]:
        """One page of roll-outs, the newest of each flag."""
        return Ask(json(RolloutPage), query={"cursor": cursor, "limit": limit})

    rollouts = paged(
        rollout_page,
        lambda page: page.rollouts,
        lambda page: None if page.next is None else {"cursor": page.next},
    )

    @operation("POST", "/v2/rollouts")
    def start_rollout(self, request: RolloutRequest) -> Ask[RolloutView]:
        """Begins a roll-out that goes on by itself."""
        return Ask(json(RolloutView), body=request)

    @operation("GET", "/v2/rollouts/{flag}")
    def rollout(self, flag: str) -> Ask[RolloutView]:
        """A flag's newest roll-out, with the guard's verdict."""
        return Ask(json(RolloutView), path={"flag": flag})

    @operation("POST", "/v2/rollouts/{flag}/pause")
    def pause_rollout(self, flag: str, note: RolloutNote = _NOTE) -> Ask[RolloutView]:
        """It stays at its percentage."""
        return Ask(json(RolloutView), path={"flag": flag}, body=note)

    @operation("POST", "/v2/rollouts/{flag}/resume")
    def resume_rollout(self, flag: str, note: RolloutNote = _NOTE) -> Ask[RolloutView]:
        """Its step is held anew."""
        return Ask(json(RolloutView), path={"flag": flag}, body=note)

    @operation("POST", "/v2/rollouts/{flag}/cancel")
    def cancel_rollout(self, flag: str, note: RolloutNote = _NOTE) -> Ask[RolloutView]:
        """The flag is as it was before."""
        return Ask(json(RolloutView), path={"flag": flag}, body=note)

    @operation("GET", "/v2/rollbacks")
    def rollback_page(self, cursor: str | None = None, limit: int | None = None) -> Ask[LevelPage]:
        """One page of rollbacks by level, in the order of their ids."""
        return Ask(json(LevelPage), query={"cursor": cursor, "limit": limit})

    rollbacks = paged(
        rollback_page,
        lambda page: page.rollbacks,
        lambda page: None if page.next is None else {"cursor": page.next},
    )

    @operation("POST", "/v2/rollbacks")
    def take_back(self, request: LevelRequest) -> Ask[LevelView]:
        """Takes back what the level says."""
        return Ask(json(LevelView), body=request)

    @operation("POST", "/v2/rollbacks/preview")
    def preview_taking_back(self, request: LevelRequest) -> Ask[LevelPlan]:
        """What the level would change; nothing is changed."""
        return Ask(json(LevelPlan), body=request)

    @operation("GET", "/v2/rollbacks/{rollback_id}")
    def level_rollback(self, rollback_id: str) -> Ask[LevelView]:
        """One rollback by level."""
        return Ask(json(LevelView), path={"rollback_id": rollback_id})

    @operation("POST", "/v2/rollbacks/{rollback_id}/undo")
    def undo_level_rollback(self, rollback_id: str) -> Ask[LevelView]:
        """Flags and switches are what they were before it."""
        return Ask(json(LevelView), path={"rollback_id": rollback_id})
