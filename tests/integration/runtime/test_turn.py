"""What a handler can do: state, slots, timers, outside effects, passing on."""

from __future__ import annotations

import asyncio
import gc
import threading
import weakref
from pathlib import Path
from typing import Any

import pytest

from colloquy import Colloquy, EffectUncertain, Reply, Transient, Turn
from colloquy.model.errors import InvalidInput
from colloquy.model.times import now_us
from support.engine import crash, running
from support.waiting import until


async def test_state_is_kept_and_goes_through_the_ledger(tmp_path: Path) -> None:
    app = Colloquy()

    @app.on_message
    async def count(turn: Turn) -> str:
        turn.state["n"] = turn.state.get("n", 0) + 1
        return str(turn.state["n"])

    async with running(app, tmp_path / "a.db") as talk:
        receipts = [await talk.post(str(n)) for n in range(20)]
        assert await talk.wait(receipts[-1]) == ["20"]
        await talk.settled()
    async with running(app, tmp_path / "a.db") as talk:
        assert await talk.send("again") == ["21"]
        assert await talk.send("mine", "bob") == ["1"]
        changes = await talk.runtime.store.changes_of("session_state", talk.conversation_id())
        assert len(changes) == 21
        before = [None, *(change.position for change in changes)]
        assert [change.previous for change in changes] == before[:-1]


async def test_a_slot_is_asked_for_and_filled_by_the_next_message(tmp_path: Path) -> None:
    app = Colloquy()

    @app.on_message
    async def book(turn: Turn) -> Reply | str | None:
        if "name" in turn.slots:
            return f"Booked for {turn.slots.pop('name')}."
        if "book" in turn.text:
            return turn.ask("name", "Who is it for?")
        return None

    async with running(app, tmp_path / "a.db", replies__fallback="what?") as talk:
        assert await talk.send("book a viewing") == ["Who is it for?"]
        view = await talk.runtime.conversation(talk.conversation_id())
        assert view.status == "waiting"
        assert await talk.send("  Ann  ") == ["Booked for Ann."]
        assert (await talk.runtime.conversation(talk.conversation_id())).status == "open"
        assert await talk.send("else") == ["what?"]


async def test_a_slot_that_wants_an_entity_is_asked_once_more(tmp_path: Path) -> None:
    app = Colloquy()

    @app.on_message
    async def call(turn: Turn) -> Reply | str:
        if "mail" in turn.slots:
            return f"Writing to {turn.slots.pop('mail')}"
        return turn.ask("mail", "Which address?", entity="email")

    async with running(app, tmp_path / "a.db") as talk:
        assert await talk.send("hello") == ["Which address?"]
        assert await talk.send("the usual") == ["Which address?"]
        assert await talk.send("it is ann@example.org") == ["Writing to ann@example.org"]
        assert await talk.send("hello") == ["Which address?"]
        assert await talk.send("no") == ["Which address?"]
        assert await talk.send("really no") == ["Writing to really no"]


async def test_a_timer_fires_once_in_its_conversation_and_survives_a_restart(
    tmp_path: Path,
) -> None:
    app = Colloquy()
    fired: list[Any] = []

    @app.on_message
    async def answer(turn: Turn) -> str:
        turn.later(float(turn.text), "remind", {"n": turn.text})
        turn.later(0, "nobody listens")
        return "set"

    @app.on_timer("remind")
    async def remind(turn: Turn) -> str:
        assert turn.fired is not None
        fired.append(turn.fired.data["n"])
        turn.state["fired"] = turn.fired.name
        return f"reminder {turn.fired.data['n']}"

    def later() -> int:
        return now_us() + 7200 * 1_000_000

    async with running(app, tmp_path / "a.db") as talk:
        await talk.send("0.05")
        await until(lambda: fired == ["0.05"])
        await talk.send("3600", "bob")
    assert fired == ["0.05"]
    async with running(app, tmp_path / "a.db", clock=later) as talk:
        await until(lambda: fired == ["0.05", "3600"])
        await talk.settled()
        assert (await talk.log("bob"))[-2:] == ["timer_fired", "< reminder 3600"]
        assert (await talk.kinds("bob")).count("timer_fired") == 2
        view = await talk.runtime.conversation(talk.conversation_id("bob"))
        assert view.state["data"] == {"fired": "remind"}
    async with running(app, tmp_path / "a.db", clock=later) as talk:
        await talk.settled()
        assert fired == ["0.05", "3600"]


async def test_a_turn_that_fails_sets_no_timer(tmp_path: Path) -> None:
    app = Colloquy()
    fired: list[int] = []

    @app.on_message
    async def answer(turn: Turn) -> str:
        turn.later(0, "remind")
        if turn.attempt == 1:
            raise ValueError("after the timer")
        return "set"

    @app.on_timer("remind")
    async def remind(turn: Turn) -> None:
        fired.append(1)

    async with running(app, tmp_path / "a.db") as talk:
        await talk.send("x")
        await until(lambda: fired)
        await talk.settled()
        assert fired == [1]


@pytest.mark.parametrize("delay", [-1, 1e12, float("nan")])
async def test_a_timer_beyond_its_bounds_is_refused(tmp_path: Path, delay: float) -> None:
    app = Colloquy()

    @app.on_message
    async def answer(turn: Turn) -> str:
        with pytest.raises(InvalidInput):
            turn.later(delay, "x")
        return "refused"

    async with running(app, tmp_path / "a.db") as talk:
        assert await talk.send("x") == ["refused"]


class Charge:
    """An outside effect that counts how often it really happened."""

    def __init__(self) -> None:
        self.app = Colloquy()
        self.charged: list[Any] = []
        self.seen: list[Any] = []
        self.fail_after: list[Exception] = []
        self.fail_inside: list[Exception] = []
        self.idempotent = False
        self.scope: Any = "turn"

        def charge(amount: int) -> dict[str, int]:
            self.charged.append(amount)
            if self.fail_inside:
                raise self.fail_inside.pop(0)
            return {"receipt": len(self.charged)}

        @self.app.on_message
        async def pay(turn: Turn) -> str:
            try:
                done = await turn.once(
                    "charge", charge, len(turn.text), scope=self.scope, idempotent=self.idempotent
                )
            except EffectUncertain as error:
                self.seen.append(error)
                raise
            self.seen.append(done)
            if self.fail_after:
                raise self.fail_after.pop(0)
            return f"receipt {done['receipt']}"


async def test_an_effect_happens_once_however_often_its_turn_runs(tmp_path: Path) -> None:
    charge = Charge()
    charge.fail_after = [ValueError("after")]
    async with running(charge.app, tmp_path / "a.db") as talk:
        assert await talk.send("x") == ["receipt 1"]
        assert charge.charged == [1]
        assert charge.seen == [{"receipt": 1}] * 2
        assert await talk.send("x") == ["receipt 2"], "another turn is another effect"


async def test_an_effect_of_the_conversation_is_known_to_later_turns(tmp_path: Path) -> None:
    charge = Charge()
    charge.scope = "conversation"
    async with running(charge.app, tmp_path / "a.db") as talk:
        assert await talk.send("x") == ["receipt 1"]
        assert await talk.send("y") == ["receipt 1"]
        assert await talk.send("yy") == ["receipt 2"], "other arguments are another effect"
        assert await talk.send("x", "bob") == ["receipt 3"]


async def test_transient_inside_an_effect_says_that_nothing_happened(tmp_path: Path) -> None:
    charge = Charge()
    charge.fail_inside = [Transient("busy"), Transient("busy")]
    async with running(charge.app, tmp_path / "a.db") as talk:
        assert await talk.send("x") == ["receipt 3"]
        assert charge.charged == [1, 1, 1]


async def test_an_effect_with_an_unknown_outcome_is_not_repeated(tmp_path: Path) -> None:
    charge = Charge()
    charge.fail_inside = [ValueError("the line broke")]
    async with running(charge.app, tmp_path / "a.db", replies__apology_hand_over="") as talk:
        receipt = await talk.post("x")
        state = await talk.reached(receipt, "dead")
        assert state.why.startswith("effect_uncertain")
        assert charge.charged == [1]
        (letter,) = (await talk.runtime.dead_letters()).dead_letters
        assert [one["code"] for one in letter.attempts] == ["ValueError", "effect_uncertain"]
        await talk.runtime.retry_dead_letters([letter.number], None, "op")

        async def dead_again() -> bool:
            letters = (await talk.runtime.dead_letters()).dead_letters
            return bool(letters) and letters[0].number != letter.number

        await until(dead_again)
        assert charge.charged == [1], "a retry does not repeat it either"
        charge.idempotent = True
        (letter,) = (await talk.runtime.dead_letters()).dead_letters
        await talk.runtime.retry_dead_letters([letter.number], None, "op")
        await talk.reached(receipt, "done")
        assert charge.charged == [1, 1]


async def test_an_effect_cut_off_by_a_crash_is_uncertain(tmp_path: Path) -> None:
    app = Colloquy()
    inside = asyncio.Event()
    calls: list[str] = []

    async def effect() -> None:
        calls.append("begun")
        inside.set()
        await asyncio.Event().wait()

    @app.on_message
    async def answer(turn: Turn) -> str:
        await turn.once("effect", effect)
        return "never"

    async with running(app, tmp_path / "a.db") as talk:
        receipt = await talk.post("x")
        await inside.wait()
        await talk.reached(receipt, "parked")
        await crash(talk.runtime)
    async with running(app, tmp_path / "a.db") as talk:
        state = await talk.reached(receipt, "dead")
        assert state.why.startswith("effect_uncertain")
        assert calls == ["begun"]


async def test_one_effect_begun_twice_at_once_happens_once(tmp_path: Path) -> None:
    app = Colloquy()
    calls: list[int] = []

    async def effect() -> int:
        calls.append(1)
        await asyncio.sleep(0)
        return 7

    @app.on_message
    async def answer(turn: Turn) -> str:
        results = await asyncio.gather(
            turn.once("e", effect), turn.once("e", effect), return_exceptions=True
        )
        return " ".join(str(type(one).__name__) for one in results)

    async with running(app, tmp_path / "a.db") as talk:
        (said,) = await talk.send("x")
        assert calls == [1]
        assert "EffectUncertain" in str(said)


async def test_arguments_of_an_effect_must_be_json(tmp_path: Path) -> None:
    app = Colloquy()

    @app.on_message
    async def answer(turn: Turn) -> str:
        with pytest.raises(InvalidInput):
            await turn.once("e", print, object())
        return "refused"

    async with running(app, tmp_path / "a.db") as talk:
        assert await talk.send("x") == ["refused"]


@pytest.mark.parametrize("how", ["method", "reply"])
async def test_handing_over_says_so_and_nobody_answers_by_itself_after_it(
    tmp_path: Path, how: str
) -> None:
    app = Colloquy()

    @app.on_message
    async def answer(turn: Turn) -> Reply | str | None:
        if turn.text != "human":
            return "me"
        if how == "method":
            return turn.hand_over("human", reason="asked", text="one moment")
        return Reply("one moment", hand_over="human", reason="asked")

    async with running(app, tmp_path / "a.db") as talk:
        await talk.post("hello")
        handing = await talk.post("human")
        after = await talk.post("are you there?")
        assert await talk.wait(handing) == ["one moment"]
        assert await talk.wait(after) == []
        (row,) = [row for row in await talk.rows() if row["kind"] == "owner_changed"]
        assert (row["body"]["owner"], row["body"]["reason"]) == ("human", "asked")
        await talk.owner("assistant")
        assert await talk.send("and now?") == ["me"]


async def test_handing_over_without_a_word_uses_the_configured_text(tmp_path: Path) -> None:
    app = Colloquy()

    @app.on_message
    async def answer(turn: Turn) -> None:
        turn.hand_over("team")

    async with running(app, tmp_path / "a.db", replies__hand_over_text="passing on") as talk:
        assert await talk.send("x") == ["passing on"]
        assert (await talk.runtime.conversation(talk.conversation_id())).owner == "team"


async def test_an_agent_is_answered_and_our_own_side_is_not(tmp_path: Path) -> None:
    from colloquy import Sender

    app = Colloquy()

    @app.on_message
    async def answer(turn: Turn) -> str:
        return "hi"

    async with running(app, tmp_path / "a.db") as talk:
        assert await talk.send("a", sender=Sender("bot", kind="agent")) == ["hi"]
        assert await talk.send("b", sender=Sender("us", kind="assistant")) == []
        assert await talk.send("c", sender=Sender("us", kind="system")) == []


async def test_the_recent_window_reaches_back_as_far_as_asked(tmp_path: Path) -> None:
    app = Colloquy()
    seen: list[list[str]] = []

    @app.on_message
    async def answer(turn: Turn) -> str:
        limit = int(turn.message.metadata.get("limit", 3))
        seen.append([f"{said.role}:{said.text}" for said in await turn.context.recent(limit)])
        return turn.text.upper()

    async with running(app, tmp_path / "a.db", pipeline__recent_window="4") as talk:
        for text in "abcde":
            await talk.send(text)
        await talk.send("f", metadata={"limit": 7})
    expected = [line for c in "abcde" for line in (f"visitor:{c}", f"assistant:{c.upper()}")]
    assert seen[0] == []
    assert seen[4] == expected[5:8]
    assert seen[5] == expected[-7:]
    async with running(app, tmp_path / "a.db", pipeline__recent_window="4") as talk:
        await talk.send("g", metadata={"limit": 2})
        assert seen[6] == ["visitor:f", "assistant:F"]


async def test_a_plain_handler_runs_beside_the_loop(tmp_path: Path) -> None:
    app = Colloquy()
    threads: list[int] = []

    @app.on_message
    def answer(turn: Turn) -> str:
        threads.append(threading.get_ident())
        return "ok"

    async with running(app, tmp_path / "a.db") as talk:
        assert await talk.send("x") == ["ok"]
        assert threads[0] != threading.get_ident()


async def test_a_turn_that_is_over_does_not_wait_for_the_collector(tmp_path: Path) -> None:
    app = Colloquy(pack="property")
    turns: list[weakref.ref[Turn]] = []

    @app.on_message
    async def answer(turn: Turn) -> str:
        turns.append(weakref.ref(turn))
        await turn.context.assemble(500)
        return f"{turn.graph.person}: {len(await turn.context.recent())}"

    async with running(app, tmp_path / "a.db") as talk:
        gc.disable()
        try:
            for n in range(5):
                await talk.send(f"I need a flat with {n + 2} bedrooms")
            await talk.settled()
            assert len(turns) == 5
            await until(lambda: all(turn() is None for turn in turns))
        finally:
            gc.enable()
