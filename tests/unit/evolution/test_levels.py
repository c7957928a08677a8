"""What each level of taking back changes."""

from __future__ import annotations

import pytest

from colloquy.evolution.guard.plan import Plan, begun, moved
from colloquy.evolution.levels import Situation, changes_of
from colloquy.flags import SWITCHES, FlagState
from colloquy.model.alerts import Severity
from colloquy.model.errors import InvalidInput, NotFound
from colloquy.model.flags import Rollout
from colloquy.model.rollouts import RolloutRequest

OFF = FlagState(value=False)


def plan(flag: str, state: FlagState = OFF) -> Plan:
    return begun(RolloutRequest(flag=flag), True, state, 1, "ann", 0)


def rolling(flag: str) -> FlagState:
    return FlagState(value=False, rollout=Rollout(5.0))


NOW = Situation(
    states={
        "enable_tools": rolling("enable_tools"),
        "enable_responder": rolling("enable_responder"),
        "enable_context_recall": rolling("enable_context_recall"),
        "enable_bursts": FlagState(value=False),
    },
    thrown=frozenset(),
    plans={"enable_tools": plan("enable_tools")},
)


def test_a_feature_is_one_flag_as_it_was_before():
    found = changes_of("feature", "enable_tools", NOW)
    assert found.flags == {"enable_tools": OFF}
    assert (found.switches, found.rollouts) == ([], ["enable_tools"])
    assert not found.clears_caches and not found.routes_to_v1
    assert found.severity is Severity.WARNING


def test_a_feature_without_a_plan_is_at_its_safe_value():
    assert changes_of("feature", "enable_apology", NOW).flags == {
        "enable_apology": FlagState(value=True)
    }


def test_a_completed_one_goes_back_to_before_and_a_cancelled_one_is_safe():
    done = moved(plan("enable_tools", FlagState(value=False)), "completed", "ann", 1)
    here = Situation(
        states={"enable_tools": FlagState(value=True)},
        thrown=frozenset(),
        plans={"enable_tools": done},
    )
    found = changes_of("feature", "enable_tools", here)
    assert (found.flags, found.rollouts) == ({"enable_tools": OFF}, [])


def test_partial_is_what_belongs_together_with_its_switches():
    found = changes_of("partial", "enable_tools", NOW)
    assert found.flags == {"enable_tools": OFF, "enable_responder": OFF}
    assert found.switches == ["disable_new_tools", "enable_tools"]
    assert found.clears_caches and not found.routes_to_v1
    assert found.severity is Severity.CRITICAL


def test_complete_is_every_roll_out_and_v1_is_answered():
    now = Situation(states=NOW.states, thrown=frozenset(), plans=NOW.plans, serves_v1=False)
    found = changes_of("complete", None, now)
    assert set(found.flags) == {
        *("enable_compatibility_mode", "enable_context_recall"),
        *("enable_responder", "enable_tools"),
    }
    assert found.flags["enable_compatibility_mode"] == FlagState(value=True)
    assert "emergency_rollback" not in found.switches
    assert set(found.switches) == set(SWITCHES) - {"emergency_rollback"}
    assert found.routes_to_v1


def test_emergency_is_one_switch_and_leaves_what_was_said():
    found = changes_of("emergency", None, NOW)
    assert found.switches[0] == "emergency_rollback"
    assert (found.flags, found.rollouts) == ({}, ["enable_tools"])
    thrown = Situation(states={}, thrown=frozenset(SWITCHES), plans={})
    again = changes_of("emergency", None, thrown)
    assert (again.flags, again.switches, again.rollouts) == ({}, [], [])


@pytest.mark.parametrize(
    ("level", "flag", "error"),
    [
        ("feature", None, InvalidInput),
        ("partial", "no_such_flag", NotFound),
        ("complete", "enable_tools", InvalidInput),
    ],
)
def test_a_level_and_a_flag_fit_together(level: str, flag: str | None, error: type[Exception]):
    with pytest.raises(error):
        changes_of(level, flag, NOW)  # type: ignore[arg-type]
