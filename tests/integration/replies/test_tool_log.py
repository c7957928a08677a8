"""Calls of tools in the log: with their turn, once, bounded, without secrets, not for visitors."""

from __future__ import annotations

import asyncio
import json
import threading
from pathlib import Path
from typing import Any

import pytest

from colloquy import Colloquy, Turn
from colloquy.api.chat_items import visible
from colloquy.model.views import (
    ConversationFilter,
    DeadLetterView,
    StreamItem,
    TranscriptItem,
)
from colloquy.replies.tools.records import MAX_RESULT
from support.engine import Talk, running
from support.model_server import Answer, ModelServer, Wanted
from support.screen import watching
from support.waiting import until


def asks(*calls: tuple[str, dict[str, Any]]) -> Answer:
    return Answer(calls=tuple(Wanted(name, json.dumps(given)) for name, given in calls))


def order(item: str = "lamp") -> Answer:
    return asks(("order", {"item": item}))


def shop() -> tuple[Colloquy, list[str]]:
    app = Colloquy()
    orders: list[str] = []

    @app.tool
    def order(item: str) -> dict[str, Any]:
        """Orders something."""
        orders.append(item)
        return {"order": len(orders)}

    return app, orders


async def tools(talk: Talk, who: str = "ann") -> list[dict[str, Any]]:
    """The events of tools, in the order of the log: kind and body."""
    rows = await talk.rows(who)
    return [{"kind": row["kind"], **row["body"]} for row in rows if row["kind"].startswith("tool_")]


async def items(talk: Talk, who: str = "ann") -> list[TranscriptItem]:
    return (await talk.runtime.transcript(talk.conversation_id(who))).items


async def test_a_call_and_its_result_are_in_the_log_before_the_reply(tmp_path: Path) -> None:
    app, _ = shop()
    with ModelServer(order(), Answer("Order 1 is placed.")) as server:
        async with running(app, tmp_path / "a.db", **server.settings) as talk:
            receipt = await talk.post("a lamp")
            assert await talk.wait(receipt) == ["Order 1 is placed."]
            assert await talk.kinds() == [
                "session_opened", "message", "tool_call", "tool_result", "reply",
            ]  # fmt: skip
            call, result = await tools(talk)
            rows = await talk.rows()
            shown = await items(talk)
            trace = await talk.runtime.trace(receipt.message_id)
    assert (call["tool"], call["arguments"]) == ("order", '{"item":"lamp"}')
    assert (result["outcome"], result["result"]) == ("ok", '{"order":1}')
    assert call["call_id"] == result["call_id"]
    assert len({row["turn_id"] for row in rows[1:]}) == 1
    assert [item.kind for item in shown] == ["message", "tool_call", "tool_result", "reply"]
    assert (shown[1].name, shown[1].arguments) == ("order", '{"item":"lamp"}')
    assert (shown[2].outcome, shown[2].result, shown[2].call_id) == (
        "ok", '{"order":1}', shown[1].call_id,
    )  # fmt: skip
    assert "tool_result" in [step.what for step in trace.steps]


async def test_visitors_do_not_see_them_and_operators_do(tmp_path: Path) -> None:
    app, _ = shop()
    with ModelServer(order(), Answer("Placed.")) as server:
        async with running(app, tmp_path / "a.db", **server.settings) as talk:
            seen: list[StreamItem] = []

            async def watch() -> None:
                conversation = talk.conversation_id()
                async for item in talk.runtime.stream(conversation, 0, for_operators=True):
                    if item is not None:
                        seen.append(item)

            operator = asyncio.create_task(watch())
            async with watching(talk) as visitor:
                await talk.send("a lamp")
                await until(lambda: "reply" in visitor.kinds)
                await until(lambda: any(item.kind == "reply" for item in seen))
            operator.cancel()
            await asyncio.gather(operator, return_exceptions=True)
    assert not [kind for kind in visitor.kinds if kind.startswith("tool_")]
    told = [item for item in seen if item.kind.startswith("tool_")]
    assert [item.kind for item in told] == ["tool_call", "tool_result"]
    # The chat page would show nothing of them even if it were given them.
    assert [visible(item) for item in told] == [None, None]


async def test_nothing_counts_them_as_messages(tmp_path: Path) -> None:
    app, _ = shop()
    with ModelServer(order("zebralamp"), Answer("Placed.")) as server:
        async with running(app, tmp_path / "a.db", **server.settings) as talk:
            await talk.send("something for my desk")
            runtime, conversation = talk.runtime, talk.conversation_id()
            view = await runtime.conversation(conversation)
            people = await runtime.participants(conversation)
            exported = [row async for row in runtime.export()]

            async def found(words: str) -> bool:
                page = await runtime.conversations(ConversationFilter(q=words))
                return bool(page.conversations)

            await until(lambda: found("placed"))
            assert not await found("zebralamp"), "only what was said is searched for"
    assert view.preview == "Placed."
    assert view.unread
    assert {one.id: one.messages for one in people.participants} == {"ann": 1, "assistant": 1}
    assert [row["kind"] for row in exported].count("message") == 1


async def test_what_fails_is_recorded_as_such(tmp_path: Path) -> None:
    app = Colloquy()
    release = threading.Event()

    @app.tool
    def find(number: int) -> str:
        """Finds."""
        raise ValueError(f"there is no order {number}")

    @app.tool(timeout_s=0.05)
    def hang() -> None:
        """Hangs."""
        release.wait(60)

    calls = asks(("find", {"number": 3}), ("hang", {}), ("find", {"number": "x"}), ("no_tool", {}))
    with ModelServer(calls, Answer("None of it.")) as server:
        async with running(app, tmp_path / "a.db", **server.settings) as talk:
            try:
                await talk.send("where is it")
                logged = await tools(talk)
            finally:
                release.set()
    results = [one for one in logged if one["kind"] == "tool_result"]
    assert [one["outcome"] for one in results] == ["failed", "timeout", "invalid", "unknown"]
    assert "ValueError: there is no order 3" in results[0]["error"]
    assert "within 0.05 s" in results[1]["error"]
    assert not [one for one in results if "result" in one]
    # Each right behind its call.
    assert [one["call_id"] for one in logged[::2]] == [one["call_id"] for one in logged[1::2]]


async def test_they_are_bounded_and_without_secrets(tmp_path: Path) -> None:
    app = Colloquy()

    @app.tool
    def look(password: str, note: str) -> dict[str, Any]:
        """Looks."""
        return {"api_key": "open sesame", "note": note, "rows": ["x" * 100] * 1000}

    given = {"password": "hunter2!", "note": "my password is tr0ub4dor, call +44 20 7946 0958"}
    with ModelServer(asks(("look", given)), Answer("Seen.")) as server:
        async with running(app, tmp_path / "a.db", **server.settings) as talk:
            await talk.send("look")
            call, result = await tools(talk)
    whole = json.dumps([call, result])
    assert not [secret for secret in ("hunter2", "sesame", "tr0ub4dor") if secret in whole]
    assert "7946" in call["arguments"], "who reads the log reads what people said"
    assert len(result["result"]) == MAX_RESULT
    assert result["cut"] > 100_000


async def test_the_same_call_twice_is_recorded_once(tmp_path: Path) -> None:
    app, orders = shop()
    twice = asks(("order", {"item": "lamp"}), ("order", {"item": "lamp"}))
    with ModelServer(twice, order(), Answer("done")) as server:
        async with running(app, tmp_path / "a.db", **server.settings) as talk:
            await talk.send("a lamp")
            assert len(await tools(talk)) == 2
            server.answers.extend([order(), Answer("done")])
            await talk.send("one more")
            logged = await tools(talk)
    assert orders == ["lamp", "lamp"]
    assert len({one["call_id"] for one in logged}) == 2, "another turn, another call"


@pytest.mark.parametrize("then", ["the same", "nothing"])
async def test_a_turn_that_is_tried_again_records_a_call_once(tmp_path: Path, then: str) -> None:
    app, orders = shop()
    again = [order(), Answer("Placed.")] if then == "the same" else [Answer("Placed.")]
    options = {"replies__responder": "model", "replies__model__retry_delays_s": ""}
    with ModelServer(order(), Answer(status=503), *again) as server:
        async with running(app, tmp_path / "a.db", **{**server.settings, **options}) as talk:
            assert await talk.send("a lamp") == ["Placed."]
            call, result = await tools(talk)
    assert orders == ["lamp"]
    # Also where the second attempt did not ask for it: it was done.
    assert (call["tool"], result["outcome"]) == ("order", "ok")


async def test_what_was_called_before_a_message_died_is_recorded_once(tmp_path: Path) -> None:
    app, orders = shop()
    broken = [True]

    @app.on_fallback
    def fallback(turn: Turn) -> str:
        if broken[0]:
            raise ValueError("broken")
        return "Mended."

    def model(body: dict[str, Any]) -> Answer:
        asked = any(message["role"] == "tool" for message in body["messages"])
        return Answer(status=400) if asked else order()

    with ModelServer(answer=model) as server:
        quiet = {**server.settings, "replies__apology_hand_over": ""}
        async with running(app, tmp_path / "a.db", **quiet) as talk:
            receipt = await talk.post("a lamp")
            await talk.reached(receipt, "dead")
            before = await talk.kinds()
            broken[0] = False
            letter = await only_letter(talk)
            await talk.runtime.retry_dead_letters([letter.number], None, "tester")
            await talk.reached(receipt, "done")
            after = await talk.kinds()
            logged = await tools(talk)
    assert before.index("tool_result") < before.index("dead_lettered")
    assert before.count("tool_call") == 1
    assert orders == ["lamp"]
    assert after.count("tool_call") == after.count("tool_result") == 1
    assert logged[1]["outcome"] == "ok"


async def only_letter(talk: Talk) -> DeadLetterView:
    (letter,) = (await talk.runtime.dead_letters()).dead_letters
    return letter


async def test_a_call_that_was_made_before_a_person_took_over_is_recorded(tmp_path: Path) -> None:
    app = Colloquy()
    begun, go_on = asyncio.Event(), asyncio.Event()

    @app.tool
    async def order(item: str) -> str:
        """Orders."""
        begun.set()
        await go_on.wait()
        return "placed"

    with ModelServer(asks(("order", {"item": "lamp"})), Answer("Placed.")) as server:
        async with running(app, tmp_path / "a.db", **server.settings) as talk:
            receipt = await talk.post("a lamp")
            await begun.wait()
            await talk.reached(receipt, "parked")
            await talk.owner("human")
            go_on.set()
            assert await talk.wait(receipt) == []
            await talk.settled()
            call, result = await tools(talk)
    assert call["tool"] == "order"
    assert result["outcome"] in ("ok", "uncertain")


async def test_a_call_that_the_visitor_stopped_is_recorded_with_what_it_cost(
    tmp_path: Path,
) -> None:
    app = Colloquy()
    begun = asyncio.Event()

    @app.tool
    async def order(item: str) -> str:
        """Orders."""
        begun.set()
        await asyncio.Event().wait()
        return "never"

    settings = {"replies__model__prompt_price": "2", "replies__model__completion_price": "5"}
    with ModelServer(asks(("order", {"item": "lamp"}))) as server:
        both = {**server.settings, **settings}
        async with running(app, tmp_path / "a.db", **both) as talk, watching(talk) as screen:
            receipt = await talk.post("a lamp")
            await begun.wait()
            await talk.reached(receipt, "parked")
            await until(lambda: screen.chunks)
            await talk.runtime.interrupt(talk.conversation_id(), screen.chunks[-1]["turn_id"])
            assert await talk.wait(receipt) == []
            _, result = await tools(talk)
            (stopped,) = [item for item in await items(talk) if item.kind == "stopped"]
    assert result["outcome"] == "uncertain"
    assert "not known" in result["error"]
    assert stopped.why is not None and stopped.why.model is not None
    assert (stopped.why.stopped, stopped.why.written) == (True, 0)
    assert (stopped.why.handler, stopped.why.model.model) == ("model:small", "small")
    assert stopped.why.model.prompt_tokens == 100
    assert stopped.why.model.cost == pytest.approx((100 * 2 + 20 * 5) / 1e6)


async def test_an_answer_that_was_stopped_says_how_far_it_was_and_what_it_cost(
    tmp_path: Path,
) -> None:
    with ModelServer(Answer("Once upon a time", hang="word")) as server:
        async with (
            running(Colloquy(), tmp_path / "a.db", **server.settings) as talk,
            watching(talk) as screen,
        ):
            receipt = await talk.post("tell me a story")
            await until(lambda: screen.draft == "Once ")
            await talk.runtime.interrupt(talk.conversation_id(), screen.chunks[-1]["turn_id"])
            assert await talk.wait(receipt) == ["Once"]
            why = (await items(talk))[-1].why
    assert why is not None and why.model is not None
    assert (why.stopped, why.written) == (True, 5)
    assert why.model.estimated and why.model.completion_tokens > 0
    assert why.model.prompt_tokens > 0


async def test_a_reply_behind_many_calls_is_found(tmp_path: Path) -> None:
    app, _ = shop()
    many = asks(*(("order", {"item": f"lamp {number}"}) for number in range(120)))
    with ModelServer(many, Answer("All placed.")) as server:
        both = {**server.settings, "replies__model__max_calls": "200"}
        async with running(app, tmp_path / "a.db", **both) as talk:
            receipt = await talk.post("lamps")
            assert await talk.wait(receipt) == ["All placed."]
            (reply,) = (await talk.state(receipt)).replies
            steps = (await talk.runtime.trace(receipt.message_id)).steps
            assert (await talk.runtime.conversation(talk.conversation_id())).last_seq == 243
    assert reply.text == "All placed."
    assert [step.what for step in steps].count("tool_call") == 120
    assert steps[-1].what == "reply"
