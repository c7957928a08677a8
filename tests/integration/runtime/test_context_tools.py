"""What contexts have of tools and of what ends, and that their rules can tell."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from colloquy import Colloquy, Turn
from colloquy.context.contexts import RECENT
from colloquy.context.memory import TAIL
from colloquy.model.context import AssembledContext
from colloquy.model.errors import ContextInvalid
from colloquy.model.graph import EntityRequest, LearnRequest, NewEntity, NewRelationship
from colloquy.model.message import encode
from colloquy.model.times import now_us, rfc3339, to_datetime
from colloquy.model.turn import Said
from colloquy.runtime import Runtime
from colloquy.storage.write_set import EventRow, Unit
from support.engine import Talk, running
from support.model_server import Answer, ModelServer, Wanted
from support.storage import commit

MINUTE_US = 60_000_000


class Curious:
    """An assistant that puts a context together where it is told to; else its model answers."""

    def __init__(self) -> None:
        self.app = Colloquy()
        self.contexts: list[AssembledContext] = []
        self.recalled: list[Said] = []
        self.budgets: Iterable[int] = (4000,)

        @self.app.tool
        def order(item: str) -> dict[str, Any]:
            """Orders something."""
            return {"order": 4711, "item": item}

        @self.app.on_message
        async def answer(turn: Turn) -> str | None:
            command, _, rest = turn.text.partition(" ")
            if command == "know":
                for budget in self.budgets:
                    self.contexts.append(await turn.context.assemble(budget))
                return "ok"
            if command == "recall":
                self.recalled = await turn.context.recall(rest, 10)
                return "ok"
            return None if "order" in turn.text else "I see."


@asynccontextmanager
async def ordered(tmp_path: Path, **options: str) -> AsyncIterator[tuple[Talk, Curious]]:
    """A conversation whose first turn called a tool."""
    curious = Curious()
    call = Answer(calls=(Wanted("order", json.dumps({"item": "zebralamp"})),))
    with ModelServer(call, Answer("Placed.")) as server:
        both = {**server.settings, **options}
        async with running(curious.app, tmp_path / "a.db", tmp_path, **both) as talk:
            assert await talk.send("order me that thing") == ["Placed."]
            yield talk, curious


def pair_of(context: AssembledContext) -> tuple[list[str], list[str]]:
    """The kinds of items that are a call, and of those that are a result."""
    calls = [item.kind for item in context.items if item.calls]
    results = [item.kind for item in context.items if item.answers]
    return calls, results


async def test_a_tools_result_is_there_for_later_turns(tmp_path: Path) -> None:
    curious = Curious()
    call = Answer(calls=(Wanted("order", json.dumps({"item": "zebralamp"})),))
    with ModelServer(call, Answer("Placed."), Answer("It is 4711.")) as server:
        async with running(curious.app, tmp_path / "a.db", tmp_path, **server.settings) as talk:
            await talk.send("order me that thing")
            await talk.send("what was the number of my order?")
            await talk.send("know")
    prompt = server.prompts[-1]
    assert 'kind="recent" from="tool"' in prompt
    assert '"order":4711' in prompt
    lines = [item for item in curious.contexts[0].items if item.role == "tool"]
    assert [item.text for item in lines] == [
        'order {"item":"zebralamp"}', 'order ok: {"order":4711,"item":"zebralamp"}',
    ]  # fmt: skip
    assert lines[0].calls == lines[1].answers != ""


async def test_a_call_and_its_result_are_there_together_or_not_at_all(tmp_path: Path) -> None:
    async with ordered(tmp_path) as (talk, curious):
        curious.budgets = range(20, 120, 4)
        await talk.send("know")
    found = [pair_of(context) for context in curious.contexts]
    assert all(len(calls) == len(results) for calls, results in found)
    # There are budgets for both, and budgets that have room for one of them at most.
    assert ([], []) in found
    assert (["recent"], ["recent"]) in found


async def test_a_result_that_is_the_first_recent_line_brings_its_call(tmp_path: Path) -> None:
    alone = {"flags__enable_context_recall": "false"}
    async with ordered(tmp_path, **alone) as (talk, curious):
        # The result is now the last line but 30, its call the one before it.
        for _ in range((RECENT - 2) // 2):
            await talk.send("hello")
        await talk.send("know")
    (context,) = curious.contexts
    assert pair_of(context) == (["recent"], ["recent"])
    assert len(context.of("recent")) == RECENT + 1


async def test_a_call_of_long_ago_is_recalled_with_its_result(tmp_path: Path) -> None:
    async with ordered(tmp_path) as (talk, curious):
        for _ in range(TAIL // 2):
            await talk.send("hello")
        await talk.send("know which zebralamp was it")
        await talk.send("recall zebralamp")
    (context,) = curious.contexts
    assert pair_of(context) == (["recalled"], ["recalled"])
    # Handlers ask for what somebody said.
    assert curious.recalled
    assert not [line for line in curious.recalled if line.role == "tool"]


async def test_a_call_without_a_result_in_the_log_is_found_out(tmp_path: Path) -> None:
    async with ordered(tmp_path) as (talk, curious):
        session = await talk.runtime.store.session(bytes.fromhex(talk.conversation_id()))
        lone = {"call_id": "c1", "tool": "order", "arguments": "{}"}
        event = EventRow("tool_call", now_us(), None, None, encode(lone))
        await commit(talk.runtime.store, Unit(session=session.number, at=now_us(), events=[event]))
        await talk.send("hello")
        receipt = await talk.post("know")
        await talk.reached(receipt, "dead")
        (letter,) = (await talk.runtime.dead_letters()).dead_letters
    assert letter.cause == "context_invalid"
    assert "orphan: a tool's call without its result" in letter.detail
    # It is about what was asked for: a second attempt would be told the same.
    assert [attempt["code"] for attempt in letter.attempts] == ["context_invalid"]
    assert curious.contexts == []


class Clock:
    """The time of day, and what a test adds to it."""

    def __init__(self) -> None:
        self.ahead = 0

    def __call__(self) -> int:
        return now_us() + self.ahead


class Patient:
    """An assistant that looks twice, and waits in between."""

    def __init__(self, clock: Clock) -> None:
        self.app = Colloquy()
        self.contexts: list[AssembledContext] = []
        self.errors: list[ContextInvalid] = []
        self.persons: list[str] = []
        self.wait_us = 0

        @self.app.on_message
        async def answer(turn: Turn) -> str:
            self.persons.append(turn.graph.person)
            self.contexts.append(await turn.context.assemble())
            clock.ahead += self.wait_us
            try:
                self.contexts.append(await turn.context.assemble())
            except ContextInvalid as error:
                self.errors.append(error)
            return "ok"


def ends_of(context: AssembledContext) -> dict[str, str]:
    return {
        item.source.rpartition("|")[2]: item.valid_to for item in context.items if item.valid_to
    }


async def learned(runtime: Runtime, person: str, until_us: int) -> None:
    """Two attributes and a promise that end then, and one of each that is over."""
    end = to_datetime(until_us)
    known = EntityRequest(kind="person", attributes={"location": "Leeds"}, valid_to=end)
    await runtime.knowledge.describe(person, known, actor="test")
    over = to_datetime(until_us - 60 * MINUTE_US)
    former = EntityRequest(kind="person", attributes={"nickname": "Annie"}, valid_to=over)
    await runtime.knowledge.describe(person, former, actor="test")
    for id_, text, until in (("c1", "call back", end), ("c2", "write", over)):
        await runtime.knowledge.learn(
            LearnRequest(
                entities=(NewEntity(id=id_, kind="commitment", attributes={"text": text}),),
                relationships=(
                    NewRelationship(source=id_, type="PROMISED_TO", target=person, valid_to=until),
                ),
            ),
            "test",
        )


@pytest.mark.parametrize("wait_us", [0, 2 * MINUTE_US])
async def test_what_ends_says_when_and_is_found_out_once_it_is_over(
    tmp_path: Path, wait_us: int
) -> None:
    clock = Clock()
    patient = Patient(clock)
    strict = {"context__strict": "true"}
    async with running(patient.app, tmp_path / "a.db", tmp_path, clock=clock, **strict) as talk:
        await talk.send("hello")
        patient.contexts.clear()
        end = now_us() + MINUTE_US
        await learned(talk.runtime, patient.persons[0], end)
        patient.wait_us = wait_us
        await talk.send("and now?")
    first, *rest = patient.contexts
    assert ends_of(first) == {"location": rfc3339(end), "text": rfc3339(end)}
    assert [item.text for item in first.of("commitment")] == ["promised: call back"]
    assert not any("Annie" in item.text for item in first.items), "that is over already"
    if not wait_us:
        assert rest == [first]
        return
    (error,) = patient.errors
    assert "expired: what it says was so until" in error.detail
