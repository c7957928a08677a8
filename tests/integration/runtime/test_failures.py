"""Attempts, dead letters, and what comes after them."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from colloquy import Colloquy, Data, Transient, Turn
from colloquy.model.errors import (
    BudgetTooSmall,
    Conflict,
    ConversationOverloaded,
    Forbidden,
    InvalidInput,
    NotFound,
    Overloaded,
    Unavailable,
)
from colloquy.understanding.wire import Item, Understood
from support.engine import Talk, crash, running
from support.waiting import until

APOLOGY = "Sorry, something went wrong on our side. A colleague will look at it."


class Fragile:
    """Fails as often as told for a text, then repeats it."""

    def __init__(self, error: Exception | None = None) -> None:
        self.app = Colloquy()
        self.error = error or ValueError("broken")
        self.failures: dict[str, int] = {}
        self.began: list[str] = []
        self.attempts: list[int] = []
        self.late: list[bool] = []

        @self.app.on_message
        async def answer(turn: Turn) -> str:
            self.began.append(turn.text)
            self.attempts.append(turn.attempt)
            self.late.append(turn.late)
            left = self.failures.get(turn.text, 0)
            if left:
                self.failures[turn.text] = left - 1
                raise self.error
            return f"{turn.text}!"


async def dead(talk: Talk, text: str = "bad", who: str = "ann", **fields: Any) -> Any:
    receipt = await talk.post(text, who, **fields)
    await talk.reached(receipt, "dead")
    return receipt


async def test_a_transient_error_backs_off_and_its_conversation_waits(tmp_path: Path) -> None:
    fragile = Fragile(Transient("busy"))
    fragile.failures["bad"] = 3
    async with running(fragile.app, tmp_path / "a.db", channels__api__quiet_s="0") as talk:
        bad = await talk.post("bad")
        behind = await talk.post("behind")
        assert await talk.wait(behind) == ["behind!"]
        assert await talk.log() == ["session_opened", "> bad", "< bad!", "> behind", "< behind!"]
        assert fragile.attempts == [1, 2, 3, 4, 1]
        assert (await talk.state(bad)).state == "done"


async def test_a_transient_error_that_lasts_ends_among_the_dead_letters(tmp_path: Path) -> None:
    fragile = Fragile(Transient("busy"))
    fragile.failures["bad"] = 99
    async with running(fragile.app, tmp_path / "a.db") as talk:
        await dead(talk)
        assert len(fragile.began) == 1 + len(talk.runtime.settings.pipeline.retry_delays_s)
        (letter,) = (await talk.runtime.dead_letters()).dead_letters
        assert letter.cause == "transient"
        assert len(letter.attempts) == 5


async def test_any_other_error_gets_one_more_try_at_once(tmp_path: Path) -> None:
    fragile = Fragile()
    fragile.failures["once"] = 1
    async with running(fragile.app, tmp_path / "a.db") as talk:
        assert await talk.send("once") == ["once!"]
        assert fragile.began == ["once", "once"]
        trace = await talk.runtime.trace((await talk.post("x")).message_id)
        assert trace.steps


class Busy(Transient, InvalidInput):
    """About input, and yet whoever raises it says that waiting helps."""


@pytest.mark.parametrize(
    ("error", "attempts"),
    [
        (InvalidInput("no such day", field="day"), 1),
        (BudgetTooSmall(20, 30), 1),
        (Forbidden("not yours"), 1),
        (Conflict("somebody else was first"), 2),
        (Unavailable("the store is away"), 2),
        (Busy("come back"), 5),
    ],
    ids=lambda value: getattr(value, "code", None),
)
async def test_an_error_about_input_gets_no_second_attempt(
    tmp_path: Path, error: Exception, attempts: int
) -> None:
    fragile = Fragile(error)
    fragile.failures["bad"] = 99
    async with running(fragile.app, tmp_path / "a.db") as talk:
        await dead(talk)
        assert len(fragile.began) == attempts
        (letter,) = (await talk.runtime.dead_letters()).dead_letters
        assert letter.cause == error.code  # type: ignore[attr-defined]
        assert len(letter.attempts) == attempts
        # Its conversation goes on.
        assert await talk.send("good", who="bob") == ["good!"]


async def test_a_dead_letter_keeps_its_cause_its_attempts_and_what_came_in(tmp_path: Path) -> None:
    fragile = Fragile()
    fragile.failures["bad"] = 2
    async with running(fragile.app, tmp_path / "a.db") as talk:
        receipt = await talk.post("bad", id="m1", metadata={"k": [1, "ü"]})
        assert await talk.wait(receipt) == [APOLOGY]
        state = await talk.state(receipt)
        assert (state.state, state.attempts) == ("dead", 2)
        assert [reply.text for reply in state.replies] == [APOLOGY]
        (letter,) = (await talk.runtime.dead_letters()).dead_letters
        assert (letter.cause, letter.detail, letter.status) == ("ValueError", "broken", "dead")
        assert [attempt["code"] for attempt in letter.attempts] == ["ValueError"] * 2
        assert "raise self.error" in letter.attempts[0]["trace"]
        assert b'"metadata":{"k":[1,"\xc3\xbc"]}' in bytes(letter.message)
        again = await talk.post("bad", id="m1", metadata={"k": [1, "ü"]})
        assert (again.status, again.message_id) == ("dead", receipt.message_id)
        trace = await talk.runtime.trace(receipt.message_id)
        assert [step.what for step in trace.steps].count("attempt_failed") == 2


async def test_the_apology_hands_the_conversation_over_and_poison_blocks_nobody(
    tmp_path: Path,
) -> None:
    fragile = Fragile()
    fragile.failures["bad"] = 2
    async with running(fragile.app, tmp_path / "a.db") as talk:
        await talk.post("bad")
        behind = await talk.post("behind")
        assert await talk.wait(behind) == []
        assert await talk.log() == [
            "session_opened",
            "dead_lettered",
            "owner_changed",
            f"< {APOLOGY}",
            "> behind",
        ]
        view = await talk.runtime.conversation(talk.conversation_id())
        assert (view.owner, view.status) == ("human", "handed_over")
        assert "behind" not in fragile.began


async def test_without_an_apology_a_dead_letter_is_silent_and_the_next_is_answered(
    tmp_path: Path,
) -> None:
    fragile = Fragile()
    fragile.failures["bad"] = 2
    silent = {"replies__apology": "", "replies__apology_hand_over": ""}
    async with running(fragile.app, tmp_path / "a.db", **silent) as talk:
        receipt = await talk.post("bad")
        assert await talk.wait(receipt) == []
        assert await talk.send("good") == ["good!"]
        assert await talk.kinds() == ["session_opened", "dead_lettered", "message", "reply"]


@pytest.mark.parametrize("by", ["number", "conversation"])
async def test_a_retried_dead_letter_is_a_late_turn_of_its_own(tmp_path: Path, by: str) -> None:
    fragile = Fragile()
    fragile.failures["bad"] = 2
    stay = {"replies__apology_hand_over": ""}
    async with running(fragile.app, tmp_path / "a.db", **stay) as talk:
        receipt = await dead(talk, stream="tab", sequence=1)
        await talk.send("good", stream="tab", sequence=2)
        (letter,) = (await talk.runtime.dead_letters()).dead_letters
        if by == "number":
            retried = await talk.runtime.retry_dead_letters([letter.number], None, "op")
        else:
            retried = await talk.runtime.retry_dead_letters(None, talk.conversation_id(), "op")
        assert retried == [letter.number]
        await talk.reached(receipt, "done")
        assert await talk.log() == [
            "session_opened",
            "dead_lettered",
            f"< {APOLOGY}",
            "> good",
            "< good!",
            "dead_letter_retried",
            "> bad",
            "< bad!",
        ]
        assert fragile.late == [False, False, False, True]
        replies = [row["body"]["reply_id"] for row in await talk.rows() if row["kind"] == "reply"]
        assert len(set(replies)) == 3
        state = await talk.state(receipt)
        assert [reply.text for reply in state.replies] == ["bad!"]
        assert await talk.wait(receipt) == ["bad!"]
        assert (await talk.runtime.dead_letters()).dead_letters == []
        again = await talk.post("bad", id="other", stream="tab", sequence=3)
        assert await talk.wait(again) == ["bad!"]
        assert not fragile.late[-1]
        whats = [step.what for step in (await talk.runtime.trace(receipt.message_id)).steps]
        assert whats.index("dead_lettered") < whats.index("dead_letter_retried")
        assert whats.index("dead_letter_retried") < whats.index("message")


async def test_dead_letters_of_a_conversation_come_back_in_their_order(tmp_path: Path) -> None:
    fragile = Fragile()
    fragile.failures = {"b1": 2, "b2": 2, "b3": 2}
    stay = {"replies__apology_hand_over": "", "replies__apology": ""}
    async with running(fragile.app, tmp_path / "a.db", **stay) as talk:
        for text in ("b1", "b2", "b3"):
            await dead(talk, text)
        retried = await talk.runtime.retry_dead_letters(None, talk.conversation_id(), "op")
        assert len(retried) == 3
        await talk.settled()
        log = await talk.log()
        assert [line for line in log if line[0] in "<>"] == [
            line for text in ("b1", "b2", "b3") for line in (f"> {text}", f"< {text}!")
        ]


async def test_a_retry_while_messages_stream_in_is_seen_at_once(tmp_path: Path) -> None:
    fragile = Fragile()
    fragile.failures["bad"] = 2
    async with running(fragile.app, tmp_path / "a.db", replies__apology_hand_over="") as talk:
        receipt = await dead(talk)
        (letter,) = (await talk.runtime.dead_letters()).dead_letters
        flood = [asyncio.create_task(talk.post(str(n), f"c{n}")) for n in range(50)]
        await talk.runtime.retry_dead_letters([letter.number], None, "op")
        await asyncio.gather(*flood)
        assert (await talk.reached(receipt, "done")).replies


async def test_a_retry_that_fails_again_is_dead_again_with_all_its_attempts(tmp_path: Path) -> None:
    fragile = Fragile()
    fragile.failures["bad"] = 4
    async with running(fragile.app, tmp_path / "a.db", replies__apology_hand_over="") as talk:
        receipt = await dead(talk)
        (first,) = (await talk.runtime.dead_letters()).dead_letters
        await talk.runtime.retry_dead_letters([first.number], None, "op")

        async def again() -> bool:
            letters = (await talk.runtime.dead_letters()).dead_letters
            return bool(letters) and letters[0].number != first.number

        await until(again)
        (second,) = (await talk.runtime.dead_letters()).dead_letters
        assert len(second.attempts) == 4
        await talk.runtime.retry_dead_letters([second.number], None, "op")
        assert (await talk.reached(receipt, "done")).replies[0].text == "bad!"


async def test_a_retried_letter_survives_a_crash(tmp_path: Path) -> None:
    fragile = Fragile(Transient("busy"))
    fragile.failures["bad"] = 5
    slow = {"replies__apology_hand_over": "", "pipeline__retry_delays_s": "0.01, 0.01, 0.01, 0.01"}
    async with running(fragile.app, tmp_path / "a.db", **slow) as talk:
        receipt = await dead(talk)
        (letter,) = (await talk.runtime.dead_letters()).dead_letters
        talk.runtime.worker.draining = True
        await talk.runtime.retry_dead_letters([letter.number], None, "op")
        await crash(talk.runtime)
    async with running(fragile.app, tmp_path / "a.db", **slow) as talk:
        assert (await talk.reached(receipt, "done")).replies[0].text == "bad!"
        assert fragile.late[-1]


async def test_a_discarded_letter_is_kept_and_stays_out(tmp_path: Path) -> None:
    fragile = Fragile()
    fragile.failures["bad"] = 2
    async with running(fragile.app, tmp_path / "a.db") as talk:
        receipt = await dead(talk)
        (letter,) = (await talk.runtime.dead_letters()).dead_letters
        assert await talk.runtime.discard_dead_letters([letter.number], "op") == [letter.number]
        assert (await talk.runtime.dead_letters()).dead_letters == []
        (kept,) = (await talk.runtime.dead_letters(status="discarded")).dead_letters
        assert kept.number == letter.number
        assert "(discarded)" in (await talk.state(receipt)).why
        with pytest.raises(Conflict):
            await talk.runtime.retry_dead_letters([letter.number], None, "op")
        with pytest.raises(NotFound):
            await talk.runtime.retry_dead_letters([999_999], None, "op")
        with pytest.raises(InvalidInput):
            await talk.runtime.retry_dead_letters(None, None, "op")
        assert await talk.runtime.retry_dead_letters(None, talk.conversation_id(), "op") == []


async def test_a_gap_before_a_dead_letter_is_filled_by_it(tmp_path: Path) -> None:
    fragile = Fragile()
    fragile.failures["bad"] = 2
    stay = {"replies__apology_hand_over": "", "pipeline__gap_timeout_s": "30"}
    async with running(fragile.app, tmp_path / "a.db", **stay) as talk:
        third = await talk.post("third", stream="tab", sequence=3)
        state = await talk.reached(third, "held")
        assert state.due_at
        await talk.post("bad", stream="tab", sequence=1)
        await talk.post("second", stream="tab", sequence=2)
        assert await talk.wait(third) == ["third!"]
        assert "sequence_gap" not in await talk.kinds()


async def test_a_missing_number_times_out_once_and_comes_late(tmp_path: Path) -> None:
    fragile = Fragile()
    async with running(fragile.app, tmp_path / "a.db") as talk:
        await talk.send("two", stream="tab", sequence=2)
        await talk.send("one", stream="tab", sequence=1)
        await talk.send("three", stream="tab", sequence=3)
        assert await talk.kinds() == [
            "session_opened",
            *["sequence_gap", "message", "reply"],
            *["message", "reply"],
            *["message", "reply"],
        ]
        assert fragile.late == [False, True, False]
        (gap,) = [row["body"] for row in await talk.rows() if row["kind"] == "sequence_gap"]
        assert (gap["stream"], gap["before"]) == ("tab", 2)


async def test_a_burst_that_fails_is_tried_message_by_message(tmp_path: Path) -> None:
    fragile = Fragile()
    fragile.failures = {"a\nbad\nb": 9, "bad": 9}
    stay = {"replies__apology_hand_over": ""}
    async with running(fragile.app, tmp_path / "a.db", **stay) as talk:
        *_, last = await talk.post_all("a", "bad", "b", channel="web")
        assert await talk.wait(last) == ["b!"]
        assert fragile.began == ["a\nbad\nb", "a", "bad", "bad", "b"]
        lines = [line for line in await talk.log(channel="web") if line[0] in "<>"]
        assert lines == ["> a", "< a!", f"< {APOLOGY}", "> b", "< b!"]


async def test_what_a_handler_returns_and_leaves_must_be_json(tmp_path: Path) -> None:
    app = Colloquy()

    @app.on_message
    def answer(turn: Turn) -> Any:
        if turn.text == "state":
            turn.state["x"] = object()
            return "never"
        if turn.text == "big":
            turn.state["x"] = "y" * 300_000
            return "never"
        return 42 if turn.text == "number" else [None, "a", ["b"]]

    async with running(app, tmp_path / "a.db", replies__apology_hand_over="") as talk:
        assert await talk.send("list") == ["a", "b"]
        for text in ("state", "big", "number"):
            receipt = await talk.post(text)
            state = await talk.reached(receipt, "dead")
            assert state.why.startswith("invalid_input")
        view = await talk.runtime.conversation(talk.conversation_id())
        assert view.state == {}


async def test_a_failed_attempt_leaves_no_trace_in_the_state(tmp_path: Path) -> None:
    app = Colloquy()

    @app.on_message
    def answer(turn: Turn) -> str:
        turn.state.setdefault("seen", []).append(turn.attempt)
        if turn.attempt == 1:
            raise ValueError("first")
        return str(turn.state["seen"])

    async with running(app, tmp_path / "a.db") as talk:
        assert await talk.send("a") == ["[2]"]


async def test_a_timer_that_dies_keeps_what_it_was_set_with(tmp_path: Path) -> None:
    app = Colloquy()
    broken = [True]

    @app.on_message
    def answer(turn: Turn) -> str:
        turn.later(0, "remind", {"about": "keys"})
        return "set"

    @app.on_timer("remind")
    def remind(turn: Turn) -> str:
        if broken[0]:
            raise ValueError("broken")
        assert turn.fired is not None
        return f"remember the {turn.fired.data['about']}"

    async with running(app, tmp_path / "a.db") as talk:
        await talk.send("hello")

        async def letters() -> list[Any]:
            return (await talk.runtime.dead_letters()).dead_letters

        await until(letters)
        (letter,) = await letters()
        assert bytes(letter.message) == b'{"name":"remind","data":{"about":"keys"}}'
        assert (await talk.log())[-1] == "dead_lettered", "nobody is told of a timer"
        broken[0] = False
        await talk.runtime.retry_dead_letters([letter.number], None, "op")
        await talk.settled()
        assert (await talk.log())[-1] == "< remember the keys"


async def test_an_outage_of_understanding_is_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fragile = Fragile()
    async with running(fragile.app, tmp_path / "a.db") as talk:
        compute = talk.runtime.compute
        analyse = compute.analyse
        errors: list[Exception] = [Unavailable("none free"), Overloaded("too many")] * 2

        async def away(items: list[Item]) -> list[Understood]:
            if errors:
                raise errors.pop()
            return await analyse(items)

        monkeypatch.setattr(compute, "analyse", away)
        assert await talk.send("hello") == ["hello!"]
        assert fragile.attempts == [1]
        assert not errors


async def test_a_stage_that_breaks_on_one_conversation_harms_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fragile = Fragile()
    async with running(fragile.app, tmp_path / "a.db") as talk:
        compute = talk.runtime.compute
        analyse = compute.analyse

        async def fussy(items: list[Item]) -> list[Understood]:
            if any("cursed" in item.text for item in items):
                raise ZeroDivisionError("in a stage")
            return await analyse(items)

        monkeypatch.setattr(compute, "analyse", fussy)
        posts = [talk.post("cursed" if n == 3 else "fine", f"c{n}") for n in range(8)]
        receipts = await asyncio.gather(*posts)
        for number, receipt in enumerate(receipts):
            state = await talk.reached(receipt, "done", "dead")
            assert state.state == ("dead" if number == 3 else "done")
        (letter,) = (await talk.runtime.dead_letters()).dead_letters
        assert (letter.cause, len(letter.attempts)) == ("ZeroDivisionError", 2)
        assert b"cursed" in bytes(letter.message)


async def test_a_full_conversation_is_told_so_and_others_are_not(tmp_path: Path) -> None:
    app = Colloquy()
    gate = asyncio.Event()

    @app.on_message
    async def answer(turn: Turn) -> str:
        await gate.wait()
        return "ok"

    limit = {"accept__max_per_conversation": "3", "pipeline__parked_timeout_s": "30"}
    async with running(app, tmp_path / "a.db", **limit) as talk:
        receipts = [await talk.post(str(n)) for n in range(3)]
        with pytest.raises(ConversationOverloaded):
            await talk.post("one too many")
        assert (await talk.post("fine", "bob")).status == "stored"
        gate.set()
        assert await talk.wait(receipts[-1]) == ["ok"]
        assert await talk.send("now") == ["ok"]


async def test_what_waits_is_counted_and_counted_out(tmp_path: Path) -> None:
    fragile = Fragile()
    fragile.failures["bad"] = 2
    async with running(fragile.app, tmp_path / "a.db", replies__apology_hand_over="") as talk:
        await dead(talk)
        await talk.send("a")
        await talk.send("a", id="x")
        await talk.post("a", id="x")
        await talk.send("b", parts=[Data("form", {"k": 1})])
        (letter,) = (await talk.runtime.dead_letters()).dead_letters
        await talk.runtime.retry_dead_letters([letter.number], None, "op")
        await talk.settled()
        admission = talk.runtime.admission
        assert (admission.messages, admission.bytes) == (0, 0)
