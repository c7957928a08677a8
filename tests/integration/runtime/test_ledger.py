"""The ledger through a running engine, on both databases: carried out, resumed, told, tidied up."""

from __future__ import annotations

import asyncio
from pathlib import Path

import msgspec
import pytest

from colloquy import Colloquy, Reply, Turn
from colloquy.ledger.merge import MISSING
from colloquy.model.errors import (
    Conflict,
    InvalidInput,
    LedgerBusy,
    NotFound,
    PointExpired,
    PreconditionFailed,
    ScopeEmpty,
)
from colloquy.model.ledger import (
    DecisionRequest,
    LedgerScope,
    OperationView,
    PointChange,
    PointRequest,
    RollbackRequest,
    UndoRequest,
)
from colloquy.model.times import now_us
from colloquy.model.views import OwnerRequest, ReplyRequest
from colloquy.runtime.ledger import LedgerDesk
from support.engine import Talk, crash, echo, running
from support.waiting import until

EVERYTHING = RollbackRequest(position=0)


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Path | str:
    if request.param == "sqlite":
        return tmp_path / "colloquy.db"
    url: str = request.getfixturevalue("postgres_url")
    return url


async def put(desk: LedgerDesk, actor: str = "ann", **prices: object) -> None:
    for key, value in prices.items():
        await desk.ledger.put("prices", key, value, actor)


async def ended(desk: LedgerDesk, operation: OperationView, *states: str) -> OperationView:
    """The operation once it is over, or in one of these states."""
    states = states or ("completed", "failed", "cancelled")
    async with asyncio.timeout(60):
        while True:
            found = await desk.operation(operation.id)
            if found.status in states:
                return found
            await asyncio.sleep(0.005)


async def value(desk: LedgerDesk, key: str) -> object:
    found = (await desk.record("prices", key)).value
    return msgspec.json.decode(found) if isinstance(found, msgspec.Raw) else MISSING


def figures(talk: Talk) -> dict[str, float]:
    """The samples of the ledger's metrics, by name and labels."""
    found = {}
    for line in talk.runtime.render_metrics().decode().splitlines():
        if line.startswith(("colloquy_rollback_", "colloquy_ledger_")):
            name, _, number = line.rpartition(" ")
            found[name.removeprefix("colloquy_")] = float(number)
    return found


async def test_a_rollback_is_carried_out_told_counted_and_undone(
    database: Path | str, tmp_path: Path
) -> None:
    async with running(echo(), database, tmp_path) as talk:
        desk = talk.runtime.ledger
        await put(desk, a=1, b=2)
        point = await desk.create_point(PointRequest(name="good"), "ann")
        await put(desk, "import", a=9, c=3)
        preview = await desk.preview(RollbackRequest(point=point.id))
        assert preview.actions == {"restore": 1, "remove": 1}
        assert [(one.key, one.diff) for one in preview.effects] == [
            ("a", "the whole changed from 9 to 1"),
            ("c", "the record was removed: 3"),
        ]
        begun = await desk.rollback(RollbackRequest(point=point.id, reason="bad import"), "ann")
        done = await ended(desk, begun)
        assert (done.status, done.progress, done.figures.applied) == ("completed", 100.0, 2)
        assert [await value(desk, key) for key in "abc"] == [1, 2, MISSING]
        undone = await ended(desk, await desk.undo(done.id, UndoRequest(), "ann"))
        assert (undone.kind, undone.status) == ("undo", "completed")
        assert [await value(desk, key) for key in "abc"] == [9, 2, 3]
        failed = await desk.rollback(
            RollbackRequest(point=point.id, scope=LedgerScope(keys=("prices/zzz",))), "ann"
        )
        assert (await ended(desk, failed)).error_code == "scope_empty"
        notices = talk.runtime.alerts
        await until(lambda: len(notices.notices().notices) >= 4)
        told = [(one.name, str(one.severity)) for one in notices.notices().notices]
        assert sorted(told) == [
            ("rollback_created", "info"),
            ("rollback_executed", "info"),
            ("rollback_executed", "info"),
            ("rollback_failed", "critical"),
        ]
        await until(lambda: figures(talk)["ledger_points_live"] == 4)
        found = figures(talk)
        assert found["rollback_points_created_total"] == 4, "one by hand, one before each operation"
        assert found["rollback_successes_total"] == 2
        assert found["rollback_failures_total"] == 1
        assert found['rollback_errors_total{code="scope_empty"}'] == 1
        assert found['rollback_operations_total{status="completed"}'] == 2
        assert found["rollback_duration_seconds_count"] == 3
        assert found["ledger_head"] == (await desk.status()).head


async def test_bad_requests_change_nothing(database: Path | str, tmp_path: Path) -> None:
    async with running(echo(), database, tmp_path) as talk:
        desk = talk.runtime.ledger
        await put(desk, a=1)
        head = (await desk.status()).head
        for request, error, field in (
            (RollbackRequest(), InvalidInput, "point"),
            (RollbackRequest(point="x", position=1), InvalidInput, "point"),
            (RollbackRequest(point="0" * 32), NotFound, "point"),
            (RollbackRequest(position=10**6), InvalidInput, "position"),
            (RollbackRequest(position=0, batch_size=0), InvalidInput, "batch_size"),
            (RollbackRequest(position=0, scope=LedgerScope(keys=("k",))), InvalidInput,
             "scope.keys[0]"),
            (RollbackRequest(position=0, scope=LedgerScope(sessions=("0" * 32,))), ScopeEmpty,
             "scope.sessions"),
            (RollbackRequest(undo="0" * 32), NotFound, "undo"),
        ):  # fmt: skip
            with pytest.raises(error) as met:
                await desk.rollback(request, "ann")
            assert met.value.field == field  # type: ignore[attr-defined]
        with pytest.raises(NotFound):
            await desk.undo("0" * 32, UndoRequest(), "ann")
        assert (await desk.status()).head == head
        assert (await desk.operations()).operations == []


async def test_an_operation_that_a_crash_left_is_gone_on_with(
    database: Path | str, tmp_path: Path
) -> None:
    async with running(echo(), database, tmp_path, ledger__poll_s="3600") as talk:
        desk = talk.runtime.ledger
        await put(desk, a=1, b=2)
        await talk.runtime._supervisor.stop(1.0)  # nobody carries it out
        begun = await desk.rollback(EVERYTHING, "ann")
        with pytest.raises(LedgerBusy):
            await desk.rollback(EVERYTHING, "ben")
        await crash(talk.runtime)
    later = now_us() + 60_000_000
    async with running(echo(), database, tmp_path, clock=lambda: later) as talk:
        desk = talk.runtime.ledger
        assert (await ended(desk, begun)).status == "completed"
        assert [await value(desk, key) for key in "ab"] == [MISSING, MISSING]


async def test_a_decided_conflict_lets_the_operation_go_on(
    database: Path | str, tmp_path: Path
) -> None:
    async with running(echo(), database, tmp_path) as talk:
        desk = talk.runtime.ledger
        await put(desk, a={"price": 1}, b={"price": 1})
        point = await desk.create_point(PointRequest(name="good"), "ann")
        await put(desk, "import", a={"price": 2}, b={"price": 2})
        await put(desk, "ben", a={"price": 3})
        begun = await desk.rollback(
            RollbackRequest(
                point=point.id, scope=LedgerScope(actors=("import",)), on_conflict="ask_user"
            ),
            "ann",
        )
        assert (await ended(desk, begun, "waiting")).figures.conflicts == 1
        (conflict,) = (await desk.conflicts(operation_id=begun.id, state="open")).conflicts
        shown = await desk.conflict(conflict.id)
        assert [bytes(one) for one in (shown.base, shown.ours, shown.theirs)] == [
            b'{"price":2}', b'{"price":3}', b'{"price":1}',
        ]  # type: ignore[arg-type]  # fmt: skip
        assert {one.decision for one in shown.options} == set(conflict.choices)
        assert [row.kind for row in shown.rows] == ["equal", "modified", "equal"]
        edit = DecisionRequest(decision="edit", value=msgspec.Raw(b'{"price":2.5}'))
        for bad in (
            DecisionRequest(decision="merge"),
            DecisionRequest(decision="edit"),
            DecisionRequest(decision="keep", value=msgspec.Raw(b"1")),
            DecisionRequest(decision="edit", value=msgspec.Raw(b'{"$datetime":"x"}')),
        ):
            with pytest.raises(InvalidInput):
                await desk.decide(conflict.id, bad, "ann")
        with pytest.raises(PreconditionFailed):
            await desk.decide(conflict.id, edit, "ann", version=conflict.version + 1)
        decided = await desk.decide(conflict.id, edit, "ann", version=conflict.version)
        assert decided.decided_by == "ann"
        assert (await ended(desk, begun)).status == "completed"
        assert await value(desk, "a") == {"price": 2.5}
        assert await value(desk, "b") == {"price": 1}
        with pytest.raises(Conflict):
            await desk.decide(conflict.id, edit, "ann")
        found = figures(talk)
        assert found['rollback_conflicts_total{outcome="detected"}'] == 1
        assert found['rollback_conflicts_total{outcome="resolved"}'] == 1
        events = [one.event for one in (await desk.audit(actor="ann")).entries]
        assert events == [
            "rollback_executed", "conflict_resolved", "conflict_detected", "rollback_created",
        ]  # fmt: skip


async def test_one_that_waits_can_be_cancelled(database: Path | str, tmp_path: Path) -> None:
    async with running(echo(), database, tmp_path) as talk:
        desk = talk.runtime.ledger
        await put(desk, a=1, b=1)
        await put(desk, "import", a=2, b=2)
        await put(desk, "ben", a=3)
        begun = await desk.rollback(
            RollbackRequest(
                position=2, scope=LedgerScope(actors=("import",)), on_conflict="ask_user"
            ),
            "ann",
        )
        await ended(desk, begun, "waiting")
        assert await value(desk, "b") == 1
        assert (await desk.cancel(begun.id)).is_cancelled
        assert (await ended(desk, begun)).status == "cancelled"
        assert await value(desk, "b") == 2, "what it had restored is undone"
        assert (await desk.conflicts(state="open")).conflicts == []
        assert figures(talk)["rollback_failures_total"] == 0
        with pytest.raises(Conflict):
            await desk.cancel(begun.id)


async def test_points_of_a_conversation_are_bounded_and_counted(
    database: Path | str, tmp_path: Path
) -> None:
    overrides = {"ledger__points_per_conversation": "4", "ledger__checkpoint_every": "3"}
    async with running(echo(), database, tmp_path, **overrides) as talk:
        desk = talk.runtime.ledger
        with pytest.raises(NotFound):
            await desk.checkpoint(talk.conversation_id(), "engine")
        await talk.send("hello")
        who = talk.conversation_id()
        by_hand = await desk.create_point(PointRequest(name="mine", conversation_id=who), "ann")
        made = await asyncio.gather(*(desk.checkpoint(who, "engine") for _ in range(7)))
        numbers = [msgspec.json.decode(point.metadata)["number"] for point in made]
        assert sorted(numbers) == [1, 2, 3, 4, 5, 6, 7]
        held = (await desk.points(conversation_id=who, automatic="session")).points
        kept = {msgspec.json.decode(point.metadata)["number"]: point.tags for point in held}
        assert kept == {7: [], 6: ["checkpoint"], 5: [], 4: []}
        everything = (await desk.points(conversation_id=who)).points
        assert by_hand.id in {point.id for point in everything}
        assert {point.conversation_id for point in everything} == {who}


async def test_a_conversation_that_changes_hands_gets_a_point(
    database: Path | str, tmp_path: Path
) -> None:
    app = Colloquy()

    @app.on_message
    def answer(turn: Turn) -> Reply | str:
        return Reply(text="bye", hand_over="human") if turn.text == "person" else "hello"

    async with running(app, database, tmp_path) as talk:
        desk, who = talk.runtime.ledger, talk.conversation_id()

        async def names(count: int) -> list[str]:
            async with asyncio.timeout(30):
                while True:
                    held = (await desk.points(conversation_id=who, automatic="session")).points
                    if len(held) >= count:
                        return [f"{point.name} by {point.actor}" for point in reversed(held)]
                    await asyncio.sleep(0.005)

        await talk.send("hello")
        await talk.send("person")
        expected = ["handed over to a person by engine"]
        assert await names(1) == expected
        await talk.runtime.set_owner(who, OwnerRequest(owner="assistant"), "ann")
        assert await names(2) == [*expected, "given back to the assistant by ann"]
        reply = ReplyRequest(text="I am Ann", take_over=True)
        await talk.runtime.reply(who, reply, "ann")
        points = await names(3)
        assert points[2] == "handed over to a person by ann"
        (first, *_) = (await desk.points(conversation_id=who)).points
        state = await desk.record("session_state", who, first.id)
        assert msgspec.json.decode(bytes(state.value))["owner"] == "human"  # type: ignore[arg-type]
        assert first.expires_at is not None, "nobody has to tidy them up"
        told = [one.name for one in talk.runtime.alerts.notices().notices]
        assert told == [], "they are no news for operators"


async def test_points_of_changing_hands_can_be_switched_off(tmp_path: Path) -> None:
    where = tmp_path / "colloquy.db"
    async with running(echo(), where, tmp_path, ledger__checkpoints="false") as talk:
        await talk.send("hello")
        who = talk.conversation_id()
        await talk.runtime.set_owner(who, OwnerRequest(owner="human"), "ann")
        await talk.runtime.ledger.checkpoints.settle()
        assert (await talk.runtime.ledger.points()).points == []


async def test_expired_points_are_swept_and_told_once(database: Path | str, tmp_path: Path) -> None:
    ahead = [0]
    async with running(
        echo(), database, tmp_path, clock=lambda: now_us() + ahead[0] * 1_000_000
    ) as talk:
        desk = talk.runtime.ledger
        events: list[str] = []
        desk.ledger.listeners.add(lambda event: events.append(event.name))
        short = await desk.create_point(PointRequest(name="short", expires_in_s=10), "ann")
        kept = await desk.create_point(PointRequest(name="kept", expires_in_s=10), "ann")
        kept = await desk.change_point(kept.id, PointChange(expires_in_s=None))
        assert kept.expires_at is None
        ahead[0] = 11
        with pytest.raises(PointExpired):
            await desk.point(short.id)
        for _ in range(2):  # the server's own first sweep may be under way, and take it
            await desk.retention.sweep()
        with pytest.raises(NotFound):
            await desk.point(short.id)
        await until(lambda: "rollback-point-expired" in events)
        assert events.count("rollback-point-expired") == 1
        await desk.delete_point(kept.id, "ann")
        with pytest.raises(NotFound):
            await desk.delete_point(kept.id, "ann")
        trail = [one.event for one in (await desk.audit()).entries]
        assert trail == ["point_deleted"]


async def test_pages_are_whole_and_moments_mean_positions(
    database: Path | str, tmp_path: Path
) -> None:
    async with running(echo(), database, tmp_path) as talk:
        desk = talk.runtime.ledger
        await put(desk, a=1, b=2)
        point = await desk.create_point(PointRequest(name="good"), "ann")
        await put(desk, "ben", a=5, c={"deep": [1, 2]})
        seen: list[int] = []
        cursor = None
        while True:
            page = await desk.changes(cursor, 3, collection="prices")
            seen += [change.position for change in page.changes]
            cursor = page.next
            if cursor is None:
                break
        assert seen == sorted(seen, reverse=True)
        assert len(seen) == 4
        of_key = await desk.changes(collection="prices", key="a", actor="ben")
        assert [change.actor for change in of_key.changes] == ["ben"]
        with pytest.raises(InvalidInput):
            await desk.changes(key="a")
        first = await desk.differences(point.id, None, None, 1)
        second = await desk.differences(point.id, None, first.next, 1)
        both = [*first.differences, *second.differences]
        assert [(one.key, one.action) for one in both] == [("a", "changed"), ("c", "added")]
        backwards = await desk.differences(str(second.end), str(first.start))
        assert [one.action for one in backwards.differences] == ["changed", "removed"]
        at_point = await desk.record("prices", "a", point.id)
        assert (bytes(at_point.value), at_point.at) == (b"1", point.position)  # type: ignore[arg-type]
        for moment in ("x", "99999", "2026-01-01"):
            with pytest.raises(InvalidInput) as met:
                await desk.record("prices", "a", moment)
            assert met.value.field == "at"
        change = await desk.change(seen[0], "html")
        assert change.diff.startswith('<pre class="ledger-diff">')
        with pytest.raises(InvalidInput):
            await desk.differences(point.id, None, "nonsense")


async def test_watchers_are_woken(tmp_path: Path) -> None:
    async with running(echo(), tmp_path / "colloquy.db", tmp_path) as talk:
        desk = talk.runtime.ledger
        with desk.watching() as watcher:
            watcher.wake.clear()
            await desk.create_point(PointRequest(name="good"), "ann")
            assert watcher.wake.is_set()
