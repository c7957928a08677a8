"""The rule engine, by a clock that the test sets: opening, escalating, resolving, coming back."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from colloquy.model.alerts import AlertState, RuleState, Severity
from colloquy.model.errors import Conflict, InvalidInput, NotFound
from colloquy.ops.alerts import Alert, AlertEngine, Rule, Saved

S = 1_000_000


class Bench:
    """An engine with its metrics and its clock."""

    def __init__(self, *rules: Rule, retention_s: float = 86_400) -> None:
        self.values: dict[str, float | None] = {}
        self.now = 0
        ids = (f"{number:032x}" for number in range(10_000))
        self.engine = AlertEngine(rules, retention_s=retention_s, new_id=lambda: next(ids))

    def look(self, value: float | None, after_s: float = 0, metric: str = "m") -> list[Alert]:
        """One look, so much later, which finds this value; what it resolved."""
        self.now += int(after_s * S)
        self.values[metric] = value
        return self.engine.evaluate(self.now, self.values.get)

    @property
    def only(self) -> Alert:
        (alert,) = self.engine.open()
        return alert

    @property
    def state(self) -> RuleState:
        return self.engine.watched()[0].state


def rule(**fields: Any) -> Rule:
    base = {"name": "r", "metric": "m", "threshold": 50, "message": "{value:g} of {threshold:g}"}
    return Rule(**base | {"clear_for_s": 60} | fields)


def test_fifty_one_pending_operations_are_an_alert_and_recovery_clears_it() -> None:
    bench = Bench(rule(name="pending_operations", severity=Severity.CRITICAL, clear=40))
    bench.look(50)
    assert bench.engine.open() == []
    bench.look(51, 30)
    assert (bench.only.severity, bench.only.message) == (Severity.CRITICAL, "51 of 50")
    assert bench.look(40, 30) == []
    (over,) = bench.look(40, 60)
    assert (over.state, over.resolved_by, over.resolved_at) == (
        AlertState.RESOLVED, "recovery", bench.now,
    )  # fmt: skip
    assert bench.engine.open() == []


def test_it_has_to_be_bad_for_long_enough_without_a_break() -> None:
    bench = Bench(rule(for_s=60))
    bench.look(51)
    bench.look(51, 59)
    assert bench.state is RuleState.PENDING
    bench.look(50, 0.5)
    bench.look(51, 0.5)
    bench.look(51, 59)
    assert bench.engine.open() == [], "the break began it anew"
    bench.look(51, 1)
    assert bench.only.count == 1


def test_one_open_alert_counts_and_keeps_the_newest_and_the_worst() -> None:
    bench = Bench(rule())
    for value in (51, 90, 60):
        bench.look(value, 30)
    alert = bench.only
    assert (alert.count, alert.value, alert.worst) == (3, 60, 90)
    assert (alert.opened_at, alert.last_at) == (30 * S, 90 * S)
    assert alert.message == "60 of 50"


def test_hysteresis_keeps_it_open_between_the_bounds() -> None:
    bench = Bench(rule(clear=40))
    bench.look(51)
    for value in (45, 40, 45, 40):
        assert bench.look(value, 59) == [], "clear, but never for a minute on end"
    assert bench.only.count == 1, "between the bounds it is not found bad"
    assert len(bench.look(40, 60)) == 1


def test_a_warning_becomes_critical_and_stays_so() -> None:
    bench = Bench(rule(critical=100, for_s=10))
    bench.look(60)
    bench.look(60, 10)
    bench.look(101, 10)
    assert bench.only.severity is Severity.WARNING, "critical not for long enough yet"
    bench.look(101, 10)
    assert bench.only.severity is Severity.CRITICAL
    bench.look(60, 10)
    assert (bench.only.severity, bench.only.count) == (Severity.CRITICAL, 4)


def test_what_an_operator_resolved_stays_away_until_it_was_good() -> None:
    bench = Bench(rule())
    bench.look(51)
    first = bench.engine.resolve(bench.only.id, "key:ops", bench.now)
    assert first.resolved_by == "key:ops"
    bench.look(51, 30)
    bench.look(70, 3600)
    assert (bench.engine.open(), bench.state) == ([], RuleState.MUTED)
    bench.look(50, 30)
    bench.look(51, 59)
    assert bench.engine.open() == [], "not good for long enough"
    bench.look(50, 1)
    bench.look(50, 60)
    bench.look(51, 1)
    assert bench.only.id != first.id


def test_resolving_twice_or_nothing_is_an_error() -> None:
    bench = Bench(rule())
    bench.look(51)
    alert_id = bench.only.id
    bench.engine.resolve(alert_id, "ops", bench.now)
    with pytest.raises(Conflict):
        bench.engine.resolve(alert_id, "ops", bench.now)
    with pytest.raises(NotFound):
        bench.engine.resolve("f" * 32, "ops", bench.now)


@pytest.mark.parametrize("nothing", [None, float("nan")])
def test_a_missing_metric_is_no_data_and_neither_opens_nor_resolves(nothing: float | None) -> None:
    bench = Bench(rule())
    bench.look(nothing)
    assert (bench.engine.open(), bench.state) == ([], RuleState.NO_DATA)
    bench.look(51, 30)
    bench.look(10, 30)
    bench.look(nothing, 30)
    assert bench.look(10, 59) == [], "the time without data does not count as good"
    assert len(bench.look(10, 60)) == 1


def test_a_rule_may_say_that_missing_is_bad() -> None:
    bench = Bench(rule(absent=True, for_s=30))
    bench.look(None)
    bench.look(None, 30)
    assert (bench.only.message, bench.only.value) == ("m is missing", None)
    bench.look(10, 30)
    assert len(bench.look(10, 60)) == 1


def test_rules_are_told_apart_by_name_and_labels() -> None:
    bench = Bench(rule(labels={"disk": "a"}), rule(labels={"disk": "b"}, metric="n"))
    bench.look(51)
    bench.look(51, metric="n")
    assert [alert.labels for alert in bench.engine.open()] == [{"disk": "a"}, {"disk": "b"}]
    with pytest.raises(InvalidInput):
        Bench(rule(), rule(threshold=5))


def test_resolved_alerts_are_kept_for_their_time_and_in_bounds() -> None:
    bench = Bench(rule(clear_for_s=0), retention_s=3600)
    for _ in range(1100):
        bench.look(51, 1)
        bench.look(50, 1)
    assert len(bench.engine.resolved()) == 1000
    assert len(bench.engine.save().resolved) == 100
    bench.look(50, 3601)
    assert bench.engine.resolved() == []


def test_a_restart_loses_neither_alerts_nor_what_was_resolved_by_hand() -> None:
    rules = (rule(), rule(name="hand", metric="n"), rule(name="gone", metric="o"))
    before = Bench(*rules)
    for metric in "mno":
        before.look(51, metric=metric)
    open_, by_hand, _ = before.engine.open()
    open_.announced = Severity.WARNING
    before.engine.resolve(by_hand.id, "ops", before.now)
    text = msgspec.json.encode(before.engine.save())

    after = Bench(*rules[:2])
    after.values = dict(before.values)
    after.engine.restore(msgspec.json.decode(text, type=Saved), 9 * S)
    assert after.engine.open() == [open_]
    removed = next(one for one in after.engine.resolved() if one.rule == "gone")
    assert (removed.resolved_by, removed.resolved_at) == ("rule removed", 9 * S)
    after.look(51, 10)
    assert [alert.rule for alert in after.engine.open()] == ["r"], "the other is still muted"
    assert after.only.count == 4, "three looks before, one after"


@given(
    st.lists(
        st.tuples(st.integers(1, 90), st.none() | st.integers(30, 120), st.booleans()), max_size=80
    )
)
def test_laws_of_any_course(steps: list[tuple[int, int | None, bool]]) -> None:
    """At most one is open; it opens only when bad, resolves only when good or by hand."""
    bench = Bench(rule(clear=40, critical=100, for_s=30))
    for seconds, value, by_hand in steps:
        was_open = [alert.id for alert in bench.engine.open()]
        resolved = bench.look(value, seconds)
        now_open = bench.engine.open()
        assert len(now_open) <= 1
        if [alert.id for alert in now_open] != was_open and now_open:
            assert value is not None and value > 50
        if resolved:
            assert value is not None and value <= 40
            assert [alert.id for alert in resolved] == was_open
        for alert in now_open:
            assert alert.opened_at <= alert.last_at <= bench.now
            assert alert.worst is not None and alert.worst >= (alert.value or 0)
            if by_hand:
                bench.engine.resolve(alert.id, "ops", bench.now)
