"""The same text again: when it is the same message, and when it is another answer (engine 13)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from colloquy import Colloquy, Turn
from colloquy.model.views import ReplyRequest
from support.engine import echo, running

AT_ONCE = {"channels__web__quiet_s": "0", "channels__web__content_dedup_s": "60"}


def silent() -> tuple[Colloquy, list[str]]:
    app = Colloquy()
    heard: list[str] = []

    @app.on_message
    async def answer(turn: Turn) -> str | None:
        heard.append(turn.text)
        return "ok" if "answer" in turn.text else None

    @app.on_fallback
    async def nothing(turn: Turn) -> None:
        return None

    return app, heard


async def said(talk: Any, *texts: str, **fields: Any) -> Any:
    *_, receipt = await talk.post_all(*texts, channel="web", **fields)
    await talk.settled()
    return receipt


async def test_a_text_that_is_posted_twice_is_one_message(tmp_path: Path) -> None:
    app, heard = silent()
    async with running(app, tmp_path / "a.db", **AT_ONCE) as talk:
        first = await said(talk, "hello")
        again = await said(talk, "hello")
        assert heard == ["hello"]
        rows = await talk.rows(channel="web")
        assert [row["kind"] for row in rows] == ["session_opened", "message", "message_duplicate"]
        assert rows[-1]["body"] == {"message_id": again.message_id, "of": first.message_id}
        state = await talk.state(again)
        assert (state.state, state.replies) == ("done", [])


async def test_twice_in_one_batch_is_twice_as_well(tmp_path: Path) -> None:
    app, heard = silent()
    async with running(app, tmp_path / "a.db", **AT_ONCE) as talk:
        await said(talk, "hello", "hello", "other", "hello", "hello")
        assert heard == ["hello", "other", "hello"]


async def test_yes_twice_is_two_answers_when_something_was_said_between(tmp_path: Path) -> None:
    async with running(echo(), tmp_path / "a.db", **AT_ONCE) as talk:
        for _ in range(2):
            await said(talk, "yes")
        await said(talk, "yes", "yes")
        assert (await talk.kinds(channel="web")).count("reply") == 4


async def test_a_colleague_who_answered_counts_as_something_said(tmp_path: Path) -> None:
    app, heard = silent()
    async with running(app, tmp_path / "a.db", **AT_ONCE) as talk:
        await said(talk, "yes")
        await talk.runtime.reply(
            talk.conversation_id(channel="web"), ReplyRequest(text="really?"), "op"
        )
        await said(talk, "yes")
        assert heard == ["yes", "yes"]


async def test_another_sender_or_channel_or_a_later_time_is_no_repeat(tmp_path: Path) -> None:
    app, heard = silent()
    async with running(app, tmp_path / "a.db", **AT_ONCE) as talk:
        await said(talk, "hello")
        await said(talk, "hello", sender="somebody")
        for _ in range(2):
            await talk.post("hello")
        await talk.settled()
        assert heard == ["hello"] * 4
    short = AT_ONCE | {"channels__web__content_dedup_s": "0.000001"}
    async with running(app, tmp_path / "b.db", **short) as talk:
        await said(talk, "later")
        await said(talk, "later")
        assert heard[-2:] == ["later", "later"]


async def test_it_is_known_after_a_restart(tmp_path: Path) -> None:
    app, heard = silent()
    async with running(app, tmp_path / "a.db", **AT_ONCE) as talk:
        await said(talk, "hello")
    async with running(app, tmp_path / "a.db", **AT_ONCE) as talk:
        await said(talk, "hello")
        assert heard == ["hello"]


async def test_a_repeat_inside_a_burst_is_left_out_of_it(tmp_path: Path) -> None:
    app, heard = silent()
    async with running(app, tmp_path / "a.db", channels__web__quiet_s="0.05") as talk:
        last = await said(talk, "hello", "hello", "please answer", "please answer")
        assert heard == ["hello\nplease answer"]
        assert await talk.kinds(channel="web") == [
            "session_opened",
            *["message"] * 2,
            *["message_duplicate"] * 2,
            "reply",
        ]
        assert (await talk.state(last)).state == "done"
        assert await talk.runtime.store.inbox_headers(0, 10) == []


async def test_a_stream_counts_on_over_a_repeat(tmp_path: Path) -> None:
    app, heard = silent()
    async with running(app, tmp_path / "a.db", **AT_ONCE) as talk:
        for number in range(1, 4):
            await said(talk, "hello", stream="tab", sequence=number)
        await said(talk, "bye", stream="tab", sequence=4)
        assert heard == ["hello", "bye"]
        assert "sequence_gap" not in await talk.kinds(channel="web")
