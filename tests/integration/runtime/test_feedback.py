"""Feedback of a running engine, on both databases."""

from __future__ import annotations

import asyncio
import csv
import io
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from colloquy import Colloquy
from colloquy.feedback.analysing import period_of
from colloquy.feedback.counting import Conversation, Tally, Wanted, Window
from colloquy.model.errors import InvalidInput, NotFound
from colloquy.model.feedback import FeedbackFilter, FeedbackProgress, FeedbackRow, SignalsRow
from colloquy.model.times import now_us, to_us
from colloquy.model.views import FeedbackRequest
from colloquy.runtime import Runtime
from colloquy.runtime.feedback import reading, summarising
from support.engine import Talk, settings_for
from support.waiting import until

HOUR_US = 3_600_000_000
PEOPLE = ("+4917012345", "+4917054321", "+4917099999")


class Wall:
    """A clock that can be set forward."""

    def __init__(self) -> None:
        self.ahead = 0

    def __call__(self) -> int:
        return now_us() + self.ahead


def assistant() -> Colloquy:
    app = Colloquy()

    @app.on_message
    def answer(turn: Any) -> str:
        return f"You said: {turn.text}"

    return app


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Path | str:
    if request.param == "sqlite":
        return tmp_path / "feedback.db"
    url: str = request.getfixturevalue("postgres_url")
    return url


@asynccontextmanager
async def told(
    database: Path | str, folder: Path, wall: Wall, **settings: str
) -> AsyncIterator[Runtime]:
    """Three conversations; the first is rated twice, the second once, by an operator."""
    runtime = Runtime(assistant(), settings_for(database, folder, **settings), clock=wall)
    await runtime.start()
    try:
        talk = Talk(runtime)
        ratings: dict[str, list[tuple[Any, str, str | None]]] = {
            PEOPLE[0]: [("up", "visitor", None), (2, "visitor", "=cmd() ann@example.org")],
            PEOPLE[1]: [(4, "key:tom", None)],
            PEOPLE[2]: [],
        }
        for person, given in ratings.items():
            (reply,) = await runtime.wait(
                (await talk.post("When do you open?", person)).message_id, 60
            ) or [None]
            assert reply is not None
            for rating, by, comment in given:
                request = FeedbackRequest(reply.reply_id, rating, comment, "hours")
                await runtime.feedback(reply.conversation_id, request, by)
        await talk.settled()
        yield runtime
    finally:
        await runtime.stop()


async def whole(chunks: AsyncIterator[bytes]) -> bytes:
    return b"".join([chunk async for chunk in chunks])


async def test_figures_are_of_all_conversations(
    database: Path | str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(summarising, "SLICE", 2)  # two slices
    monkeypatch.setattr(reading, "EVENTS", 1)  # each conversation by itself
    wall = Wall()
    async with told(database, tmp_path, wall) as runtime:
        desk = runtime.feedback_desk
        now = await desk.analytics()
        wall.ahead = HOUR_US
        assert await desk.analytics() == now  # kept
        later = await desk.analytics(refresh=True)
        none = await desk.analytics(FeedbackFilter(channel="sms"))
        nothing = await desk.recommendations(FeedbackFilter(intent="nothing"))
    assert now.period.total_feedback == 2  # the newest of each person
    assert now.period.average_rating == 3
    assert [(one.category, one.total) for one in now.period.by_category] == [("hours", 2)]
    assert now.period.outcomes is not None
    assert (now.period.outcomes.conversations, now.period.outcomes.open) == (3, 3)
    assert later.period.outcomes is not None
    assert (later.period.outcomes.completed, later.period.outcomes.completion_rate) == (3, 1)
    assert later.period.response_time is not None
    assert later.period.response_time.responses == 3
    assert sum(later.days.feedback) == 2
    assert none.period.total_feedback == none.period.outcomes.conversations == 0  # type: ignore[union-attr]
    assert nothing.recommendations == []


async def test_a_conversation_is_read_once_until_something_happens_in_it(
    database: Path | str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[list[int]] = []
    count_logs = summarising.Summaries._count_logs

    def counted(self: Any, heads: Any, rows: Any, tallies: Any) -> Any:
        read.append([head.number for head in heads])
        return count_logs(self, heads, rows, tallies)

    monkeypatch.setattr(summarising.Summaries, "_count_logs", counted)
    wall = Wall()
    async with told(database, tmp_path, wall) as runtime:
        desk = runtime.feedback_desk
        assert await desk.fill() == 0  # nothing is at rest
        assert desk.progress().state == "idle"
        fresh = await desk.analytics()
        assert desk.progress().state == "ready"
        assert [len(one) for one in read] == [3]
        kept = await desk.analytics(refresh=True)
        assert len(read) == 1
        assert kept.period == msgspec.structs.replace(fresh.period, until=kept.period.until,
                                                      since=kept.period.since)  # fmt: skip
        talk = Talk(runtime)
        said = await talk.post("And on Sunday?", PEOPLE[2])
        assert await runtime.wait(said.message_id, 60)
        later = await desk.analytics(refresh=True)
        assert [len(one) for one in read] == [3, 1]
        assert later.period.response_time is not None
        assert later.period.response_time.responses == 4
        # A window that a conversation reaches out of is counted from its log.
        events = [row async for row in runtime.export()]
        cut = next(one["at"] for one in events if one["kind"] == "feedback")
        await desk.analytics(FeedbackFilter(since=datetime.fromisoformat(cut)))
        assert len(read) > 2
        wall.ahead = HOUR_US
        said = await talk.post("Thanks!", PEOPLE[1])
        assert await runtime.wait(said.message_id, 60)
        wall.ahead = 2 * HOUR_US
        assert await desk.fill() == 1
        assert await desk.fill() == 0


async def test_it_is_told_how_far_figures_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = threading.Event()
    count_known = summarising.Summaries._count_known
    calls = 0

    def held(self: Any, rows: Any, tallies: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == 3:
            assert gate.wait(60)
        return count_known(self, rows, tallies)

    monkeypatch.setattr(summarising, "SLICE", 1)
    monkeypatch.setattr(summarising.Summaries, "_count_known", held)
    async with told(tmp_path / "far.db", tmp_path, Wall()) as runtime:
        desk = runtime.feedback_desk
        waiting = asyncio.create_task(desk.analytics())
        try:
            await until(lambda: desk.progress().done == 2)
            assert desk.progress() == FeedbackProgress("computing", 2, 3)
            assert desk.progress(FeedbackFilter(channel="sms")).state == "idle"
        finally:
            gate.set()
        await waiting
        assert desk.progress() == FeedbackProgress("ready", 0, 0)


async def test_figures_out_of_summaries_are_those_out_of_logs(
    database: Path | str, tmp_path: Path
) -> None:
    wall = Wall()
    async with told(database, tmp_path, wall) as runtime:
        desk = runtime.feedback_desk
        events = [row async for row in runtime.export()]
        moments = sorted({datetime.fromisoformat(row["at"]) for row in events})
        for since in (moments[0], moments[len(moments) // 2]):
            for until in (moments[len(moments) // 2 + 1], moments[-1] + timedelta(seconds=1)):
                chosen = FeedbackFilter(since=since, until=until)
                found = await desk.analytics(chosen, refresh=True)
                window = Window(to_us(since), to_us(until), to_us(until))
                tally = Tally(window, Wanted(), implicit=True, rest_s=1800.0)
                async for batch in reading.Reading(runtime.store).conversations(0, 2**62):
                    for head, log in batch:
                        tally.add(Conversation(head.number, head.channel, log))
                assert found.period == period_of(tally, implicit=True)


async def test_filters_and_times_are_checked(tmp_path: Path) -> None:
    wall = Wall()
    async with told(tmp_path / "checked.db", tmp_path, wall) as runtime:
        desk = runtime.feedback_desk
        now = datetime.now(UTC)
        for wrong in (
            FeedbackFilter(since=now, until=now - timedelta(days=1)),
            FeedbackFilter(since=now - timedelta(days=400)),
            FeedbackFilter(since=datetime(2026, 1, 1)),  # no zone
            FeedbackFilter(since=datetime(1960, 1, 1, tzinfo=UTC)),
        ):
            with pytest.raises(InvalidInput) as refused:
                await desk.analytics(wrong)
            assert refused.value.field == "since"
            with pytest.raises(InvalidInput):
                await desk.export("ratings", "json", wrong)
        with pytest.raises(InvalidInput) as refused:
            await desk.analytics(FeedbackFilter(until=datetime.max.replace(tzinfo=UTC)))
        assert refused.value.field == "until"
        with pytest.raises(NotFound):
            await desk.signals("0" * 32)
        with pytest.raises(NotFound):
            await desk.conversation_named(FeedbackFilter(), "somebody")


async def test_signals_of_a_conversation(database: Path | str, tmp_path: Path) -> None:
    wall = Wall()
    async with told(database, tmp_path, wall) as runtime:
        wall.ahead = HOUR_US
        conversation = Talk(runtime).conversation_id(PEOPLE[0])
        view = await runtime.feedback_desk.signals(conversation)
    assert view.conversation_id == conversation
    assert view.signals is not None
    assert (view.signals.messages, view.signals.replies) == (1, 1)
    assert (view.signals.outcome, view.signals.reason) == ("completed", "answered")


async def test_an_export_names_what_made_the_reply(database: Path | str, tmp_path: Path) -> None:
    wall = Wall()
    async with told(database, tmp_path, wall, **{"feedback.privacy": "identified"}) as runtime:
        desk = runtime.feedback_desk
        ratings = await whole(await desk.export("ratings", "json"))
        signals = await whole(await desk.export("signals", "json"))
        table = await whole(await desk.export("ratings", "csv"))
        empty = await whole(await desk.export("ratings", "json", FeedbackFilter(channel="sms")))
        conversation = Talk(runtime).conversation_id(PEOPLE[0])
    rows = msgspec.json.decode(ratings, type=list[FeedbackRow])
    low = next(row for row in rows if row.person == PEOPLE[0])
    assert (low.rating, low.score, low.category, low.by) == ("2", 2, "hours", "visitor")
    assert (low.conversation, low.channel) == (conversation, "api")
    assert low.handler.startswith("message:")
    assert len(low.turn) == len(low.reply) == 32
    assert low.models
    assert {row.person for row in rows} == set(PEOPLE[:2])
    assert len(msgspec.json.decode(signals, type=list[SignalsRow])) == 3
    assert msgspec.json.decode(empty) == []
    cells = list(csv.DictReader(io.StringIO(table.decode(), newline="")))
    assert {row["comment"] for row in cells} == {"", "'=cmd() ann@example.org"}
    assert {row["person"] for row in cells} == {f"'{person}" for person in PEOPLE[:2]}


@pytest.mark.parametrize("mode", ["anonymous", "pseudonymous"])
async def test_privacy_modes_leak_nothing(database: Path | str, tmp_path: Path, mode: str) -> None:
    wall = Wall()
    async with told(database, tmp_path, wall, **{"feedback.privacy": mode}) as runtime:
        desk = runtime.feedback_desk
        out = [await whole(await desk.export(kind, format))  # type: ignore[arg-type]
               for kind in ("ratings", "signals") for format in ("json", "csv")]  # fmt: skip
        out.append(msgspec.json.encode(await desk.analytics()))
        out.append(msgspec.json.encode(await desk.recommendations()))
        talk = Talk(runtime)
        secrets = {talk.conversation_id(person) for person in PEOPLE}
        events = [row async for row in runtime.export()]
    secrets |= {row["body"]["reply_id"] for row in events if row["kind"] in ("reply", "feedback")}
    secrets |= {row["turn_id"] for row in events if row["turn_id"]}
    secrets |= {*PEOPLE, *(person.removeprefix("+") for person in PEOPLE), "tom", "ann@"}
    assert len(secrets) > 12
    everything = b"".join(out).decode()
    assert [secret for secret in secrets if secret in everything] == []
    rows = msgspec.json.decode(out[0], type=list[FeedbackRow])
    assert len(rows) == 2
    people = {row.person for row in rows}
    assert people == {""} if mode == "anonymous" else len(people) == 2


async def test_what_is_off_is_absent(tmp_path: Path) -> None:
    wall = Wall()
    switched = {"feedback.implicit": "false", "feedback.analytics": "true"}
    async with told(tmp_path / "off.db", tmp_path, wall, **switched) as runtime:
        desk = runtime.feedback_desk
        found = await desk.analytics()
        assert (found.period.total_feedback, found.period.outcomes) == (2, None)
        assert found.period.implicit is None
        with pytest.raises(NotFound):
            await desk.signals(Talk(runtime).conversation_id(PEOPLE[0]))
        with pytest.raises(NotFound):
            await desk.export("signals", "json")
    async with told(
        tmp_path / "none.db", tmp_path, wall, **{"feedback.analytics": "false"}
    ) as runtime:
        with pytest.raises(NotFound):
            await runtime.feedback_desk.analytics()
        with pytest.raises(NotFound):
            await runtime.feedback_desk.recommendations()


async def test_operators_are_told_once_in_an_interval(database: Path | str, tmp_path: Path) -> None:
    wall = Wall()
    hours = {"feedback.report_every_h": "2"}
    async with told(database, tmp_path, wall, **hours) as runtime:
        desk = runtime.feedback_desk
        await desk.report_if_due()  # the first stretch begins
        wall.ahead = HOUR_US
        assert await desk.report_if_due() is None
        assert await desk.report() is None
        wall.ahead = 3 * HOUR_US
        report = await desk.report_if_due()
        assert await desk.report() == report
        assert await desk.report_if_due() is None

        def messages() -> list[str]:
            notices = runtime.alerts.notices().notices
            return [one.message for one in notices if one.name == "feedback_report"]

        await until(lambda: bool(messages()))
        found = messages()
    assert report is not None
    assert report.period.total_feedback == 0  # nothing in the last two hours
    assert found == ["0 ratings, 0 recommendations"]
