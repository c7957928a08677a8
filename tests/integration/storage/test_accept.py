"""Accepting: each message once, in order, whatever comes twice or cannot be stored."""

from __future__ import annotations

import asyncio
import os

from colloquy.storage.store import Store
from colloquy.storage.write_set import Unit
from support.storage import Place, accepted, commit, dead_letter, message


async def test_a_message_is_stored_once_and_repeats_get_its_number(store: Store) -> None:
    row = message()
    (first,) = await store.accept([row])
    (second,) = await store.accept([row])
    assert first.status == "stored"
    assert second == ("duplicate", first.inbox_id)
    assert [header.id for header in await store.inbox_headers(0, 10)] == [first.inbox_id]


async def test_the_same_id_with_another_body_is_reused(store: Store) -> None:
    row = message(b"one")
    (first,) = await store.accept([row])
    (second,) = await store.accept([message(b"two", key=row.message_id)])
    assert second == ("reused", first.inbox_id)


async def test_a_repeat_of_a_completed_message_is_still_a_duplicate(store: Store) -> None:
    row = message()
    (number,) = await accepted(store, row)
    await commit(store, Unit(session=0, at=1, done=(number,)))
    assert (await store.accept([row]))[0] == ("duplicate", number)
    assert await store.inbox_headers(0, 10) == []


async def test_a_repeat_of_a_dead_letter_says_dead(store: Store) -> None:
    row = message()
    (number,) = await accepted(store, row)
    rows = {"dead_letter_insert": [dead_letter(number, row)]}
    await commit(store, Unit(session=0, at=1, done=(number,), rows=rows))
    assert (await store.accept([row]))[0] == ("dead", number)
    await store.change("dead_letter_status", [(number, "discarded")])
    assert (await store.accept([row]))[0] == ("duplicate", number)


async def test_duplicates_inside_one_group_go_to_the_first(store: Store) -> None:
    keys = [os.urandom(16) for _ in range(4)]
    rows = [message(b"body %d" % (index // 4), key=keys[index % 4]) for index in range(8)]
    rows += [message(b"body 0", key=key) for key in keys]
    found = await store.accept(rows)
    assert [item.status for item in found] == ["stored"] * 4 + ["reused"] * 4 + ["duplicate"] * 4
    assert [item.inbox_id for item in found] == [item.inbox_id for item in found[:4]] * 3


async def test_inbox_numbers_follow_the_order_of_the_rows(store: Store) -> None:
    rows = [message(sequence=index) for index in range(150)]
    numbers = await accepted(store, *rows)
    assert numbers == sorted(set(numbers))
    headers = await store.inbox_headers(0, 200)
    assert [(header.id, header.sequence) for header in headers] == list(
        zip(numbers, range(150), strict=True)
    )


async def test_a_later_accept_gets_higher_numbers(store: Store) -> None:
    (first,) = await accepted(store, message())
    await asyncio.gather(*(accepted(store, message()) for _ in range(20)))
    (last,) = await accepted(store, message())
    numbers = [header.id for header in await store.inbox_headers(0, 100)]
    assert len(set(numbers)) == 22
    assert (numbers[0], numbers[-1]) == (first, last)


async def test_concurrent_repeats_are_stored_once(place: Place) -> None:
    stores = [place.store()]
    if place.engine == "postgres":
        stores.append(place.store())
    for store in stores:
        await store.open()
    rows = [message() for _ in range(30)]
    groups = [rows[index : index + 10] for index in (0, 10, 20, 5, 15)] * 4
    results = await asyncio.gather(
        *(stores[index % len(stores)].accept(group) for index, group in enumerate(groups))
    )
    statuses = [item.status for group in results for item in group]
    assert statuses.count("stored") == 30
    assert set(statuses) == {"stored", "duplicate"}
    assert len(await stores[0].inbox_headers(0, 100)) == 30
    for store in stores:
        await store.close()


async def test_what_was_sent_comes_back_byte_for_byte(store: Store) -> None:
    payload = '{"text":"nul \x00 and 🦊"}'.encode() + bytes(range(256))
    row = message(payload, stream="client 🦊", sequence=2**53)
    (number,) = await accepted(store, row)
    (header,) = await store.inbox_headers(0, 1)
    assert (await store.payloads([number]))[number] == (payload, None)
    assert (header.message_id, header.conversation, header.partition) == (
        row.message_id,
        row.conversation,
        row.partition,
    )
    assert (header.stream, header.sequence, header.size) == ("client 🦊", 2**53, len(payload))


async def test_text_columns_drop_nul_on_both_engines(store: Store) -> None:
    await accepted(store, message(stream="a\x00b"))
    (header,) = await store.inbox_headers(0, 1)
    assert header.stream == "ab"


async def test_a_row_the_database_cannot_hold_is_refused_alone(store: Store) -> None:
    rows = [message() for _ in range(7)]
    rows[3] = rows[3]._replace(stream="lone \ud800 surrogate")
    rows[5] = rows[5]._replace(payload=None)  # type: ignore[arg-type]
    found = await store.accept(rows)
    assert [item.status for item in found] == [
        "stored", "stored", "stored", "refused", "stored", "refused", "stored",
    ]  # fmt: skip
    assert len(await store.inbox_headers(0, 10)) == 5
    # The refused ones left no key behind: a repaired repeat is new.
    repaired = [rows[3]._replace(stream="fine"), rows[5]._replace(payload=b"{}")]
    assert [item.status for item in await store.accept(repaired)] == ["stored", "stored"]


async def test_nothing_to_accept(store: Store) -> None:
    assert await store.accept([]) == []
