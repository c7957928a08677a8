"""Slow handlers: they leave the batch, keep their conversation's order, and hold up nobody else."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path

from colloquy import Colloquy, Turn
from colloquy.model.views import ReplyRequest
from support.engine import crash, running
from support.waiting import until


class Gate:
    """An assistant whose handler waits at a gate when the text says `slow`."""

    def __init__(self) -> None:
        self.app = Colloquy()
        self.open = asyncio.Event()
        self.began: list[str] = []
        self.recent: list[list[str]] = []

        @self.app.on_message
        async def answer(turn: Turn) -> str:
            self.began.append(turn.text)
            if "slow" in turn.text:
                await self.open.wait()
            self.recent.append([said.text for said in await turn.context.recent()])
            return f"{turn.text}!"


async def test_a_slow_handler_holds_its_own_conversation_in_order_and_no_other(
    tmp_path: Path,
) -> None:
    gate = Gate()
    async with running(gate.app, tmp_path / "a.db") as talk:
        slow = await talk.post("slow")
        state = await talk.reached(slow, "parked")
        assert state.why
        assert state.due_at
        behind = await talk.post("behind")
        for number in range(20):
            assert await talk.send(str(number), f"other-{number}") == [f"{number}!"]
        assert (await talk.state(behind)).state == "stored"
        assert await talk.log() == ["session_opened", "> slow"]
        gate.open.set()
        assert await talk.wait(behind) == ["behind!"]
        assert await talk.log() == ["session_opened", "> slow", "< slow!", "> behind", "< behind!"]
        assert gate.began.count("slow") == 1
        assert gate.recent[-1] == ["slow", "slow!"]


async def test_a_parked_handler_does_not_see_its_own_message_behind_it(tmp_path: Path) -> None:
    gate = Gate()
    async with running(gate.app, tmp_path / "a.db") as talk:
        await talk.send("hello")
        slow = await talk.post("slow")
        await talk.reached(slow, "parked")
        gate.open.set()
        await talk.wait(slow)
        assert gate.recent[-1] == ["hello", "hello!"]


async def test_a_plain_function_is_parked_too(tmp_path: Path) -> None:
    app = Colloquy()
    release = threading.Event()

    @app.on_message
    def answer(turn: Turn) -> str:
        if turn.text == "slow":
            release.wait(20)
        return "done"

    async with running(app, tmp_path / "a.db") as talk:
        slow = await talk.post("slow")
        await talk.reached(slow, "parked")
        assert await talk.send("quick", "bob") == ["done"]
        release.set()
        assert await talk.wait(slow) == ["done"]


async def test_parked_turns_survive_a_crash_and_are_recorded_once(tmp_path: Path) -> None:
    gate = Gate()
    async with running(gate.app, tmp_path / "a.db") as talk:
        slow = await talk.post("slow", stream="tab", sequence=1)
        await talk.reached(slow, "parked")
        behind = await talk.post("behind", stream="tab", sequence=2)
        await crash(talk.runtime)
    gate.open.set()
    async with running(gate.app, tmp_path / "a.db") as talk:
        assert await talk.wait(behind) == ["behind!"]
        assert await talk.log() == ["session_opened", "> slow", "< slow!", "> behind", "< behind!"]
        assert gate.began == ["slow", "slow", "behind"]
        bodies = [row["body"] for row in await talk.rows() if row["kind"] == "message"]
        assert not any(body.get("late") or body.get("gap") for body in bodies)


async def test_a_parked_burst_is_one_turn_again_after_a_restart(tmp_path: Path) -> None:
    gate = Gate()
    fields = {"channel": "web", "stream": "tab"}
    async with running(gate.app, tmp_path / "a.db", pipeline__gap_timeout_s="30") as talk:
        await talk.post("slow 2", sequence=2, **fields)
        first = await talk.post("slow 1", sequence=1, **fields)
        await talk.reached(first, "parked")
    gate.open.set()
    async with running(gate.app, tmp_path / "a.db") as talk:
        (reply,) = await talk.wait(first)
        assert reply == "slow 1\nslow 2!"
        assert gate.began == ["slow 1\nslow 2"] * 2
        assert len({row["turn_id"] for row in await talk.rows(channel="web")} - {None}) == 1
        assert await talk.log(channel="web") == [
            "session_opened",
            "> slow 1",
            "> slow 2",
            "< slow 1\nslow 2!",
        ]


async def test_a_handler_that_takes_too_long_fails_an_attempt(tmp_path: Path) -> None:
    gate = Gate()
    settings = {"pipeline__parked_timeout_s": "0.05", "pipeline__retry_delays_s": "0.01"}
    async with running(gate.app, tmp_path / "a.db", **settings) as talk:
        slow = await talk.post("slow")
        state = await talk.reached(slow, "dead")
        assert gate.began == ["slow", "slow"]
        assert state.why.startswith("turn_timeout")
        assert state.attempts == 2
        assert (await talk.kinds()).count("message") == 1
        assert await talk.send("quick", "bob") == ["quick!"]


async def test_more_than_may_be_parked_wait_without_beginning_again(tmp_path: Path) -> None:
    gate = Gate()
    settings = {"pipeline__max_parked": "2", "pipeline__parked_timeout_s": "30"}
    async with running(gate.app, tmp_path / "a.db", **settings) as talk:
        receipts = [await talk.post(f"slow {n}", f"c{n}") for n in range(2)]
        for receipt in receipts:
            await talk.reached(receipt, "parked")
        receipts += [await talk.post(f"slow {n}", f"c{n}") for n in range(2, 6)]
        await until(lambda: len(gate.began) > 2)
        assert talk.runtime.worker.parked == 2
        gate.open.set()
        for number, receipt in enumerate(receipts):
            assert await talk.wait(receipt) == [f"slow {number}!"]
        assert sorted(gate.began) == [f"slow {number}" for number in range(6)]


async def test_somebody_else_writing_meanwhile_redoes_the_turn_without_an_attempt(
    tmp_path: Path,
) -> None:
    gate = Gate()
    async with running(gate.app, tmp_path / "a.db") as talk:
        slow = await talk.post("slow")
        await talk.reached(slow, "parked")
        await talk.runtime.reply(talk.conversation_id(), ReplyRequest(text="me first"), "op")
        gate.open.set()
        assert await talk.wait(slow) == ["slow!"]
        assert await talk.log() == ["session_opened", "> slow", "< me first", "< slow!"]
        assert gate.began == ["slow", "slow"]
        trace = await talk.runtime.trace(slow.message_id)
        assert [step.what for step in trace.steps].count("attempt_failed") == 0


async def test_a_handler_that_cancels_itself_is_a_failure(tmp_path: Path) -> None:
    app = Colloquy()
    began: list[str] = []

    @app.on_message
    async def answer(turn: Turn) -> str:
        began.append(turn.text)
        raise asyncio.CancelledError

    async with running(app, tmp_path / "a.db") as talk:
        receipt = await talk.post("odd")
        state = await talk.reached(receipt, "dead")
        assert "cancelled" in state.why
        assert len(began) == 2


async def test_stopping_leaves_parked_turns_for_the_next_process(tmp_path: Path) -> None:
    gate = Gate()
    async with running(gate.app, tmp_path / "a.db") as talk:
        slow = await talk.post("slow")
        await talk.reached(slow, "parked")
    gate.open.set()
    async with running(gate.app, tmp_path / "a.db") as talk:
        assert await talk.wait(slow) == ["slow!"]
        assert talk.runtime.worker._suspects == set()
