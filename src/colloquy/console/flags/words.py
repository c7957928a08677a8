"""Flags in words: values, why they are served, rules, how much is said of one."""

from __future__ import annotations

from ...model.flags import Condition, FlagState, FlagView, Rule, Value
from ..words import Word

REASONS = {
    "killed": Word("killed", "Killed", "alert", "bad"),
    "override": Word("override", "Said at the start", "settings", "warn"),
    "allowed": Word("allowed", "Allow-list", "team", "info"),
    "rule": Word("rule", "Rule", "filter", "info"),
    "rollout": Word("rollout", "Roll-out", "overview", "info"),
    "default": Word("default", "Default", "check"),
}
KEYS = {
    "person": "by person",
    "conversation": "by conversation",
    "tenant": "by tenant",
    "agent": "by agent",
}
"""What counts as one of them in a roll-out."""
SHOWN_VALUES = 5
"""Values of a condition that are spelled out."""

# With one value, and with several.
_OPERATORS = {
    "in": ("is", "is one of"),
    "not_in": ("is not", "is none of"),
    "starts_with": ("starts with", "starts with one of"),
    "ends_with": ("ends with", "ends with one of"),
    "contains": ("contains", "contains one of"),
    "above": ("is above", "is above"),
    "below": ("is below", "is below"),
    "present": ("is there", "is there"),
    "absent": ("is not there", "is not there"),
}


class RuleText(Word, frozen=True):
    """A rule as it is read: `code` is its name, `text` its conditions."""

    served: str = ""


def value_text(value: Value | None) -> str:
    """A value of a flag; "" for None."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "On" if value else "Off"
    return str(value)


def rule_text(rule: Rule) -> RuleText:
    part = "" if rule.percentage >= 100 else f"{percent_text(rule.percentage)} % of them: "
    when = " and ".join(map(_condition, rule.when))
    return RuleText(rule.name, when, "filter", served=f"{part}{value_text(rule.value)}")


def percent_text(percentage: float) -> str:
    """`25`, `0.5`: without zeros at the end, and nothing rounded away."""
    return f"{percentage:.15g}"


def why_text(view: FlagView, state: FlagState) -> str:
    """Why the value in force is what it is, or on what it depends."""
    if view.reason in ("killed", "override") and not view.varies:
        return f"{REASONS[view.reason].text}: {view.detail}"
    if view.varies:
        return ", ".join(parts_of(state))
    return "Said by operators" if state.value is not None else "By the profile or a file"


def parts_of(state: FlagState) -> list[str]:
    """What may make a difference between people, in the order in which it is asked."""
    found = [
        _count(len(getattr(state, name)), one, many)
        for name, one, many in (
            ("people", "person", "people"),
            ("agents", "agent", "agents"),
            ("tenants", "tenant", "tenants"),
            ("rules", "rule", "rules"),
        )
        if getattr(state, name)
    ]
    if state.rollout is not None:
        rollout = state.rollout
        found.append(f"{percent_text(rollout.percentage)} % {KEYS[rollout.by]}")
    return found


def _condition(condition: Condition) -> str:
    one, many = _OPERATORS[condition.operator]
    shown = [value_text(value) for value in condition.values[:SHOWN_VALUES]]
    hidden = len(condition.values) - len(shown)
    if hidden:
        shown.append(f"{hidden:,} more")
    operator = one if len(condition.values) < 2 else many
    return f"{condition.attribute} {operator} {', '.join(shown)}".rstrip()


def _count(number: int, one: str, many: str) -> str:
    return f"{number:,} {one if number == 1 else many}"
