"""A visitor stops an answer that is being written: what there is of it is the reply."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from colloquy import Colloquy, Reply, Turn
from colloquy.model.views import ReplyRequest
from support.engine import Talk, running
from support.screen import Author, Screen, watching
from support.waiting import until


async def stop(talk: Talk, screen: Screen, who: str = "ann") -> None:
    turn = screen.chunks[-1]["turn_id"]
    await talk.runtime.interrupt(talk.conversation_id(who), turn)


async def test_a_visitor_stops_an_answer_and_keeps_what_was_written(tmp_path: Path) -> None:
    author = Author()
    author.reply = "the whole of it"
    async with running(author.app, tmp_path / "a.db") as talk, watching(talk) as screen:
        receipt = await talk.post("hello")
        await author.write("only a ", "part ")
        await until(lambda: screen.draft == "only a part ")
        await stop(talk, screen)
        await stop(talk, screen)
        assert await talk.wait(receipt) == ["only a part"]
        await until(lambda: screen.replies == ["only a part"])
        assert screen.draft is None
        assert screen.kinds[-1] == "reply"
        with pytest.raises(RuntimeError, match="over"):
            await author.turns[0].write("a word too late")
        (reply,) = (await talk.runtime.message(receipt.message_id)).replies
        assert reply.interrupted
        # The next answer is a new one; a stop that comes late does not concern it.
        again = await talk.post("and now?")
        await author.write("new")
        await talk.runtime.interrupt(talk.conversation_id(), screen.chunks[0]["turn_id"])
        await author.write("")
        assert await talk.wait(again) == ["the whole of it"]
        assert not (await talk.runtime.message(again.message_id)).replies[0].interrupted


async def test_of_a_stopped_handler_only_the_words_stand(tmp_path: Path) -> None:
    app = Colloquy()
    seen: list[dict[str, Any]] = []

    @app.on_message
    async def answer(turn: Turn) -> Reply | str | None:
        seen.append(dict(turn.state))
        turn.state["step"] = len(seen)
        turn.later(0, "remind")
        turn.hand_over("human")
        await turn.write("wait")
        if len(seen) == 2:
            return Reply()
        try:
            await asyncio.Event().wait()
        finally:
            turn.state["ended"] = True
        return "never"

    async with running(app, tmp_path / "a.db") as talk, watching(talk) as screen:
        receipt = await talk.post("hello")
        await until(lambda: screen.draft == "wait")
        await stop(talk, screen)
        assert await talk.wait(receipt) == ["wait"]
        assert await talk.log() == ["session_opened", "> hello", "< wait"]
        await talk.send("again")
    assert seen == [{}, {}]


async def test_a_handler_that_will_not_end_is_not_heard(tmp_path: Path) -> None:
    app = Colloquy()

    @app.on_message
    async def answer(turn: Turn) -> str:
        await turn.write("part")
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            await asyncio.sleep(0)
        return "the whole"

    async with running(app, tmp_path / "a.db") as talk, watching(talk) as screen:
        receipt = await talk.post("hello")
        await until(lambda: screen.draft == "part")
        await stop(talk, screen)
        assert await talk.wait(receipt) == ["part"]


async def test_a_turn_stopped_before_its_first_word_says_nothing(tmp_path: Path) -> None:
    author = Author()
    async with running(author.app, tmp_path / "a.db") as talk, watching(talk) as screen:
        receipt = await talk.post("hello")
        await talk.reached(receipt, "parked")
        await until(lambda: screen.draft == "")
        await stop(talk, screen)
        await until(lambda: screen.kinds[-1:] == ["reply_chunk_end"])
        assert await talk.wait(receipt) == []
        assert await talk.log() == ["session_opened", "> hello", "reply_stopped"]


async def test_a_stop_outlives_a_commit_that_meets_another(tmp_path: Path) -> None:
    author = Author()
    async with running(author.app, tmp_path / "a.db") as talk, watching(talk) as screen:
        receipt = await talk.post("hello")
        await author.write("a part")
        await until(lambda: screen.draft == "a part")
        await talk.reached(receipt, "parked")
        # Its first commit meets the colleague's word: the turn is run again, but not begun anew.
        await talk.runtime.reply(
            talk.conversation_id(), ReplyRequest(text="I am here too"), "tester"
        )
        await stop(talk, screen)
        assert await talk.wait(receipt) == ["a part"]
        await until(lambda: screen.replies == ["I am here too", "a part"])
        assert len(author.turns) == 1


async def test_a_stop_after_a_take_over_says_nothing(tmp_path: Path) -> None:
    author = Author()
    async with running(author.app, tmp_path / "a.db") as talk, watching(talk) as screen:
        receipt = await talk.post("hello")
        await author.write("a part")
        await until(lambda: screen.draft == "a part")
        await talk.reached(receipt, "parked")
        await talk.owner("human")
        await stop(talk, screen)
        author.pieces.put_nowait("")
        await talk.reached(receipt, "done")
        assert screen.replies == []


async def test_a_stop_reaches_the_process_that_writes(
    postgres_url: str, signals_url: str, tmp_path: Path
) -> None:
    author = Author()
    async with (
        running(author.app, postgres_url, tmp_path / "a", signals__url=signals_url) as writer,
        running(Colloquy(), postgres_url, tmp_path / "b", signals__url=signals_url) as other,
    ):
        await until(lambda: other.runtime.stats()["leases"] == 32)
        who = next(
            str(number)
            for number in range(1000)
            if writer.runtime._owns(bytes.fromhex(writer.conversation_id(str(number))))
        )
        screen = Screen()

        async def follow() -> None:
            async for item in other.stream(who, after=0):
                screen.show(item)

        task = asyncio.create_task(follow())
        try:
            receipt = await writer.post("hello", who)
            await author.write("a part")
            await until(lambda: screen.draft == "a part")
            await stop(other, screen, who)
            assert await writer.wait(receipt) == ["a part"]
            await until(lambda: screen.replies == ["a part"])
            assert screen.draft is None
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
