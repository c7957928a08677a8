"""Several workers on one PostgreSQL database: order, ownership, and a worker that dies."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from colloquy import Colloquy, Reply, Turn
from colloquy.delivery.outgoing import Outgoing, Sent
from colloquy.model.views import ReplyRequest
from support.engine import Talk, crash, echo, running
from support.waiting import until


async def all_logs(talk: Talk) -> dict[str, list[str]]:
    logs: dict[str, list[str]] = {}
    async for row in talk.runtime.export():
        body = row["body"]
        if row["kind"] == "message":
            logs.setdefault(row["conversation"], []).append(f"> {body['message']['text']}")
        elif row["kind"] == "reply":
            logs.setdefault(row["conversation"], []).append(f"< {body['text']}")
    return logs


async def rest(*talks: Talk) -> None:
    """Until the database has nothing left to do."""
    store = talks[0].runtime.store

    async def empty() -> bool:
        return not await store.inbox_headers(0, 1) and not await store.outbox((-1, -1), 1)

    await until(empty, 60)


async def shared_out(*talks: Talk) -> None:
    await until(lambda: {talk.runtime.stats()["leases"] for talk in talks} == {32})


def expected(count: int) -> list[str]:
    return [line for k in range(count) for line in (f"> {k}", f"< You said: {k}")]


async def test_what_works_on_one_file_works_on_postgresql(
    postgres_url: str, tmp_path: Path
) -> None:
    app = Colloquy()
    gate = asyncio.Event()

    @app.on_message
    async def answer(turn: Turn) -> Reply | str | None:
        turn.state["n"] = turn.state.get("n", 0) + 1
        if turn.text == "slow":
            await gate.wait()
        if turn.text == "bad":
            raise ValueError("broken")
        if turn.text == "later":
            turn.later(0, "remind")
        if turn.text == "human":
            return turn.hand_over("human", text="one moment")
        return f"{turn.text} {turn.state['n']}"

    @app.on_timer("remind")
    async def remind(turn: Turn) -> str:
        return "reminder"

    async with running(app, postgres_url, tmp_path) as talk:
        assert await talk.send("hello", id="m1") == ["hello 1"]
        assert (await talk.post("hello", id="m1")).status == "duplicate"
        slow = await talk.post("slow")
        await talk.reached(slow, "parked")
        assert await talk.send("quick", "bob") == ["quick 1"]
        gate.set()
        assert await talk.wait(slow) == ["slow 2"]
        assert await talk.send("later") == ["later 3"]

        async def reminded() -> bool:
            return "< reminder" in await talk.log()

        await until(reminded)
        bad = await talk.post("bad", "carl")
        await talk.reached(bad, "dead")
        (letter,) = (await talk.runtime.dead_letters()).dead_letters
        assert letter.cause == "ValueError"
        assert await talk.send("human") == ["one moment"]
        assert await talk.send("still there?") == []
        await talk.runtime.reply(talk.conversation_id(), ReplyRequest(text="yes"), "op")
        assert (await talk.owner("assistant")).effective
        assert await talk.send("back") == ["back 5"]
        await rest(talk)
        seen = []
        async for item in talk.stream(after=0):
            seen.append(item.seq)
            if item.reply is not None and item.reply.text == "back 5":
                break
        assert seen == sorted(set(seen))


async def test_two_workers_share_the_partitions_and_keep_every_order(
    postgres_url: str, signals_url: str, tmp_path: Path
) -> None:
    async with AsyncExitStack() as stack:
        one, two = [
            await stack.enter_async_context(
                running(echo(), postgres_url, tmp_path / name, signals__url=signals_url)
            )
            for name in "12"
        ]
        await shared_out(one, two)

        async def visit(who: str, door: int) -> None:
            for number in range(6):
                await (one, two)[(door + number) % 2].post(str(number), who)

        await asyncio.gather(*(visit(f"c{n}", n) for n in range(30)))
        await rest(one, two)
        logs = await all_logs(one)
        assert logs == {f"c{n}": expected(6) for n in range(30)}
        assert one.runtime.worker.turns > 0
        assert two.runtime.worker.turns > 0


async def test_a_worker_that_dies_is_taken_over_without_loss_or_repetition(
    postgres_url: str, tmp_path: Path
) -> None:
    async with AsyncExitStack() as stack:
        one = await stack.enter_async_context(running(echo(), postgres_url, tmp_path / "1"))
        two = await stack.enter_async_context(running(echo(), postgres_url, tmp_path / "2"))
        await shared_out(one, two)
        for number in range(3):
            await asyncio.gather(*(two.post(str(number), f"c{n}") for n in range(30)))
        await crash(one.runtime)
        for number in range(3, 5):
            await asyncio.gather(*(two.post(str(number), f"c{n}") for n in range(30)))
        await rest(two)
        assert two.runtime.stats()["leases"] == 64
        logs = await all_logs(two)
        assert logs == {f"c{n}": expected(5) for n in range(30)}
        rows = [row async for row in two.runtime.export() if row["kind"] == "reply"]
        assert len({row["body"]["reply_id"] for row in rows}) == len(rows) == 150


async def test_a_worker_that_wakes_up_late_changes_nothing(
    postgres_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its lease ran out while a turn was being worked on: the commit is refused, and it lets go."""
    began: list[str] = []
    gate = asyncio.Event()

    def app(name: str) -> Colloquy:
        made = Colloquy()

        @made.on_message
        async def answer(turn: Turn) -> str:
            began.append(name)
            if name == "one":
                await gate.wait()
            return f"by {name}"

        return made

    async with AsyncExitStack() as stack:
        one = await stack.enter_async_context(running(app("one"), postgres_url, tmp_path / "1"))
        receipt = await one.post("hello")
        await one.reached(receipt, "parked")
        store = one.runtime.store
        hold = store.hold_leases
        asleep = asyncio.Event()

        async def sleeping(owner: str, lease_s: float) -> dict[int, int]:
            await asleep.wait()
            return await hold(owner, lease_s)

        monkeypatch.setattr(store, "hold_leases", sleeping)
        two = await stack.enter_async_context(running(app("two"), postgres_url, tmp_path / "2"))
        assert await two.wait(receipt) == ["by two"]
        asleep.set()
        gate.set()
        await until(lambda: not one.runtime.worker.parked)
        await rest(one, two)
        assert await two.log() == ["session_opened", "> hello", "< by two"]
        assert began.count("one") == 1


class Wire:
    """A push channel shared by two processes."""

    def __init__(self) -> None:
        self.open = asyncio.Event()
        self.delivered: list[tuple[str, bytes]] = []
        self.tried: list[str] = []

    async def send(self, batch: Any) -> list[Sent]:
        outs: list[Outgoing] = list(batch)
        self.tried += [out.item.key for out in outs]
        await self.open.wait()
        self.delivered += [(out.item.key, out.item.reply_id) for out in outs]
        return [Sent(True)] * len(outs)


async def test_a_reply_in_flight_in_a_dead_process_is_sent_by_another_under_its_id(
    postgres_url: str, tmp_path: Path
) -> None:
    dying, living = Wire(), Wire()
    living.open.set()

    def app(wire: Wire) -> Colloquy:
        made = echo()
        made.add_channel("wire", wire)
        return made

    async with AsyncExitStack() as stack:
        one = await stack.enter_async_context(running(app(dying), postgres_url, tmp_path / "1"))
        await one.post("hello", channel="wire", urgent=True)
        await until(lambda: dying.tried)
        (item,) = await one.runtime.store.outbox()
        assert item.state == "in_flight"
        await crash(one.runtime)

        def later() -> int:
            return item.due_at + 1

        two = await stack.enter_async_context(
            running(app(living), postgres_url, tmp_path / "2", clock=later)
        )
        await until(lambda: living.delivered)
        assert living.delivered == [("ann", item.reply_id)]
        await rest(two)
        assert "reply_withdrawn" not in await two.kinds(channel="wire")


async def test_an_operator_at_another_process_takes_over(postgres_url: str, tmp_path: Path) -> None:
    async with AsyncExitStack() as stack:
        one = await stack.enter_async_context(running(echo(), postgres_url, tmp_path / "1"))
        two = await stack.enter_async_context(running(echo(), postgres_url, tmp_path / "2"))
        for turn in range(6):
            who = f"c{turn}"
            await one.send("hello", who)
            posts = [asyncio.create_task(one.post(str(n), who)) for n in range(5)]
            view = await two.owner("human", who)
            receipts = await asyncio.gather(*posts)
            for receipt in receipts:
                await two.reached(receipt, "done")
            assert view.effective
            rows = await two.rows(who)
            taken = next(row["seq"] for row in rows if row["kind"] == "owner_changed")
            assert all(row["seq"] < taken for row in rows if row["kind"] == "reply")
        await rest(one, two)
