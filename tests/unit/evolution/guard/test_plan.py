"""Roll-out plans, moved by hand and by a guard, with times of the test's own."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from colloquy.evolution.guard.plan import MAX_MOVES, Plan, begun, moved, next_move, served
from colloquy.flags import FlagState
from colloquy.model.errors import Conflict, InvalidInput
from colloquy.model.flags import Rollout
from colloquy.model.rollouts import STEPS, Judgement, RolloutRequest, RolloutStep, Verdict

SECOND = 1_000_000
BEFORE = FlagState(value=False, people=("ann",))


def plan(**more: object) -> Plan:
    steps = tuple(
        RolloutStep(percentage=percentage, hold_s=60.0, minimum=10)
        for percentage in (5.0, 25.0, 100.0)
    )
    request = RolloutRequest(flag="enable_tools", steps=steps, reason="it books better", **more)  # type: ignore[arg-type]
    return begun(request, True, BEFORE, 7, "ann", 0)


def verdict(judgement: Judgement = "ok") -> Verdict:
    return Verdict(judgement=judgement, enough=True)


def test_the_weeks_of_the_default():
    assert [step.percentage for step in STEPS] == [5, 25, 75, 100]
    assert {step.hold_s for step in STEPS} == {7 * 86_400.0}


def test_it_goes_from_step_to_step_and_ends_for_everybody():
    now, one = 0, plan()
    shares = []
    while one.is_open:
        shares.append(served(one, BEFORE).rollout)
        assert next_move(one, verdict(), 10, now + 59 * SECOND) is None
        assert next_move(one, verdict(), 9, now + 60 * SECOND) is None
        now += 60 * SECOND
        what = next_move(one, verdict(), 10, now)
        assert what in ("advanced", "completed")
        one = moved(one, what, "guard", now)
    assert shares == [Rollout(5.0), Rollout(25.0), Rollout(100.0)]
    assert (one.state, one.percentage) == ("completed", 100.0)
    assert served(one, BEFORE) == FlagState(value=True, people=("ann",))
    assert [move.what for move in one.moves] == ["started", "advanced", "advanced", "completed"]


def test_a_warning_holds_it_is_told_once_and_passes():
    one = plan()
    late = 3600 * SECOND
    assert next_move(one, verdict("warn"), 99, late) == "warned"
    one = moved(one, "warned", "guard", late, judgement="warn")
    assert next_move(one, verdict("warn"), 99, late) is None
    assert next_move(one, verdict("alert"), 99, late) == "warned"
    assert next_move(one, verdict(), 99, late) == "recovered"
    one = moved(one, "recovered", "guard", late, judgement="ok")
    assert next_move(one, verdict(), 99, late) == "advanced"


def test_a_breach_takes_it_back_also_while_it_is_paused():
    one = moved(plan(), "paused", "bo", SECOND, why="lunch")
    assert next_move(one, verdict(), 99, 3600 * SECOND) is None
    assert next_move(one, verdict("roll_back"), 99, SECOND) == "rolled_back"
    one = moved(one, "rolled_back", "guard", SECOND, rollback="1" * 32)
    # What somebody else said meanwhile stays.
    said = FlagState(value=False, people=("ann", "bo"), rollout=Rollout(5.0))
    assert served(one, said) == FlagState(value=False, people=("ann", "bo"))
    assert (one.percentage, one.rollback) == (0.0, "1" * 32)
    assert next_move(one, verdict("roll_back"), 99, SECOND) is None


def test_a_resumed_step_is_held_anew():
    one = moved(plan(), "paused", "bo", 59 * SECOND)
    one = moved(one, "resumed", "bo", 100 * SECOND)
    assert one.due_at == 160 * SECOND


@pytest.mark.parametrize(
    ("first", "then"), [("paused", "paused"), ("cancelled", "paused"), ("completed", "cancelled")]
)
def test_what_cannot_be_is_a_conflict(first: str, then: str):
    one = moved(plan(), first, "ann", 1)  # type: ignore[arg-type]
    with pytest.raises(Conflict):
        moved(one, then, "ann", 2)  # type: ignore[arg-type]
    with pytest.raises(Conflict):
        moved(plan(), "resumed", "ann", 1)


def test_percentages_grow():
    steps = (RolloutStep(percentage=25), RolloutStep(percentage=25))
    request = RolloutRequest(flag="enable_tools", steps=steps)
    with pytest.raises(InvalidInput) as raised:
        begun(request, True, FlagState(), 0, "ann", 0)
    assert raised.value.field == "steps[1].percentage"


JUDGED = st.tuples(
    st.sampled_from(["ok", "ok", "ok", "warn", "alert", "roll_back"]),
    st.integers(0, 20),
    st.integers(0, 90),
)


@given(st.lists(JUDGED, max_size=200))
def test_whatever_the_guard_finds_it_never_skips_a_step_or_comes_back(
    found: list[tuple[Judgement, int, int]],
):
    one, now = plan(), 0
    for judgement, seen, seconds in found:
        now += seconds * SECOND
        before = one
        what = next_move(one, verdict(judgement), seen, now)
        if what is None:
            continue
        one = moved(one, what, "guard", now, judgement=judgement)
        assert one.step - before.step in (0, 1)
        assert before.is_open
        if one.step > before.step:
            assert judgement == "ok" and seen >= 10 and now - before.step_at >= 60 * SECOND
        if judgement == "roll_back":
            assert one.state == "rolled_back" and served(one, FlagState()).rollout is None
    assert len(one.moves) <= MAX_MOVES and one.moves[0].what == "started"
    assert msgspec.convert(msgspec.to_builtins(one), Plan) == one
