"""What conversations teach the graph, from the message to the fact and back."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from colloquy import Colloquy, Reply, Turn
from colloquy.graph.graph import Graph
from colloquy.graph.learner import GraphLearner, learned
from colloquy.graph.statements import Assertion
from colloquy.graph.views import EntityView, FactView
from colloquy.ledger.collections import Collections
from colloquy.model.errors import ColloquyError, NotFound, Transient
from colloquy.model.message import Message, Sender
from colloquy.model.times import now_us
from colloquy.storage.store import Store
from colloquy.storage.write_set import NO_SESSION, Change, Outcome, Unit, Verdict, WriteSet
from support.engine import Talk, crash, running

WANTS = "My name is Anna Schmidt. I need a flat with 2 bedrooms under $1500"


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Path | str:
    if request.param == "sqlite":
        return tmp_path / "a.db"
    url: str = request.getfixturevalue("postgres_url")
    return url


def assistant() -> Colloquy:
    return Colloquy(pack="property")


def person(talk: Talk, who: str = "ann") -> str:
    return f"person:{talk.conversation_id(who)}"


async def known(talk: Talk, who: str = "ann") -> dict[str, Any]:
    """What is known now of somebody, without relationships."""
    view: EntityView = await talk.runtime.graph.entity(person(talk, who))
    return {fact.predicate: fact.value for fact in view.facts if not fact.target}


async def facts(talk: Talk, predicate: str, who: str = "ann") -> list[FactView]:
    page = await talk.runtime.graph.facts(person(talk, who), predicate)
    return page.items


async def learned_rows(talk: Talk) -> int:
    rows = await talk.runtime.store.query("changes_page", 0, 10_000)
    return sum(row[5] == "graph" for row in rows)


async def test_a_fact_points_at_its_message_and_goes_when_its_evidence_is_taken_back(
    database: Path | str, tmp_path: Path
) -> None:
    async with running(assistant(), database, tmp_path) as talk:
        receipt = await talk.post(WANTS)
        await talk.wait(receipt)
        told = await known(talk)
        assert (told["name"], told["prefers.bedrooms"]) == ("Anna Schmidt", 2)
        view = await talk.runtime.graph.entity(person(talk))
        (name,) = (fact for fact in view.facts if fact.predicate == "name")
        (assertion,) = name.assertions
        assert assertion.evidence is not None and assertion.evidence.event is not None
        events = await talk.runtime.store.query("events_of_inbox", assertion.evidence.event)
        assert [(event[3], receipt.message_id in str(event[6])) for event in events] == [
            ("message", True)
        ]
        await talk.runtime.graph.retract(assertion.evidence.event, "operator", "erased")
        with pytest.raises(NotFound):
            await known(talk)
        # It is not taken for known: the same words teach it again.
        await talk.send(WANTS)
        assert (await known(talk))["prefers.bedrooms"] == 2


async def test_a_newer_preference_closes_the_older(database: Path | str, tmp_path: Path) -> None:
    async with running(assistant(), database, tmp_path) as talk:
        await talk.send("I need a flat with 2 bedrooms")
        await talk.send("I rather want a house with 3 bedrooms")
        now, before = sorted(
            await facts(talk, "prefers.bedrooms"), key=lambda fact: fact.valid_to is not None
        )
        assert (now.value, before.value) == (3, 2)
        assert before.valid_to == now.valid_from


async def test_the_same_message_twice_teaches_once(database: Path | str, tmp_path: Path) -> None:
    async with running(assistant(), database, tmp_path) as talk:
        await talk.send(WANTS, id="m1")
        rows = await learned_rows(talk)
        again = await talk.post(WANTS, id="m1")
        assert again.status == "duplicate"
        await talk.send(WANTS, id="m2")
        assert await learned_rows(talk) == rows > 0
        assert talk.runtime.metrics.graph_refused.of("known").value > 0


async def test_a_turn_that_is_redone_after_a_conflict_teaches_once(
    database: Path | str, tmp_path: Path
) -> None:
    app = assistant()
    runs = []

    @app.on_message
    async def take_over_first(turn: Turn) -> str:
        runs.append(turn.attempt)
        if len(runs) == 1:
            # Somebody changes the conversation under the turn: its commit is a conflict.
            await talk.owner("human")
            await talk.owner("assistant")
        return "Noted."

    async with running(app, database, tmp_path, pipeline__handler_grace_s="5") as talk:
        await talk.send("hello")
        runs.clear()
        await talk.send(WANTS)
        await talk.settled()
        assert len(runs) == 2
        (bedrooms,) = await facts(talk, "prefers.bedrooms")
        assert bedrooms.support == 1


async def test_a_failed_attempt_teaches_nothing_and_a_dead_letter_neither(
    database: Path | str, tmp_path: Path
) -> None:
    app = assistant()

    @app.on_message
    async def fail(turn: Turn) -> str:
        if turn.attempt == 1:
            raise Transient("not yet")
        if "dead" in turn.text:
            raise RuntimeError("never")
        return "Noted."

    async with running(app, database, tmp_path) as talk:
        await talk.send(WANTS)
        (bedrooms,) = await facts(talk, "prefers.bedrooms")
        assert bedrooms.support == 1
        dead = await talk.post("a dead end with 4 bedrooms, please", "bob")
        await talk.reached(dead, "dead")
        with pytest.raises(NotFound):
            await talk.runtime.graph.entity(person(talk, "bob"))


async def test_a_crash_between_the_commits_of_a_parked_turn_teaches_once(tmp_path: Path) -> None:
    app = assistant()
    began = asyncio.Event()
    go_on = asyncio.Event()

    @app.on_message
    async def slow(turn: Turn) -> str:
        began.set()
        await go_on.wait()
        return "Noted."

    database = tmp_path / "a.db"
    async with running(app, database) as talk:
        receipt = await talk.post(WANTS)
        await talk.reached(receipt, "parked")
        before = await learned_rows(talk)
        assert before > 0
        await crash(talk.runtime)
    go_on.set()
    async with running(app, database) as talk:
        assert await talk.wait(receipt) == ["Noted."]
        assert await learned_rows(talk) == before
        (bedrooms,) = await facts(talk, "prefers.bedrooms")
        assert bedrooms.support == 1


async def test_a_slot_that_was_asked_for_is_a_preference_and_a_confirmed_time_a_promise(
    database: Path | str, tmp_path: Path
) -> None:
    app = assistant()

    @app.on_intent("book_viewing")
    async def book(turn: Turn) -> Reply | str:
        if "area" not in turn.slots:
            return turn.ask("area", "In which part of town?")
        return "It is noted."

    async with running(app, database, tmp_path) as talk:
        await talk.send("please book a viewing for tomorrow at 10")
        await talk.send("Old Town")
        assert (await known(talk))["prefers.area"] == "Old Town"
        await talk.send("please book a viewing for tomorrow at 10")
        promise = await talk.runtime.graph.entity(f"commitment:{talk.conversation_id()}:viewing")
        told = {fact.predicate: fact.value for fact in promise.facts}
        assert told["status"] == "open"
        assert told["dueAt"].endswith(":00.000000Z")


def viewings() -> Colloquy:
    """Notes viewings and their cancellations at once."""
    app = assistant()

    @app.on_intent("book_viewing")
    async def book(turn: Turn) -> str:
        return "It is noted."

    @app.on_intent("cancel_viewing")
    async def cancel(turn: Turn) -> str:
        return "It is cancelled."

    return app


async def statuses(talk: Talk) -> list[tuple[Any, bool, int]]:
    """Value, whether it holds now, and support of what was known of the promise, oldest first."""
    promise = f"commitment:{talk.conversation_id()}:viewing"
    page = await talk.runtime.graph.facts(promise, "status")
    facts = sorted(page.items, key=lambda fact: fact.valid_from or 0)
    return [(fact.value, fact.valid_to is None, fact.support) for fact in facts]


async def test_a_promise_is_taken_back_in_a_process_that_did_not_learn_it(
    database: Path | str, tmp_path: Path
) -> None:
    async with running(viewings(), database, tmp_path) as talk:
        await talk.send("please book a viewing for tomorrow at 10")
        assert await statuses(talk) == [("open", True, 1)]
    async with running(viewings(), database, tmp_path) as talk:
        await talk.send("cancel my viewing")
        assert await statuses(talk) == [("open", False, 1), ("withdrawn", True, 1)]
    async with running(viewings(), database, tmp_path) as talk:
        # It is known by now; a new promise is one again, and can be taken back again.
        await talk.send("cancel my viewing")
        assert await statuses(talk) == [("open", False, 1), ("withdrawn", True, 1)]
        await talk.send("please book a viewing for tomorrow at 10")
    async with running(viewings(), database, tmp_path) as talk:
        await talk.send("cancel my viewing")
        now = [(value, holds) for value, holds, _ in await statuses(talk)]
        assert now == [("open", False), ("withdrawn", False), ("open", False), ("withdrawn", True)]


async def test_what_was_never_promised_or_was_retracted_is_not_taken_back(
    database: Path | str, tmp_path: Path
) -> None:
    async with running(viewings(), database, tmp_path) as talk:
        await talk.send("cancel my viewing")
        with pytest.raises(NotFound):
            await statuses(talk)
        await talk.send("please book a viewing for tomorrow at 10")
        promise = f"commitment:{talk.conversation_id()}:viewing"
        await talk.runtime.graph.retract(f"{promise}|status", "operator", "a slip")
        await talk.runtime.graph.retract(f"{promise}|type", "operator", "a slip")
    async with running(viewings(), database, tmp_path) as talk:
        await talk.send("cancel my viewing")
        assert await statuses(talk) == []


async def test_history_our_own_side_and_recalled_words_teach_nothing(
    database: Path | str, tmp_path: Path
) -> None:
    async with running(assistant(), database, tmp_path) as talk:
        await talk.runtime.import_messages([Message(conversation="old", text=WANTS)])
        await talk.post(WANTS, "ours", sender=Sender("us", kind="assistant"))
        await talk.send(WANTS, "recalled", metadata={"origin": "recalled"})
        await talk.settled()
        assert await learned_rows(talk) == 0


async def test_what_the_store_refuses_to_learn_costs_the_lesson_not_the_message(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running(assistant(), tmp_path / "a.db") as talk:
        store = talk.runtime.store
        commit = store.commit

        async def refuse_lessons(write_set: WriteSet) -> list[Outcome]:
            if any(unit.learned for unit in write_set.units):
                error = ColloquyError("no")
                return [Outcome(Verdict.FAILED, error=error) for _ in write_set.units]
            return await commit(write_set)

        monkeypatch.setattr(store, "commit", refuse_lessons)
        assert await talk.send(WANTS)
        assert await learned_rows(talk) == 0
        assert talk.runtime.metrics.graph_refused.of("store").value == 1
        assert talk.runtime.metrics.dead_letters.value == 0


async def test_learning_can_be_switched_off(database: Path | str, tmp_path: Path) -> None:
    async with running(assistant(), database, tmp_path, graph__learn="false") as talk:
        await talk.send(WANTS)
        assert await learned_rows(talk) == 0


async def test_a_batch_that_is_cut_in_two_still_learns(store: Store) -> None:
    graph = Graph(store, Collections(), now_us)
    said = Assertion(subject="ann", predicate="type", value="person", learned=1)
    good = Unit(session=NO_SESSION, at=1, learned=(learned(said, 1, "engine"),))
    refused = Change(2**70, "engine", None, "set", "x", "k", b"1")
    bad = Unit(session=NO_SESSION, at=1, changes=[refused])
    outcomes = await store.commit(
        WriteSet(units=[bad, good], learner=GraphLearner(graph.collection))
    )
    assert [one.verdict for one in outcomes] == [Verdict.FAILED, Verdict.COMMITTED]
    assert (await graph.entity("ann")).kind == "person"
