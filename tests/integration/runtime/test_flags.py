"""Flags of a running engine: kept in the ledger, in force everywhere, but not in mid-turn."""

from __future__ import annotations

import asyncio
import sys
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
from openfeature import api
from openfeature.evaluation_context import EvaluationContext

from colloquy import Colloquy, Turn
from colloquy.flags import FlagState
from colloquy.flags.openfeature import FlagProvider
from colloquy.ledger.scope import Scope
from colloquy.model.errors import (
    InvalidInput,
    NotFound,
    PreconditionFailed,
    SettingsError,
    StoreUnavailable,
)
from colloquy.model.flags import ExplainRequest, Rollout
from colloquy.model.ledger import RollbackRequest
from support.engine import echo, running
from support.waiting import until

NAME = "enable_apology"


async def test_a_change_is_in_force_and_in_the_ledger(tmp_path: Path) -> None:
    async with running(echo(), tmp_path / "a.db", tmp_path) as talk:
        desk, flags = talk.runtime.flag_desk, talk.runtime.flags
        assert desk.show(NAME).revision == 0
        view = await desk.change(NAME, FlagState(value=False), "ann", revision=0)
        assert (view.value, view.state, flags.enabled(NAME)) == (False, {"value": False}, False)
        with pytest.raises(PreconditionFailed):
            await desk.change(NAME, FlagState(), "bo", revision=0)
        with pytest.raises(InvalidInput):
            await desk.change(NAME, FlagState(rollout=Rollout(120)), "bo")
        with pytest.raises(NotFound):
            await desk.change("no_such_flag", FlagState(), "bo")
        page = await talk.runtime.ledger.changes(collection="flags")
        assert [(row.key, row.actor) for row in page.changes] == [(NAME, "ann")]
        again = await desk.change(NAME, FlagState(), "bo", revision=view.revision)
        assert (again.value, again.state) == (True, {})
        # What was taken back has a revision too: the next change names it, and is not refused.
        last = await desk.change(NAME, FlagState(value=False), "bo", revision=again.revision)
        assert last.revision > again.revision > view.revision


async def test_a_restart_knows_it_and_a_rollback_takes_it_back(tmp_path: Path) -> None:
    async with running(echo(), tmp_path / "a.db", tmp_path) as talk:
        await talk.runtime.flag_desk.change(NAME, FlagState(value=False), "ann")
        await talk.runtime.flag_desk.throw("disable_new_tools", "it pays twice", "ann")
    async with running(echo(), tmp_path / "a.db", tmp_path) as talk:
        runtime = talk.runtime
        assert not runtime.flags.enabled(NAME)
        assert not runtime.flags.enabled("enable_tools")
        operation = await runtime.ledger.rollback(
            RollbackRequest(position=0, scope=Scope(collections=("flags", "kill_switches"))), "ann"
        )
        await until(lambda: runtime.flags.enabled(NAME) and runtime.flags.enabled("enable_tools"))
        assert operation.id


async def test_a_switch_holds_and_is_put_back(tmp_path: Path) -> None:
    async with running(echo(), tmp_path / "a.db", tmp_path) as talk:
        desk, flags = talk.runtime.flag_desk, talk.runtime.flags
        thrown = await desk.throw("disable_memory_system", "  it tells\nsecrets ", "ann")
        assert (thrown.thrown, thrown.reason, thrown.by) == ("store", "it tells secrets", "ann")
        assert not flags.enabled("enable_context_recall")
        # What operators say meanwhile changes nothing, and is in force afterwards.
        await desk.change("enable_context_recall", FlagState(value=True), "bo")
        assert not flags.enabled("enable_context_recall")
        assert (await desk.throw("disable_memory_system", "again", "bo")).by == "ann"
        assert (await desk.revive("disable_memory_system", "ann")).thrown is None
        assert flags.enabled("enable_context_recall")
        with pytest.raises(NotFound):
            await desk.throw("disable_everything", "", "ann")


async def test_a_file_throws_switches_with_the_database_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running(echo(), tmp_path / "a.db", tmp_path) as talk:
        runtime = talk.runtime

        async def away(*_: Any) -> Any:
            raise StoreUnavailable("gone")

        monkeypatch.setattr(runtime.store, "read", away)
        file = runtime.settings.switch_file
        file.write_text("enable_tools # ann\nno_such_switch\n")
        await until(lambda: not runtime.flags.enabled("enable_tools"))
        view = runtime.flag_desk.switch("enable_tools")
        assert view.thrown == "file"
        with pytest.raises(StoreUnavailable):
            await runtime.flag_desk.throw("enable_bursts", "", "ann")
        assert runtime.flag_desk.list().is_stale
        monkeypatch.undo()
        with pytest.raises(InvalidInput, match="thrown in the file"):
            await runtime.flag_desk.revive("enable_tools", "ann")
        file.unlink()
        await until(lambda: runtime.flags.enabled("enable_tools"))


async def test_what_was_last_known_is_in_force_when_the_database_cannot_be_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running(echo(), tmp_path / "a.db", tmp_path) as talk:
        await talk.runtime.flag_desk.change(NAME, FlagState(value=False), "ann")
        desk, read = talk.runtime.flag_desk, talk.runtime.store.read

        async def away(name: str, *rest: Any) -> Any:
            if name == "change_heads":
                raise StoreUnavailable("gone")
            return await read(name, *rest)

        monkeypatch.setattr(talk.runtime.store, "read", away)
        talk.runtime.flags.replace({}, {})
        await desk.load()
        assert not talk.runtime.flags.enabled(NAME)
        assert desk.list().is_stale


async def test_openfeature_hears_of_changes_and_of_a_database_that_is_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    events: list[tuple[str, list[str] | None]] = []
    async with running(echo(), tmp_path / "a.db", tmp_path) as talk:
        runtime = talk.runtime
        provider = FlagProvider(runtime.flags)
        provider.attach(
            lambda _, event, details: events.append((event.value, details.flags_changed))
        )
        provider.initialize(EvaluationContext())
        await runtime.flag_desk.change(NAME, FlagState(value=False), "ann")
        assert provider.resolve_boolean_details(NAME, True).value is False

        async def away(*_: Any) -> Any:
            raise StoreUnavailable("gone")

        monkeypatch.setattr(runtime.store, "read", away)
        for _ in range(2):
            with pytest.raises(StoreUnavailable):
                await runtime.flag_desk.refresh()
        monkeypatch.undo()
        await runtime.flag_desk.refresh()
    assert events == [
        ("PROVIDER_CONFIGURATION_CHANGED", [NAME]),
        ("PROVIDER_STALE", None),
        ("PROVIDER_READY", None),
    ]


async def test_what_asks_through_openfeature_is_answered_by_the_engine(tmp_path: Path) -> None:
    app = Colloquy()
    app.bind_openfeature()
    app.bind_openfeature("talk")

    @app.on_message
    def answer(turn: Turn) -> str:
        asked = [api.get_client(domain).get_boolean_value(NAME, True) for domain in ("talk", None)]
        return f"{asked}"

    try:
        async with running(app, tmp_path / "a.db", tmp_path) as talk:
            assert await talk.send("hello") == ["[True, True]"]
            await talk.runtime.flag_desk.change(NAME, FlagState(value=False), "ann")
            assert await talk.send("again") == ["[False, False]"]
            listening = talk.runtime.flags.listeners
            assert len(listening) == 1
        assert not listening
    finally:
        api.shutdown()


async def test_openfeature_without_its_sdk_is_said_at_the_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "openfeature", None)
    app = echo()
    app.bind_openfeature()
    with pytest.raises(SettingsError, match=r"colloquy\[openfeature\]"):
        async with running(app, tmp_path / "a.db", tmp_path):
            pass


async def test_a_damaged_file_of_what_was_known_says_nothing(tmp_path: Path) -> None:
    async with running(echo(), tmp_path / "a.db", tmp_path) as talk:
        await talk.runtime.flag_desk.change(NAME, FlagState(value=False), "ann")
        file = talk.runtime.settings.flags_file
    file.write_bytes(file.read_bytes()[:-7])
    async with running(echo(), tmp_path / "a.db", tmp_path) as talk:
        assert not talk.runtime.flags.enabled(NAME)


async def test_every_process_on_a_database_follows(
    postgres_url: str, signals_url: str, tmp_path: Path
) -> None:
    async with AsyncExitStack() as stack:
        talks = [
            await stack.enter_async_context(
                running(echo(), postgres_url, tmp_path / str(number), signals__url=signals_url)
            )
            for number in range(2)
        ]
        one, other = (talk.runtime for talk in talks)
        await one.flag_desk.throw("emergency_rollback", "now", "ann")
        await until(lambda: not other.flags.enabled("enable_bursts"))
        await other.flag_desk.revive("emergency_rollback", "bo")
        await until(lambda: one.flags.enabled("enable_bursts"))

        # Signals may be lost: the other one looks for itself.
        async def lost(*_: Any) -> None:
            raise StoreUnavailable("gone")

        one.store.signal = lost  # type: ignore[method-assign]
        await one.flag_desk.change(NAME, FlagState(value=False), "ann")
        await until(lambda: not other.flags.enabled(NAME))


def using(flag: str, gate: asyncio.Event, begun: asyncio.Event) -> Colloquy:
    app = Colloquy()

    @app.on_message
    async def answer(turn: Turn) -> str:
        before = turn.flags.enabled(flag)
        begun.set()
        await gate.wait()
        return f"{before} {turn.flags.enabled(flag)}"

    return app


async def test_a_turn_under_way_keeps_its_flags_and_a_kill_has_it_done_again(
    tmp_path: Path,
) -> None:
    gate, begun = asyncio.Event(), asyncio.Event()
    async with running(using(NAME, gate, begun), tmp_path / "a.db", tmp_path) as talk:
        desk = talk.runtime.flag_desk
        first = await talk.post("one")
        await begun.wait()
        await desk.change(NAME, FlagState(value=False), "ann")
        gate.set()
        assert await talk.wait(first) == ["True True"]
        assert await talk.send("two") == ["False False"]

        await desk.change(NAME, FlagState(), "ann")
        gate.clear()
        begun.clear()
        # Its safe value is True: a kill takes nothing away from the turn.
        third = await talk.post("three")
        await begun.wait()
        await desk.throw(NAME, "", "ann")
        gate.set()
        assert await talk.wait(third) == ["True True"]


async def test_a_turn_that_used_what_was_killed_is_done_again_without(tmp_path: Path) -> None:
    gate, begun = asyncio.Event(), asyncio.Event()
    async with running(using("enable_tools", gate, begun), tmp_path / "a.db", tmp_path) as talk:
        desk = talk.runtime.flag_desk
        receipt = await talk.post("pay")
        await begun.wait()
        await talk.reached(receipt, "parked")
        await desk.throw("disable_new_tools", "", "ann")
        gate.set()
        assert await talk.wait(receipt) == ["False False"]
        kinds = await talk.kinds()
        assert (kinds.count("message"), kinds.count("reply")) == (1, 1)
        (reply,) = [row for row in await talk.rows() if row["kind"] == "reply"]
        assert reply["body"]["why"]["flags"] == {"enable_tools": False}


async def test_why_somebody_is_served_what_they_are(tmp_path: Path) -> None:
    async with running(echo(), tmp_path / "a.db", tmp_path) as talk:
        desk = talk.runtime.flag_desk
        state = FlagState(value=False, people=("ann",), rollout=Rollout(50.0))
        view = await desk.change(NAME, state, "op")
        assert view.varies
        ann = desk.explain(NAME, ExplainRequest(person="ann"))
        assert (ann.value, ann.reason, ann.detail) == (True, "allowed", "people")
        others = [desk.explain(NAME, ExplainRequest(person=f"p{n}")) for n in range(40)]
        for one in others:
            assert one.bucket is not None
            assert (one.reason == "rollout") == (one.bucket < 5_000) == one.value
            (decides,) = [each.what for each in one.considered if each.decides]
            assert decides == one.reason
        assert {one.value for one in others} == {True, False}
        with pytest.raises(InvalidInput):
            desk.explain(NAME, ExplainRequest(conversation="nothing"))
