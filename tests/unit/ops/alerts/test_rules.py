"""Rules: which sides of their bounds are bad, and bounds that contradict each other."""

from __future__ import annotations

import math
from typing import Any

import pytest

from colloquy.model.alerts import Severity
from colloquy.model.errors import InvalidInput
from colloquy.ops.alerts import Comparison, Rule, default_rules
from colloquy.settings import Settings, load_settings


def rule(**fields: Any) -> Rule:
    return Rule(
        **{"name": "r", "metric": "m", "threshold": 10, "message": "{value} of {threshold}"}
        | fields
    )


def test_the_threshold_itself_is_good() -> None:
    above, below = rule(), rule(comparison=Comparison.BELOW)
    assert [above.is_bad(value) for value in (9, 10, 11)] == [False, False, True]
    assert [below.is_bad(value) for value in (9, 10, 11)] == [True, False, False]


def test_between_threshold_and_clear_it_is_neither_bad_nor_clear() -> None:
    one = rule(clear=5)
    found = [(one.is_bad(value), one.is_clear(value)) for value in (5, 7, 11)]
    assert found == [(False, True), (False, False), (True, False)]


def test_the_worse_value_is_the_one_further_out() -> None:
    assert rule().worse(3, 4) == 4
    assert rule(comparison=Comparison.BELOW).worse(3, 4) == 3
    assert rule().worse(None, 4) == rule().worse(4, None) == 4


def test_rules_of_one_name_are_told_apart_by_labels() -> None:
    assert rule(labels={"b": "2", "a": "1"}).key == "r{a=1,b=2}"
    assert rule().key == "r"


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"clear": 11}, "clear"),
        ({"clear": 9, "comparison": Comparison.BELOW}, "clear"),
        ({"critical": 10}, "critical"),
        ({"critical": 11, "comparison": Comparison.BELOW}, "critical"),
        ({"threshold": math.nan}, "threshold"),
        ({"for_s": -1}, "for_s"),
        ({"clear_for_s": math.inf}, "for_s"),
        ({"severity": Severity.INFO}, "severity"),
        ({"message": "{missing}"}, "message"),
        ({"message": "{value:d.f}"}, "message"),
    ],
)
def test_contradictions_are_refused(fields: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidInput) as error:
        rule(**fields)
    assert error.value.field == field


def test_the_default_rules_have_the_bounds_of_the_settings() -> None:
    rules = {one.name: one for one in default_rules(Settings())}
    wanted = {
        "rollback_failures": 10,
        "rollback_time": 5,
        "pending_operations": 50,
        "error_rate": 5,
    }
    assert {name: rules[name].threshold for name in wanted} == wanted
    settings = load_settings(None, {}, {"alerts.max_pending_operations": "7", "alerts.off": "disk"})
    changed = {one.name: one for one in default_rules(settings)}
    assert changed["pending_operations"].threshold == 7
    assert set(rules) - set(changed) == {"disk"}


def test_bounds_of_zero_make_rules_too() -> None:
    zero = {f"alerts.{name}": "0" for name in
            ("max_dead_letters", "max_delivery_failures", "max_error_percent",
             "min_disk_free_percent", "max_rollback_failure_percent",
             "max_pending_operations")}  # fmt: skip
    rules = default_rules(load_settings(None, {}, zero))
    assert len(rules) == len(default_rules(Settings()))
