"""What a handler is given to know: lines of long ago, pins, the graph; and what is kept of it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from colloquy import Colloquy, Sender, Turn
from colloquy.context.validation import Checked, Finding, Rule
from colloquy.model.context import AssembledContext
from colloquy.model.errors import BudgetTooSmall, ContextInvalid, InvalidInput
from colloquy.model.graph import EntityRequest
from colloquy.model.turn import Said
from support.engine import Talk, running

ANN = Sender("ann", name="Ann Lee")


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Path | str:
    if request.param == "sqlite":
        return tmp_path / "a.db"
    return str(request.getfixturevalue("postgres_url"))


class Curious:
    """An app that does with its context what it is told to."""

    def __init__(self) -> None:
        self.app = Colloquy()
        self.contexts: list[AssembledContext] = []
        self.recalled: list[Said] = []
        self.errors: list[Exception] = []
        self.persons: list[str] = []
        self.app.on_message(self._say)

    async def _say(self, turn: Turn) -> str:
        self.persons.append(turn.graph.person)
        command, _, rest = turn.text.partition(" ")
        if command == "pin":
            turn.pin(rest)
        elif command == "unpin":
            turn.unpin(rest)
        elif command == "recall":
            self.recalled = await turn.context.recall(rest, 3)
        elif command in ("know", "slowly"):
            if command == "slowly":
                await asyncio.sleep(0.3)
            budget, _, _ = rest.partition(" ")
            try:
                self.contexts.append(
                    await turn.context.assemble(int(budget) if budget.isdigit() else None)
                )
            except Exception as error:
                self.errors.append(error)
        return "ok"


async def story(talk: Talk) -> None:
    await talk.send("my cat Miezi is allergic to salmon", sender=ANN)
    for number in range(40):
        await talk.send(f"and the weather on day {number}?", sender=ANN)


async def test_lines_of_long_ago_come_back(database: Path | str, tmp_path: Path) -> None:
    curious = Curious()
    async with running(curious.app, database, tmp_path) as talk:
        await story(talk)
        await talk.send("recall what is the cat allergic to", sender=ANN)
        assert curious.recalled[0].text == "my cat Miezi is allergic to salmon"
        assert curious.recalled[0].role == "visitor"
        await talk.send("know 400 what was the cat allergic to?", sender=ANN)
        (context,) = curious.contexts
        assert context.tokens <= 400
        assert "my cat Miezi is allergic to salmon" in [i.text for i in context.of("recalled")]
        assert context.items[-1].text == "know 400 what was the cat allergic to?"
        assert [item.speaker for item in context.of("recalled")][:1] == ["Ann Lee"]
        assert context.off == []
        page = await talk.runtime.transcript(talk.conversation_id(), limit=5)
        why = page.items[-1].why
        assert why is not None and why.context is not None
        assert (why.context.budget, why.context.tokens) == (400, context.tokens)
        assert [one.source for one in why.context.sources] == [i.source for i in context.items]


async def test_a_parked_turn_does_not_meet_itself(tmp_path: Path) -> None:
    curious = Curious()
    async with running(curious.app, tmp_path / "a.db", tmp_path) as talk:
        await talk.send("hello there", sender=ANN)
        await talk.send("slowly what did I say?", sender=ANN)
        (context,) = curious.contexts
        assert [item.text for item in context.items if "slowly" in item.text] == [
            "slowly what did I say?"
        ]


async def test_pins_stay_and_go(database: Path | str, tmp_path: Path) -> None:
    curious = Curious()
    async with running(curious.app, database, tmp_path) as talk:
        await talk.send("pin no cats", sender=ANN)
        await talk.send("know", sender=ANN)
        await talk.send("unpin no cats", sender=ANN)
        await talk.send("know", sender=ANN)
    before, after = curious.contexts
    assert [(item.text, item.must) for item in before.of("pinned")] == [("no cats", True)]
    assert after.of("pinned") == []


async def test_what_the_graph_knows_is_there(database: Path | str, tmp_path: Path) -> None:
    curious = Curious()
    async with running(curious.app, database, tmp_path) as talk:
        await talk.send("hello", sender=ANN)
        person = curious.persons[0]
        known = EntityRequest(kind="person", attributes={"language": "Danish"})
        await talk.runtime.knowledge.describe(person, known, actor="test")
        await talk.send("know", sender=ANN)
        (context,) = curious.contexts
        assert f"fact:{person}|language" in [item.source for item in context.of("profile")]


async def test_a_budget_that_does_not_do_is_an_error_of_the_handler(tmp_path: Path) -> None:
    curious = Curious()
    async with running(curious.app, tmp_path / "a.db", tmp_path) as talk:
        await talk.send("know 20 " + "very " * 100, sender=ANN)
        await talk.send("know 3", sender=ANN)
    small, wrong = curious.errors
    assert isinstance(small, BudgetTooSmall) and small.missing > 50
    assert isinstance(wrong, InvalidInput) and wrong.field == "budget"


def forbids_cats(checked: Checked) -> Iterator[Finding]:
    for item in checked.context.items:
        if "cat" in item.text:
            yield Finding("no cats here", item.source)


async def test_a_context_that_breaks_a_rule_is_refused(tmp_path: Path) -> None:
    curious = Curious()
    curious.app.add_context_rule(Rule("cats", "error", 0.5, forbids_cats))
    async with running(curious.app, tmp_path / "a.db", tmp_path) as talk:
        await talk.send("know 400 about my dog", sender=ANN)
        await talk.send("know 400 about my cat", sender=ANN)
    assert len(curious.contexts) == 1
    (error,) = curious.errors
    assert isinstance(error, ContextInvalid)
    assert error.detail == "Context validation failed: cats: no cats here"


async def test_asking_twice_in_a_turn_is_asking_once(tmp_path: Path) -> None:
    app = Colloquy()
    found: list[AssembledContext] = []

    @app.on_message
    async def twice(turn: Turn) -> str:
        found.extend([await turn.context.assemble(), await turn.context.assemble()])
        turn.pin("new")
        found.append(await turn.context.assemble())
        return "ok"

    async with running(app, tmp_path / "a.db", tmp_path) as talk:
        await talk.send("hello", sender=ANN)
    first, second, third = found
    assert first is second
    assert [item.text for item in third.of("pinned")] == ["new"]


async def test_what_is_switched_off_is_said(tmp_path: Path) -> None:
    curious = Curious()
    off: dict[str, Any] = {
        f"flags__{name}": "false"
        for name in (
            "enable_context_recall", "enable_context_graph", "enable_context_compression",
        )
    }  # fmt: skip
    async with running(curious.app, tmp_path / "a.db", tmp_path, **off) as talk:
        await story(talk)
        await talk.send("recall what is the cat allergic to", sender=ANN)
        await talk.send("know 400 what was the cat allergic to?", sender=ANN)
    assert curious.recalled == []
    (context,) = curious.contexts
    assert context.off == [
        "enable_context_recall", "enable_context_compression", "enable_context_graph",
    ]  # fmt: skip
    assert {item.kind for item in context.items} == {"recent", "message"}
