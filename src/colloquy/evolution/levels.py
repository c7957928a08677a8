"""The levels of taking back: what each changes, found out before anything is changed. No I/O.

`feature` is one flag. `partial` is what belongs to it: every flag of the same owner that is being
rolled out, and the switches that hold it. `complete` is every roll-out and every switch but the
last one. `emergency` is that last one, `emergency_rollback`, in a single write.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
from msgspec import Struct

from ..flags import REGISTRY, SWITCHES, FlagState
from ..flags.state import NOTHING_SAID
from ..model.alerts import Severity
from ..model.errors import InvalidInput, NotFound
from ..model.rollouts import Level
from .guard.plan import Plan, served

EMERGENCY = "emergency_rollback"
V1_FLAG = "enable_compatibility_mode"
"""Without it V1 clients are turned away."""
V2_SWITCH = "disable_v2_messages"
"""Thrown where this version has it."""


class Situation(Struct, frozen=True, kw_only=True):
    """What is so now: what is said of flags, the switches that are thrown, and the newest roll-out
    of each flag, whatever became of it."""

    states: Mapping[str, FlagState]
    thrown: frozenset[str]
    plans: Mapping[str, Plan]
    serves_v1: bool = True


class Changes(Struct, frozen=True, kw_only=True):
    """What a level changes: what is said of flags from then on, switches to throw, flags whose
    roll-outs end."""

    flags: dict[str, FlagState]
    switches: list[str]
    rollouts: list[str]
    routes_to_v1: bool
    clears_caches: bool
    severity: Severity


def changes_of(level: Level, flag: str | None, now: Situation) -> Changes:
    """Raises InvalidInput where a level needs a flag, or has none; NotFound for an unknown one."""
    if level in ("feature", "partial"):
        if flag is None:
            raise InvalidInput(f"the level `{level}` is about a flag: name it", field="flag")
        if flag not in REGISTRY:
            raise NotFound(f"there is no flag {flag!r}", field="flag")
    elif flag is not None:
        raise InvalidInput(f"the level `{level}` is about all flags: name none", field="flag")
    names = _taken_back(level, flag, now)
    flags = {name: _state_after(name, now) for name in names}
    to_v1 = level in ("complete", "emergency")
    if to_v1 and not now.serves_v1:
        flags[V1_FLAG] = FlagState(value=True)
    flags = {
        name: state
        for name, state in sorted(flags.items())
        if state != now.states.get(name, NOTHING_SAID)
    }
    ends = set(names) | (set(now.plans) if level == "emergency" else set())
    return Changes(
        flags=flags,
        switches=[name for name in _switches(level, flag) if name not in now.thrown],
        rollouts=sorted(name for name in ends if name in now.plans and now.plans[name].is_open),
        routes_to_v1=to_v1,
        clears_caches=clears_caches(level),
        severity=Severity.WARNING if level == "feature" else Severity.CRITICAL,
    )


def clears_caches(level: Level) -> bool:
    """Does it clear what processes keep in memory of conversations?"""
    return level != "feature"


def _taken_back(level: Level, flag: str | None, now: Situation) -> set[str]:
    """The flags of which something else is said."""
    if level == "feature":
        return {flag or ""}
    rolling = {
        name
        for name in REGISTRY
        if (name in now.plans and now.plans[name].is_open)
        or now.states.get(name, NOTHING_SAID).rollout is not None
    }
    if level == "partial":
        owner = REGISTRY[flag or ""].owner
        return {flag or ""} | {name for name in rolling if REGISTRY[name].owner == owner}
    if level == "complete":
        return rolling
    # The switch holds the others, so that putting it back is all there is to do.
    return rolling - set(SWITCHES[EMERGENCY].flags)


def _switches(level: Level, flag: str | None) -> list[str]:
    groups = [name for name in sorted(SWITCHES) if name != EMERGENCY]
    if level == "feature":
        return []
    if level == "partial":
        return [*(name for name in groups if flag in SWITCHES[name].flags), flag or ""]
    if level == "complete":
        return groups
    return [EMERGENCY, *(name for name in groups if name == V2_SWITCH)]


def _state_after(name: str, now: Situation) -> FlagState:
    """As before its roll-out; without one its safe value for everybody."""
    plan = now.plans.get(name)
    state = now.states.get(name, NOTHING_SAID)
    if plan is not None and (plan.is_open or plan.state == "completed"):
        return served(msgspec.structs.replace(plan, state="rolled_back"), state)
    return FlagState(value=REGISTRY[name].fail_safe)
