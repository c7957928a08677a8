"""Replies that are pushed: order, one id for ever, retries, crashes, take-overs while in flight."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from colloquy import Colloquy
from colloquy.delivery.outgoing import Outgoing, Sent
from colloquy.model.errors import StoreUnavailable
from colloquy.storage.store import Store
from support.engine import Talk, crash, echo, running
from support.waiting import until
from support.wire import Wire


def app_on(wire: Wire) -> Colloquy:
    app = echo()
    app.add_channel("wire", wire)
    return app


async def post(talk: Talk, text: str, who: str = "ann") -> Any:
    return await talk.post(text, who, channel="wire", urgent=True)


async def replied(talk: Talk, count: int, who: str = "ann") -> None:
    """Until so many replies are committed."""

    async def found() -> bool:
        return (await talk.kinds(who, "wire")).count("reply") >= count

    await until(found)


async def test_replies_of_a_conversation_arrive_in_order_and_a_slow_one_holds_only_its_own(
    tmp_path: Path,
) -> None:
    wire = Wire()
    stuck = asyncio.Event()

    async def slow(text: str) -> Sent:
        await stuck.wait()
        return Sent(True)

    async with running(app_on(wire), tmp_path / "a.db", delivery__batch_size="1") as talk:
        wire.behaviour = lambda text: slow(text) if "first" in text else Sent(True)
        for text in ("first", "second", "third"):
            await post(talk, text)
        await post(talk, "other", "bob")
        await until(lambda: wire.texts("bob"))
        assert wire.texts() == []
        stuck.set()
        await until(lambda: len(wire.texts()) == 3)
        assert wire.texts() == [f"You said: {text}" for text in ("first", "second", "third")]
        await talk.settled()
        assert await talk.runtime.store.outbox() == []


async def test_a_failure_is_tried_again_under_the_same_id(tmp_path: Path) -> None:
    wire = Wire()
    async with running(app_on(wire), tmp_path / "a.db") as talk:
        wire.behaviour = lambda text: Sent(len(wire.attempts) > 2, "not now")
        receipt = await post(talk, "hello")
        await post(talk, "next")
        await until(lambda: len(wire.delivered) == 2)
        assert wire.attempts == ["You said: hello"] * 3 + ["You said: next"]
        state = await talk.reached(receipt, "done")
        assert [reply.reply_id for reply in state.replies] == [wire.delivered[0][2].hex()]


@pytest.mark.parametrize("kind", ["raises", "hangs", "miscounts"])
async def test_a_channel_that_misbehaves_fails_the_attempt_only(tmp_path: Path, kind: str) -> None:
    wire = Wire()
    tries = 0
    plain = wire.send

    async def send(batch: Sequence[Outgoing]) -> Sequence[Sent]:
        nonlocal tries
        tries += 1
        if tries == 1 and kind == "raises":
            raise OSError("no route")
        if tries == 1 and kind == "hangs":
            await asyncio.Event().wait()
        if tries == 1:
            return []
        return await plain(batch)

    wire.send = send  # type: ignore[method-assign]
    async with running(app_on(wire), tmp_path / "a.db", delivery__timeout_s="0.05") as talk:
        await post(talk, "hello")
        await until(lambda: wire.delivered)
        assert wire.texts() == ["You said: hello"]
        await talk.settled()
        assert await talk.kinds(channel="wire") == ["session_opened", "message", "reply"]


@pytest.mark.parametrize("retry", [True, False])
async def test_a_reply_that_cannot_be_sent_is_given_up_and_the_next_goes_on(
    tmp_path: Path, retry: bool
) -> None:
    wire = Wire()
    async with running(app_on(wire), tmp_path / "a.db") as talk:
        wire.behaviour = lambda text: Sent("bad" not in text, "refused", retry)
        receipt = await post(talk, "bad")
        assert await talk.wait(receipt) == []
        await post(talk, "good")
        await until(lambda: wire.delivered)
        assert wire.texts() == ["You said: good"]
        assert wire.attempts.count("You said: bad") == (3 if retry else 1)
        (failed,) = [
            row for row in await talk.rows(channel="wire") if row["kind"] == "reply_failed"
        ]
        assert failed["body"]["attempts"] == (3 if retry else 1)
        assert failed["body"]["detail"] == "refused"
        await talk.settled()
        assert await talk.runtime.store.outbox() == []


async def test_what_was_in_flight_at_a_crash_is_sent_again_under_the_same_id(
    tmp_path: Path,
) -> None:
    wire = Wire()
    async with running(app_on(wire), tmp_path / "a.db") as talk:
        wire.open.clear()
        await post(talk, "hello")
        await until(lambda: wire.attempts)
        await post(talk, "next")
        await replied(talk, 2)
        (item, _) = await talk.runtime.store.outbox()
        assert item.state == "in_flight"
        await crash(talk.runtime)
    wire.open.set()
    async with running(app_on(wire), tmp_path / "a.db") as talk:
        await until(lambda: len(wire.delivered) == 2)
        assert wire.texts() == ["You said: hello", "You said: next"]
        assert wire.delivered[0][2] == item.reply_id
        await talk.settled()
        assert "reply_withdrawn" not in await talk.kinds(channel="wire")


async def test_an_attempt_that_waits_survives_a_restart_and_keeps_its_time(tmp_path: Path) -> None:
    wire = Wire()
    wire.behaviour = lambda text: Sent(False, "not now")
    slow = {"delivery__retry_delays_s": "3600"}
    async with running(app_on(wire), tmp_path / "a.db", **slow) as talk:
        await post(talk, "hello")
        await until(lambda: wire.attempts)

        async def waits() -> bool:
            return (await talk.runtime.store.outbox())[0].state == "retry"

        await until(waits)
        (item,) = await talk.runtime.store.outbox()
    wire.behaviour = lambda text: Sent(True)
    async with running(app_on(wire), tmp_path / "a.db", **slow) as talk:
        await post(talk, "other", "bob")
        await until(lambda: wire.texts("bob"))
        assert wire.attempts.count("You said: hello") == 1

    def later() -> int:
        return item.due_at + 1

    async with running(app_on(wire), tmp_path / "a.db", clock=later, **slow) as talk:
        await until(lambda: wire.texts())
        (row,) = [row for row in await talk.rows(channel="wire") if row["kind"] == "reply"]
        assert wire.delivered[-1][2].hex() == row["body"]["reply_id"]


async def test_a_take_over_reports_what_is_in_flight_and_is_effective_once_it_is_done(
    tmp_path: Path,
) -> None:
    wire = Wire()
    async with running(app_on(wire), tmp_path / "a.db") as talk:
        wire.open.clear()
        await post(talk, "one")
        await post(talk, "two")
        await until(lambda: wire.attempts)
        await replied(talk, 2)
        taking = asyncio.create_task(talk.owner("human", channel="wire"))

        async def taken() -> bool:
            return "owner_changed" in await talk.kinds(channel="wire")

        await until(taken)
        assert not taking.done()
        wire.open.set()
        view = await taking
        assert (view.effective, view.withdrawn, view.in_flight) == (True, 1, [])
        assert wire.texts() == ["You said: one"]
        await talk.settled()
        assert wire.texts() == ["You said: one"]


async def test_a_take_over_that_cannot_wait_longer_says_what_is_still_in_flight(
    tmp_path: Path,
) -> None:
    wire = Wire()
    wire.behaviour = lambda text: Sent(False, "gone")
    async with running(app_on(wire), tmp_path / "a.db", delivery__max_attempts="1") as talk:
        talk.runtime._desk._in_flight_wait_s = 0.01
        wire.open.clear()
        await post(talk, "one")
        await until(lambda: wire.attempts)
        view = await talk.owner("human", channel="wire")
        assert not view.effective
        (item,) = await talk.runtime.store.outbox()
        assert view.in_flight == [item.reply_id.hex()]
        wire.open.set()
        await talk.settled()
        assert (await talk.kinds(channel="wire"))[-1] == "reply_failed"
        assert wire.texts() == []


async def test_a_retry_that_waits_is_withdrawn_by_a_take_over(tmp_path: Path) -> None:
    wire = Wire()
    wire.behaviour = lambda text: Sent(False, "not now")
    async with running(
        app_on(wire),
        tmp_path / "a.db",
        delivery__retry_delays_s="0.05",
        delivery__max_attempts="99",
    ) as talk:
        await post(talk, "one")
        await until(lambda: len(wire.attempts) == 2)
        view = await talk.owner("human", channel="wire")
        assert view.effective
        wire.behaviour = lambda text: Sent(True)
        await talk.settled()
        assert wire.delivered == []
        assert "reply_withdrawn" in await talk.kinds(channel="wire")


async def test_a_claim_between_the_look_and_the_take_over_is_not_overruled(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The worst moment: the reply leaves after the take-over looked and before it commits."""
    wire = Wire()
    async with running(app_on(wire), tmp_path / "a.db") as talk:
        store = talk.runtime.store
        wire.open.clear()
        await post(talk, "zero")
        await until(lambda: wire.attempts)
        await post(talk, "one")
        await replied(talk, 2)
        look = store.outbox_of
        looks = 0

        async def outbox_of(session: int) -> Any:
            nonlocal looks
            found = await look(session)
            looks += 1
            if looks == 1:
                wire.open.set()
                await until(lambda: "You said: one" in wire.attempts or len(wire.delivered) > 1)
            return found

        monkeypatch.setattr(store, "outbox_of", outbox_of)
        view = await talk.owner("human", channel="wire")
        sent_by_then = list(wire.delivered)
        assert view.effective
        await talk.settled()
        assert wire.delivered == sent_by_then
        withdrawn = (await talk.kinds(channel="wire")).count("reply_withdrawn")
        assert len(wire.delivered) + withdrawn == 2


class Broken:
    """Makes one statement of a store fail as an outage for a while."""

    def __init__(
        self, store: Store, monkeypatch: pytest.MonkeyPatch, name: str, times: int
    ) -> None:
        self.left = times
        change = store.change

        async def broken(statement: str, rows: Any) -> Any:
            if statement == name and self.left:
                self.left -= 1
                raise StoreUnavailable("away")
            return await change(statement, rows)

        monkeypatch.setattr(store, "change", broken)


@pytest.mark.parametrize("name", ["outbox_claim", "outbox_delete"])
async def test_an_outage_around_the_sending_sends_nothing_twice_and_loses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr("colloquy.delivery.outbox.PAUSE_S", 0.01)
    wire = Wire()
    async with running(app_on(wire), tmp_path / "a.db") as talk:
        broken = Broken(talk.runtime.store, monkeypatch, name, 2)
        receipt = await post(talk, "one")
        await post(talk, "two")
        assert await talk.wait(receipt) == ["You said: one"]
        await talk.settled()
        assert broken.left == 0
        assert wire.texts() == ["You said: one", "You said: two"]
        assert await talk.kinds(channel="wire") == ["session_opened", *["message", "reply"] * 2]
        assert await talk.runtime.store.outbox() == []


async def test_an_outage_while_a_failure_is_noted_tries_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("colloquy.delivery.outbox.PAUSE_S", 0.01)
    wire = Wire()
    wire.behaviour = lambda text: Sent(len(wire.attempts) > 1)
    async with running(app_on(wire), tmp_path / "a.db") as talk:
        Broken(talk.runtime.store, monkeypatch, "outbox_set", 1)
        assert await talk.wait(await post(talk, "one")) == ["You said: one"]
        assert wire.texts() == ["You said: one"]


async def test_replies_of_a_channel_that_is_gone_are_left_for_readers(tmp_path: Path) -> None:
    wire = Wire()
    async with running(app_on(wire), tmp_path / "a.db") as talk:
        wire.open.clear()
        await post(talk, "hello")
        await until(lambda: wire.attempts)
        await crash(talk.runtime)
    async with running(echo(), tmp_path / "a.db") as talk:
        await talk.settled()
        assert await talk.runtime.store.outbox() == []
        assert await talk.kinds(channel="wire") == ["session_opened", "message", "reply"]
