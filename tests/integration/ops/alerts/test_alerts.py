"""Alerts of a process on a real store: looking, telling, restarts, starting and stopping."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import apsw
import pytest

from colloquy.model.alerts import AlertState, RuleState, Severity
from colloquy.model.errors import InvalidInput
from colloquy.ops import Supervisor
from colloquy.ops.alerts import Alerts, Rule, default_rules
from colloquy.ops.alerts.sinks import ConsoleSink
from colloquy.settings import Settings, load_settings
from colloquy.storage.sqlite import SqliteStore
from colloquy.storage.store import Store
from colloquy.telemetry import Metrics
from support.waiting import until

S = 1_000_000
HOUR = 3600 * S


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    opened = SqliteStore(tmp_path / "a.db")
    await opened.open()
    yield opened
    await opened.close()


class Bench:
    """Alerts with a console alone, on a clock of the test's."""

    def __init__(self, store: Store, rules: list[Rule] | None = None, **settings: str) -> None:
        dotted = {f"alerts.{name}": value for name, value in settings.items()}
        self.settings = load_settings(None, {}, {"preset": "test", **dotted})
        self.metrics = Metrics()
        self.now = 0
        self.tasks = Supervisor()
        self.figures: dict[str, float | None] = {}
        self.alerts = Alerts(
            self.settings.alerts,
            default_rules(Settings()) if rules is None else rules,
            [ConsoleSink(keep=100)],
            store,
            self.metrics,
            clock=lambda: self.now,
        )

    async def begin(self) -> Bench:
        await self.alerts.load()
        self.alerts.start(self.tasks, watch=False)
        return self

    async def end(self) -> None:
        await self.alerts.stop(5)
        await self.tasks.stop(1)

    async def look(self, after_s: float = 30, **figures: float | None) -> None:
        self.now += int(after_s * S)
        for name in figures:
            if name not in self.figures:
                self.alerts.provide(name, lambda name=name: self.figures[name])
        self.figures.update(figures)
        await self.alerts.look()

    async def told(self, count: int) -> list[tuple[str, str]]:
        """(type, name) of the notices so far, oldest first, once there are so many."""
        await until(lambda: len(self.alerts.notices(limit=1000).notices) >= count)
        await asyncio.sleep(0)
        notices = self.alerts.notices(limit=1000).notices
        return [(one.type, one.name) for one in reversed(notices)]

    def suppressed(self) -> float:
        return self.metrics.notifications.of("console").of("suppressed").value

    def state(self, name: str) -> RuleState:
        (found,) = [rule.state for rule in self.alerts.rules().rules if rule.name == name]
        return found


async def test_fifty_one_pending_operations_are_told_and_so_is_recovery(store: Store) -> None:
    bench = await Bench(store).begin()
    await bench.look(pending_operations=51)
    (alert,) = bench.alerts.page().alerts
    assert (alert.rule, alert.severity) == ("pending_operations", Severity.CRITICAL)
    assert bench.metrics.alerts_open.of("critical").value == 1
    await bench.look(pending_operations=0)
    await bench.look(60, pending_operations=0)
    assert bench.alerts.page().alerts == []
    assert bench.metrics.alerts_open.of("critical").value == 0
    assert bench.metrics.alerts.value == 1
    assert await bench.told(2) == [
        ("alert.opened", "pending_operations"),
        ("alert.resolved", "pending_operations"),
    ]
    assert bench.state("rollback_time") is RuleState.NO_DATA
    await bench.end()


async def test_starting_and_stopping_twice_leaves_no_task(store: Store) -> None:
    before = asyncio.all_tasks()
    bench = Bench(store)
    await bench.alerts.load()
    for _ in range(2):
        bench.alerts.start(bench.tasks)
    assert len(asyncio.all_tasks() - before) == 2, "one that looks, one for the console"
    for _ in range(2):
        await bench.end()
    assert asyncio.all_tasks() == before


async def test_rollbacks_are_judged_by_the_last_hour_alone(store: Store) -> None:
    bench = await Bench(store).begin()
    for number in range(9):
        bench.alerts.event("rollback_executed", "info", f"{number}", {"duration_s": 1.0})
    bench.alerts.event("rollback_failed", "error", "disk full", {"duration_s": 1.0})
    await bench.look()
    assert bench.alerts.page().alerts == [], "one in ten is not more than 10 %"
    bench.alerts.event("rollback_failed", "error", "disk full again", {"duration_s": 60})
    await bench.look()
    found = {alert.rule: alert.value for alert in bench.alerts.page().alerts}
    assert found == {"rollback_failures": 100 * 2 / 11, "rollback_time": 70 / 11}
    await bench.look(3600)
    await bench.look(60)
    assert bench.alerts.page().alerts == []
    await bench.end()


@pytest.mark.parametrize(
    ("event", "toggle"),
    [
        ("rollback_created", "rollback_created"),
        ("rollback_executed", "rollback_executed"),
        ("rollback_failed", "rollback_failed"),
        ("critical_conflict", "critical_conflicts"),
    ],
)
async def test_events_are_told_unless_switched_off(store: Store, event: str, toggle: str) -> None:
    on = await Bench(store).begin()
    on.alerts.event(event, "warn", "it happened", {"point": "p1"})
    assert await on.told(1) == [(f"event.{event}", event)]
    (notice,) = on.alerts.notices().notices
    assert (notice.severity, notice.data) == (Severity.WARNING, {"point": "p1"})
    await on.end()
    off = await Bench(store, **{toggle: "false"}).begin()
    off.alerts.event(event, "critical", "it happened")
    off.alerts.event("other", "critical", "so did this")
    assert await off.told(1) == [("event.other", "other")]
    await off.end()


async def test_an_event_never_raises_and_may_come_from_any_thread(store: Store) -> None:
    bench = await Bench(store).begin()
    data: dict[str, Any] = {"x": object()}
    thread = threading.Thread(target=bench.alerts.event, args=("e", "odd word", "m", data))
    thread.start()
    await asyncio.to_thread(thread.join)
    await bench.told(1)
    (notice,) = bench.alerts.notices().notices
    assert (notice.severity, list(notice.data)) == (Severity.WARNING, ["left_out"])
    await bench.end()
    bench.alerts.event("late", "info", "after the end")
    assert bench.metrics.notifications.of("console").of("dropped").value == 1


async def test_the_same_event_is_told_once_and_others_are_limited(store: Store) -> None:
    bench = await Bench(store, max_per_hour="3").begin()
    for number in (1, 1, 2, 3, 4):
        bench.alerts.event("rollback_failed", "error", "no", {"point": number})
    assert len(await bench.told(3)) == 3
    assert bench.suppressed() == 2
    await bench.end()


async def test_an_alert_that_flaps_is_told_once_and_again_when_it_lasts(store: Store) -> None:
    rule = Rule(name="r", metric="m", threshold=1, clear_for_s=0, message="m")
    bench = await Bench(store, [rule], repeat_s="300").begin()
    for value in (2, 0, 2, 2, 0, 2, 2):
        await bench.look(10, m=value)
    opened, resolved = ("alert.opened", "r"), ("alert.resolved", "r")
    assert await bench.told(2) == [opened, resolved]
    assert bench.suppressed() == 2, "the second and the third opening, once each"
    await bench.look(300, m=2)
    await bench.look(10, m=0)
    assert await bench.told(4) == [opened, resolved, opened, resolved]
    await bench.end()


async def test_escalation_is_told_at_once(store: Store) -> None:
    rule = Rule(name="r", metric="m", threshold=1, critical=5, message="m")
    bench = await Bench(store, [rule]).begin()
    for value in (2, 3, 6, 7):
        await bench.look(1, m=value)
    assert await bench.told(2) == [("alert.opened", "r"), ("alert.escalated", "r")]
    gauges = [bench.metrics.alerts_open.of(word).value for word in ("warning", "critical")]
    assert gauges == [0, 1]
    await bench.end()


async def test_a_restart_keeps_alerts_and_tells_nothing_twice(store: Store) -> None:
    first = await Bench(store).begin()
    await first.look(pending_operations=51)
    await first.look(pending_operations=60)
    (open_,) = first.alerts.page().alerts
    await first.end()

    second = await Bench(store).begin()
    assert second.metrics.alerts_open.of("critical").value == 1
    (kept,) = second.alerts.page().alerts
    assert (kept.id, kept.opened_at) == (open_.id, open_.opened_at)
    second.now = first.now
    await second.look(pending_operations=52)
    resolved = await second.alerts.resolve(open_.id, "key:ops")
    assert resolved.resolved_by == "key:ops"
    assert await second.told(1) == [("alert.resolved", "pending_operations")]
    await second.end()

    third = await Bench(store).begin()
    third.now = second.now
    await third.look(pending_operations=51)
    assert third.state("pending_operations") is RuleState.MUTED
    (over,) = third.alerts.page(state=AlertState.RESOLVED).alerts
    assert over.id == open_.id
    await third.end()


async def test_a_state_that_cannot_be_read_is_begun_anew(store: Store) -> None:
    await store.set_meta("alerts", '{"open": 1}')
    bench = await Bench(store).begin()
    await bench.look(pending_operations=51)
    assert len(bench.alerts.page().alerts) == 1
    await bench.end()


async def test_an_outage_of_the_store_costs_no_alert(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "a.db", lock_wait_s=0.01)
    await store.open()
    bench = await Bench(store).begin()
    other = apsw.Connection(str(tmp_path / "a.db"))
    other.execute("BEGIN IMMEDIATE")
    await bench.look(pending_operations=51)
    assert await bench.told(1) == [("alert.opened", "pending_operations")]
    assert await store.meta("alerts") is None
    other.execute("ROLLBACK")
    other.close()
    await bench.look(pending_operations=51)
    again = await Bench(store).begin()
    assert len(again.alerts.page().alerts) == 1
    await again.end()
    await bench.end()
    await store.close()


async def test_a_metric_that_raises_blinds_no_other_rule(store: Store) -> None:
    bench = Bench(store)

    def broken() -> float:
        raise ZeroDivisionError

    bench.alerts.provide("disk_free_percent", broken)
    await bench.begin()
    await bench.look(pending_operations=51)
    assert bench.state("disk") is RuleState.NO_DATA
    assert len(bench.alerts.page().alerts) == 1
    await bench.end()


async def test_pages_follow_each_other_newest_first(store: Store) -> None:
    rules = [
        Rule(name=f"r{n}", metric=f"m{n}", threshold=0, critical=n or None, message="m")
        for n in range(5)
    ]
    bench = await Bench(store, rules).begin()
    for number in range(5):
        await bench.look(1, **{f"m{number}": 3})
    names: list[str] = []
    cursor: str | None = None
    while True:
        page = bench.alerts.page(cursor, 2)
        names += [alert.rule for alert in page.alerts]
        cursor = page.next
        if cursor is None:
            break
    assert names == ["r4", "r3", "r2", "r1", "r0"]
    critical = bench.alerts.page(severity=Severity.CRITICAL).alerts
    assert [alert.rule for alert in critical] == ["r2", "r1"]
    await bench.told(5)
    first = bench.alerts.notices(limit=3)
    rest = bench.alerts.notices(first.next, 3)
    assert [len(first.notices), len(rest.notices), rest.next] == [3, 2, None]
    for page_of in (bench.alerts.page, bench.alerts.notices):
        with pytest.raises(InvalidInput):
            page_of("x")
    await bench.end()
