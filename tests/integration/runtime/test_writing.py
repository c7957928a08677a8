"""`Turn.write`: watchers see an answer while it is made, and in the end what was committed."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from colloquy import Colloquy, Reply, Transient, Turn
from colloquy.model.turn import MAX_WRITTEN
from colloquy.model.views import ReplyRequest
from colloquy.pipeline.writing import FLUSH_CHARS
from support.engine import crash, running
from support.screen import Author, Screen, watching
from support.waiting import until


async def test_an_answer_is_seen_while_it_is_made_and_then_committed(tmp_path: Path) -> None:
    author = Author()
    async with running(author.app, tmp_path / "a.db") as talk, watching(talk) as screen:
        receipt = await talk.post("hello")
        await author.write("Once ", "upon ")
        await until(lambda: screen.draft == "Once upon ")
        await author.write("a time")
        await until(lambda: screen.draft == "Once upon a time")
        assert await talk.log() == ["session_opened", "> hello"]
        await author.write("")
        assert await talk.wait(receipt) == ["Once upon a time"]
        await until(lambda: screen.replies == ["Once upon a time"])
        assert screen.draft is None
        assert screen.kinds[-1] == "reply"
        assert await talk.log() == ["session_opened", "> hello", "< Once upon a time"]


@pytest.mark.parametrize(
    ("returned", "said"),
    [
        (None, "written"),
        ("", "written"),
        (Reply(quick_replies=["Yes"]), "written"),
        ("something else", "something else"),
    ],
)
async def test_what_is_returned_counts_and_what_was_written_stands_in_for_it(
    tmp_path: Path, returned: Reply | str | None, said: str
) -> None:
    author = Author()
    author.reply = returned
    async with running(author.app, tmp_path / "a.db") as talk:
        receipt = await talk.post("hello")
        await author.write("writ", "ten", "")
        assert await talk.wait(receipt) == [said]


async def test_small_pieces_go_out_together(tmp_path: Path) -> None:
    author = Author()
    async with running(author.app, tmp_path / "a.db") as talk, watching(talk) as screen:
        await talk.post("hello")
        await author.write(*"abcdefghij" * FLUSH_CHARS)
        await until(lambda: len(screen.draft or "") == 10 * FLUSH_CHARS)
        # One per FLUSH_CHARS at most, the first ones, and one for each FLUSH_S that it took.
        assert len(screen.chunks) < 5 * FLUSH_CHARS


async def test_a_failed_attempt_is_taken_back_and_the_next_begins_anew(tmp_path: Path) -> None:
    author = Author()
    async with running(author.app, tmp_path / "a.db") as talk, watching(talk) as screen:
        receipt = await talk.post("hello")
        await author.write("a wrong sta")
        await until(lambda: screen.draft == "a wrong sta")
        await author.write(Transient("once more"))
        await until(lambda: "reply_chunk_end" in screen.kinds and screen.draft in (None, ""))
        await author.write("a good one", "")
        assert await talk.wait(receipt) == ["a good one"]
        await until(lambda: screen.replies == ["a good one"])
        assert {chunk["attempt"] for chunk in screen.chunks} == {1, 2}
        assert len({chunk["turn_id"] for chunk in screen.chunks}) == 1
        assert screen.draft is None


async def test_after_a_crash_the_turn_is_written_anew(tmp_path: Path) -> None:
    author = Author()
    async with running(author.app, tmp_path / "a.db") as talk, watching(talk) as screen:
        await talk.post("hello")
        await author.write("half of ")
        await until(lambda: screen.draft == "half of ")
        await crash(talk.runtime)
    again = Author()
    async with running(again.app, tmp_path / "a.db") as talk, watching(talk) as screen:
        await again.write("the whole")
        await until(lambda: screen.draft == "the whole")
        await again.write("")
        await until(lambda: screen.replies == ["the whole"])
        assert await talk.log() == ["session_opened", "> hello", "< the whole"]


async def test_who_comes_later_sees_it_from_its_beginning(tmp_path: Path) -> None:
    author = Author()
    async with running(author.app, tmp_path / "a.db") as talk:
        await talk.post("hello")
        await author.write("the beginning")
        async with watching(talk) as screen:
            await until(lambda: screen.draft == "the beginning")
            await author.write(" and the end")
            await until(lambda: screen.draft == "the beginning and the end")
        await author.write("")


async def test_after_a_take_over_nothing_more_goes_out(tmp_path: Path) -> None:
    author = Author()
    async with running(author.app, tmp_path / "a.db") as talk, watching(talk) as screen:
        receipt = await talk.post("hello")
        await author.write("I think that")
        await until(lambda: screen.draft == "I think that")
        await talk.reached(receipt, "parked")
        await talk.owner("human")
        await author.write(" you are", " wrong")
        await until(lambda: "owner" in screen.kinds and screen.draft is None)
        shown = len(screen.chunks)
        await author.write("!" * FLUSH_CHARS, "")
        await talk.reached(receipt, "done")
        assert len(screen.chunks) == shown
        assert screen.kinds[-1] == "reply_chunk_end"
        assert "wrong" not in "".join(chunk["text"] for chunk in screen.chunks)
        assert screen.replies == []


async def test_a_colleagues_word_in_between_does_not_stop_it(tmp_path: Path) -> None:
    author = Author()
    async with running(author.app, tmp_path / "a.db") as talk, watching(talk) as screen:
        receipt = await talk.post("hello")
        await author.write("one ")
        await until(lambda: screen.draft == "one ")
        await talk.reached(receipt, "parked")
        await talk.runtime.reply(
            talk.conversation_id(), ReplyRequest(text="I am here too"), "tester"
        )
        await author.write("two")
        await until(lambda: screen.draft == "one two")
        await until(lambda: screen.replies == ["I am here too"])
        # Its commit meets the colleague's: the turn runs again, on what is there now.
        await author.write("", "one two three", "")
        await until(lambda: screen.replies == ["I am here too", "one two three"])
        assert screen.draft is None


async def test_a_turn_that_says_nothing_ends_what_it_announced(tmp_path: Path) -> None:
    author = Author()
    async with (
        running(author.app, tmp_path / "a.db", replies__fallback="") as talk,
        watching(talk) as screen,
    ):
        receipt = await talk.post("hello")
        await talk.reached(receipt, "parked")
        await until(lambda: screen.draft == "")  # at work, without a word
        author.pieces.put_nowait("")
        await until(lambda: screen.kinds[-1:] == ["reply_chunk_end"])
        assert await talk.wait(receipt) == []


async def test_what_is_no_text_or_too_much_fails_the_attempt(tmp_path: Path) -> None:
    app = Colloquy()

    @app.on_message
    async def answer(turn: Turn) -> None:
        wrong: Any = {"number": 5, "surrogate": "\ud800", "much": "x" * (MAX_WRITTEN + 1)}
        await turn.write(wrong[turn.text])

    async with running(app, tmp_path / "a.db") as talk:
        for text in ("number", "surrogate", "much"):
            await talk.reached(await talk.post(text, text), "dead")
        page = await talk.runtime.dead_letters()
        causes = [letter.cause for letter in page.dead_letters]
    assert causes == ["too_large", "invalid_input", "invalid_input"]


async def test_a_turn_that_is_over_cannot_write(tmp_path: Path) -> None:
    author = Author()
    async with running(author.app, tmp_path / "a.db") as talk, watching(talk) as screen:
        author.pieces.put_nowait("")
        author.reply = "done"
        assert await talk.send("hello") == ["done"]
        with pytest.raises(RuntimeError, match="over"):
            await author.turns[0].write("a word too late")
        await until(lambda: screen.replies == ["done"])
        assert "reply_chunk" not in screen.kinds


async def test_watchers_of_another_process_see_it_too(
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
            await writer.reached(receipt, "parked")
            await until(lambda: screen.draft == "")
            long = '"\\\x01é' * 1000  # what takes most room in a signal
            await author.write(long)
            await until(lambda: screen.draft == long)
            # The other process takes over: the writer hears of it, and asks before it goes on.
            await other.owner("human", who)
            await until(lambda: "reply_chunk_end" in screen.kinds)
            shown = len(screen.chunks)
            await author.write("too late", "")
            await writer.reached(receipt, "done")
            assert len(screen.chunks) == shown
            assert screen.replies == []
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
