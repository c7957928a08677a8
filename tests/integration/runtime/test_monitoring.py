"""Monitoring of a running engine: what it tells, to whom, and the seven flags on and off."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from colloquy import Colloquy, Turn
from colloquy.flags.state import FlagState
from colloquy.model.errors import NotFound, SettingsError, Unavailable
from colloquy.model.ledger import PointRequest, RollbackRequest
from colloquy.model.monitoring import Span
from colloquy.ops.monitoring import Dashboard
from colloquy.runtime import Runtime
from colloquy.storage.store import Store
from support.engine import Talk, echo, running, settings_for
from support.storage import Place
from support.waiting import until


def flags(**values: str) -> dict[str, str]:
    return {f"flags__monitoring_{name}": value for name, value in values.items()}


@asynccontextmanager
async def monitored(
    place: Path | str, folder: Path | None = None, app: Colloquy | None = None, **overrides: str
) -> AsyncIterator[Talk]:
    """Looks only when it is told to, so that each event comes when the test expects it."""
    quiet = {"monitoring__interval_s": "3600", **overrides}
    async with running(app or echo(), place, folder, **quiet) as talk:
        yield talk


async def told(talk: Talk, dashboard: Dashboard) -> list[dict[str, Any]]:
    """What a dashboard is shown by a look that is made now."""
    await talk.runtime.monitoring.look()
    return [json.loads(dashboard._frames.popleft()) for _ in range(dashboard.waiting)]


def kinds(events: list[dict[str, Any]]) -> dict[str, Any]:
    return {event["type"]: event["data"] for event in events}


@pytest.fixture
def where(place: Place) -> Path | str:
    return Path(place.where) if place.engine == "sqlite" else place.where


async def test_dashboards_are_told_what_happens(where: Path | str, tmp_path: Path) -> None:
    app = Colloquy()

    @app.on_message
    def answer(turn: Turn) -> str:
        if turn.text == "bad":
            raise ValueError("broken")
        return "yes"

    async with monitored(where, tmp_path, app) as talk:
        monitoring = talk.runtime.monitoring
        with monitoring.join("websocket") as one, monitoring.join("realtime") as other:
            await told(talk, one)
            await told(talk, other)
            for who in ("ann", "bob"):
                assert await talk.send("hello", who) == ["yes"]
            await talk.reached(await talk.post("bad", "carl"), "dead")
            await talk.settled()
            talk.runtime.alerts.event("rollback_failed", "critical", "it broke")
            point = await talk.runtime.ledger.create_point(PointRequest(name="p"), "tester")
            events = await told(talk, one)
            assert events == [json.loads(frame) for frame in other._frames], "both adapters"
    found = kinds(events)
    assert found["messages_accepted"] == {"accepted": {"stored": 3}, "refused": {}}
    assert (found["turns_committed"]["turns"], found["turns_committed"]["messages"]) == (3, 3)
    assert found["turns_committed"]["mean_ms"] > 0
    assert found["replies_delivered"]["delivered"] == {"api": 3}, "two answers and an apology"
    assert found["turns_failed"] == {"attempts": 2, "dead_letters": 1}
    changed = found["conversations_changed"]
    assert set(changed["conversations"]) == {
        talk.conversation_id(who) for who in ("ann", "bob", "carl")
    }
    notices = [one["data"]["message"] for one in events if one["type"] == "alert"]
    assert notices == ["it broke", f"rollback point {point.id} was made"]
    # Carl was handed over, which makes a point by itself, at any time from then on.
    points = [one["data"] for one in events if one["type"] == "ledger_changed"]
    assert {"change": "rollback-point-created", "point": point.id} in points
    assert all(event["source"] == talk.runtime.name for event in events)
    assert not any("errors" in event for event in events), events


async def test_a_rollback_tells_how_far_it_is(tmp_path: Path) -> None:
    async with monitored(tmp_path / "a.db") as talk:
        ledger = talk.runtime.ledger
        await ledger.ledger.put("things", "a", {"n": 1}, "tester")
        with talk.runtime.monitoring.join("realtime") as dashboard:
            await told(talk, dashboard)
            await ledger.rollback(RollbackRequest(position=0), "tester")
            await until(lambda: talk.runtime.metrics.rollback_successes.value == 1)
            events = await told(talk, dashboard)
    steps = [one["data"] for one in events if one["type"] == "operation_progress"]
    assert [steps[0]["step"], steps[-1]["step"]] == ["rollback-started", "rollback-completed"]
    assert (steps[-1]["status"], steps[-1]["done"], steps[-1]["total"]) == ("completed", 1, 1)


async def test_without_a_dashboard_conversations_are_not_even_noted(tmp_path: Path) -> None:
    async with monitored(tmp_path / "a.db") as talk:
        signals = talk.runtime.signals
        await talk.runtime.monitoring.look()
        assert signals._feeds == set()
        with talk.runtime.monitoring.join("websocket"):
            await talk.runtime.monitoring.look()
            assert len(signals._feeds) == 1
        await talk.runtime.monitoring.look()
        assert signals._feeds == set()


async def test_a_dashboard_that_never_reads_holds_nobody_up(tmp_path: Path) -> None:
    async with running(
        echo(), tmp_path / "a.db", monitoring__interval_s="0.001", monitoring__queue_size="4"
    ) as talk:
        monitoring = talk.runtime.monitoring
        with monitoring.join("websocket") as deaf, monitoring.join("realtime") as other:
            for number in range(40):
                assert await talk.send(str(number), f"who{number % 4}") == [f"You said: {number}"]
            await until(lambda: monitoring.view().dashboards["websocket"].dropped > 0)
            assert deaf.waiting <= 4
            assert other.waiting <= 4
        assert monitoring.adapter().failures == 0


async def test_more_than_may_wait_is_a_failure_and_nobody_waits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("colloquy.ops.monitoring.monitoring.MOST_WAITING", 3)
    async with monitored(tmp_path / "a.db") as talk:
        for _ in range(5):
            talk.runtime.monitoring.publish("app", {"name": "a"})
        await talk.runtime.monitoring.look()
        assert talk.runtime.monitoring.adapter().failures == 2
        assert talk.runtime.monitoring.validation().by_event_type["app"].total == 3


# -- the flags --------------------------------------------------------------------------------

BAD = {"name": "Not A Name"}
GOOD = {"name": "good"}


async def test_use_adapter_off_tells_nobody(tmp_path: Path) -> None:
    async with monitored(tmp_path / "a.db", **flags(use_adapter="off")) as talk:
        monitoring = talk.runtime.monitoring
        for adapter in ("websocket", "realtime"):
            with pytest.raises(NotFound, match="monitoring_use_adapter"):
                monitoring.join(adapter)
        monitoring.publish("app", GOOD)
        await monitoring.look()
        assert monitoring.adapter().broadcasts == 0
        assert monitoring.validation().total_validations == 1, "it is validated all the same"
        assert monitoring.view().adapters == []


@pytest.mark.parametrize(
    ("type_", "dual", "used"),
    [
        ("websocket", "off", ["websocket"]),
        ("realtime", "off", ["realtime"]),
        ("dual", "off", ["realtime", "websocket"]),
        ("websocket", "on", ["realtime", "websocket"]),
    ],
)
async def test_type_and_dual_mode_say_which_adapters(
    tmp_path: Path, type_: str, dual: str, used: list[str]
) -> None:
    chosen = flags(adapter_type=type_, dual_mode=dual)
    async with monitored(tmp_path / "a.db", **chosen) as talk:
        monitoring = talk.runtime.monitoring
        assert monitoring.view().adapters == used
        for adapter in ("websocket", "realtime"):
            if adapter not in used:
                with pytest.raises(NotFound, match=adapter):
                    monitoring.join(adapter)
                continue
            with monitoring.join(adapter) as dashboard:
                await told(talk, dashboard)
                monitoring.publish("app", GOOD)
                (event,) = await told(talk, dashboard)
                assert event["data"] == {"name": "good"}


async def test_lenient_validation_tells_what_is_wrong(tmp_path: Path) -> None:
    async with monitored(tmp_path / "a.db") as talk:
        monitoring = talk.runtime.monitoring
        with monitoring.join("websocket") as dashboard:
            await told(talk, dashboard)
            monitoring.publish("app", BAD)
            monitoring.publish("nonsense", {"x": 1})
            bad, unknown = await told(talk, dashboard)
        assert bad["data"] == BAD
        assert "regex" in bad["errors"][0]
        assert unknown["errors"] == ["there is no kind 'nonsense'"]
        figures = monitoring.adapter()
        assert (figures.broadcasts, figures.failures, figures.validation_errors) == (2, 0, 2)


async def test_strict_validation_refuses_and_counts(tmp_path: Path) -> None:
    async with monitored(tmp_path / "a.db", **flags(validation_strict="on")) as talk:
        monitoring = talk.runtime.monitoring
        with monitoring.join("websocket") as dashboard:
            await told(talk, dashboard)
            monitoring.publish("app", BAD)
            monitoring.publish("app", GOOD)
            (event,) = await told(talk, dashboard)
            assert event["data"] == {"name": "good"}
        figures = monitoring.adapter()
        assert (figures.broadcasts, figures.failures, figures.validation_errors) == (1, 1, 1)
        of_kind = monitoring.validation().by_event_type["app"]
        assert (of_kind.total, of_kind.passed, of_kind.failed, of_kind.errors) == (2, 1, 1, 1)


async def test_without_validation_all_is_told_and_nothing_counted(tmp_path: Path) -> None:
    chosen = flags(enable_validation="off", validation_strict="on")
    async with monitored(tmp_path / "a.db", **chosen) as talk:
        monitoring = talk.runtime.monitoring
        with monitoring.join("websocket") as dashboard:
            await told(talk, dashboard)
            monitoring.publish("app", BAD)
            (event,) = await told(talk, dashboard)
            assert event["data"] == BAD
            assert "errors" not in event
        assert monitoring.validation().total_validations == 0
        assert monitoring.adapter().validation_errors == 0


async def test_the_interval_says_when_figures_are_written(tmp_path: Path) -> None:
    async with running(echo(), tmp_path / "a.db", **flags(metrics_flush_interval="1")) as talk:
        await talk.send("hello")
        await until(lambda: talk.runtime.monitoring.view().last_flush is not None)
        page = await talk.runtime.monitoring.history()
        assert {one.event_type for one in page.records} & {"messages_accepted", "turns_committed"}


async def test_figures_are_written_when_it_stops_unless_persistence_is_off(
    where: Path | str, tmp_path: Path
) -> None:
    async with monitored(where, tmp_path) as talk:
        await talk.send("hello")
        await talk.settled()
    async with monitored(where, tmp_path, **flags(metrics_persistence="off")) as talk:
        await talk.send("hello")
        assert await hours(talk) == [1]
        await talk.settled()
    async with monitored(where, tmp_path) as talk:
        assert await hours(talk) == [1]


async def hours(talk: Talk) -> list[int]:
    page = await talk.runtime.monitoring.history(Span.DAY, "turns_committed")
    return [one.total_events for one in page.records]


@pytest.mark.parametrize(
    ("name", "value"), [("adapter_type", "telepathy"), ("metrics_flush_interval", "0")]
)
def test_a_flag_that_will_not_do_stops_the_start(tmp_path: Path, name: str, value: str) -> None:
    settings = settings_for(tmp_path / "a.db", **flags(**{name: value}))
    with pytest.raises(SettingsError, match=f"monitoring_{name}"):
        Runtime(echo(), settings)


# -- several processes ------------------------------------------------------------------------


async def test_realtime_reaches_dashboards_of_other_processes(
    postgres_url: str, signals_url: str, tmp_path: Path
) -> None:
    async with (
        monitored(postgres_url, tmp_path / "one", signals__url=signals_url) as here,
        monitored(postgres_url, tmp_path / "other", signals__url=signals_url) as there,
    ):
        watching, telling = here.runtime.monitoring, there.runtime.monitoring
        telling.publish("app", {"name": "early"})
        await telling.look()
        with watching.join("realtime") as follower, watching.join("websocket") as socket:
            await watching.look()  # says that somebody watches
            await until(lambda: telling._adapters.is_watched)
            telling.publish("app", {"name": "shared", "data": {"text": "x" * 200}})
            telling.publish("app", {"name": "large", "data": {"text": "y" * 9000}})
            await telling.look()
            for dashboard in (follower, socket):
                await until(
                    lambda d=dashboard: any(b'"large"' in f or b"truncated" in f for f in d._frames)
                )
                found = [json.loads(frame) for frame in dashboard._frames]
                app = [one for one in found if one["type"] == "app"]
                assert [one["source"] for one in app] == [there.runtime.name] * 2
                assert app[0]["data"]["name"] == "shared", "what nobody watched was not sent"
                assert (app[1]["data"], app[1]["truncated"]) == (None, True)


async def test_websocket_alone_stays_in_its_process(postgres_url: str, tmp_path: Path) -> None:
    chosen = flags(adapter_type="websocket", dual_mode="off")
    heard: list[str] = []
    async with (
        monitored(postgres_url, tmp_path / "one", **chosen) as here,
        monitored(postgres_url, tmp_path / "other", **chosen) as there,
    ):
        store: Store = here.runtime.store
        store.listen(lambda topic, text: heard.append(topic))
        with here.runtime.monitoring.join("websocket") as dashboard:
            await here.runtime.monitoring.look()
            there.runtime.monitoring.publish("app", GOOD)
            await there.runtime.monitoring.look()
            await there.runtime.store.signal("mark", "")
            await until(lambda: "mark" in heard)
            assert "monitoring" not in heard
            assert not any(b'"app"' in frame for frame in dashboard._frames)


async def test_there_is_a_bound_on_dashboards(tmp_path: Path) -> None:
    async with monitored(tmp_path / "a.db", monitoring__max_dashboards="1") as talk:
        with talk.runtime.monitoring.join("websocket"), pytest.raises(Unavailable):
            talk.runtime.monitoring.join("websocket")


async def test_flags_that_change_while_it_runs_count_from_the_next_look(tmp_path: Path) -> None:
    async with monitored(tmp_path / "a.db") as talk:
        runtime, monitoring = talk.runtime, talk.runtime.monitoring
        with monitoring.join("websocket") as socket, monitoring.join("realtime") as stream:
            await told(talk, socket)
            runtime.flags.replace(
                {
                    "monitoring_dual_mode": FlagState(value=False),
                    "monitoring_validation_strict": FlagState(value=True),
                },
                {},
            )
            changed = [one["data"] for one in await told(talk, stream)]
            assert {"flag": "monitoring_dual_mode", "before": True, "after": False} in changed
            assert monitoring.view().adapters == ["realtime"]
            assert monitoring.view().strict
            assert [frame async for frame in socket.frames()] == [], "its adapter is gone"

            runtime.flags.replace({"monitoring_adapter_type": FlagState(value="telepathy")}, {})
            monitoring.publish("app", GOOD)
            await monitoring.look()
            assert monitoring.view().adapters == ["realtime"], "what will not do changes nothing"
            assert any(b'"good"' in frame for frame in stream._frames)
