"""Rollback: what was so comes back, on both engines, and what went wrong is undone."""

from __future__ import annotations

import asyncio
import random
from typing import Any

import pytest

from colloquy.ledger.collections import Collection, Refused
from colloquy.ledger.merge import MISSING, ConflictPolicy
from colloquy.ledger.points import NewPoint
from colloquy.ledger.restoring.requests import Request
from colloquy.ledger.rows import OperationRow
from colloquy.ledger.scope import Scope
from colloquy.ledger.values import Value
from colloquy.model.errors import (
    InvalidInput,
    LedgerBusy,
    NotFound,
    PointExpired,
    ScopeEmpty,
)
from colloquy.storage.store import Store
from support.ledger import changed_at_random, filled, ledger_on, rolled_back


@pytest.mark.parametrize("strategy", ["auto", "immediate", "gradual", "safe", "force"])
async def test_each_strategy_restores_the_state_to_the_byte(store: Store, strategy: Any) -> None:
    ledger = ledger_on(store)
    await filled(ledger, count=60)
    point = await ledger.create_point(NewPoint(name="before"), "ann")
    checksum = await ledger.history.checksum()
    await changed_at_random(ledger, 300, random.Random(7), keys=90)
    assert await ledger.history.checksum() != checksum
    done = await rolled_back(ledger, Request(point=point.id, strategy=strategy))
    assert (done.status, done.error, done.progress) == ("completed", None, 100.0)
    assert await ledger.history.checksum() == checksum
    # And once more there is nothing to do.
    again = await ledger.preview(Request(point=point.id))
    assert set(again.actions) <= {"unchanged"}


async def test_ten_thousand_random_changes_are_taken_back(store: Store) -> None:
    ledger = ledger_on(store)
    await filled(ledger, count=500)
    point = await ledger.create_point(NewPoint(name="before"), "ann")
    checksum = await ledger.history.checksum()
    await changed_at_random(ledger, 10_000, random.Random(3), keys=4000)
    done = await rolled_back(ledger, Request(point=point.id, strategy="safe"))
    assert done.status == "completed"
    assert await ledger.history.checksum() == checksum
    figures = done.figures()
    assert figures.checksum_after == figures.checksum_target != figures.checksum_before != ""


async def test_a_rollback_can_be_rolled_back(store: Store) -> None:
    ledger = ledger_on(store)
    await filled(ledger)
    point = await ledger.create_point(NewPoint(name="before"), "ann")
    await changed_at_random(ledger, 100, random.Random(1), keys=30)
    changed = await ledger.history.checksum()
    done = await rolled_back(ledger, Request(point=point.id))
    undone = await rolled_back(ledger, Request(undo=done.id))
    assert (undone.kind, undone.status) == ("undo", "completed")
    assert await ledger.history.checksum() == changed
    redone = await rolled_back(ledger, Request(undo=undone.id))
    assert redone.status == "completed"
    assert await ledger.history.checksum() != changed


async def test_only_the_scope_changes(store: Store) -> None:
    ledger = ledger_on(store)
    point = await ledger.create_point(NewPoint(name="empty"), "ann")
    await ledger.put("prices", "flat-1", 1, "ann")
    await ledger.put("prices", "house-1", 2, "ben")
    await ledger.put("notes", "flat-1", 3, "ann")
    for scope, gone in (
        (Scope(keys=("notes/flat-1",)), {("notes", "flat-1")}),
        (Scope(include=("prices/flat-*",)), {("prices", "flat-1")}),
        (Scope(actors=("ben",)), {("prices", "house-1")}),
        (Scope(collections=("prices",), exclude=("**/flat-1",)), {("prices", "house-1")}),
        (Scope(namespaces=("flat-",)), {("prices", "flat-1"), ("notes", "flat-1")}),
    ):
        done = await rolled_back(ledger, Request(point=point.id, scope=scope))
        assert done.status == "completed"
        everything = {("prices", "flat-1"), ("prices", "house-1"), ("notes", "flat-1")}
        assert set(await ledger.history.values(everything)) == everything - gone
        await rolled_back(ledger, Request(undo=done.id))
        assert set(await ledger.history.values(everything)) == everything


async def test_one_actors_changes_are_taken_out_from_between_anothers(store: Store) -> None:
    ledger = ledger_on(store)
    await ledger.put("flats", "a", {"price": 1, "status": "free", "rooms": 2}, "setup")
    point = await ledger.create_point(NewPoint(name="before"), "ann")
    await ledger.put("flats", "a", {"price": 9, "status": "free", "rooms": 2}, "import")
    await ledger.put("flats", "a", {"price": 9, "status": "sold", "rooms": 2}, "ben")
    await ledger.put("flats", "a", {"price": 9, "status": "sold", "rooms": 7}, "import")
    scope = Scope(actors=("import",))
    request = Request(point=point.id, scope=scope, on_conflict=ConflictPolicy.MERGE)
    done = await rolled_back(ledger, request)
    assert done.status == "completed"
    assert await ledger.get("flats", "a") == {"price": 1, "status": "sold", "rooms": 2}


@pytest.mark.parametrize("policy", list(ConflictPolicy))
async def test_each_policy_does_what_it_says(store: Store, policy: ConflictPolicy) -> None:
    ledger = ledger_on(store)
    await ledger.put("flats", "a", {"price": 1}, "setup")
    await ledger.put("flats", "b", {"price": 1}, "setup")
    point = await ledger.create_point(NewPoint(name="before"), "ann")
    for key in ("a", "b"):
        await ledger.put("flats", key, {"price": 2}, "import")
    await ledger.put("flats", "a", {"price": 3}, "ben")
    request = Request(point=point.id, scope=Scope(actors=("import",)), on_conflict=policy)
    done = await rolled_back(ledger, request)
    now = {key: (await ledger.get("flats", key))["price"] for key in ("a", "b")}  # type: ignore[index, call-overload, union-attr]
    open_ = (await ledger.operations.conflicts(None, 10, state="open")).rows
    if policy is ConflictPolicy.ABORT:
        assert (done.status, done.error_code, now) == (
            "failed",
            "rollback_conflict",
            {"a": 3, "b": 2},
        )
    elif policy is ConflictPolicy.SKIP:
        assert (done.status, now) == ("completed", {"a": 3, "b": 1})
    elif policy is ConflictPolicy.OVERWRITE:
        assert (done.status, now) == ("completed", {"a": 1, "b": 1})
    else:
        assert (done.status, now, len(open_)) == ("waiting", {"a": 3, "b": 1}, 1)
        assert (open_[0].kind, open_[0].key) == ("value_mismatch", "a")


@pytest.mark.parametrize(
    ("choice", "value", "outcome"),
    [("keep", MISSING, 3), ("take", MISSING, 1), ("edit", {"price": 5}, 5)],
)
async def test_a_person_decides_and_the_operation_goes_on(
    store: Store, choice: Any, value: Value, outcome: int
) -> None:
    ledger = ledger_on(store)
    await ledger.put("flats", "a", {"price": 1}, "setup")
    point = await ledger.create_point(NewPoint(name="before"), "ann")
    await ledger.put("flats", "a", {"price": 2}, "import")
    await ledger.put("flats", "a", {"price": 3}, "ben")
    scope = Scope(actors=("import",))
    request = Request(point=point.id, scope=scope, on_conflict=ConflictPolicy.ASK_USER)
    done = await rolled_back(ledger, request)
    (conflict,) = (await ledger.operations.conflicts(None, 10)).rows
    with pytest.raises(InvalidInput):
        await ledger.decide(conflict.id, "merge", "ann")  # there is no merge of 2, 3 and 1
    await ledger.decide(conflict.id, choice, "ann", value)
    assert (await ledger.run(done.id)).status == "completed"
    assert await ledger.get("flats", "a") == {"price": outcome}


async def test_a_decision_about_what_changed_since_is_asked_for_again(store: Store) -> None:
    ledger = ledger_on(store)
    await ledger.put("flats", "a", 1, "setup")
    point = await ledger.create_point(NewPoint(name="before"), "ann")
    await ledger.put("flats", "a", 2, "import")
    await ledger.put("flats", "a", 3, "ben")
    scope = Scope(actors=("import",))
    request = Request(point=point.id, scope=scope, on_conflict=ConflictPolicy.ASK_USER)
    done = await rolled_back(ledger, request)
    (first,) = (await ledger.operations.conflicts(None, 10)).rows
    await ledger.decide(first.id, "take", "ann")
    await ledger.put("flats", "a", 4, "ben")
    assert (await ledger.run(done.id)).status == "waiting"
    (second,) = (await ledger.operations.conflicts(None, 10, state="open")).rows
    assert (second.ours, (await ledger.operations.conflict(first.id)).state) == (b"4", "stale")
    await ledger.decide(second.id, "take", "ann")
    assert (await ledger.run(done.id)).status == "completed"
    assert await ledger.get("flats", "a") == 1


class Edges(Collection):
    """Records that join two of the collection `nodes`."""

    plain = False

    def rank(self, key: str) -> int:
        return 2

    def needs(self, key: str, value: Value) -> list[tuple[str, str]]:
        return [("nodes", part) for part in key.split("-")]


async def test_what_a_record_needs_is_restored_before_it_or_is_a_conflict(store: Store) -> None:
    ledger = ledger_on(store, Edges("edges"))
    await ledger.put("nodes", "a", 1, "setup")
    await ledger.put("nodes", "b", 1, "setup")
    await ledger.put("edges", "a-b", 1, "setup")
    point = await ledger.create_point(NewPoint(name="before"), "ann")
    await ledger.put("edges", "a-b", MISSING, "ben")
    await ledger.put("nodes", "a", MISSING, "ben")
    part = Request(point=point.id, scope=Scope(collections=("edges",)))
    preview = await ledger.preview(part)
    assert preview.conflicts == {"dependency_conflict": 1} and preview.risk == "critical"
    failed = await rolled_back(ledger, part)
    assert failed.status == "failed" and await ledger.get("edges", "a-b") is MISSING
    done = await rolled_back(ledger, Request(point=point.id))
    assert done.status == "completed" and await ledger.get("edges", "a-b") == 1


class Guarded(Collection):
    plain = False

    def check(self, key: str, now: Value, then: Value) -> None:
        if key.startswith("locked"):
            raise Refused("this one is not for rollbacks")


async def test_a_refusal_is_a_conflict_that_overwriting_does_not_force(store: Store) -> None:
    ledger = ledger_on(store, Guarded("flats"))
    point = await ledger.create_point(NewPoint(name="before"), "ann")
    await ledger.put("flats", "locked", 1, "ben")
    await ledger.put("flats", "free", 1, "ben")
    done = await rolled_back(ledger, Request(point=point.id, strategy="force"))
    assert (done.status, done.figures().skipped) == ("completed", 1)
    assert await ledger.get("flats", "locked") == 1
    assert await ledger.get("flats", "free") is MISSING


async def test_a_preview_writes_nothing_and_foretells_what_happens(store: Store) -> None:
    ledger = ledger_on(store)
    await filled(ledger)
    point = await ledger.create_point(NewPoint(name="before"), "ann")
    await changed_at_random(ledger, 80, random.Random(5), keys=30)
    head, before = await ledger.history.head(), await store.query("ledger_operations_open")
    preview = await ledger.preview(Request(point=point.id, strategy="dry_run"), limit=500)
    assert await ledger.history.head() == head
    assert await store.query("ledger_operations_open") == before == []
    expected = {effect.item.name: effect.then for effect in preview.effects}
    done = await rolled_back(ledger, Request(point=point.id))
    figures = done.figures()
    assert done.total == preview.total == figures.applied + figures.unchanged
    assert preview.actions.get("unchanged", 0) == figures.unchanged
    rows = await store.read("change_heads", list(expected))
    assert {(row[0], row[1]): row[3] for row in rows} == expected


async def test_what_others_write_meanwhile_is_a_conflict_and_not_lost(store: Store) -> None:
    """A change between plan and batch: the batches before it are undone, as the policy says."""
    ledger = ledger_on(store)
    await filled(ledger, count=40)
    point = await ledger.create_point(NewPoint(name="before"), "ann")
    for index in range(40):
        await ledger.put("prices", f"k{index}", index * 2, "import")
    changed = await ledger.history.checksum()
    wrote = []

    async def meanwhile(_: float) -> None:
        if not wrote:
            wrote.append(await ledger.put("prices", "k9", 9 * 2, "ben"))
            wrote.append(await ledger.put("prices", "k9", "mine", "ben"))

    rival = ledger_on(store)
    rival._executor.tools.sleep = meanwhile
    operation = await rival.start(
        Request(point=point.id, strategy="gradual", batch_size=4, pause_s=0.1), "ann"
    )
    done = await rival.run(operation.id)
    assert (done.status, done.error_code) == ("failed", "rollback_conflict")
    assert done.figures().undone == done.figures().applied > 0
    assert await ledger.get("prices", "k9") == "mine"
    await ledger.put("prices", "k9", 9 * 2, "ben")
    assert await ledger.history.checksum() == changed


async def test_a_cancelled_operation_leaves_the_state_as_it_was(store: Store) -> None:
    ledger = ledger_on(store)
    await filled(ledger, count=40)
    point = await ledger.create_point(NewPoint(name="before"), "ann")
    await changed_at_random(ledger, 60, random.Random(2), keys=40)
    changed = await ledger.history.checksum()
    request = Request(point=point.id, strategy="gradual", batch_size=5, pause_s=0.1)
    operation = await ledger.start(request, "ann")

    async def cancel(_: float) -> None:
        await ledger.cancel(operation.id)

    ledger._executor.tools.sleep = cancel
    done = await ledger.run(operation.id)
    assert (done.status, done.error_code) == ("cancelled", "cancelled")
    assert done.figures().undone == done.figures().applied > 0
    assert await ledger.history.checksum() == changed


async def test_one_operation_at_a_time_per_scope(store: Store) -> None:
    ledger = ledger_on(store)
    await filled(ledger)
    await ledger.put("notes", "n", 1, "ann")
    first = await ledger.start(Request(position=0, scope=Scope(collections=("prices",))), "ann")
    with pytest.raises(LedgerBusy) as busy:
        await ledger.start(Request(position=0), "ben")
    assert busy.value.extra == {"operation": first.id}
    other = await ledger.start(Request(position=0, scope=Scope(collections=("notes",))), "ben")
    assert (await ledger.run(other.id)).status == "completed"
    assert (await ledger.run(first.id)).status == "completed"
    assert (await rolled_back(ledger, Request(position=0))).status == "completed"


async def test_bad_requests_are_refused_and_change_nothing(store: Store) -> None:
    now = [1_800_000_000_000_000]
    ledger = ledger_on(store)
    ledger.points._clock = lambda: now[0]
    await filled(ledger)
    point = await ledger.create_point(NewPoint(name="short", lifetime_us=1_000_000), "ann")
    now[0] += 2_000_000
    await ledger.put("prices", "k1", 2, "ann")
    head = await ledger.history.head()
    for request, error in (
        (Request(point="nope"), NotFound),
        (Request(point=point.id), PointExpired),
        (Request(point=point.id), PointExpired),
        (Request(position=head + 1), InvalidInput),
        (Request(undo="nope"), NotFound),
        (Request(), InvalidInput),
        (Request(position=0, point="both"), InvalidInput),
        (Request(position=0, batch_size=501), InvalidInput),
    ):
        with pytest.raises(error):
            await ledger.start(request, "ann")
    with pytest.raises(ScopeEmpty):
        await ledger.preview(Request(position=0, scope=Scope(keys=("prices/none",))))
    nothing = await rolled_back(ledger, Request(position=0, scope=Scope(include=("none/*",))))
    assert (nothing.status, nothing.error_code) == ("failed", "scope_empty")
    assert await ledger.history.head() == head


async def test_an_operation_goes_on_exactly_where_it_stood(store: Store) -> None:
    """As after a crash: the first process stops between two batches, the next one takes over."""
    ledger = ledger_on(store, owner="first")
    await filled(ledger, count=40)
    point = await ledger.create_point(NewPoint(name="before"), "ann")
    checksum = await ledger.history.checksum()
    await changed_at_random(ledger, 60, random.Random(8), keys=40)

    class Stopped(BaseException):
        pass

    async def stop(_: float) -> None:
        raise Stopped

    ledger._executor.tools.sleep = stop
    request = Request(point=point.id, strategy="gradual", batch_size=7, pause_s=0.1)
    operation = await ledger.start(request, "ann")
    with pytest.raises(Stopped):
        await ledger.run(operation.id)
    halfway = await ledger.operations.get(operation.id)
    assert (halfway.status, halfway.figures().done) == ("in_progress", 7)

    second = ledger_on(store, owner="second")
    if store.shared:  # believed alive until its lease is over
        assert (await second.run(operation.id)).status == "in_progress"
        late = second.clock() + 31_000_000
        second.operations._clock = lambda: late
    assert await second.resume() == [operation.id]
    done = await second.run(operation.id)
    assert (done.status, done.figures().done) == ("completed", done.total)
    assert await ledger.history.checksum() == checksum


async def test_a_process_runs_an_operation_once_at_a_time(store: Store) -> None:
    ledger = ledger_on(store)
    await filled(ledger, count=20)
    point = await ledger.create_point(NewPoint(name="before"), "ann")
    await changed_at_random(ledger, 40, random.Random(4), keys=20)
    request = Request(point=point.id, strategy="gradual", batch_size=3, pause_s=0.1)
    operation = await ledger.start(request, "ann")
    others: list[asyncio.Task[OperationRow]] = []

    async def again(_: float) -> None:
        """The second begins in the middle of the first."""
        if not others:
            others.append(asyncio.create_task(ledger.run(operation.id)))
        await asyncio.sleep(0)

    ledger._executor.tools.sleep = again
    done = await ledger.run(operation.id)
    assert done.status == "completed"
    assert await others[0] == done, "it waited for the first, and found nothing to do"
    log = (await ledger.operations.log(done, 0, 500)).rows
    assert [line.number for line in log] == list(range(1, len(log) + 1))


async def test_steps_run_once_when_everything_is_restored(store: Store) -> None:
    ledger = ledger_on(store)
    ran: list[Any] = []

    async def look(context: Any) -> None:
        ran.append((context.operation, await ledger.get("prices", "k1")))

    ledger.steps.register("look", look)
    records = await filled(ledger)
    point = await ledger.create_point(NewPoint(name="before"), "ann")
    await ledger.put("prices", "k1", 0, "ben")
    done = await rolled_back(ledger, Request(point=point.id))
    assert (done.status, ran) == ("completed", [(done.id, records["k1"])])


async def test_a_step_that_fails_undoes_the_rollback(store: Store) -> None:
    ledger = ledger_on(store)

    def fails(context: Any) -> None:
        raise ValueError("the other system says no")

    ledger.steps.register("other system", fails)
    await filled(ledger)
    point = await ledger.create_point(NewPoint(name="before"), "ann")
    await ledger.put("prices", "k1", 0, "ben")
    failed = await rolled_back(ledger, Request(point=point.id))
    assert (failed.status, failed.error_code) == ("failed", "rollback_step_failed")
    assert await ledger.get("prices", "k1") == 0
    lines = [line.message for line in (await ledger.operations.log(failed, 0, 100)).rows]
    assert any("the other system says no" in line for line in lines)


async def test_an_undo_waits_for_no_operation_on_other_records(store: Store) -> None:
    ledger = ledger_on(store)
    point = await ledger.create_point(NewPoint(name="empty"), "ann")
    await ledger.put("prices", "p", 1, "ann")
    await ledger.put("notes", "n", 1, "ann")
    prices, notes = Scope(collections=("prices",)), Scope(collections=("notes",))
    done = await rolled_back(ledger, Request(point=point.id, scope=prices))
    waiting = await ledger.start(Request(point=point.id, scope=notes), "ben")
    undone = await rolled_back(ledger, Request(undo=done.id))
    assert undone.status == "completed" and await ledger.get("prices", "p") == 1
    with pytest.raises(LedgerBusy):
        await ledger.start(Request(point=point.id), "ann")
    points = (await ledger.points.page(None, 10, automatic="before_rollback")).rows
    assert len(points) == 3  # one for each that began
    assert (await ledger.run(waiting.id)).status == "completed"
