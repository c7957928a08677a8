"""Starting, stopping, stopping hard, and beginning again where it ended."""

from __future__ import annotations

import asyncio
from pathlib import Path

import apsw
import pytest

from colloquy import Colloquy, Turn
from colloquy.model.errors import InvalidInput, StoreLocked, Unavailable
from colloquy.runtime import Runtime
from support.engine import crash, echo, running, settings_for
from support.waiting import until


async def test_what_was_accepted_is_answered_after_a_stop_in_the_middle(tmp_path: Path) -> None:
    receipts = []
    async with running(echo(), tmp_path / "a.db") as talk:
        receipts = [await talk.post(f"{k}", f"c{n}") for k in range(5) for n in range(20)]
    async with running(echo(), tmp_path / "a.db") as talk:
        for receipt in receipts:
            await talk.reached(receipt, "done")
        await talk.settled()
        for number in range(20):
            expected = [line for k in range(5) for line in (f"> {k}", f"< You said: {k}")]
            assert (await talk.log(f"c{number}"))[1:] == expected


@pytest.mark.parametrize("after", [0, 1, 3, 10, 40, 200])
async def test_a_crash_at_any_moment_loses_doubles_and_inverts_nothing(
    tmp_path: Path, after: int
) -> None:
    database = tmp_path / "a.db"
    posted: list[str] = []
    async with running(echo(), database) as talk:
        for _ in range(3):
            number = len(posted)
            tasks = []
            for offset in range(30):
                text = f"m{number + offset}"
                tasks.append(asyncio.create_task(talk.post(text, f"c{offset % 3}", id=text)))
                posted.append(text)
            await asyncio.gather(*tasks)
            for _ in range(after):
                await asyncio.sleep(0)
        await crash(talk.runtime)
    async with running(echo(), database) as talk:
        for text in posted:
            again = await talk.post(text, f"c{int(text[1:]) % 30 % 3}", id=text)
            assert again.status == "duplicate"
            await talk.reached(again, "done")
        await talk.settled()
        for key in range(3):
            mine = [text for text in posted if int(text[1:]) % 30 % 3 == key]
            expected = [line for text in mine for line in (f"> {text}", f"< You said: {text}")]
            assert (await talk.log(f"c{key}"))[1:] == expected
        rows = [row async for row in talk.runtime.export()]
        replies = [row["body"]["reply_id"] for row in rows if row["kind"] == "reply"]
        assert len(replies) == len(set(replies)) == len(posted)
        assert await talk.runtime.store.outbox() == []
        assert talk.runtime.admission.messages == 0


async def test_replies_that_were_committed_are_released_after_a_crash(tmp_path: Path) -> None:
    async with running(echo(), tmp_path / "a.db") as talk:
        talk.runtime._supervisor._tasks["delivery"].task.cancel()  # type: ignore[union-attr]
        receipt = await talk.post("hello")
        await talk.reached(receipt, "done")
        await crash(talk.runtime)
    async with running(echo(), tmp_path / "a.db") as talk:
        assert await talk.wait(receipt) == ["You said: hello"]
        assert await talk.runtime.store.outbox() == []


async def test_an_outage_of_the_store_stops_nothing_for_good(tmp_path: Path) -> None:
    database = tmp_path / "a.db"
    async with running(echo(), database) as talk:
        await talk.send("before")
        other = apsw.Connection(str(database))
        other.set_busy_timeout(5000)
        for number in range(3):
            other.execute("BEGIN IMMEDIATE")
            receipts = [await talk.post(f"{number}.{k}", f"c{k}") for k in range(5)]
            assert {receipt.status for receipt in receipts} == {"spooled"}
            other.execute("ROLLBACK")
            for key, receipt in enumerate(receipts):
                assert await talk.wait(receipt) == [f"You said: {number}.{key}"]
        other.close()
        await talk.settled()
        assert talk.runtime.admission.messages == 0
        for key in range(5):
            assert [line for line in await talk.log(f"c{key}") if line[0] == ">"] == [
                f"> {number}.{key}" for number in range(3)
            ]


async def test_an_outage_in_the_middle_of_a_batch_redoes_it(tmp_path: Path) -> None:
    database = tmp_path / "a.db"
    app = Colloquy()
    other = apsw.Connection(str(database))
    locked: list[bool] = []

    @app.on_message
    async def answer(turn: Turn) -> str:
        turn.later(3600, "x")
        if turn.text == "lock" and not locked:
            other.execute("BEGIN IMMEDIATE")
            locked.append(True)
            asyncio.get_running_loop().call_later(0.2, lambda: other.execute("ROLLBACK"))
        return f"{turn.text}!"

    async with running(app, database) as talk:
        assert await talk.send("lock") == ["lock!"]
        assert await talk.log() == ["session_opened", "> lock", "< lock!"]
    other.close()


async def test_a_worker_that_stops_in_an_outage_ends(tmp_path: Path) -> None:
    database = tmp_path / "a.db"
    other = apsw.Connection(str(database))
    async with running(echo(), database, shutdown__grace_s="0.3") as talk:
        await talk.send("hello")
        other.set_busy_timeout(5000)
        other.execute("BEGIN IMMEDIATE")
        receipt = await talk.post("spooled")
        assert receipt.status == "spooled"
        async with asyncio.timeout(60):
            await talk.runtime.stop()
        other.execute("ROLLBACK")
    other.close()
    async with running(echo(), database) as talk:
        assert await talk.wait(receipt) == ["You said: spooled"]


async def test_stopped_means_refusing(tmp_path: Path) -> None:
    async with running(echo(), tmp_path / "a.db") as talk:
        assert talk.runtime.ready()
        await talk.runtime.stop()
        assert not talk.runtime.ready()
        with pytest.raises(Unavailable):
            await talk.post("too late")
        await talk.runtime.stop()


async def test_a_second_owner_of_the_file_is_refused(tmp_path: Path) -> None:
    async with running(echo(), tmp_path / "a.db"):
        with pytest.raises(StoreLocked):
            await Runtime(echo(), settings_for(tmp_path / "a.db")).start()


async def test_history_is_recorded_as_it_is_and_not_answered(tmp_path: Path) -> None:
    from colloquy import Message, Sender

    async with running(echo(), tmp_path / "a.db") as talk:
        items = [
            Message(conversation="ann", text=f"{n}", sender=Sender("us", kind="assistant"))
            if n % 2
            else Message(conversation="ann", text=f"{n}", channel="api")
            for n in range(6)
        ]
        await talk.runtime.import_messages([*items, InvalidInput("bad line")])
        await talk.settled()
        assert await talk.log() == ["session_opened", *(f"> {n}" for n in range(6))]
        assert talk.runtime.admission.messages == 0


async def test_more_conversations_than_fit_into_memory(tmp_path: Path) -> None:
    async with running(echo(), tmp_path / "a.db", pipeline__session_cache="1") as talk:
        for _ in range(3):
            receipts = [await talk.post("x", f"c{n}") for n in range(40)]
            for receipt in receipts:
                assert await talk.wait(receipt) == ["You said: x"]
        for number in (0, 39):
            log = await talk.log(f"c{number}")
            assert log == ["session_opened", *["> x", "< You said: x"] * 3]
        assert talk.runtime.metrics.attempts_failed.value == 0


async def test_a_thousand_conversations_at_once_keep_their_order(tmp_path: Path) -> None:
    # Nobody's gap may time out, however slow the machine is.
    waits = {"pipeline__session_cache": "100", "pipeline__gap_timeout_s": "60"}
    async with running(echo(), tmp_path / "a.db", **waits) as talk:

        async def visit(who: str) -> None:
            for number in range(3):
                await talk.post(str(number), who, stream="tab", sequence=(3, 1, 2)[number])

        await asyncio.gather(*(visit(f"c{n}") for n in range(300)))
        await talk.settled()
        logs: dict[str, list[str]] = {}
        async for row in talk.runtime.export():
            if row["kind"] == "message":
                logs.setdefault(row["conversation"], []).append(row["body"]["message"]["sequence"])
        assert len(logs) == 300
        assert {tuple(one) for one in logs.values()} == {(1, 2, 3)}


async def test_idle_it_does_nothing(tmp_path: Path) -> None:
    async with running(echo(), tmp_path / "a.db", pipeline__claim_poll_s="30") as talk:
        await talk.send("hello")
        await until(lambda: talk.runtime.worker.is_idle)
        assert await talk.send("still awake") == ["You said: still awake"]
