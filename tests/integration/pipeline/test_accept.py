"""The door, on a real store: receipts, bounds, and the spool while the database is away."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import apsw
import msgspec
import pytest

from colloquy.flags import Flags
from colloquy.model import ids
from colloquy.model.errors import (
    ColloquyError,
    ConversationOverloaded,
    InvalidInput,
    InvalidUnicode,
    MessageIdReused,
    Overloaded,
    Unavailable,
)
from colloquy.model.message import Message
from colloquy.model.times import now_us
from colloquy.model.views import Receipt
from colloquy.pipeline.accept import ROW_OVERHEAD, Acceptor
from colloquy.pipeline.admission import Admission
from colloquy.settings import load_settings
from colloquy.storage.spool import Spool
from colloquy.storage.sqlite import SqliteStore
from colloquy.storage.store import InboxHeader
from colloquy.storage.write_set import KIND_RECORD, Unit, WriteSet
from support.waiting import until


def say(text: str = "hello", conversation: str = "ann", **fields: Any) -> Message:
    return Message(conversation=conversation, text=text, **fields)


class Door:
    """An acceptor with its store, and what it told the scheduler."""

    def __init__(self, folder: Path, **overrides: str) -> None:
        self.path = folder / "test.db"
        self.settings = load_settings(
            overrides={
                "preset": "test",
                "database_url": f"sqlite:///{self.path}",
                **{name.replace("__", "."): value for name, value in overrides.items()},
            }
        )
        accept = self.settings.accept
        self.store = SqliteStore(self.path, lock_wait_s=accept.lock_wait_s)
        self.spool = Spool(self.settings.spool_folder, accept.spool_max_bytes)
        self.headers: list[InboxHeader] = []
        self.oldest: int | None = None
        self.now = now_us
        self.admission = Admission(
            max_bytes=accept.max_pending_bytes,
            max_age_us=int(accept.max_age_s * 1e6),
            max_per_conversation=accept.max_per_conversation,
            oldest_ready=lambda: self.oldest,
            lane_length=lambda key: sum(header.conversation == key for header in self.headers),
        )
        self.acceptor = Acceptor(
            self.store,
            self.settings,
            Flags.of(self.settings),
            self.admission,
            self.spool,
            self.headers.extend,
        )
        self.task: asyncio.Task[None] | None = None

    async def open(self) -> None:
        await self.store.open()
        self.spool.open()
        self.task = asyncio.create_task(self.acceptor.run())

    async def close(self) -> None:
        assert self.task is not None
        self.task.cancel()
        await asyncio.wait([self.task])
        self.spool.close()
        await self.store.close()

    async def accept(self, *items: Message | ColloquyError, **options: Any) -> list[Any]:
        return await self.acceptor.accept(list(items), **options)

    async def texts(self) -> list[str]:
        """What lies in the inbox, in its order."""
        headers = await self.store.inbox_headers(0, 10_000)
        payloads = await self.store.payloads(header.id for header in headers)
        return [msgspec.json.decode(payloads[header.id][0])["text"] for header in headers]

    async def drained(self) -> None:
        await until(lambda: not self.acceptor.is_spooling and self.spool.is_empty)

    @contextmanager
    def away(self) -> Iterator[None]:
        """Somebody else holds the database's write lock."""
        other = apsw.Connection(str(self.path))
        other.set_busy_timeout(5000)
        other.execute("BEGIN IMMEDIATE")
        try:
            yield
        finally:
            other.execute("ROLLBACK")
            other.close()


@asynccontextmanager
async def opened(folder: Path, **overrides: str) -> AsyncIterator[Door]:
    door = Door(folder, **overrides)
    await door.open()
    try:
        yield door
    finally:
        await door.close()


@pytest.fixture
async def door(tmp_path: Path) -> AsyncIterator[Door]:
    async with opened(tmp_path) as made:
        yield made


def statuses(results: list[Any]) -> list[str]:
    return [result.status if isinstance(result, Receipt) else result.code for result in results]


# -- identity -----------------------------------------------------------------------------------


async def test_the_same_message_again_gets_the_first_receipt(door: Door) -> None:
    (first,) = await door.accept(say(id="m1"))
    again, twice, other = await door.accept(say(id="m1"), say(id="m1"), say(id="m2"))
    assert statuses([first, again, twice, other]) == ["stored", "duplicate", "duplicate", "stored"]
    assert first.message_id == again.message_id == twice.message_id != other.message_id
    assert (first.id, again.id) == ("m1", "m1")
    conversation = ids.conversation_id("api", "default", "ann")
    assert first.message_id == ids.message_id(conversation, "m1").hex()
    assert await door.texts() == ["hello", "hello"]
    assert len(door.headers) == door.admission.messages == 2


async def test_the_same_id_is_another_message_elsewhere(door: Door) -> None:
    results = await door.accept(
        say(id="m1"),
        say(id="m1", conversation="bob"),
        say(id="m1", channel="web"),
        say(id="m1", account="other"),
        say(id="m1", thread="t"),
    )
    assert statuses(results) == ["stored"] * 5


async def test_an_id_with_another_body_is_refused_and_the_rest_goes_through(door: Door) -> None:
    await door.accept(say(id="m1"))
    results = await door.accept(say("other", id="m1"), say(id="m2"))
    assert isinstance(results[0], MessageIdReused)
    assert results[0].field == "id"
    assert statuses(results) == ["message_id_reused", "stored"]
    assert door.admission.messages == 2


async def test_without_an_id_every_message_is_a_new_one(door: Door) -> None:
    results = await door.accept(say(), say())
    assert statuses(results) == ["stored", "stored"]
    assert [result.id for result in results] == [None, None]


async def test_a_repeat_of_a_dead_letter_says_so(door: Door) -> None:
    (receipt,) = await door.accept(say(id="m1"))
    (header,) = door.headers
    row = (
        header.id, header.message_id, header.conversation, 0, 1, 2, None, None, 0, "Boom", "it",
        "dead", b"{}", b"{}",
    )  # fmt: skip
    unit = Unit(session=0, at=1, done=(header.id,), rows={"dead_letter_insert": [row]})
    await door.store.commit(WriteSet(units=[unit]))
    (again,) = await door.accept(say(id="m1"))
    assert (again.status, again.message_id) == ("dead", receipt.message_id)


async def test_requests_at_the_same_time_with_one_id_store_it_once(door: Door) -> None:
    results = await asyncio.gather(*(door.accept(say(id="m1")) for _ in range(20)))
    assert sorted(statuses([one for (one,) in results])) == ["duplicate"] * 19 + ["stored"]
    assert await door.texts() == ["hello"]


# -- a batch ------------------------------------------------------------------------------------


async def test_what_is_wrong_with_one_item_harms_no_other(door: Door) -> None:
    bad = InvalidInput("no", field="text")
    results = await door.accept(
        say("1"), bad, say("\ud800"), say("2", metadata={"x": object()}), say("3")
    )
    assert statuses(results) == [
        "stored",
        "invalid_input",
        "invalid_unicode",
        "invalid_input",
        "stored",
    ]
    assert results[1] is bad
    assert isinstance(results[2], InvalidUnicode)
    assert await door.texts() == ["1", "3"]
    assert await door.accept(bad) == [bad]


async def test_a_burst_waits_on_a_chat_channel_and_urgent_or_recorded_does_not(door: Door) -> None:
    await door.accept(say(channel="web"), say(channel="web", urgent=True), say())
    await door.accept(say(channel="web"), kind=KIND_RECORD)
    assert [header.state for header in door.headers] == ["quiet", "ready", "ready", "ready"]
    first = door.headers[0]
    assert first.due_at - first.received_at == int(door.settings.channel("web").quiet_s * 1e6)


async def test_a_stream_belongs_to_its_sender(door: Door) -> None:
    from colloquy.model.message import Sender

    await door.accept(
        say(stream="tab", sequence=1),
        say(stream="tab", sequence=1, sender=Sender("bob")),
    )
    streams = [header.stream for header in door.headers]
    assert len(set(streams)) == 2
    assert [header.sequence for header in door.headers] == [1, 1]


# -- bounds -------------------------------------------------------------------------------------


async def test_too_many_bytes_refuse_the_whole_request(tmp_path: Path) -> None:
    limits = {"accept__max_pending_bytes": "4096", "accept__max_body_bytes": "4096"}
    async with opened(tmp_path, **limits) as door:
        await door.accept(say("x" * 1000))
        with pytest.raises(Overloaded) as refused:
            await door.accept(say("y" * 1500), say("z" * 1500))
        assert refused.value.retry_after_s
        assert await door.texts() == ["x" * 1000]
        door.admission.remove(1, door.headers[0].size + ROW_OVERHEAD)
        assert (door.admission.messages, door.admission.bytes) == (0, 0)
        await door.accept(say("y" * 1500))


async def test_requests_that_wait_together_share_the_bound(tmp_path: Path) -> None:
    limits = {"accept__max_pending_bytes": "4096", "accept__max_body_bytes": "4096"}
    async with opened(tmp_path, **limits) as door:
        results = await asyncio.gather(
            *(door.accept(say("x" * 1000, id=str(n))) for n in range(6)), return_exceptions=True
        )
        refused = [one for one in results if isinstance(one, Overloaded)]
        assert len(refused) == 3
        assert len(await door.texts()) == 3


async def test_an_old_backlog_refuses_new_messages(door: Door) -> None:
    door.oldest = now_us() - 61_000_000
    with pytest.raises(Overloaded, match=r"6\d\.\d s old; the bound is 60 s"):
        await door.accept(say())
    door.oldest = None
    await door.accept(say())


async def test_one_flooder_does_not_close_the_door_for_all(tmp_path: Path) -> None:
    async with opened(tmp_path, accept__max_per_conversation="3") as door:
        results = await door.accept(*(say(str(n)) for n in range(5)), say("b", conversation="bob"))
        assert statuses(results) == ["stored"] * 3 + ["conversation_overloaded"] * 2 + ["stored"]
        assert isinstance(results[3], ConversationOverloaded)
        (again,) = await door.accept(say("late"))
        assert again.code == "conversation_overloaded"
        (record,) = await door.accept(say("history"), kind=KIND_RECORD)
        assert record.status == "stored"


# -- the database is away -----------------------------------------------------------------------


async def test_an_outage_goes_to_the_spool_and_comes_back_in_order(door: Door) -> None:
    await door.accept(say("0", id="0"))
    with door.away():
        first = await door.accept(say("1", id="1"), say("2", id="2"))
        rest = await asyncio.gather(*(door.accept(say(str(n), id=str(n))) for n in range(3, 40)))
        again = await door.accept(say("1", id="1"), say("0", id="0"))
        assert {*statuses(first), *statuses(again)} == {"spooled"}
        assert {result.status for (result,) in rest} == {"spooled"}
        assert door.acceptor.spooled == 41
        assert await door.texts() == ["0"]
    await door.drained()
    assert await door.texts() == [str(n) for n in range(40)]
    assert [header.id for header in door.headers] == sorted(header.id for header in door.headers)
    assert len(door.headers) == door.admission.messages == 40
    (last,) = await door.accept(say("40", id="40"))
    assert last.status == "stored"
    assert (await door.texts())[-1] == "40"


async def test_an_outage_in_the_middle_of_draining_counts_nothing_twice(tmp_path: Path) -> None:
    async with opened(tmp_path, accept__max_per_conversation="5000") as door:
        await interrupted_drain(door)


async def interrupted_drain(door: Door) -> None:
    with door.away():
        for n in range(3):
            await door.accept(*(say(f"{n}.{k}", id=f"{n}.{k}") for k in range(600)))
            door.spool.abandon()
    await until(lambda: door.headers)
    with door.away():
        await door.accept(say("last", id="last"))
    await door.drained()
    texts = await door.texts()
    assert texts == [*(f"{n}.{k}" for n in range(3) for k in range(600)), "last"]
    assert len(door.headers) == door.admission.messages == 1801


async def test_a_full_spool_answers_unavailable_and_stores_nothing(tmp_path: Path) -> None:
    async with opened(tmp_path, accept__spool_max_bytes="2048") as door:
        with door.away():
            (kept,) = await door.accept(say("a" * 1000))
            with pytest.raises(Unavailable, match="spool is full"):
                await door.accept(say("b" * 1000))
            (small,) = await door.accept(say("c"))
        assert statuses([kept, small]) == ["spooled", "spooled"]
        await door.drained()
        assert await door.texts() == ["a" * 1000, "c"]
        assert door.admission.messages == 2


async def test_the_next_process_drains_what_it_inherits_first(tmp_path: Path) -> None:
    first = Door(tmp_path)
    await first.open()
    await first.accept(say("0", id="0"))
    with first.away():
        await first.accept(say("1", id="1"), say("0", id="0"), say("2", id="2"))
        await first.close()
    async with opened(tmp_path) as second:
        (receipt,) = await second.accept(say("3", id="3"))
        await second.drained()
        assert receipt.status in ("stored", "spooled")
        assert await second.texts() == ["0", "1", "2", "3"]
        assert second.admission.messages == 3, "the one in the inbox is counted by the runtime"
        (again,) = await second.accept(say("2", id="2"))
        assert again.status == "duplicate"


async def test_stopping_answers_every_request_that_is_in(door: Door) -> None:
    with door.away():
        waiting = [asyncio.create_task(door.accept(say(str(n)))) for n in range(5)]
        await asyncio.sleep(0)
        await door.acceptor.settle()
        assert all(task.done() for task in waiting)
        assert {task.result()[0].status for task in waiting} == {"spooled"}
        await door.acceptor.settle()
    with pytest.raises(Unavailable, match="stopping"):
        await door.accept(say())


async def test_settling_waits_for_the_transaction_under_way(door: Door) -> None:
    task = asyncio.create_task(door.accept(say()))
    await until(lambda: door.acceptor._taken)  # the group is with the writer
    await door.acceptor.settle()
    assert door.admission.messages == 1
    assert (await task)[0].status == "stored"


async def test_an_acceptor_that_ends_leaves_nobody_waiting(door: Door) -> None:
    with door.away():
        task = asyncio.create_task(door.accept(say()))
        await until(lambda: door.acceptor._taken)  # the group is with the writer
        assert door.task is not None
        door.task.cancel()
        with pytest.raises(Unavailable):
            await task
        assert door.admission.messages == 0


async def test_a_caller_that_goes_away_changes_no_count(door: Door) -> None:
    task = asyncio.create_task(door.accept(say("left")))
    await until(lambda: door.acceptor._taken)  # the group is with the writer
    task.cancel()
    await asyncio.wait([task])
    await door.accept(say("next"))
    assert await door.texts() == ["left", "next"]
    assert door.admission.messages == 2
