"""A rollback of conversations' state, while they go on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from colloquy import Colloquy
from colloquy.ledger.ledger import Ledger
from colloquy.ledger.merge import ConflictPolicy
from colloquy.ledger.points import NewPoint
from colloquy.ledger.restoring.requests import Request
from colloquy.ledger.rows import OperationRow
from colloquy.ledger.scope import Scope
from colloquy.model.errors import InvalidInput
from colloquy.pipeline.restoring import SessionStates
from colloquy.runtime import Runtime
from colloquy.storage.store import Store
from colloquy.storage.write_set import Unit
from support.engine import running
from support.ledger import ledger_on, rolled_back
from support.storage import Place, commit, events, reply, started, state
from support.waiting import until


def counter() -> Colloquy:
    """Counts what it is told, in the state of the conversation."""
    app = Colloquy()

    @app.on_message
    def answer(turn: Any) -> str:
        turn.state["count"] = turn.state.get("count", 0) + 1
        return f"{turn.state['count']}"

    return app


def ledger_of(runtime: Runtime) -> Ledger:
    return ledger_on(runtime.store, SessionStates(runtime.store, lambda conversation: None))


async def ended(ledger: Ledger, operation: str) -> OperationRow:
    """The operation once the runtime's own task has carried it out."""

    async def is_over() -> bool:
        return not (await ledger.operations.get(operation)).is_open

    await until(is_over)
    return await ledger.operations.get(operation)


async def test_a_conversation_goes_on_from_the_restored_state(place: Place) -> None:
    where = Path(place.where) if place.engine == "sqlite" else place.where
    async with running(counter(), where) as talk:
        ledger = ledger_of(talk.runtime)
        for expected in ("1", "2"):
            assert await talk.send("x") == [expected]
        await talk.send("x", who="ben")
        point = await ledger.create_point(NewPoint(name="before"), "op")
        for _ in range(3):
            await talk.send("x")
            await talk.send("x", who="ben")
        ann = Scope(sessions=(talk.conversation_id("ann"),))
        done = await rolled_back(ledger, Request(point=point.id, scope=ann, strategy="safe"))
        assert (done.status, done.error) == ("completed", None)
        assert await talk.send("x") == ["3"]
        assert await talk.send("x", who="ben") == ["5"]
        # What was said stays said, and the log tells of the restored state.
        assert (await talk.log())[-3:] == ["state_restored", "> x", "< 3"]
        rows = [row["body"] for row in await talk.rows() if row["kind"] == "state_restored"]
        assert [row["state"]["data"] for row in rows] == [{"count": 2}]
        assert rows[0]["operation"] == done.id


async def test_a_conversation_younger_than_the_point_begins_anew(place: Place) -> None:
    where = Path(place.where) if place.engine == "sqlite" else place.where
    async with running(counter(), where) as talk:
        ledger = ledger_of(talk.runtime)
        point = await ledger.create_point(NewPoint(name="before"), "op")
        await talk.send("x")
        await talk.send("x")
        done = await rolled_back(ledger, Request(point=point.id))
        assert done.status == "completed"
        assert await talk.send("x") == ["1"]
        undone = await rolled_back(ledger, Request(undo=done.id))
        assert (undone.status, undone.error_code) == ("failed", "rollback_conflict")


async def test_ownership_is_restored_only_when_named(place: Place) -> None:
    where = Path(place.where) if place.engine == "sqlite" else place.where
    async with running(counter(), where) as talk:
        ledger = ledger_of(talk.runtime)
        await talk.send("x")
        point = await ledger.create_point(NewPoint(name="before"), "op")
        taken = await talk.owner("human")
        session = await talk.runtime.store.session(bytes.fromhex(talk.conversation_id()))
        everything = await rolled_back(ledger, Request(point=point.id))
        now = await talk.runtime.store.session(session.id)
        assert (everything.status, now.owner, now.owner_epoch) == ("completed", "human", 1)
        named = Scope(collections=("session_state",))
        done = await rolled_back(ledger, Request(point=point.id, scope=named))
        now = await talk.runtime.store.session(session.id)
        assert done.status == "completed"
        assert (now.owner, now.status, now.owner_epoch) == ("assistant", "open", 2)
        assert taken.owner_epoch == 1


async def test_unsent_automatic_replies_are_withdrawn(store: Store) -> None:
    ledger = ledger_on(store, SessionStates(store, lambda conversation: None))
    row = await started(store)
    point = await ledger.create_point(NewPoint(name="before"), "op")
    from colloquy.pipeline.writes import state_change

    after = state(1)
    change = state_change(1, "engine", row.number, row.id, after, after.state)
    unit = Unit(
        session=row.number, at=2, version=0, state=after, changes=[change],
        events=events("reply", "reply"),
        outbox=[reply(0), reply(1, automatic=False)],
    )  # fmt: skip
    await commit(store, unit)
    done = await rolled_back(ledger, Request(point=point.id))
    assert done.status == "completed"
    assert [item.automatic for item in await store.outbox_of(row.number)] == [0]
    kinds = [event.kind for event in await store.events(row.number, 0, 10)]
    assert kinds == ["reply", "reply", "reply_withdrawn", "state_restored"]
    session = await store.session(row.id)
    assert (session.state, session.version, session.last_seq) == ({}, 2, 4)


async def test_the_epoch_never_goes_back_by_a_decision(place: Place) -> None:
    """Taking what was, in a conflict: the state goes back, who owns the conversation does not."""
    where = Path(place.where) if place.engine == "sqlite" else place.where
    async with running(counter(), where) as talk:
        ledger = ledger_of(talk.runtime)
        await talk.send("x")
        point = await ledger.create_point(NewPoint(name="before"), "op")
        await talk.send("x")
        first = await rolled_back(ledger, Request(point=point.id))
        await talk.send("x")
        await talk.send("x")
        await talk.owner("human")
        asked = Request(undo=first.id, on_conflict=ConflictPolicy.ASK_USER)
        waits = await rolled_back(ledger, asked)
        assert waits.status == "waiting"
        (conflict,) = (await ledger.operations.conflicts(None, 10, operation=waits.number)).rows
        for wrong in ("x", {"state": {}}):
            with pytest.raises(InvalidInput):
                await ledger.decide(conflict.id, "edit", "op", wrong)
        await ledger.decide(conflict.id, "take", "op")
        done = await ended(ledger, waits.id)
        assert (done.status, done.error) == ("completed", None)
        now = await talk.runtime.store.session(bytes.fromhex(talk.conversation_id()))
        assert now.state["data"] == {"count": 2}
        assert (now.owner, now.status, now.owner_epoch) == ("human", "handed_over", 1)


async def test_the_epoch_never_goes_back_by_undoing_a_cancelled_one(place: Place) -> None:
    where = Path(place.where) if place.engine == "sqlite" else place.where
    async with running(counter(), where) as talk:
        ledger = talk.runtime.ledger.ledger
        await talk.send("x")
        point = await ledger.create_point(NewPoint(name="before"), "op")
        await talk.owner("human")

        def fails(_: object) -> None:
            raise ValueError("a step of ours")

        ledger.steps.register("fails", fails)
        named = Scope(collections=("session_state",))
        begun = await ledger.start(Request(point=point.id, scope=named), "op")
        done = await ended(ledger, begun.id)
        now = await talk.runtime.store.session(bytes.fromhex(talk.conversation_id()))
        assert (done.status, done.error_code) == ("failed", "rollback_step_failed")
        assert (now.owner, now.owner_epoch) == ("human", 3)
