"""Why somebody is served a value: each thing that may decide, the strongest first."""

from __future__ import annotations

from ..model.flags import Condition, Considered, Explanation, Value
from .buckets import BUCKETS, Buckets
from .deciding import FlagSubject, key_of
from .reader import Flags


def explain(flags: Flags, name: str, subject: FlagSubject) -> Explanation:
    """The decision and what was considered for it. Raises NotFound."""
    decision = flags.decide(name, subject)
    state, hashed = flags.state(name)
    said: list[tuple[str, str, str]] = []
    """(reason, detail that it would have, in words)"""
    held = flags.held(name)
    said.append(("killed", held or "", f"held by {held}" if held else "no switch is thrown"))
    override = flags.override(name)
    said.append(
        (
            "override",
            override[1] if override else "",
            f"{_word(override[0])} by {override[1]}"
            if override
            else "nothing is said at the start",
        )
    )
    for listed in ("people", "agents", "tenants"):
        count = len(getattr(state, listed))
        if count:
            said.append(
                ("allowed", listed, f"{_many(count, listed)} served {_word(state.allowed)}")
            )
    for rule in state.rules:
        part = "" if rule.percentage >= 100 else f", {rule.percentage:g} % of them"
        when = " and ".join(map(_condition, rule.when))
        said.append(("rule", rule.name, f"{when}{part}: {_word(rule.value)}"))
    bucket = None
    if state.rollout is not None:
        rollout = state.rollout
        key = key_of(rollout.by)(subject)
        bucket = Buckets(hashed).of(key)
        said.append(
            (
                "rollout",
                f"{rollout.percentage:g} %",
                f"{rollout.percentage:g} % by {rollout.by} are served {_word(rollout.value)}; "
                f"this one is at {100 * bucket / BUCKETS:g} %",
            )
        )
    default = flags.default(name)
    by = "operators" if state.value is not None else "the profile or a file"
    said.append(("default", "", f"everybody else is served {_word(default)}, by {by}"))
    return Explanation(
        flag=name,
        value=decision.value,
        reason=decision.reason,
        detail=decision.detail,
        bucket=bucket,
        considered=[
            Considered(
                f"{reason} {detail}".strip() if reason in ("allowed", "rule") else reason,
                (reason, detail) == (decision.reason, decision.detail),
                words,
            )
            for reason, detail, words in said
        ],
    )


def _many(count: int, listed: str) -> str:
    if count > 1:
        return f"{count:,} {listed} are"
    return f"1 {'person' if listed == 'people' else listed.removesuffix('s')} is"


def _word(value: Value) -> str:
    """As people say it: a switch is on or off."""
    if isinstance(value, bool):
        return "on" if value else "off"
    return repr(value)


def _condition(condition: Condition) -> str:
    operator = condition.operator.replace("_", " ")
    values = ", ".join(map(str, condition.values[:5])) + (
        ", …" if len(condition.values) > 5 else ""
    )
    return f"{condition.attribute} {operator} {values}".strip()
