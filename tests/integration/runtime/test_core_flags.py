"""The flags of the core: each gates one behaviour, on and off."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from colloquy import Colloquy, Reply, Turn
from colloquy.flags import FlagState
from colloquy.model.message import Media, Text
from support.engine import Talk, running
from support.model_server import Answer, ModelServer, Wanted
from support.screen import Author, watching
from support.waiting import until


async def switch(talk: Talk, name: str, *, on: bool) -> None:
    await talk.runtime.flag_desk.change(name, FlagState(value=on), "ann")


async def replies(talk: Talk) -> list[dict[str, Any]]:
    return [row["body"] for row in await talk.rows() if row["kind"] == "reply"]


async def test_without_advanced_messages_replies_are_plain_text(tmp_path: Path) -> None:
    app = Colloquy()

    @app.on_message
    def answer(turn: Turn) -> Reply:
        return Reply(
            text="Shall I book it?",
            parts=[Text("It is free."), Media("https://example.com/plan.png", caption="The plan")],
            quick_replies=["Yes", "No"],
            tone="calm",
        )

    async with running(app, tmp_path / "a.db") as talk:
        await talk.send("a table for two")
        await switch(talk, "use_advanced_messages", on=False)
        await talk.send("a table for two, please")
        rich, plain = await replies(talk)
    assert rich["quick_replies"] == ["Yes", "No"]
    assert [part["type"] for part in rich["parts"]] == ["text", "media"]
    assert rich["tone"] == "calm"
    assert plain["text"].splitlines() == [
        "Shall I book it?",
        "It is free.",
        "The plan: https://example.com/plan.png",
        "1. Yes",
        "2. No",
    ]
    assert not plain.keys() & {"parts", "quick_replies", "tone", "manner"}


async def test_without_state_management_turns_keep_nothing_and_lose_nothing(tmp_path: Path) -> None:
    app = Colloquy()

    @app.on_message
    def count(turn: Turn) -> str | Reply:
        turn.state["n"] = turn.state.get("n", 0) + 1
        if turn.text == "ask me":
            return turn.ask("name")
        return f"{turn.state['n']} {turn.slots.get('name', 'nobody')}"

    async with running(app, tmp_path / "a.db") as talk:
        assert await talk.send("one") == ["1 nobody"]
        await switch(talk, "enable_state_management", on=False)
        assert await talk.send("two") == ["1 nobody"]
        assert await talk.send("ask me") == ["What is the name?"]
        view = await talk.runtime.conversation(talk.conversation_id())
        assert view.status == "open"
        assert await talk.send("Bo") == ["1 nobody"]
        await switch(talk, "enable_state_management", on=True)
        assert await talk.send("three") == ["2 nobody"]


async def test_without_the_memory_system_nothing_is_learned_or_recalled(tmp_path: Path) -> None:
    app = Colloquy(pack="property")
    off: list[tuple[str, ...]] = []

    @app.on_message
    async def answer(turn: Turn) -> str:
        off.append(tuple((await turn.context.assemble()).off))
        found = await turn.context.recall("bedrooms")
        return str(len(found))

    async def learned(talk: Talk) -> int:
        rows = await talk.runtime.store.query("changes_page", 0, 10_000)
        return sum(row[5] == "graph" for row in rows)

    async with running(app, tmp_path / "a.db") as talk:
        await switch(talk, "enable_memory_system", on=False)
        await talk.send("My name is Anna Schmidt. I need a flat with 2 bedrooms")
        assert await talk.send("How many bedrooms did I want?") == ["0"]
        assert await learned(talk) == 0
        await switch(talk, "enable_memory_system", on=True)
        assert await talk.send("I need a flat with 3 bedrooms") != ["0"]
        assert await learned(talk) > 0
    for flag in ("enable_context_recall", "enable_context_graph"):
        assert [flag in one for one in off] == [True, True, False]


async def test_without_streaming_only_the_whole_reply_is_shown(tmp_path: Path) -> None:
    author = Author()
    async with running(author.app, tmp_path / "a.db") as talk, watching(talk) as screen:
        await switch(talk, "enable_streaming_responses", on=False)
        receipt = await talk.post("hello")
        await author.write("Once ", "upon ", "a time", "")
        assert await talk.wait(receipt) == ["Once upon a time"]
        await until(lambda: screen.replies == ["Once upon a time"])
        assert "reply_chunk" not in screen.kinds
        await switch(talk, "enable_streaming_responses", on=True)
        receipt = await talk.post("hello again")
        await author.write("Once more")
        await until(lambda: screen.draft == "Once more")
        await author.write("")
        await talk.wait(receipt)


@pytest.mark.parametrize("on", [True, False])
async def test_with_caching_a_turn_has_one_context(tmp_path: Path, on: bool) -> None:
    app = Colloquy()

    @app.on_message
    async def answer(turn: Turn) -> str:
        return str(await turn.context.assemble() is await turn.context.assemble())

    async with running(app, tmp_path / "a.db") as talk:
        await switch(talk, "enable_caching", on=on)
        assert await talk.send("hello") == [str(on)]


@pytest.mark.parametrize("on", [True, False])
async def test_tools_of_one_breath_run_together_or_one_by_one(tmp_path: Path, on: bool) -> None:
    app = Colloquy()
    both = asyncio.Barrier(2)
    running_now = 0
    most = 0

    @app.tool
    async def look(place: str) -> str:
        """Looks."""
        nonlocal running_now, most
        running_now += 1
        most = max(most, running_now)
        if on:  # waits for the other one
            await asyncio.wait_for(both.wait(), 60)
        running_now -= 1
        return place

    calls = tuple(Wanted("look", json.dumps({"place": place})) for place in ("here", "there"))
    with ModelServer(Answer(calls=calls), Answer("Seen.")) as model:
        async with running(app, tmp_path / "a.db", **model.settings) as talk:
            await switch(talk, "enable_parallel_tools", on=on)
            assert await talk.send("what is there?") == ["Seen."]
    assert most == (2 if on else 1)


async def test_without_the_tool_framework_a_model_is_offered_none(tmp_path: Path) -> None:
    app = Colloquy()

    @app.tool
    def look() -> str:
        """Looks."""
        return "nothing"

    with ModelServer(Answer("One."), Answer("Two.")) as model:
        async with running(app, tmp_path / "a.db", **model.settings) as talk:
            assert await talk.send("hello") == ["One."]
            await switch(talk, "use_new_tool_framework", on=False)
            assert await talk.send("hello again") == ["Two."]
        offered = ["tools" in request for request in model.requests]
    assert offered == [True, False]


async def test_the_core_comes_to_a_part_of_the_people(tmp_path: Path) -> None:
    app = Colloquy()

    @app.on_message
    def count(turn: Turn) -> str:
        turn.state["n"] = turn.state.get("n", 0) + 1
        return str(turn.state["n"])

    async with running(app, tmp_path / "a.db", profile="legacy") as talk:
        await talk.send("one", "ann")
        await talk.send("one", "bo")
        await talk.runtime.flag_desk.change(
            "enabled_user_ids", FlagState(value="ann, cy"), "operator"
        )
        assert await talk.send("two", "ann") == ["1"]
        assert await talk.send("three", "ann") == ["2"]
        assert await talk.send("three", "bo") == ["1"]
        await talk.runtime.flag_desk.throw("disable_state_management", "", "operator")
        assert await talk.send("four", "ann") == ["1"]
