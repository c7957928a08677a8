"""The guards of a commit one by one, and that a unit left out leaves no trace."""

from __future__ import annotations

import os

import pytest

from colloquy.model.errors import StaleLease
from colloquy.storage.listing import Wanted, list_sessions
from colloquy.storage.store import Store
from colloquy.storage.write_set import Unit, Verdict
from support.storage import (
    accepted,
    change,
    commit,
    dead_letter,
    events,
    message,
    reply,
    session,
    started,
    state,
    timer,
)


def verdicts(outcomes: list) -> list[Verdict]:
    return [outcome.verdict for outcome in outcomes]


async def contents(store: Store) -> tuple:
    """Everything a unit could have written."""
    return (
        (await list_sessions(store, Wanted(), None, None, 100))[0],
        await store.query("events_feed", 0, 1000),
        await store.inbox_headers(0, 1000),
        await store.outbox(),
        await store.changes(),
        await store.dead_letters(),
    )


def full(number: int, name: str, **options: object) -> Unit:
    """A unit that writes into every table."""
    fields: dict = {
        "events": events("message", "reply"),
        "outbox": [reply(1)],
        "streams": b'{"s":1}',
        "changes": [change(name)],
        "rows": {"inbox_insert": [], "dead_letter_insert": []},
    }
    return Unit(session=number, at=5, **(fields | options))


async def test_a_turn_is_committed_whole(store: Store) -> None:
    row = message()
    (done,) = await accepted(store, row)
    (extra,) = await store.new_inbox_numbers(1)
    (number,) = await store.new_session_numbers(1)
    made = session(number, conversation=row.conversation)
    unit = full(
        number, "a", create=made, done=(done,), version=0, state=state(1),
        rows={"inbox_insert": [timer(extra)]},
    )  # fmt: skip
    assert await commit(store, unit) == [(Verdict.COMMITTED, 1, None)]
    found = await store.session(row.conversation)
    assert (found.number, found.version, found.last_seq) == (number, 1, 2)
    assert (found.state, found.streams, found.updated_at) == ({"v": 1}, {"s": 1}, 5)
    assert [(e.seq, e.kind) for e in await store.events(number, 0, 10)] == [
        (1, "message"),
        (2, "reply"),
    ]
    (item,) = await store.outbox()
    assert (item.session, item.seq, item.state) == (number, 2, "pending")
    assert (item.conversation, item.key) == (row.conversation, "peer")
    assert [header.id for header in await store.inbox_headers(0, 10)] == [extra]
    assert [(c.position, c.key, c.previous) for c in await store.changes()] == [(1, "a", None)]


async def test_a_stale_lease_refuses_everything(store: Store) -> None:
    held = await store.hold_leases("worker", 5.0)
    row = await started(store)
    (done,) = await accepted(store, message())
    before = await contents(store)
    leases = {3: held[3], 7: held[7] - 1}
    with pytest.raises(StaleLease):
        await commit(store, full(row.number, "a", done=(done,)), leases=leases)
    assert await contents(store) == before
    leases[7] = held[7]
    assert verdicts(await commit(store, full(row.number, "a", done=(done,)), leases=leases)) == [
        Verdict.COMMITTED
    ]


async def test_a_moved_version_is_a_conflict_of_that_unit_only(store: Store) -> None:
    one, two = await started(store), await started(store)
    done = await accepted(store, message(), message())
    await commit(store, Unit(session=one.number, at=1, version=0, state=state(1)))
    before = await contents(store)
    stale = full(one.number, "a", version=0, done=(done[0],))
    assert verdicts(await commit(store, stale)) == [Verdict.CONFLICT]
    assert await contents(store) == before
    fresh = full(two.number, "b", version=0, done=(done[1],))
    assert verdicts(await commit(store, stale, fresh)) == [Verdict.CONFLICT, Verdict.COMMITTED]
    assert [header.id for header in await store.inbox_headers(0, 10)] == [done[0]]
    assert [item.key for item in await store.changes()] == ["b"]
    assert await store.events(one.number, 0, 10) == []


async def test_appending_does_not_move_the_version(store: Store) -> None:
    row = await started(store)
    await commit(store, full(row.number, "a", version=0))
    assert verdicts(await commit(store, full(row.number, "a", version=0))) == [Verdict.COMMITTED]
    assert (await store.session(row.id)).version == 0


async def test_a_session_that_does_not_exist_is_a_conflict(store: Store) -> None:
    before = await contents(store)
    assert verdicts(await commit(store, full(4711, "a"))) == [Verdict.CONFLICT]
    assert await contents(store) == before


async def test_a_finished_row_is_done_already(store: Store) -> None:
    row = await started(store)
    (done,) = await accepted(store, message())
    unit = full(row.number, "a", done=(done,))
    assert verdicts(await commit(store, unit)) == [Verdict.COMMITTED]
    before = await contents(store)
    assert verdicts(await commit(store, unit)) == [Verdict.DONE_ALREADY]
    assert await contents(store) == before


async def test_a_bundle_with_one_row_gone_loses_nothing(store: Store) -> None:
    row = await started(store)
    gone, left = await accepted(store, message(), message())
    await commit(store, Unit(session=row.number, at=1, done=(gone,)))
    before = await contents(store)
    other = Unit(session=row.number, at=2, events=events("note"))
    bundle = full(row.number, "a", done=(gone, left))
    assert verdicts(await commit(store, bundle)) == [Verdict.DONE_ALREADY]
    assert await contents(store) == before
    assert verdicts(await commit(store, bundle, other)) == [
        Verdict.DONE_ALREADY,
        Verdict.COMMITTED,
    ]
    assert [header.id for header in await store.inbox_headers(0, 10)] == [left]
    assert [event.kind for event in await store.events(row.number, 0, 10)] == ["note"]


async def test_two_units_that_name_one_row_do_its_work_once(store: Store) -> None:
    row = await started(store)
    first, second = await accepted(store, message(), message())
    outcomes = await commit(
        store,
        Unit(session=row.number, at=1, done=(first,), events=events("one")),
        Unit(session=row.number, at=1, done=(first, second), events=events("two")),
        Unit(session=row.number, at=1, done=(second,), events=events("three")),
    )
    assert verdicts(outcomes) == [Verdict.COMMITTED, Verdict.DONE_ALREADY, Verdict.COMMITTED]
    found = await store.events(row.number, 0, 10)
    assert [(event.seq, event.kind) for event in found] == [(1, "one"), (2, "three")]


async def test_withdrawing_needs_every_reply_to_be_there(store: Store) -> None:
    row = await started(store)
    two = Unit(session=row.number, at=1, events=events("a", "b"), outbox=[reply(0), reply(1)])
    await commit(store, two)
    assert await store.change("outbox_release", [(row.number, 1)]) == [(row.number, 1)]
    take = Unit(session=row.number, at=2, version=0, state=state(1, epoch=1, owner="human"))
    both = ((row.number, 1), (row.number, 2))
    take.withdraw = both
    assert verdicts(await commit(store, take)) == [Verdict.CONFLICT]
    assert len(await store.outbox()) == 1
    assert (await store.session(row.id)).owner == "assistant"
    take.withdraw = both[1:]
    assert verdicts(await commit(store, take)) == [Verdict.COMMITTED]
    assert await store.outbox() == []
    assert (await store.session(row.id)).owner == "human"


async def test_reviving_a_dead_letter_happens_once(store: Store) -> None:
    row = message()
    (number,) = await accepted(store, row)
    dead = {"dead_letter_insert": [dead_letter(number, row)]}
    await commit(store, Unit(session=0, at=1, done=(number,), rows=dead))
    fresh = await store.new_inbox_numbers(2)
    outcomes = [
        (await commit(store, Unit(session=0, at=2, revive=(number,), rows=rows)))[0]
        for rows in ({"inbox_insert": [timer(key, row.conversation)]} for key in fresh)
    ]
    assert verdicts(outcomes) == [Verdict.COMMITTED, Verdict.DONE_ALREADY]
    assert [header.id for header in await store.inbox_headers(0, 10)] == [fresh[0]]
    assert await store.dead_letters() == []


async def test_creating_a_session_that_exists_is_a_conflict(store: Store) -> None:
    row = await started(store)
    (number,) = await store.new_session_numbers(1)
    before = await contents(store)
    again = full(number, "a", create=session(number, conversation=row.id))
    assert verdicts(await commit(store, again)) == [Verdict.CONFLICT]
    assert await contents(store) == before


async def test_two_units_that_create_one_conversation_make_one_session(store: Store) -> None:
    one, two = await store.new_session_numbers(2)
    conversation = os.urandom(16)
    units = [
        full(number, "a", create=session(number, conversation=conversation), version=0)
        for number in (one, two)
    ]
    assert verdicts(await commit(store, *units)) == [Verdict.COMMITTED, Verdict.CONFLICT]
    listed, _ = await list_sessions(store, Wanted(), None, None, 10)
    assert [found.number for found in listed] == [one]


async def test_a_creating_unit_that_fails_leaves_no_session(store: Store) -> None:
    (number,) = await store.new_session_numbers(1)
    before = await contents(store)
    late = full(number, "a", create=session(number), done=(999,))
    follower = full(number, "b")
    assert verdicts(await commit(store, late, follower)) == [
        Verdict.DONE_ALREADY,
        Verdict.CONFLICT,
    ]
    assert await contents(store) == before
    mistaken = full(number, "a", create=session(number), version=3)
    assert verdicts(await commit(store, mistaken)) == [Verdict.CONFLICT]
    assert await contents(store) == before


async def test_units_of_one_session_follow_each_other(store: Store) -> None:
    (number,) = await store.new_session_numbers(1)
    made = session(number)
    outcomes = await commit(
        store,
        Unit(session=number, at=1, create=made, events=events("a", "b"), outbox=[reply(1)]),
        Unit(session=number, at=2, version=0, state=state(1), events=events("c")),
        Unit(session=number, at=3, version=0, events=events("stale")),
        Unit(session=number, at=4, version=1, state=state(2), events=events("d", "e"),
             outbox=[reply(1)]),
        Unit(session=number, at=5, version=2, events=events("f")),
    )  # fmt: skip
    assert [(item.verdict, item.first_seq) for item in outcomes] == [
        (Verdict.COMMITTED, 1), (Verdict.COMMITTED, 3), (Verdict.CONFLICT, 0),
        (Verdict.COMMITTED, 4), (Verdict.COMMITTED, 6),
    ]  # fmt: skip
    assert [event.kind for event in await store.events(number, 0, 10)] == list("abcdef")
    assert [item.seq for item in await store.outbox()] == [2, 5]
    found = await store.session(made.id)
    assert (found.version, found.last_seq, found.state) == (2, 6, {"v": 2})


async def test_a_unit_that_builds_on_one_left_out_is_redone(store: Store) -> None:
    row = await started(store)
    outcomes = await commit(
        store,
        Unit(session=row.number, at=1, version=0, state=state(1), done=(999,)),
        Unit(session=row.number, at=2, version=1, state=state(2), events=events("a")),
    )
    assert verdicts(outcomes) == [Verdict.DONE_ALREADY, Verdict.CONFLICT]
    assert (await store.session(row.id)).version == 0


@pytest.mark.parametrize("bad", range(9))
async def test_a_refused_row_fails_alone(store: Store, bad: int) -> None:
    row = await started(store)
    numbers = await accepted(store, *(message() for _ in range(9)))
    units = [full(row.number, f"k{index}", done=(number,)) for index, number in enumerate(numbers)]
    body = units[bad].events[0]._replace(body=None)  # type: ignore[arg-type]
    units[bad].events = [body]
    units[bad].outbox = []
    outcomes = await commit(store, *units)
    expected = [Verdict.COMMITTED] * 9
    expected[bad] = Verdict.FAILED
    assert verdicts(outcomes) == expected
    assert isinstance(outcomes[bad].error, store.refusals)
    assert [header.id for header in await store.inbox_headers(0, 10)] == [numbers[bad]]
    found = await store.events(row.number, 0, 100)
    assert [event.seq for event in found] == list(range(1, 17))
    changes = await store.changes()
    assert [item.position for item in changes] == list(range(1, 9))
    assert f"k{bad}" not in {item.key for item in changes}


async def test_values_no_database_can_hold_fail_alone(store: Store) -> None:
    row = await started(store)
    good = Unit(session=row.number, at=1, changes=[change("good")])
    huge = Unit(session=row.number, at=2**70, changes=[change("huge")])
    lone = Unit(session=row.number, at=1, changes=[change("lone \udfff")])
    kind = Unit(session=row.number, at=1, events=[events("x")[0]._replace(kind=7)])  # type: ignore[arg-type]
    wrong = Unit(session=row.number, at=1, version=0, state=state(9))
    named = Unit(session=row.number, at=1, rows={"counter_add": [("ledger", 1)]})
    outcomes = await commit(store, huge, lone, good, kind, wrong, named)
    assert verdicts(outcomes) == [Verdict.FAILED] * 2 + [Verdict.COMMITTED] + [Verdict.FAILED] * 3
    assert [item.key for item in await store.changes()] == ["good"]


async def test_an_empty_write_set_is_nothing(store: Store) -> None:
    assert await commit(store) == []


async def test_waiting_rows_are_rescheduled(store: Store) -> None:
    one, two = await accepted(store, message(), message())
    rows = {"inbox_set": [(one, "retry", 77, 2, 1, b'["boom"]')]}
    await commit(store, Unit(session=0, at=1, rows=rows))
    first, second = await store.inbox_headers(0, 10)
    assert (first.state, first.due_at, first.attempts, first.recorded, first.note) == (
        "retry", 77, 2, 1, b'["boom"]',
    )  # fmt: skip
    assert (second.id, second.state) == (two, "ready")
