"""The flow of conversations through the pipeline: what handlers read, what is kept, what is not."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import apsw
import pytest

from colloquy import Colloquy, Sender, Turn
from colloquy.model.errors import Transient
from colloquy.model.turn import Said
from colloquy.model.views import ReplyRequest
from support.engine import Talk, crash, running
from support.waiting import until

HEATING = "The heating in the bathroom is cold, when does the plumber look at the heating?"
INVOICE = "My last invoice shows a wrong amount, please correct the invoice"


class Listener:
    """An assistant that answers by a list, and remembers what its turns were told."""

    def __init__(self, answers: dict[str, str] | None = None) -> None:
        self.app = Colloquy()
        self.answers = answers or {}
        self.turns: list[Turn] = []
        self.seen: list[list[Said]] = []

        @self.app.on_message
        async def answer(turn: Turn) -> str | None:
            self.turns.append(turn)
            self.seen.append(await turn.context.of_thread())
            return self.answers.get(turn.text)

    def texts(self) -> list[str]:
        """What the last turn's thread held before it, without "I did not get that"."""
        return [said.text for said in self.seen[-1] if "did not quite get" not in said.text]


@pytest.fixture(params=["sqlite", "postgres"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Path | str:
    if request.param == "sqlite":
        return tmp_path / "a.db"
    url: str = request.getfixturevalue("postgres_url")
    return url


async def flows(talk: Talk, who: str = "ann") -> list[dict[str, Any]]:
    """What the log says of each message's flow."""
    return [row["body"]["flow"] for row in await talk.rows(who) if row["kind"] == "message"]


async def test_open_questions_and_threads_outlive_a_restart(
    database: Path | str, tmp_path: Path
) -> None:
    listener = Listener({HEATING: "The plumber looks at the heating on Monday."})
    async with running(listener.app, database, tmp_path) as talk:
        first = await talk.post(HEATING)
        await talk.wait(first)
        assert listener.turns[-1].flow.open_questions == [first.message_id]
        assert listener.turns[-1].thread == "t1"
        second = await talk.post(INVOICE)
        await talk.wait(second)
        assert listener.turns[-1].thread == "t2"
    async with running(listener.app, database, tmp_path) as talk:
        await talk.send("And does the plumber bring parts for the heating?")
        turn = listener.turns[-1]
        assert turn.thread == "t1"
        assert listener.texts() == [HEATING, "The plumber looks at the heating on Monday."]
        await talk.send("Is the invoice correct by now?")
        assert listener.turns[-1].thread == "t2"
        assert listener.texts() == [INVOICE]
        assert [flow["thread"] for flow in await flows(talk)] == ["t1", "t2", "t1", "t2"]


async def test_our_answers_close_questions_and_our_questions_are_open(tmp_path: Path) -> None:
    listener = Listener(
        {HEATING: "The plumber looks at the heating on Monday.", INVOICE: "Which month is it?"}
    )
    async with running(listener.app, tmp_path / "a.db") as talk:
        await talk.send(HEATING)
        await talk.send("ok")
        assert listener.turns[-1].flow.open_questions == []
        await talk.send(INVOICE)
        answered = await talk.post("It is the invoice of the month of March")
        await talk.wait(answered)
        (asked,) = [
            row for row in await talk.rows() if row["body"].get("text") == "Which month is it?"
        ]
        assert listener.turns[-1].flow.answers == asked["body"]["reply_id"]
        assert asked["body"]["thread"] == "t2"


@pytest.mark.parametrize("restarted", [False, True])
async def test_a_persons_reply_answers_too(tmp_path: Path, restarted: bool) -> None:
    listener = Listener()
    text = "The plumber looks at the heating on Tuesday."
    async with running(listener.app, tmp_path / "a.db") as talk:
        await talk.send(HEATING)
        await talk.runtime.reply(talk.conversation_id(), ReplyRequest(text=text), "tester")
        if not restarted:
            await talk.send("fine")
    if restarted:
        async with running(listener.app, tmp_path / "a.db") as talk:
            await talk.send("fine")
    assert listener.turns[-1].flow.open_questions == []
    assert listener.texts() == [HEATING, text]


async def test_the_messages_of_a_burst_have_a_flow_each(tmp_path: Path) -> None:
    listener = Listener()
    quiet = {"channels__api__quiet_s": "0.1"}
    async with running(listener.app, tmp_path / "a.db", **quiet) as talk:
        again = "when does the plumber look at the heating in the bathroom"
        _, last = await talk.post_all(HEATING, again)
        await talk.wait(last)
        (turn,) = listener.turns
        assert len(turn.incoming) == 2
        found = await flows(talk)
        assert found[1]["repeated"] == turn.incoming[0].message_id.hex()
        assert turn.flow.repeated == found[1]["repeated"]


async def test_several_turns_of_one_batch_follow_each_other(tmp_path: Path) -> None:
    listener = Listener()
    async with running(listener.app, tmp_path / "a.db") as talk:
        receipts = await asyncio.gather(*(talk.post(HEATING) for _ in range(6)))
        for receipt in receipts:
            await talk.wait(receipt)
        found = await flows(talk)
    messages = [turn.message_id for turn in listener.turns]
    assert [flow.get("repeated") for flow in found] == [None, *messages[:-1]]


async def test_a_failed_attempt_leaves_no_trace(tmp_path: Path) -> None:
    app = Colloquy()
    tries: list[Turn] = []

    @app.on_message
    def answer(turn: Turn) -> str:
        tries.append(turn)
        if len(tries) < 3:
            raise Transient("not now")
        return "done"

    retries = {"pipeline__retry_delays_s": "[0.01, 0.01, 0.01]"}
    async with running(app, tmp_path / "a.db", **retries) as talk:
        await talk.send(HEATING)
        assert len(tries) == 3
        assert all(turn.flow.repeated is None for turn in tries)
        assert tries[0].flow == tries[2].flow


async def test_a_parked_message_is_counted_once_even_after_a_crash(tmp_path: Path) -> None:
    listener = Listener()
    gate = asyncio.Event()
    app = Colloquy()
    began: list[Turn] = []

    @app.on_message
    async def answer(turn: Turn) -> str:
        began.append(turn)
        await gate.wait()
        return "done"

    async with running(app, tmp_path / "a.db") as talk:
        slow = await talk.post(HEATING)
        await talk.reached(slow, "parked")
        await crash(talk.runtime)
    gate.set()
    async with running(app, tmp_path / "a.db") as talk:
        await talk.wait(slow)
        assert [turn.thread for turn in began] == ["t1", "t1"]
        assert began[1].flow.open_questions == [slow.message_id]
        assert began[1].flow.repeated is None
        assert len(await flows(talk)) == 1
    async with running(listener.app, tmp_path / "a.db") as talk:
        await talk.send(HEATING)
        assert listener.turns[-1].flow.repeated == slow.message_id


async def test_history_and_our_own_side_are_followed_without_being_answered(
    tmp_path: Path,
) -> None:
    listener = Listener()
    async with running(listener.app, tmp_path / "a.db") as talk:
        await talk.send(HEATING)
        await talk.post(
            "The plumber looks at the heating on Monday", sender=Sender("bot", kind="assistant")
        )
        await until(lambda: talk.runtime.worker.is_idle)
        await talk.send("ok")
        assert listener.turns[-1].flow.open_questions == []


async def test_a_reply_to_names_the_clients_own_id(tmp_path: Path) -> None:
    listener = Listener()
    async with running(listener.app, tmp_path / "a.db") as talk:
        await talk.send(HEATING, id="first")
        await talk.send(INVOICE, id="second")
        await talk.send("that is all too much for me", reply_to="first")
        assert listener.turns[-1].thread == "t1"


async def test_a_timers_turn_knows_what_is_open(tmp_path: Path) -> None:
    app = Colloquy()
    fired: list[Turn] = []

    @app.on_message
    def answer(turn: Turn) -> None:
        turn.later(0.0, "look")

    @app.on_timer("look")
    def look(turn: Turn) -> None:
        fired.append(turn)

    async with running(app, tmp_path / "a.db") as talk:
        asked = await talk.post(HEATING)
        await until(lambda: bool(fired))
        assert fired[0].flow.open_questions == [asked.message_id]
        assert fired[0].thread is None


async def test_a_damaged_standing_stops_nobody(tmp_path: Path) -> None:
    listener = Listener()
    async with running(listener.app, tmp_path / "a.db") as talk:
        await talk.send(HEATING)
    with apsw.Connection(str(tmp_path / "a.db")) as connection:
        connection.execute("UPDATE sessions SET flow = x'5b312c'")
    async with running(listener.app, tmp_path / "a.db") as talk:
        second = await talk.post("Is my invoice correct?")
        await talk.wait(second)
        assert listener.turns[-1].flow.open_questions == [second.message_id]


@pytest.mark.parametrize("slow", [False, True])
async def test_handlers_change_threads_and_the_change_is_kept(tmp_path: Path, slow: bool) -> None:
    app = Colloquy()
    seen: list[Any] = []
    gate = asyncio.Event()

    @app.on_message
    async def answer(turn: Turn) -> str:
        if turn.text == "sort":
            if slow:
                await gate.wait()
            turn.threads.rename("t1", "Heating")
            turn.threads.merge("t1", "t2")
        seen.append((turn.thread, [(one.id, one.title) for one in turn.threads.all()]))
        seen.append([said.text for said in await turn.context.of_thread()])
        return "fine"

    async with running(app, tmp_path / "a.db") as talk:
        await talk.send(HEATING)
        await talk.send(INVOICE)
        sorting = await talk.post("sort")
        if slow:
            await talk.reached(sorting, "parked")
            gate.set()
        await talk.wait(sorting)
    async with running(app, tmp_path / "a.db") as talk:
        await talk.send("so the invoice is correct")
    assert seen[-2] == ("t1", [("t1", "Heating")])
    assert seen[-1] == [HEATING, "fine", INVOICE, "fine", "sort", "fine"]


async def test_what_a_failed_handler_did_to_threads_is_gone(tmp_path: Path) -> None:
    app = Colloquy()
    titles: list[str] = []

    @app.on_message
    def answer(turn: Turn) -> str:
        titles.append(turn.threads.all()[0].title)
        turn.threads.rename("t1", "Heating")
        if len(titles) == 1:
            raise Transient("not now")
        return "done"

    async with running(app, tmp_path / "a.db") as talk:
        await talk.send(HEATING)
        await talk.send("ok")
    assert titles[0] == titles[1] != "Heating"
    assert titles[2] == "Heating"


async def test_a_message_that_was_split_off_leaves_the_old_thread(tmp_path: Path) -> None:
    app = Colloquy()
    seen: dict[str, list[str]] = {}

    @app.on_message
    async def answer(turn: Turn) -> None:
        if turn.text == "sort":
            turn.threads.split("t1", [turn.state["first"]], HEATING, "Heating")
            return
        turn.state.setdefault("first", turn.message_id)
        seen[turn.thread or ""] = [said.text for said in await turn.context.of_thread()]

    async with running(app, tmp_path / "a.db") as talk:
        for text in (HEATING, "hm", "sort"):
            await talk.send(text, id=text)
    seen.clear()
    async with running(app, tmp_path / "a.db") as talk:
        await talk.send("is the heating warm?")
        await talk.send("I said so", reply_to="hm")
    assert HEATING in seen["t2"]
    assert "hm" in seen["t1"]
    assert HEATING not in seen["t1"]
