"""Reading: pages, many keys at once, and small named writes."""

from __future__ import annotations

import os

import pytest

from colloquy.model.errors import NotFound
from colloquy.storage.store import Store
from colloquy.storage.write_set import EventRow, Unit
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
)


async def test_sessions_are_found_by_conversation(store: Store) -> None:
    rows = [await started(store, key=f"peer {index} 🦊") for index in range(70)]
    found = await store.sessions([row.id for row in rows] + [os.urandom(16)])
    assert {key: item.key for key, item in found.items()} == {row.id: row.key for row in rows}
    with pytest.raises(NotFound):
        await store.session(os.urandom(16))
    by_number = await store.read("sessions_by_number", [(rows[3].number,)])
    assert by_number[0][1] == rows[3].id


async def test_events_page_both_ways(store: Store) -> None:
    row = await started(store)
    other = await started(store)
    await commit(
        store,
        Unit(session=row.number, at=1, events=events(*"abcdef", inbox_id=9)),
        Unit(session=other.number, at=1, events=events("x")),
    )

    def kinds(found: list) -> str:
        return "".join(event.kind for event in found)

    assert kinds(await store.events(row.number, 0, 4)) == "abcd"
    assert kinds(await store.events(row.number, 4, 4)) == "ef"
    assert kinds(await store.events_before(row.number, 6, 3)) == "cde"
    assert kinds(await store.events_before(row.number, 2, 3)) == "a"
    places = [(row.number, 2), (row.number, 99), (other.number, 1)]
    assert kinds(await store.events_at(places)) == "bx"
    after = await store.read("events_after", [(row.number, 4), (other.number, 0)])
    assert [(item[0], item[2]) for item in after] == [
        (row.number, 5), (row.number, 6), (other.number, 1),
    ]  # fmt: skip
    assert len(await store.query("events_of_inbox", 9)) == 6
    feed = await store.query("events_feed", 0, 100)
    assert [item[1] for item in feed] == sorted(item[1] for item in feed)
    public = (await store.events(row.number, 0, 1))[0].public()
    assert (public.seq, bytes(public.body), public.turn_id) == (1, b'{"k":1}', (b"t" * 16).hex())


async def test_the_inbox_pages_by_number(store: Store) -> None:
    numbers = await accepted(store, *(message() for _ in range(5)))
    first = await store.inbox_headers(0, 3)
    rest = await store.inbox_headers(first[-1].id, 3)
    assert [header.id for header in first + rest] == numbers
    ((count, size, oldest),) = await store.query("inbox_totals")
    assert (count, size, oldest) == (5, 5 * len(b'{"text":"hello"}'), first[0].received_at)
    found = await store.payloads([*numbers[:2], 10**9])
    assert set(found) == set(numbers[:2])
    ((hash_, key),) = await store.query("message_key", first[1].message_id)
    assert (len(hash_), key) == (8, numbers[1])


async def test_the_outbox_pages_in_session_order(store: Store) -> None:
    rows = [await started(store) for _ in range(2)]
    for row in reversed(rows):
        two = Unit(session=row.number, at=1, events=events("a", "b"), outbox=[reply(0), reply(1)])
        await commit(store, two)
    places = [(row.number, seq) for row in rows for seq in (1, 2)]
    first = await store.outbox(limit=3)
    rest = await store.outbox((first[-1].session, first[-1].seq), 3)
    assert [(item.session, item.seq) for item in first + rest] == places
    assert [(item.session, item.seq) for item in await store.outbox_of(rows[1].number)] == places[
        2:
    ]
    assert await store.query("outbox_count") == [(4,)]


async def test_dead_letters_page_newest_first(store: Store) -> None:
    conversation = os.urandom(16)
    rows = [message(conversation=conversation, stream="s", sequence=n) for n in range(4)]
    numbers = await accepted(store, *rows)
    dead = [dead_letter(number, row) for number, row in zip(numbers, rows, strict=True)]
    unit = Unit(session=0, at=1, done=tuple(numbers), rows={"dead_letter_insert": dead})
    await commit(store, unit)
    first = await store.dead_letters(limit=3)
    rest = await store.dead_letters(first[-1].id, 3)
    assert [item.id for item in first + rest] == list(reversed(numbers))
    assert (await store.dead_letter(numbers[1])).sequence == 1
    await store.change("dead_letter_status", [(numbers[1], "discarded")])
    assert [item.id for item in await store.dead_letters_of(conversation)] == [
        numbers[0], numbers[2], numbers[3],
    ]  # fmt: skip
    assert [item.id for item in await store.dead_letters(status="discarded")] == [numbers[1]]
    assert len(await store.query("dead_by_message", rows[0].message_id)) == 1
    with pytest.raises(NotFound):
        await store.dead_letter(10**9)


async def test_text_columns_take_any_character_but_nul(store: Store) -> None:
    row = await started(store, key="a\x00🦊'\"\\;--\n\u2028é")
    found = await store.session(row.id)
    assert found.key == "a🦊'\"\\;--\n\u2028é"
    await commit(store, Unit(session=row.number, at=1, changes=[change("key \x00🦊")]))
    (item,) = await store.changes_of("sessions", "key \x00🦊")
    assert item.key == "key 🦊"
    body = '{"text":"\x00🦊"}'.encode()
    unit = Unit(session=row.number, at=1, events=[EventRow("message", 1, None, None, body)])
    await commit(store, unit)
    assert (await store.events(row.number, 0, 1))[0].body == body


async def test_meta_and_keys_of_clients(store: Store) -> None:
    assert await store.meta("partitions") == "64"
    assert await store.meta("nothing") is None
    await store.set_meta("name", "a\x00🦊")
    await store.set_meta("name", "b\x00🦊")
    assert await store.meta("name") == "b🦊"
    await store.change_one("api_key_insert", "k1", b"h" * 32, "shop", "send read", 5, None)
    (key,) = await store.api_keys()
    assert (key.id, key.hash, key.scopes, key.expires_at) == ("k1", b"h" * 32, "send read", None)
    assert await store.change_one("api_key_revoke", 9, "k1") == [("k1",)]
    assert await store.change_one("api_key_revoke", 9, "k1") == []
    with pytest.raises(store.refusals):
        await store.change_one("api_key_insert", "k1", b"x" * 32, "twin", "send", 5, None)


async def test_every_query_runs_on_an_empty_database(store: Store) -> None:
    for name, parameters in {
        "session_top": (), "leases": (), "dead_by_id": (1,), "outbox_of_session": (1,),
        "changes_page": (0, 5), "api_keys": (),
    }.items():  # fmt: skip
        rows = await store.query(name, *parameters)
        assert all(type(row) is tuple for row in rows)


async def test_effects_are_inserted_once(store: Store) -> None:
    key = os.urandom(16)
    row = (key, "charge", 1, os.urandom(16), "intent", 5, None)
    assert await store.change("effect_insert", [row]) == [(key,)]
    assert await store.change("effect_insert", [row]) == []
    assert await store.change("effect_set", [(key, "done", 6, b'"ok"')]) == [(key,)]
    effect = await store.effect(key)
    assert effect is not None
    assert (effect.name, effect.state, effect.at, effect.result) == ("charge", "done", 6, b'"ok"')
    assert await store.effect(os.urandom(16)) is None


async def test_a_reply_of_an_earlier_owner_is_not_released(store: Store) -> None:
    row = session((await store.new_session_numbers(1))[0])._replace(owner_epoch=3)
    replies = [reply(0, epoch=3), reply(1, epoch=2), reply(2, epoch=2, automatic=False)]
    unit = Unit(session=row.number, at=1, create=row, events=events("a", "b", "c"), outbox=replies)
    await commit(store, unit)
    places = [(row.number, seq) for seq in (1, 2, 3, 4)]
    claimed = await store.change("outbox_claim", [(*place, 99) for place in places])
    assert sorted(claimed) == [places[0], places[2]]
    assert await store.change("outbox_claim", [(*places[0], 99)]) == []
    (first, _, _) = await store.outbox()
    assert (first.state, first.attempts, first.due_at) == ("in_flight", 1, 99)
    await store.change("outbox_set", [(*places[0], "pending", 5, b'"why"')])
    await store.change("outbox_set", [(*places[2], "pending", 5, None)])
    assert sorted(await store.change("outbox_release", places)) == [places[0], places[2]]
    assert [(item.session, item.seq) for item in await store.outbox()] == [places[1]]
    assert await store.change("outbox_release", places) == []
