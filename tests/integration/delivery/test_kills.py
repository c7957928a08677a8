"""A kill switch and replies that are committed and not out yet: they never go out, and are made
again without what was killed."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from colloquy import Colloquy, Reply, Turn
from colloquy.delivery.outgoing import Sent
from colloquy.model.errors import StoreUnavailable
from colloquy.model.times import now_us
from colloquy.model.views import ReplyRequest
from colloquy.runtime.kills import KilledReplies
from colloquy.storage.write_set import EventRow, Unit
from support.engine import Talk, crash, running
from support.storage import Place
from support.waiting import until
from support.wire import Wire

SWITCH = "disable_new_tools"
SLOW = {"delivery__retry_delays_s": "3600", "delivery__max_attempts": "99"}
"""What fails once waits longer than any test."""
QUICK = {"delivery__retry_delays_s": "0.01", "delivery__max_attempts": "999"}


def database(place: Place) -> Path | str:
    return Path(place.where) if place.engine == "sqlite" else place.where


class Shop:
    """An assistant that has tools while it may."""

    def __init__(self, wire: Wire | None = None) -> None:
        self.app = app = Colloquy()
        self.turns: list[str] = []
        self.effects: list[str] = []
        self.heard: list[list[str]] = []
        """The lines before each turn."""
        self.gates: dict[str, asyncio.Event] = {}
        self.slow = asyncio.Event()
        self.began: list[str] = []

        def book(text: str) -> str:
            self.effects.append(text)
            return f"receipt of {text}"

        @app.on_message
        async def answer(turn: Turn) -> Reply | list[str] | str | None:
            text = turn.text
            self.began.append(text)
            self.heard.append([line.text for line in await turn.context.recent()])
            if text == "simple slow":
                await self.slow.wait()
            if text == "later":
                turn.later(3600, "remind")
            if text.startswith("simple"):
                return f"simply {text}"
            has_tools = turn.flags.enabled("enable_tools")
            kind = "fancy" if has_tools else "plain"
            self.turns.append(f"{kind} {text}")
            turn.state["turns"] = turn.state.get("turns", 0) + 1
            if text in self.gates and not has_tools:
                await self.gates[text].wait()
            if text == "two":
                return [f"{kind} {text} a", f"{kind} {text} b"]
            if text == "pay":
                return f"{kind} {await turn.once('pay', book, 'tea')}"
            if text == "remind":
                turn.later(0.0 if has_tools else 3600, "remind", {"by": kind})
            if text == "ask" and has_tools:
                return turn.ask("day", "fancy which day?")
            return f"{kind} {text} {turn.slots.get('day', '')}".strip()

        @app.on_timer("remind")
        async def remind(turn: Turn) -> str:
            assert turn.fired is not None
            kind = "fancy" if turn.flags.enabled("enable_tools") else "plain"
            return f"{kind} reminder, {await turn.once('pay', book, 'timer')}"

        if wire is not None:
            app.add_channel("wire", wire)


def down(text: str) -> Sent:
    return Sent(False, "down")


async def post(talk: Talk, text: str, who: str = "ann") -> Any:
    return await talk.post(text, who, channel="wire", urgent=True)


async def kinds(talk: Talk) -> list[str]:
    return await talk.kinds(channel="wire")


async def bodies(talk: Talk, kind: str) -> list[dict[str, Any]]:
    return [row["body"] for row in await talk.rows(channel="wire") if row["kind"] == kind]


async def states(talk: Talk) -> list[str]:
    return [item.state for item in await talk.runtime.store.outbox()]


async def waits(talk: Talk, *expected: str) -> None:
    """Until the outbox has rows in these states."""

    async def found() -> bool:
        return await states(talk) == list(expected)

    await until(found)


async def replied(talk: Talk, count: int) -> None:
    """Until so many replies are committed."""

    async def found() -> bool:
        return (await kinds(talk)).count("reply") >= count

    await until(found)


async def kill(talk: Talk) -> None:
    await talk.runtime.flag_desk.throw(SWITCH, "it books twice", "op")


async def test_a_reply_that_waits_is_taken_back_and_its_turn_done_again(
    place: Place, tmp_path: Path
) -> None:
    wire = Wire()
    wire.behaviour = down
    shop = Shop(wire)
    async with running(shop.app, database(place), tmp_path, **SLOW) as talk:
        receipt = await post(talk, "pay")
        await waits(talk, "retry")
        waiting = asyncio.create_task(talk.wait(receipt))
        wire.behaviour = lambda text: Sent(True)
        await kill(talk)
        await until(lambda: wire.delivered)
        await talk.settled()
        assert wire.texts() == ["plain receipt of tea"]
        assert await waiting == ["plain receipt of tea"]
        assert shop.effects == ["tea"]
        assert shop.heard[-1] == []
        assert await kinds(talk) == [
            "session_opened", "message", "reply", "reply_withdrawn", "turn_again", "reply",
        ]  # fmt: skip
        (taken,) = await bodies(talk, "reply_withdrawn")
        (first, second) = await bodies(talk, "reply")
        assert taken == {
            "reply_id": first["reply_id"],
            "seq": 3,
            "reason": "killed",
            "flags": ["enable_tools"],
            "switches": [f"{SWITCH} (store)"],
            "again": True,
        }
        assert second["reply_id"] not in (first["reply_id"], None)
        state = await talk.state(receipt)
        assert (state.state, [reply.text for reply in state.replies]) == (
            "done", ["plain receipt of tea"],
        )  # fmt: skip
        steps = (await talk.runtime.trace(receipt.message_id)).steps
        assert [step.what for step in steps] == [
            "accepted", "message", "reply", "reply_withdrawn", "turn_again", "reply",
        ]  # fmt: skip
        page = await talk.runtime.transcript(talk.conversation_id(channel="wire"), None, None, 50)
        assert [(item.kind, item.state, item.detail) for item in page.items] == [
            ("message", None, None),
            ("reply", "withdrawn", None),
            ("again", None, f"{SWITCH} (store)"),
            ("reply", "sent", None),
        ]
        assert talk.runtime.admission.messages == 0
        assert (await talk.runtime.conversation(talk.conversation_id(channel="wire"))).state == {
            "data": {"turns": 2}
        }


async def test_a_reply_that_waited_through_a_restart_is_taken_back(
    place: Place, tmp_path: Path
) -> None:
    wire = Wire()
    wire.behaviour = down
    where = database(place)
    async with running(Shop(wire).app, where, tmp_path, **SLOW) as talk:
        await post(talk, "pay")
        await waits(talk, "retry")
        file = talk.runtime.settings.switch_file
    file.write_text(f"{SWITCH}\n")
    wire.behaviour = lambda text: Sent(True)
    attempts = list(wire.attempts)
    async with running(Shop(wire).app, where, tmp_path, **SLOW) as talk:
        await until(lambda: wire.delivered)
        await talk.settled()
        assert wire.texts() == ["plain receipt of tea"]
        assert wire.attempts == [*attempts, "plain receipt of tea"]
    async with running(Shop(wire).app, where, tmp_path, **SLOW) as talk:
        await talk.settled()
        assert len(wire.delivered) == 1
        assert (await kinds(talk)).count("turn_again") == 1


async def test_what_was_being_sent_when_the_process_died_is_taken_back(
    place: Place, tmp_path: Path
) -> None:
    wire = Wire()
    where = database(place)
    short = {**SLOW, "delivery__timeout_s": "0.2", "pipeline__lease_s": "1"}
    async with running(Shop(wire).app, where, tmp_path, **short) as talk:
        wire.open.clear()
        await post(talk, "pay")
        await waits(talk, "in_flight")
        file = talk.runtime.settings.switch_file
        await crash(talk.runtime)
    file.write_text(f"{SWITCH}\n")
    wire.open.set()
    async with running(Shop(wire).app, where, tmp_path, **short) as talk:
        await until(lambda: wire.delivered)
        await talk.settled()
        assert wire.texts() == ["plain receipt of tea"]


async def test_what_was_being_sent_by_a_channel_that_is_gone_is_taken_back_too(
    place: Place, tmp_path: Path
) -> None:
    wire = Wire()
    where = database(place)
    short = {**SLOW, "delivery__timeout_s": "0.2", "pipeline__lease_s": "1"}
    async with running(Shop(wire).app, where, tmp_path, **short) as talk:
        wire.open.clear()
        receipt = await post(talk, "pay")
        await waits(talk, "in_flight")
        (item,) = await talk.runtime.store.outbox()
        file = talk.runtime.settings.switch_file
        await crash(talk.runtime)
    file.write_text(f"{SWITCH}\n")

    def later() -> int:
        return max(now_us(), item.due_at + 1)  # its claim has run out

    async with running(Shop().app, where, tmp_path, clock=later, **short) as talk:
        await replied(talk, 2)
        assert await talk.wait(receipt) == ["plain receipt of tea"]
        assert (await kinds(talk)).count("turn_again") == 1


async def test_a_crash_between_taking_back_and_answering_again_loses_nothing(
    place: Place, tmp_path: Path
) -> None:
    wire = Wire()
    wire.behaviour = down
    where = database(place)
    shop = Shop(wire)
    shop.gates["pay"] = asyncio.Event()
    short = {**SLOW, "pipeline__lease_s": "1"}
    async with running(shop.app, where, tmp_path, **short) as talk:
        receipt = await post(talk, "pay")
        await waits(talk, "retry")
        await kill(talk)
        await until(lambda: shop.turns == ["fancy pay", "plain pay"])
        await crash(talk.runtime)
    wire.behaviour = lambda text: Sent(True)
    async with running(Shop(wire).app, where, tmp_path, **short) as talk:
        await until(lambda: wire.delivered)
        await talk.settled()
        assert wire.texts() == ["plain receipt of tea"]
        assert shop.effects == ["tea"]
        assert (await kinds(talk)).count("message") == 1
        assert (await kinds(talk)).count("turn_again") == 1
        assert await talk.wait(receipt) == ["plain receipt of tea"]


async def test_a_commit_that_fails_changes_nothing_at_all(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The last statement of the commit is refused: the reply is still there, and nothing of it is
    in the inbox."""
    wire = Wire()
    wire.behaviour = down
    failing = True
    refused = asyncio.Event()
    whole = KilledReplies._unit

    def broken(self: KilledReplies, *args: Any) -> Unit:
        unit = whole(self, *args)
        if failing:
            unit.events.append(EventRow("note", 0, None, None, None))  # type: ignore[arg-type]
            refused.set()
        return unit

    monkeypatch.setattr(KilledReplies, "_unit", broken)
    async with running(Shop(wire).app, database(place), tmp_path, **SLOW) as talk:
        await post(talk, "pay")
        await waits(talk, "retry")
        before = await kinds(talk)
        await kill(talk)
        await refused.wait()
        refused.clear()
        await refused.wait()  # it was tried again: the first time is over
        assert await kinds(talk) == before
        assert await states(talk) == ["retry"]
        assert await talk.runtime.store.inbox_headers(0, 10) == []
        failing = False
        wire.behaviour = lambda text: Sent(True)
        await until(lambda: wire.delivered)
        assert wire.texts() == ["plain receipt of tea"]


async def test_what_cannot_be_put_back_does_not_go_out_for_that(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wire = Wire()
    wire.behaviour = down
    whole = KilledReplies._unit

    def refused(self: KilledReplies, *args: Any) -> Unit:
        unit = whole(self, *args)
        if "inbox_insert" in unit.rows:
            unit.events.append(EventRow("note", 0, None, None, None))  # type: ignore[arg-type]
        return unit

    monkeypatch.setattr(KilledReplies, "_unit", refused)
    async with running(Shop(wire).app, database(place), tmp_path, **SLOW) as talk:
        receipt = await post(talk, "one")
        await post(talk, "simple")
        await waits(talk, "retry", "pending")
        wire.behaviour = lambda text: Sent(True)
        await kill(talk)
        await until(lambda: wire.delivered)
        await talk.settled()
        assert wire.texts() == ["simply simple"]
        assert await talk.wait(receipt) == []
        (body,) = await bodies(talk, "reply_withdrawn")
        assert (body["reason"], body["again"]) == ("killed", False)


async def test_an_outage_while_it_is_taken_back_is_waited_out(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("colloquy.delivery.outbox.PAUSE_S", 0.01)
    wire = Wire()
    wire.behaviour = down
    async with running(Shop(wire).app, database(place), tmp_path, **SLOW) as talk:
        store = talk.runtime.store
        await post(talk, "pay")
        await waits(talk, "retry")
        left = 3
        look = store.outbox_of

        async def away(session: int) -> Any:
            nonlocal left
            if left:
                left -= 1
                raise StoreUnavailable("away")
            return await look(session)

        monkeypatch.setattr(store, "outbox_of", away)
        wire.behaviour = lambda text: Sent(True)
        await kill(talk)
        await until(lambda: wire.delivered)
        assert (left, wire.texts()) == (0, ["plain receipt of tea"])


async def test_answers_keep_the_order_of_the_messages(place: Place, tmp_path: Path) -> None:
    """Those behind one that is taken back were answered knowing it: they are made again too, and so
    everything goes out in the order in which it was asked."""
    wire = Wire()
    wire.behaviour = down
    shop = Shop(wire)
    shop.gates["one"] = asyncio.Event()
    async with running(shop.app, database(place), tmp_path, **SLOW) as talk:
        await post(talk, "one")
        await post(talk, "simple two")
        await post(talk, "three")
        await waits(talk, "retry", "pending", "pending")
        wire.behaviour = lambda text: Sent(True)
        await kill(talk)
        await until(lambda: shop.began.count("one") == 2)
        # They come while the first of them is being made again.
        await post(talk, "four")
        await post(talk, "five")
        shop.gates["one"].set()
        await until(lambda: len(wire.delivered) == 5)
        await talk.settled()
        assert wire.texts() == [
            "plain one", "simply simple two", "plain three", "plain four", "plain five",
        ]  # fmt: skip
        reasons = [body["reason"] for body in await bodies(talk, "reply_withdrawn")]
        assert reasons == ["killed", "follows_killed", "killed"]
        assert shop.began.count("simple two") == 2
        # Nothing that was taken back is heard by what comes after it.
        assert not any("fancy" in line for lines in shop.heard[-4:] for line in lines)


async def test_a_turn_under_way_comes_behind_what_is_done_again(
    place: Place, tmp_path: Path
) -> None:
    wire = Wire()
    wire.behaviour = down
    shop = Shop(wire)
    async with running(shop.app, database(place), tmp_path, **SLOW) as talk:
        await post(talk, "one")
        await waits(talk, "retry")
        slow = await post(talk, "simple slow")
        await talk.reached(slow, "parked")
        wire.behaviour = lambda text: Sent(True)
        await kill(talk)
        await waits(talk)
        shop.slow.set()
        await until(lambda: len(wire.delivered) == 2)
        assert wire.texts() == ["plain one", "simply simple slow"]


async def test_a_timer_that_waits_is_taken_back_with_the_reply(
    place: Place, tmp_path: Path
) -> None:
    wire = Wire()
    wire.behaviour = down
    async with running(Shop(wire).app, database(place), tmp_path, **SLOW) as talk:
        await post(talk, "later")
        await waits(talk, "retry")
        wire.behaviour = lambda text: Sent(True)
        await kill(talk)
        await until(lambda: wire.delivered)
        assert len(await talk.runtime.store.inbox_headers(0, 10)) == 1


async def test_what_is_before_it_goes_out_as_it_is(place: Place, tmp_path: Path) -> None:
    wire = Wire()
    wire.behaviour = down
    shop = Shop(wire)
    async with running(shop.app, database(place), tmp_path, **QUICK) as talk:
        await post(talk, "simple")
        await until(lambda: wire.attempts)
        await post(talk, "one")
        await replied(talk, 2)
        await kill(talk)
        await replied(talk, 3)
        wire.behaviour = lambda text: Sent(True)
        await until(lambda: len(wire.delivered) == 2)
        assert wire.texts() == ["simply simple", "plain one"]
        assert shop.began == ["simple", "one", "one"]


@pytest.mark.parametrize("first", ["sent", "failed"])
async def test_a_turn_of_which_a_reply_went_out_is_not_answered_twice(
    place: Place, tmp_path: Path, first: str
) -> None:
    wire = Wire()

    def behaviour(text: str) -> Sent:
        if text.endswith(" a"):
            return Sent(first == "sent", "never", retry=False)
        return Sent(False, "down")

    wire.behaviour = behaviour
    shop = Shop(wire)
    async with running(shop.app, database(place), tmp_path, **SLOW) as talk:
        receipt = await post(talk, "two")
        await waits(talk, "retry")
        waiting = asyncio.create_task(talk.wait(receipt))
        wire.behaviour = lambda text: Sent(True)
        await kill(talk)
        told = await waiting
        await talk.settled()
        if first == "sent":
            assert wire.texts() == told == ["fancy two a"]
            assert "turn_again" not in await kinds(talk)
            assert [body["again"] for body in await bodies(talk, "reply_withdrawn")] == [False]
        else:
            assert wire.texts() == told == ["plain two a", "plain two b"]
        assert await talk.wait(receipt) == told
        assert await states(talk) == []


async def test_what_people_wrote_is_not_touched(place: Place, tmp_path: Path) -> None:
    wire = Wire()
    wire.behaviour = down
    async with running(Shop(wire).app, database(place), tmp_path, **SLOW) as talk:
        await post(talk, "one")
        await waits(talk, "retry")
        await talk.runtime.reply(
            talk.conversation_id(channel="wire"), ReplyRequest(text="I am here"), "op"
        )
        await waits(talk, "retry", "pending")
        wire.behaviour = lambda text: Sent(True)
        await kill(talk)
        await until(lambda: len(wire.delivered) == 2)
        assert wire.texts() == ["I am here", "plain one"]
        assert len(await bodies(talk, "reply_withdrawn")) == 1


async def test_a_switch_that_is_back_before_anybody_looked_takes_nothing_back(
    place: Place, tmp_path: Path
) -> None:
    wire = Wire()
    shop = Shop(wire)
    async with running(shop.app, database(place), tmp_path, **QUICK) as talk:
        wire.open.clear()
        await post(talk, "one")
        await waits(talk, "in_flight")
        wire.behaviour = lambda text: Sent(len(wire.attempts) > 3, "down")
        # What is being sent cannot be taken back; it would be when the attempt has failed.
        await kill(talk)
        await talk.runtime.flag_desk.revive(SWITCH, "op")
        wire.open.set()
        await until(lambda: wire.delivered)
        await talk.settled()
        assert (wire.texts(), shop.turns) == (["fancy one"], ["fancy one"])
        assert await kinds(talk) == ["session_opened", "message", "reply"]


async def test_what_is_being_sent_is_taken_back_when_the_attempt_has_failed(
    place: Place, tmp_path: Path
) -> None:
    wire = Wire()
    async with running(Shop(wire).app, database(place), tmp_path, **SLOW) as talk:
        wire.open.clear()
        await post(talk, "one")
        await waits(talk, "in_flight")
        await post(talk, "two")
        await waits(talk, "in_flight", "pending", "pending")
        wire.behaviour = down
        await kill(talk)
        wire.behaviour = lambda text: Sent(text.startswith("plain"), "down")
        wire.open.set()
        await until(lambda: len(wire.delivered) == 3)
        await talk.settled()
        assert wire.texts() == ["plain one", "plain two a", "plain two b"]
        assert wire.attempts.count("fancy one") == 1


async def test_a_take_over_at_the_same_moment_wins(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The owner changes after it was looked at what to take back, and before that is committed."""
    wire = Wire()
    wire.behaviour = down
    shop = Shop(wire)
    async with running(shop.app, database(place), tmp_path, **SLOW) as talk:
        store = talk.runtime.store
        await post(talk, "one")
        await waits(talk, "retry")
        look = store.outbox_of
        looks = 0

        async def outbox_of(session: int) -> Any:
            nonlocal looks
            looks += 1
            found = await look(session)
            if looks == 1:
                await talk.owner("human", channel="wire")
            return found

        monkeypatch.setattr(store, "outbox_of", outbox_of)
        wire.behaviour = lambda text: Sent(True)
        await kill(talk)
        await until(lambda: looks >= 3)
        await talk.settled()
        assert (wire.delivered, shop.turns) == ([], ["fancy one"])
        found = await kinds(talk)
        assert (found.count("reply_withdrawn"), found.count("turn_again")) == (1, 0)
        assert await states(talk) == []


async def test_a_take_over_while_it_is_made_again_leaves_the_answer_to_who_took_over(
    place: Place, tmp_path: Path
) -> None:
    wire = Wire()
    wire.behaviour = down
    shop = Shop(wire)
    gate = shop.gates["one"] = asyncio.Event()
    async with running(shop.app, database(place), tmp_path, **SLOW) as talk:
        receipt = await post(talk, "one")
        await waits(talk, "retry")
        wire.behaviour = lambda text: Sent(True)
        await kill(talk)
        await until(lambda: "plain one" in shop.turns)
        await talk.owner("human", channel="wire")
        gate.set()
        assert await talk.wait(receipt) == []
        await talk.settled()
        assert wire.delivered == []


async def test_a_burst_is_answered_again_as_one(place: Place, tmp_path: Path) -> None:
    wire = Wire()
    wire.behaviour = down
    shop = Shop(wire)
    settings = {**SLOW, "channels__wire__quiet_s": "0.05"}
    async with running(shop.app, database(place), tmp_path, **settings) as talk:
        for texts in (("a", "b", "c"), ("d", "e")):
            receipts = await talk.post_all(*texts, channel="wire")
            await talk.reached(receipts[-1], "done")
        await waits(talk, "retry", "pending")
        wire.behaviour = lambda text: Sent(True)
        await kill(talk)
        await until(lambda: len(wire.delivered) == 2)
        assert wire.texts() == ["plain a\nb\nc", "plain d\ne"]
        for receipt in receipts:
            assert await talk.wait(receipt) == ["plain d\ne"]
        assert (await kinds(talk)).count("turn_again") == 5


async def test_timers_of_a_turn_that_is_taken_back_are_set_once(
    place: Place, tmp_path: Path
) -> None:
    """The first one was set, was due and answered: none of it went out. What is left is the one
    that the second turn set."""
    wire = Wire()
    wire.behaviour = down
    shop = Shop(wire)
    async with running(shop.app, database(place), tmp_path, **SLOW) as talk:
        await post(talk, "remind")
        await waits(talk, "retry", "pending")
        wire.behaviour = lambda text: Sent(True)
        await kill(talk)
        await until(lambda: wire.delivered)

        async def waiting() -> bool:
            return len(await talk.runtime.store.inbox_headers(0, 10)) == 1

        await until(waiting)
        assert wire.texts() == ["plain remind"]
        assert [body["again"] for body in await bodies(talk, "reply_withdrawn")] == [True, False]


async def test_a_timer_s_turn_is_done_again_with_the_effects_that_it_had(
    place: Place, tmp_path: Path
) -> None:
    wire = Wire()
    shop = Shop(wire)
    async with running(shop.app, database(place), tmp_path, **SLOW) as talk:
        wire.behaviour = lambda text: Sent("reminder" not in text, "down")
        await post(talk, "remind")
        await until(lambda: "fancy reminder, receipt of timer" in wire.attempts)
        await waits(talk, "retry")
        wire.behaviour = lambda text: Sent(True)
        await kill(talk)
        await until(lambda: len(wire.delivered) == 2)
        assert wire.texts() == ["fancy remind", "plain reminder, receipt of timer"]
        assert shop.effects == ["timer"]


async def test_a_question_that_nobody_heard_is_not_open(place: Place, tmp_path: Path) -> None:
    wire = Wire()
    wire.behaviour = down
    shop = Shop(wire)
    async with running(shop.app, database(place), tmp_path, **SLOW) as talk:
        await post(talk, "ask")
        await waits(talk, "retry")
        view = await talk.runtime.conversation(talk.conversation_id(channel="wire"))
        assert view.status == "waiting"
        wire.behaviour = lambda text: Sent(True)
        await kill(talk)
        await until(lambda: wire.delivered)
        assert wire.texts() == ["plain ask"]
        view = await talk.runtime.conversation(talk.conversation_id(channel="wire"))
        assert (view.status, view.state.get("slots")) == ("open", None)


async def test_on_a_channel_that_is_read_it_is_the_same(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("colloquy.delivery.outbox.PAUSE_S", 0.01)
    shop = Shop()
    async with running(shop.app, database(place), tmp_path) as talk:
        store = talk.runtime.store
        change: Callable[..., Awaitable[Any]] = store.change
        away = True

        async def held(statement: str, rows: Any) -> Any:
            if away and statement == "outbox_release":
                raise StoreUnavailable("away")
            return await change(statement, rows)

        monkeypatch.setattr(store, "change", held)
        receipt = await talk.post("pay")
        waiting = asyncio.create_task(talk.wait(receipt))
        await talk.reached(receipt, "done")
        await kill(talk)
        away = False
        assert await waiting == ["plain receipt of tea"]
        seen = []
        async for item in talk.stream(after=0):
            seen.append(item)
            if item.reply is not None:
                break
        assert [item.kind for item in seen if item.kind != "message"] == [
            "reply_withdrawn", "reply",
        ]  # fmt: skip
        assert seen[-1].reply is not None
        assert seen[-1].reply.text == "plain receipt of tea"


async def test_a_caller_that_waits_too_short_is_told_so(place: Place, tmp_path: Path) -> None:
    wire = Wire()
    wire.behaviour = down
    shop = Shop(wire)
    gate = shop.gates["one"] = asyncio.Event()
    async with running(shop.app, database(place), tmp_path, **SLOW) as talk:
        receipt = await post(talk, "one")
        await waits(talk, "retry")
        await kill(talk)
        await until(lambda: "plain one" in shop.turns)
        assert await talk.runtime.wait(receipt.message_id, 0.05) is None
        state = await talk.state(receipt)
        assert state.state in ("stored", "parked")
        gate.set()
        wire.behaviour = lambda text: Sent(True)
        assert await talk.wait(receipt) == ["plain one"]


async def test_two_kills_make_two_answers_and_one_goes_out(place: Place, tmp_path: Path) -> None:
    wire = Wire()
    wire.behaviour = down
    app = Colloquy()
    app.add_channel("wire", wire)

    @app.on_message
    def answer(turn: Turn) -> str:
        names = ("enable_tools", "enable_state_management")
        return ", ".join(name for name in names if turn.flags.enabled(name)) or "nothing"

    async with running(app, database(place), tmp_path, **SLOW) as talk:
        receipt = await post(talk, "one")
        await waits(talk, "retry")
        await kill(talk)
        await until(lambda: wire.attempts[-1] == "enable_state_management")
        await waits(talk, "retry")
        wire.behaviour = lambda text: Sent(True)
        await talk.runtime.flag_desk.throw("disable_state_management", "", "op")
        await until(lambda: wire.delivered)
        assert wire.texts() == ["nothing"]
        assert await talk.wait(receipt) == ["nothing"]
        replies = await bodies(talk, "reply")
        assert len({reply["reply_id"] for reply in replies}) == 3


async def test_a_message_that_was_a_dead_letter_is_found_and_answered_again(
    place: Place, tmp_path: Path
) -> None:
    """It was parked, so that it stands in the log under its first number, and died there."""
    wire = Wire()
    wire.behaviour = down
    app = Colloquy()
    app.add_channel("wire", wire)
    gate, broken = asyncio.Event(), True

    @app.on_message
    async def answer(turn: Turn) -> str:
        await gate.wait()
        if broken:
            raise ValueError("broken")
        return "fancy" if turn.flags.enabled("enable_tools") else "plain"

    silent = {"replies__apology": "", "replies__apology_hand_over": ""}
    async with running(app, database(place), tmp_path, **SLOW, **silent) as talk:
        receipt = await post(talk, "one")
        await talk.reached(receipt, "parked")
        gate.set()
        await talk.reached(receipt, "dead")
        broken = False
        (letter,) = (await talk.runtime.dead_letters()).dead_letters
        await talk.runtime.retry_dead_letters([letter.number], None, "op")
        await waits(talk, "retry")
        wire.behaviour = lambda text: Sent(True)
        await kill(talk)
        await until(lambda: wire.delivered)
        assert wire.texts() == ["plain"]
        assert await talk.wait(receipt) == ["plain"]
        assert (await kinds(talk)).count("message") == 1


async def test_what_an_older_program_put_there_goes_out(place: Place, tmp_path: Path) -> None:
    """It does not say what it was made with."""
    wire = Wire()
    wire.behaviour = down
    async with running(Shop(wire).app, database(place), tmp_path, **QUICK) as talk:
        store = talk.runtime.store
        commit = store.commit

        async def older(write_set: Any) -> Any:
            for unit in write_set.units:
                unit.outbox = [row._replace(made=None) for row in unit.outbox]
            return await commit(replace(write_set))

        store.commit = older  # type: ignore[method-assign]
        await post(talk, "one")
        await until(lambda: wire.attempts)
        await kill(talk)
        wire.behaviour = lambda text: Sent(True)
        await until(lambda: wire.delivered)
        assert wire.texts() == ["fancy one"]


async def test_of_two_processes_one_answers_again(postgres_url: str, tmp_path: Path) -> None:
    wire = Wire()
    wire.behaviour = down
    people = [f"p{number}" for number in range(12)]
    async with AsyncExitStack() as stack:
        talks = [
            await stack.enter_async_context(
                running(Shop(wire).app, postgres_url, tmp_path / str(number), **SLOW)
            )
            for number in range(2)
        ]
        await until(lambda: {talk.runtime.stats()["leases"] for talk in talks} == {32})
        for number, who in enumerate(people):
            await post(talks[number % 2], "one", who)
        await waits(talks[0], *["retry"] * len(people))
        wire.behaviour = lambda text: Sent(True)
        await kill(talks[0])
        await until(lambda: len(wire.delivered) >= len(people))
        for talk in talks:
            await talk.settled()
        assert sorted(key for key, _, _ in wire.delivered) == sorted(people)
        assert {text for _, text, _ in wire.delivered} == {"plain one"}


async def test_both_may_try_and_one_does(postgres_url: str, tmp_path: Path) -> None:
    """Two processes that both think that a conversation is theirs take the same reply back."""
    wire = Wire()
    wire.behaviour = down
    async with AsyncExitStack() as stack:
        talks = [
            await stack.enter_async_context(
                running(Shop(wire).app, postgres_url, tmp_path / str(number), **SLOW)
            )
            for number in range(2)
        ]
        await post(talks[0], "one")
        await waits(talks[0], "retry")
        conversation = bytes.fromhex(talks[0].conversation_id(channel="wire"))
        # In force for both before the tasks that deliver hear of it.
        for talk in talks:
            talk.runtime.flags.replace({}, {SWITCH: "store"})
        taken = await asyncio.gather(
            *(talk.runtime._killed_replies.take_back(conversation) for talk in talks)
        )
        assert sorted(map(len, taken)) == [0, 1]
        assert (await kinds(talks[0])).count("turn_again") == 1
