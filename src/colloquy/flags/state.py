"""What operators said of a flag: as it is kept in the ledger, typed, bounded and checked."""

from __future__ import annotations

from typing import Any

import msgspec

from ..model.errors import InvalidInput
from ..model.flags import Condition, FlagState, Rule, Value
from .registry import MAX_TEXT, Flag

MAX_LISTED = 10_000
"""People, agents or tenants of one allow-list."""
MAX_RULES = 50
MAX_CONDITIONS = 20
MAX_VALUES = 1_000
NOTHING_SAID = FlagState()


def read_state(flag: Flag, data: Any) -> FlagState:
    """What `data` (JSON) says of this flag. Raises InvalidInput with the field that is wrong."""
    try:
        state = msgspec.convert(data, FlagState)
    except msgspec.ValidationError as error:
        text, _, place = str(error).partition(" - at `$")
        raise InvalidInput(text, field=place.rstrip("`").lstrip(".") or None) from None
    return check_state(flag, state)


def check_state(flag: Flag, state: FlagState) -> FlagState:
    """The state with its values in the flag's type. Raises InvalidInput with the field."""
    for name in ("people", "agents", "tenants"):
        listed = getattr(state, name)
        if len(listed) > MAX_LISTED:
            raise InvalidInput(f"at most {MAX_LISTED:,} of them", field=name)
        for place, one in enumerate(listed):
            _check_text(one, f"{name}[{place}]")
    if len(state.rules) > MAX_RULES:
        raise InvalidInput(f"at most {MAX_RULES} rules", field="rules")
    names = [rule.name for rule in state.rules]
    rollout = state.rollout
    if rollout is not None:
        _check_percentage(rollout.percentage, "rollout.percentage")
        rollout = msgspec.structs.replace(
            rollout, value=check_value(flag, rollout.value, "rollout.value")
        )
    return msgspec.structs.replace(
        state,
        value=None if state.value is None else check_value(flag, state.value, "value"),
        allowed=check_value(flag, state.allowed, "allowed")
        if state.people or state.agents or state.tenants
        else state.allowed,
        rules=tuple(
            _checked_rule(flag, rule, f"rules[{place}]", names.index(rule.name) == place)
            for place, rule in enumerate(state.rules)
        ),
        rollout=rollout,
    )


def check_value(flag: Flag, value: Value, field: str) -> Value:
    """The value in the flag's type. Raises InvalidInput."""
    try:
        found: Value = msgspec.convert(value, flag.type)
    except msgspec.ValidationError:
        wanted = getattr(flag.type, "__name__", str(flag.type))
        raise InvalidInput(f"{flag.name} is {wanted}, not {value!r}", field=field) from None
    if isinstance(found, str):
        if len(found) > flag.longest:
            raise InvalidInput(f"at most {flag.longest:,} characters", field=field)
        if flag.choices and found not in flag.choices:
            raise InvalidInput(f"{flag.name} is one of {', '.join(flag.choices)}", field=field)
    if isinstance(found, int | float) and not isinstance(found, bool):
        low, high = flag.bounds
        if not low <= found <= high:
            raise InvalidInput(f"{flag.name} is {low:g} to {high:g}, not {found}", field=field)
    return found


def _checked_rule(flag: Flag, rule: Rule, field: str, is_first: bool) -> Rule:
    _check_text(rule.name, f"{field}.name")
    if not is_first:
        raise InvalidInput(f"there are two rules {rule.name!r}", field=f"{field}.name")
    _check_percentage(rule.percentage, f"{field}.percentage")
    if not 0 < len(rule.when) <= MAX_CONDITIONS:
        raise InvalidInput(
            f"a rule has 1 to {MAX_CONDITIONS} conditions; for everybody there is `rollout`",
            field=f"{field}.when",
        )
    for place, condition in enumerate(rule.when):
        _check_condition(condition, f"{field}.when[{place}]")
    return msgspec.structs.replace(rule, value=check_value(flag, rule.value, f"{field}.value"))


def _check_condition(condition: Condition, field: str) -> None:
    _check_text(condition.attribute, f"{field}.attribute")
    values, operator = condition.values, condition.operator
    if len(values) > MAX_VALUES:
        raise InvalidInput(f"at most {MAX_VALUES:,} values", field=f"{field}.values")
    if operator in ("present", "absent"):
        if values:
            raise InvalidInput(f"`{operator}` takes no values", field=f"{field}.values")
        return
    if not values:
        raise InvalidInput(f"`{operator}` needs a value", field=f"{field}.values")
    for place, value in enumerate(values):
        if isinstance(value, str):
            _check_text(value, f"{field}.values[{place}]")
    if operator in ("above", "below"):
        is_number = isinstance(values[0], int | float) and not isinstance(values[0], bool)
        if len(values) != 1 or not is_number:
            raise InvalidInput(f"`{operator}` takes one number", field=f"{field}.values")
    elif operator in ("starts_with", "ends_with", "contains") and not all(
        isinstance(value, str) for value in values
    ):
        raise InvalidInput(f"`{operator}` takes texts", field=f"{field}.values")


def _check_text(text: str, field: str) -> None:
    if not 0 < len(text) <= MAX_TEXT:
        raise InvalidInput(f"1 to {MAX_TEXT} characters", field=field)


def _check_percentage(percentage: float, field: str) -> None:
    # NaN is in no range.
    if not 0.0 <= percentage <= 100.0:
        raise InvalidInput(f"a percentage is 0 to 100, not {percentage}", field=field)
