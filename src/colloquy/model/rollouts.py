"""Roll-outs that go on by themselves, what their guard found, and rollbacks by level.

Times are RFC 3339 in views, `…_s` are seconds, rates are 0 to 1.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

from .flags import Key, Value

WEEK_S = 7 * 86_400.0
MAX_STEPS = 20
LONGEST_S = 366 * 86_400.0

Judgement = Literal["ok", "warn", "alert", "roll_back"]
"""The worst last."""
Level = Literal["feature", "partial", "complete", "emergency"]
RolloutState = Literal["running", "paused", "completed", "cancelled", "rolled_back"]
FlagName = Annotated[str, Meta(pattern=r"^[a-z][a-z0-9_]{0,63}$")]
Reasoned = Annotated[str, Meta(max_length=500)]


class Figures(Struct, frozen=True, kw_only=True):
    """Attempts at turns that ended in a window: how many, how many failed, how long they took from
    acceptance on. Quantiles are right to within 5 %; null without an attempt."""

    count: int = 0
    failed: int = 0
    error_rate: float | None = None
    success_rate: float | None = None
    mean_s: float | None = None
    p95_s: float | None = None
    p99_s: float | None = None


class Finding(Struct, frozen=True, kw_only=True):
    """One thing that is wrong: what, how bad, the figure and its bound (of `response_time` the
    share of turns that took too long). `evidence`: what a bet
    against chance is worth (1,000: one false alarm in a thousand roll-outs at most); null where
    the figure alone decides."""

    what: Literal["error_rate", "success_rate", "response_time", "memory", "baseline"]
    judgement: Judgement
    value: float
    bound: float
    evidence: float | None = None
    says: str


class Verdict(Struct, frozen=True, kw_only=True):
    """What the guard found of one flag. `on`: turns that were served the value, `off`: those that
    asked and were served another. `enough`: whether there are enough to say anything."""

    judgement: Judgement = "ok"
    enough: bool = False
    findings: list[Finding] = []
    on: Figures = Figures()
    off: Figures = Figures()

    def says(self) -> str:
        """In one line, the worst first."""
        return "; ".join(one.says for one in self.findings) or "nothing is wrong"


class RolloutStep(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A percentage, how long it is held, and how many turns must have been served the value in that
    time before the next one."""

    percentage: Annotated[float, Meta(gt=0, le=100)]
    hold_s: Annotated[float, Meta(ge=0, le=LONGEST_S)] = WEEK_S
    minimum: Annotated[int, Meta(ge=0, le=10_000_000)] = 100


STEPS = tuple(RolloutStep(percentage=percentage) for percentage in (5.0, 25.0, 75.0, 100.0))
"""A week each."""


class RolloutRequest(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A roll-out that is to go on by itself. `level`: of the rollback when the guard breaks it
    off; percentages grow."""

    flag: FlagName
    value: Value = True
    by: Key = "person"
    steps: Annotated[tuple[RolloutStep, ...], Meta(min_length=1, max_length=MAX_STEPS)] = STEPS
    level: Level = "feature"
    reason: Reasoned = ""


class MoveView(Struct, frozen=True, kw_only=True):
    """Something that happened to a roll-out: started, advanced, warned, recovered, paused, resumed,
    completed, cancelled or rolled_back."""

    at: str
    what: str
    by: str
    percentage: float
    why: str = ""


class RolloutView(Struct, frozen=True, kw_only=True):
    """A roll-out. `step` counts from 0; `seen`: turns of this step that were served the value, in
    all processes; `verdict`: the newest, null where the guard does not look any more."""

    flag: str
    value: Any
    by: str
    state: RolloutState
    step: int
    percentage: float
    steps: list[RolloutStep]
    level: Level
    reason: str
    actor: str
    started_at: str
    step_at: str
    due_at: str | None
    seen: int
    verdict: Verdict | None
    moves: list[MoveView]
    """The newest last; at most 50."""
    rollback: str | None = None
    """The id of the rollback that ended it."""
    revision: int = 0
    """The position of its record in the ledger: give it back with a change."""


class RolloutPage(Struct, frozen=True):
    """By flag. `versions`: turns of V1 and V2 clients lately, in all processes."""

    rollouts: list[RolloutView]
    versions: dict[str, Figures]
    next: str | None = None
    """Pass it as `cursor` for the next page; None at the end."""


class RolloutNote(Struct, frozen=True, forbid_unknown_fields=True):
    """Why a roll-out is paused, resumed or cancelled. With `revision`, as `RolloutView` has it,
    only if nobody was faster."""

    reason: Reasoned = ""
    revision: Annotated[int, Meta(ge=0, le=2**53)] | None = None


class LevelRequest(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A rollback by level. `flag`: of which feature, for `feature` and `partial`. Without
    `keep_data` the records that changed since the flag's roll-out began are restored, too."""

    level: Level
    flag: FlagName | None = None
    keep_data: bool = True
    reason: Reasoned = ""


class LevelChange(Struct, frozen=True, kw_only=True):
    """A flag or a switch that is changed: what was said, and what is said then (null: nothing)."""

    kind: Literal["flag", "switch"]
    name: str
    before: Any
    after: Any


class LevelPlan(Struct, frozen=True, kw_only=True):
    """What a rollback by level changes; nothing is changed yet."""

    level: Level
    flag: str | None
    changes: list[LevelChange]
    rollouts: list[str]
    """Flags whose roll-outs end."""
    routes_to_v1: bool
    clears_caches: bool
    keep_data: bool
    data_since: int | None
    """The position of the ledger that the data are restored to."""
    steps: list[str]
    """Steps of the user's own, in the order in which they run."""
    severity: str


class StepView(Struct, frozen=True, kw_only=True):
    """How a step of the user's own ended."""

    name: str
    ok: bool
    error: str = ""
    seconds: float = 0.0


class LevelView(Struct, frozen=True, kw_only=True):
    """A rollback by level. `status`: running; done; incomplete, where a step failed or the process
    ended in the middle; undone. `left`: what its undo left alone, because it was changed since."""

    id: str
    level: Level
    flag: str | None
    status: Literal["running", "done", "incomplete", "undone"]
    reason: str
    actor: str
    at: str
    seconds: float
    point: str
    """The rollback point that was made before it."""
    changes: list[LevelChange]
    rollouts: list[str]
    steps: list[StepView]
    operation: str | None = None
    """The operation of the ledger that restores the data."""
    undone_at: str | None = None
    undone_by: str | None = None
    left: list[str] = []


class LevelPage(Struct, frozen=True):
    """In the order of their ids; over HTTP the oldest first."""

    rollbacks: list[LevelView]
    next: str | None
    """Pass it as `cursor` for the next page; None at the end."""
