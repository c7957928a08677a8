"""Who answers: take-over against replies on their way, in many orders; people's replies."""

from __future__ import annotations

import asyncio
import random
from pathlib import Path

import pytest

from colloquy import Colloquy, Turn
from colloquy.model.errors import Conflict, InvalidInput, NotFound, TooLarge
from colloquy.model.views import OwnerRequest, ReplyRequest
from support.engine import Talk, echo, running
from support.waiting import until

SEEDS = 40


def eager() -> Colloquy:
    """Answers at once, or after a moment of its own choice."""
    app = Colloquy()

    @app.on_message
    async def answer(turn: Turn) -> str:
        for _ in range(int(turn.text)):
            await asyncio.sleep(0)
        return f"auto {turn.text}"

    return app


async def test_after_an_effective_take_over_no_automatic_reply_appears(tmp_path: Path) -> None:
    """Seeded interleavings: what a reader of the stream has seen at that moment is all."""
    async with running(eager(), tmp_path / "a.db") as talk:
        for seed in range(SEEDS):
            await one_take_over(talk, random.Random(seed), f"c{seed}")


async def one_take_over(talk: Talk, chance: random.Random, who: str) -> None:
    first = await talk.post("0", who)
    await talk.wait(first)
    shown: list[str] = []

    async def watch() -> None:
        async for item in talk.stream(who, after=0):
            if item.reply is not None:
                shown.append(item.reply.text or "")

    watcher = asyncio.create_task(watch())
    receipts = [await talk.post(str(chance.randrange(30)), who) for _ in range(3)]
    for _ in range(chance.randrange(60)):
        await asyncio.sleep(0)
    view = await talk.owner("human", who)
    assert view.effective
    assert view.in_flight == []
    epoch = view.owner_epoch
    log = await talk.rows(who)
    taken = next(row["seq"] for row in log if row["kind"] == "owner_changed")
    released = await released_replies(talk, who)
    for receipt in receipts:
        await talk.reached(receipt, "done")
    await talk.settled()
    assert await released_replies(talk, who) == released, "a reply was released after it"
    assert all(row["seq"] < taken for row in await talk.rows(who) if row["kind"] == "reply")
    human = await talk.runtime.reply(
        talk.conversation_id(who), ReplyRequest(text="human here"), "op"
    )
    await until(lambda: "human here" in shown)
    watcher.cancel()
    assert shown == [*released, "human here"]
    assert human.seq > taken
    again = await talk.owner("assistant", who)
    assert again.owner_epoch == epoch + 1
    assert await talk.send("1", who) == ["auto 1"]


async def released_replies(talk: Talk, who: str) -> list[str]:
    """Automatic replies that are neither withdrawn nor still in the outbox."""
    rows = await talk.rows(who)
    (session,) = (
        await talk.runtime.store.sessions([bytes.fromhex(talk.conversation_id(who))])
    ).values()
    pending = {item.seq for item in await talk.runtime.store.outbox_of(session.number)}
    gone = {row["body"]["reply_id"] for row in rows if row["kind"] == "reply_withdrawn"}
    return [
        row["body"]["text"]
        for row in rows
        if row["kind"] == "reply"
        and row["body"]["reply_id"] not in gone
        and row["seq"] not in pending
    ]


async def test_a_withdrawn_reply_is_shown_by_nothing(tmp_path: Path) -> None:
    async with running(echo(), tmp_path / "a.db", shutdown__grace_s="0.05") as talk:
        delivery = talk.runtime.delivery
        talk.runtime._supervisor._tasks["delivery"].task.cancel()  # type: ignore[union-attr]
        receipt = await talk.post("hello")
        await talk.reached(receipt, "done")
        stream = talk.stream(after=0)
        assert (await anext(stream)).kind == "message"
        view = await talk.owner("human")
        assert (view.withdrawn, view.effective) == (1, True)
        kinds = [(await anext(stream)).kind for _ in range(2)]
        assert kinds == ["reply_withdrawn", "owner"]
        assert (await talk.state(receipt)).replies == []
        assert await talk.wait(receipt) == []
        fresh = talk.stream(after=0)
        assert [(await anext(fresh)).kind for _ in range(3)] == [
            "message",
            "reply_withdrawn",
            "owner",
        ]
        assert len(delivery) == 1, "it lets go when it looks"


async def test_a_reply_of_the_old_epoch_is_withdrawn_at_its_release(tmp_path: Path) -> None:
    """The take-over commits between the turn's commit and its look at the outbox."""
    async with running(echo(), tmp_path / "a.db") as talk:
        store = talk.runtime.store
        receipt = await talk.post("hello")
        await talk.wait(receipt)
        change = store.change
        owned = asyncio.Event()

        async def release_later(name: str, rows: list[tuple[object, ...]]) -> object:
            if name == "outbox_release" and not owned.is_set():
                look = store.outbox_of
                store.outbox_of = no_rows  # type: ignore[assignment]
                await talk.owner("human")
                store.outbox_of = look  # type: ignore[method-assign]
                owned.set()
            return await change(name, rows)

        async def no_rows(session: int) -> list[object]:
            return []

        store.change = release_later  # type: ignore[assignment,method-assign]
        second = await talk.post("again")
        assert await talk.wait(second) == []
        assert (await talk.log())[-3:] == ["< You said: again", "owner_changed", "reply_withdrawn"]


async def test_messages_to_a_human_are_recorded_and_not_answered(tmp_path: Path) -> None:
    async with running(echo(), tmp_path / "a.db") as talk:
        await talk.send("hello")
        await talk.owner("human")
        assert await talk.send("anybody?") == []
        assert (await talk.log())[-1] == "> anybody?"
        await talk.owner("assistant")
        assert await talk.send("back") == ["You said: back"]


async def test_a_reply_with_the_same_id_is_sent_once(tmp_path: Path) -> None:
    async with running(echo(), tmp_path / "a.db") as talk:
        await talk.send("hello")
        conversation = talk.conversation_id()
        request = ReplyRequest(text="one", id="r1", take_over=True)
        views = await asyncio.gather(
            *(talk.runtime.reply(conversation, request, "op") for _ in range(8))
        )
        assert len({(view.reply_id, view.seq) for view in views}) == 1
        assert (await talk.log()).count("< one") == 1
        assert (await talk.kinds()).count("owner_changed") == 1
        with pytest.raises(Conflict):
            await talk.runtime.reply(conversation, ReplyRequest(text="two", id="r1"), "op")
        other = await talk.runtime.reply(conversation, ReplyRequest(text="one", id="r2"), "op")
        assert other.reply_id != views[0].reply_id


async def test_a_reply_is_refused_where_it_makes_no_sense(tmp_path: Path) -> None:
    async with running(echo(), tmp_path / "a.db") as talk:
        with pytest.raises(NotFound):
            await talk.runtime.reply("0" * 32, ReplyRequest(text="x"), "op")
        with pytest.raises(NotFound):
            await talk.runtime.set_owner("0" * 32, OwnerRequest(owner="human"), "op")
        with pytest.raises(InvalidInput):
            await talk.runtime.reply("zz", ReplyRequest(text="x"), "op")
        await talk.send("hello")
        with pytest.raises(InvalidInput):
            await talk.runtime.reply(talk.conversation_id(), ReplyRequest(), "op")
        with pytest.raises(TooLarge):
            await talk.runtime.reply(talk.conversation_id(), ReplyRequest(text="x" * 10_001), "op")


async def test_people_and_visitors_at_the_same_time_lose_and_double_nothing(
    tmp_path: Path,
) -> None:
    async with running(echo(), tmp_path / "a.db") as talk:
        await talk.send("start")
        conversation = talk.conversation_id()
        posts = [talk.post(f"v{n}") for n in range(30)]
        replies = [
            talk.runtime.reply(conversation, ReplyRequest(text=f"h{n}", id=f"h{n}"), "op")
            for n in range(30)
        ]
        await asyncio.gather(*posts, *replies)
        await talk.settled()
        log = await talk.log()
        assert [line for line in log if line.startswith("> v")] == [f"> v{n}" for n in range(30)]
        answers = [line for line in log if line.startswith("< You said: v")]
        assert answers == [f"< You said: v{n}" for n in range(30)]
        assert sorted(line for line in log if line.startswith("< h")) == sorted(
            f"< h{n}" for n in range(30)
        )
        seqs = [row["seq"] for row in await talk.rows()]
        assert seqs == list(range(1, len(seqs) + 1))
