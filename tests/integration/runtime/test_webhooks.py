"""Webhooks through a running engine, on both databases: nothing lost, nothing hidden."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest

from colloquy import Message
from colloquy.model.errors import (
    Conflict,
    InvalidInput,
    NotFound,
    PreconditionFailed,
    SecretUnreadable,
)
from colloquy.model.session import EventKind
from colloquy.model.times import Clock, now_us
from colloquy.model.webhooks import DeliveryState, DeliveryView, WebhookChange, WebhookRequest
from colloquy.runtime.webhooks import MAX_WEBHOOKS
from colloquy.storage.webhooks import WebhookRows
from colloquy.webhooks import InvalidSignature, verify
from support.engine import Talk, echo, running
from support.receiver import LOCAL, Reaction, Received, Receiver
from support.waiting import until

DOWN = Reaction(500, body=b"down")
NEVER_S = "3600"


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Path | str:
    if request.param == "sqlite":
        return tmp_path / "colloquy.db"
    url: str = request.getfixturevalue("postgres_url")
    return url


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as started:
        yield started


class Later:
    """A clock that can be moved on."""

    def __init__(self) -> None:
        self.by_s = 0

    def __call__(self) -> int:
        return now_us() + self.by_s * 1_000_000


@asynccontextmanager
async def engine(
    database: Path | str, folder: Path, *, clock: Clock = now_us, **overrides: str
) -> AsyncIterator[Talk]:
    async with running(echo(), database, folder, clock=clock, **LOCAL, **overrides) as talk:
        yield talk


@pytest.fixture
async def talk(database: Path | str, tmp_path: Path) -> AsyncIterator[Talk]:
    async with engine(database, tmp_path) as started:
        yield started


async def made(talk: Talk, receiver: Receiver, **fields: Any) -> tuple[str, str]:
    """Id and secret of a new webhook to this receiver."""
    new = await talk.runtime.webhooks.create(WebhookRequest(receiver.url, **fields), "tester")
    return new.webhook.id, new.secret


async def deliveries(talk: Talk, webhook: str, state: str = "") -> list[DeliveryView]:
    """All of them, the oldest first."""
    only = DeliveryState(state) if state else None
    page = await talk.runtime.webhooks.deliveries(webhook, None, 1000, only)
    return page.deliveries[::-1]


async def finished(talk: Talk, webhook: str, count: int) -> list[DeliveryView]:
    """The deliveries once there are so many and none waits."""

    async def rested() -> bool:
        found = await deliveries(talk, webhook)
        return len(found) >= count and all(one.due_at is None for one in found)

    await until(rested)
    return await deliveries(talk, webhook)


async def disabled(talk: Talk, webhook: str) -> str | None:
    """The reason, once it is disabled."""

    async def is_disabled() -> bool:
        return not (await talk.runtime.webhooks.get(webhook)).enabled

    await until(is_disabled)
    return (await talk.runtime.webhooks.get(webhook)).disabled_reason


async def ledger(talk: Talk, webhook: str) -> list[tuple[str, str, Any]]:
    rows = await talk.runtime.store.changes_of("webhooks", webhook)
    return [
        (row.operation, row.actor, msgspec.json.decode(row.after) if row.after else None)
        for row in rows
    ]


# -- what is sent ---------------------------------------------------------------------------------


async def test_every_event_is_sent_signed_and_in_order(talk: Talk, receiver: Receiver) -> None:
    webhook, secret = await made(talk, receiver)
    for number in range(5):
        await talk.send(f"hello {number}")
    await finished(talk, webhook, 11)
    events = [verify(secret, one.headers, one.body) for one in receiver.received]
    assert [event["data"]["seq"] for event in events] == list(range(1, 12))
    log = await talk.rows()
    assert [event["data"]["body"] for event in events] == [row["body"] for row in log]
    first = events[0]
    assert first["type"] == first["data"]["kind"] == "session_opened"
    assert first["timestamp"] == first["data"]["at"]
    assert set(first["data"]) == {
        "conversation_id", "channel", "account", "conversation", "seq", "position", "kind", "at",
        "body",
    }  # fmt: skip
    assert first["data"]["conversation_id"] == talk.conversation_id()
    assert (first["data"]["channel"], first["data"]["conversation"]) == ("api", "ann")
    assert len(set(receiver.ids())) == 11

    async def is_up_to_date() -> bool:
        return (await talk.runtime.webhooks.get(webhook)).position_lag == 0

    await until(is_up_to_date)


async def test_only_what_is_wanted_is_sent(talk: Talk, receiver: Receiver) -> None:
    kinds, _ = await made(talk, receiver, kinds=[EventKind.REPLY])
    channels, _ = await made(talk, receiver, channels=["web"])
    await talk.send("one", "ann")
    await talk.send("two", "bob", channel="web")
    replies = await finished(talk, kinds, 2)
    web = await finished(talk, channels, 3)
    assert [one.kind for one in replies] == ["reply", "reply"]
    assert [one.kind for one in web] == ["session_opened", "message", "reply"]
    whose = [one.event["data"]["conversation"] for one in receiver.received]
    assert sorted(whose) == ["ann", "bob", "bob", "bob", "bob"]


async def test_a_long_log_is_passed_in_batches(talk: Talk, receiver: Receiver) -> None:
    """Most of it wanted by nobody: then the cursor is stored now and then."""
    webhook, _ = await made(talk, receiver, channels=["web"], kinds=[EventKind.MESSAGE])
    rows = [
        Message(
            conversation=f"visitor {number % 40}",
            channel="web" if number % 300 == 0 else "api",
            id=str(number),
            text=f"{number}",
        )
        for number in range(1200)
    ]
    await talk.runtime.import_messages(rows)

    async def is_up_to_date() -> bool:
        top = await WebhookRows(talk.runtime.store).top()
        behind = (await talk.runtime.webhooks.get(webhook)).position_lag
        return top >= 1200 and behind == 0

    await until(is_up_to_date)
    await finished(talk, webhook, 4)
    texts = [one.event["data"]["body"]["message"]["text"] for one in receiver.received]
    assert sorted(texts, key=int) == ["0", "300", "600", "900"]


async def test_it_begins_with_what_happens_from_now_on(talk: Talk, receiver: Receiver) -> None:
    await talk.send("before")
    webhook, _ = await made(talk, receiver)
    await talk.send("after")
    found = await finished(talk, webhook, 2)
    assert [one.kind for one in found] == ["message", "reply"]


async def test_one_conversation_goes_one_by_one_and_others_beside_it(
    talk: Talk, receiver: Receiver
) -> None:
    last: dict[str, int] = {}

    def react(received: Received) -> Reaction:
        data = received.event["data"]
        assert data["seq"] == last.get(data["conversation"], 0) + 1
        last[data["conversation"]] = data["seq"]
        return Reaction()

    receiver.react = react
    webhook, _ = await made(talk, receiver)
    await asyncio.gather(
        *(talk.send(f"{number}", who) for number in range(4) for who in ("ann", "bob", "eve"))
    )
    found = await finished(talk, webhook, 27)
    assert all(one.state == DeliveryState.DELIVERED and one.attempts == 1 for one in found)
    assert last == {"ann": 9, "bob": 9, "eve": 9}


# -- failing --------------------------------------------------------------------------------------


async def test_a_failed_delivery_is_tried_again_under_its_id(
    talk: Talk, receiver: Receiver
) -> None:
    webhook, secret = await made(talk, receiver, kinds=[EventKind.REPLY])
    receiver.reactions.extend([DOWN, Reaction(302, (("location", "/else"),))])
    await talk.send("hello")
    (found,) = await finished(talk, webhook, 1)
    assert (found.state, found.attempts, found.status_code) == (DeliveryState.DELIVERED, 3, 200)
    assert receiver.ids() == [found.event_id] * 3
    for one in receiver.received:
        verify(secret, one.headers, one.body)


async def test_after_the_last_attempt_it_has_failed_and_says_why(
    talk: Talk, receiver: Receiver
) -> None:
    webhook, _ = await made(talk, receiver, kinds=[EventKind.REPLY])
    receiver.react = lambda _: DOWN
    await talk.send("hello")
    (found,) = await finished(talk, webhook, 1)
    assert (found.state, found.attempts) == (DeliveryState.FAILED, 3)
    assert (found.status_code, found.detail) == (500, "down")
    assert (await talk.runtime.webhooks.get(webhook)).enabled


async def test_a_failing_delivery_holds_nobody_up(
    database: Path | str, tmp_path: Path, receiver: Receiver
) -> None:
    async with engine(database, tmp_path, webhooks__retry_delays_s=NEVER_S) as talk:
        receiver.react = lambda one: DOWN if "poison" in one.body.decode() else Reaction()
        webhook, _ = await made(talk, receiver, kinds=[EventKind.MESSAGE])
        await talk.send("poison")
        await talk.send("after it")

        async def states() -> bool:
            return [one.state for one in await deliveries(talk, webhook)] == ["retry", "delivered"]

        await until(states)


async def test_gone_disables_at_once_and_enabling_goes_on(talk: Talk, receiver: Receiver) -> None:
    webhook, _ = await made(talk, receiver, kinds=[EventKind.REPLY])
    receiver.reactions.append(Reaction(410))
    await talk.send("one")
    assert await disabled(talk, webhook) == "the receiver answered 410 Gone"
    await talk.send("two")
    with pytest.raises(Conflict, match="disabled"):
        await talk.runtime.webhooks.redeliver(webhook, 1)
    changed = await talk.runtime.webhooks.change(webhook, WebhookChange(enabled=True), "tester")
    assert (changed.enabled, changed.disabled_reason) == (True, None)
    found = await finished(talk, webhook, 2)
    assert [one.state for one in found] == ["failed", "delivered"]
    assert [entry[:2] for entry in await ledger(talk, webhook)] == [
        ("create", "tester"),
        ("update", "webhooks"),
        ("update", "tester"),
    ]


async def test_a_webhook_that_fails_for_too_long_is_disabled(
    database: Path | str, tmp_path: Path, receiver: Receiver
) -> None:
    async with engine(database, tmp_path, webhooks__disable_after_s="0.01") as talk:
        receiver.react = lambda _: DOWN
        webhook, _ = await made(talk, receiver, kinds=[EventKind.REPLY])
        await talk.send("one")
        reason = await disabled(talk, webhook)
        assert reason is not None
        assert reason.startswith("nothing got through since 2")


async def test_one_success_ends_the_failing(
    database: Path | str, tmp_path: Path, receiver: Receiver
) -> None:
    async with engine(database, tmp_path, webhooks__disable_after_s="3600") as talk:
        webhook, _ = await made(talk, receiver, kinds=[EventKind.REPLY])
        receiver.reactions.append(DOWN)
        await talk.send("one")
        await finished(talk, webhook, 1)

        async def failing() -> bool:
            row = await WebhookRows(talk.runtime.store).get(webhook)
            return row.failing_since is not None

        async def well() -> bool:
            return not await failing()

        await until(well)
        receiver.react = lambda _: DOWN
        await talk.send("two")
        await until(failing)


async def test_skipping_gives_up_what_was_missed(
    database: Path | str, tmp_path: Path, receiver: Receiver
) -> None:
    async with engine(database, tmp_path, webhooks__retry_delays_s=NEVER_S) as talk:
        webhook, _ = await made(talk, receiver, kinds=[EventKind.MESSAGE])
        receiver.reactions.append(DOWN)
        await talk.send("fails")

        async def waits() -> bool:
            return bool(await deliveries(talk, webhook, "retry"))

        await until(waits)
        change = talk.runtime.webhooks.change
        await change(webhook, WebhookChange(enabled=False), "tester")
        await talk.send("missed")
        await change(webhook, WebhookChange(enabled=True, skip_missed=True), "tester")
        await talk.send("new")
        found = await finished(talk, webhook, 2)
        assert [(one.state, one.detail) for one in found] == [
            ("failed", "skipped as an operator asked"),
            ("delivered", "ok"),
        ]
        assert "new" in receiver.received[-1].body.decode()


async def test_too_many_waiting_deliveries_leave_the_rest_in_the_log(
    database: Path | str, tmp_path: Path, receiver: Receiver
) -> None:
    async with engine(
        database, tmp_path, webhooks__retry_delays_s=NEVER_S, webhooks__max_waiting="2"
    ) as talk:
        receiver.react = lambda _: DOWN
        webhook, _ = await made(talk, receiver, kinds=[EventKind.REPLY])
        for number in range(2):
            await talk.send(f"{number}")

        async def is_full() -> bool:
            return len(await deliveries(talk, webhook, "retry")) == 2

        await until(is_full)
        for number in range(3):
            await talk.send(f"later {number}")
        assert len(await deliveries(talk, webhook)) == 2
        assert (await talk.runtime.webhooks.get(webhook)).position_lag >= 6
        await until(lambda: talk.runtime.webhooks.lag_s() > 0)
        receiver.react = lambda _: Reaction()
        for one in await deliveries(talk, webhook):
            await talk.runtime.webhooks.redeliver(webhook, one.number)
        found = await finished(talk, webhook, 5)
        assert {one.state for one in found} == {"delivered"}


async def test_no_more_than_so_many_at_once(
    database: Path | str, tmp_path: Path, receiver: Receiver
) -> None:
    gate = asyncio.Event()
    loop = asyncio.get_running_loop()

    def react(_: Received) -> Reaction:
        asyncio.run_coroutine_threadsafe(gate.wait(), loop).result(60)
        return Reaction()

    receiver.react = react
    async with engine(
        database, tmp_path, webhooks__concurrency="2", webhooks__total_concurrency="3",
        webhooks__timeout_s="30",
    ) as talk:  # fmt: skip
        first, _ = await made(talk, receiver, kinds=[EventKind.REPLY])
        second, _ = await made(talk, receiver, kinds=[EventKind.REPLY])
        for number in range(4):
            await talk.send("hello", f"visitor {number}")
        await until(lambda: len(receiver.received) == 3)
        gate.set()
        await finished(talk, first, 4)
        await finished(talk, second, 4)
        assert receiver.most_at_once <= 3


# -- by hand --------------------------------------------------------------------------------------


async def test_a_test_says_what_came_back(talk: Talk, receiver: Receiver) -> None:
    webhook, secret = await made(talk, receiver, enabled=False)
    receiver.reactions.append(Reaction(404, body=b"<h1>no such hook</h1>"))
    failed = await talk.runtime.webhooks.test(webhook)
    assert (failed.state, failed.status_code) == (DeliveryState.FAILED, 404)
    assert failed.detail == "<h1>no such hook</h1>"
    assert failed.duration_ms is not None
    passed = await talk.runtime.webhooks.test(webhook)
    assert passed.state == DeliveryState.DELIVERED
    event = verify(secret, receiver.received[1].headers, receiver.received[1].body)
    assert (event["type"], event["data"]) == ("webhook.test", {"webhook_id": webhook})
    assert [one.event_id for one in await deliveries(talk, webhook)] == receiver.ids()


async def test_redelivery_sends_the_same_again(talk: Talk, receiver: Receiver) -> None:
    webhook, _ = await made(talk, receiver, kinds=[EventKind.REPLY])
    await talk.send("hello")
    (found,) = await finished(talk, webhook, 1)
    again = await talk.runtime.webhooks.redeliver(webhook, found.number)
    assert (again.state, again.attempts) == (DeliveryState.PENDING, 0)
    await until(lambda: len(receiver.received) == 2)
    await finished(talk, webhook, 1)
    first, second = receiver.received
    assert (first.id, first.body) == (second.id, second.body)
    with pytest.raises(NotFound):
        await talk.runtime.webhooks.redeliver(webhook, 10**9)


async def test_a_rotated_secret_leaves_the_former_one_good_for_a_day(
    database: Path | str, tmp_path: Path, receiver: Receiver
) -> None:
    later = Later()
    async with engine(database, tmp_path, clock=later) as talk:
        webhooks = talk.runtime.webhooks
        webhook, old = await made(talk, receiver)
        rotated = await webhooks.rotate(webhook, "tester")
        new = rotated.secret
        assert new != old

        async def passes(secret: str) -> bool:
            await webhooks.test(webhook)
            last = receiver.received[-1]
            try:
                verify(secret, last.headers, last.body, clock=lambda: later() / 1e6)
            except InvalidSignature:
                return False
            return True

        assert await passes(old)
        assert await passes(new)
        later.by_s += 24 * 3600
        assert not await passes(old)
        assert await passes(new)
        again = await webhooks.rotate(webhook, "tester")
        assert await passes(again.secret)
        assert await passes(new)
        assert not await passes(old)


async def test_changes_are_ledger_rows_without_secrets(talk: Talk, receiver: Receiver) -> None:
    webhook, _ = await made(talk, receiver, description="CRM")
    await talk.runtime.webhooks.change(
        webhook, WebhookChange(kinds=[EventKind.REPLY, EventKind.REPLY]), "key:1"
    )
    await talk.runtime.webhooks.rotate(webhook, "key:2")
    await talk.runtime.webhooks.delete(webhook, "key:3")
    entries = await ledger(talk, webhook)
    assert [entry[:2] for entry in entries] == [
        ("create", "tester"),
        ("update", "key:1"),
        ("update", "key:2"),
        ("delete", "key:3"),
    ]
    assert entries[1][2] == {
        "url": receiver.url,
        "kinds": ["reply"],
        "channels": [],
        "description": "CRM",
        "enabled": True,
        "disabled_reason": None,
        "version": 2,
    }
    assert entries[3][2] is None


async def test_deleting_takes_the_deliveries_along(talk: Talk, receiver: Receiver) -> None:
    webhook, _ = await made(talk, receiver)
    await talk.send("hello")
    await finished(talk, webhook, 3)
    await talk.runtime.webhooks.delete(webhook, "tester")
    with pytest.raises(NotFound):
        await talk.runtime.webhooks.get(webhook)
    assert await talk.runtime.store.query("webhook_deliveries_page", webhook, 2**62, "", 10) == []
    with pytest.raises(NotFound):
        await talk.runtime.webhooks.delete(webhook, "tester")


async def test_a_change_on_condition_is_refused_after_another_one(
    talk: Talk, receiver: Receiver
) -> None:
    webhook, _ = await made(talk, receiver)
    change = talk.runtime.webhooks.change
    await change(webhook, WebhookChange(description="one"), "tester", version=1)
    with pytest.raises(PreconditionFailed):
        await change(webhook, WebhookChange(description="two"), "tester", version=1)
    results = await asyncio.gather(
        *(change(webhook, WebhookChange(description=f"{n}"), "tester", 2) for n in range(4)),
        return_exceptions=True,
    )
    assert sum(isinstance(one, PreconditionFailed) for one in results) == 3


async def test_lists_page_to_their_end(talk: Talk, receiver: Receiver) -> None:
    webhooks = talk.runtime.webhooks
    known = [(await made(talk, receiver, kinds=[EventKind.TIMER_FIRED]))[0] for _ in range(5)]
    seen: list[str] = []
    cursor: str | None = None
    while True:
        page = await webhooks.list(cursor, 2)
        seen += [one.id for one in page.webhooks]
        cursor = page.next
        if cursor is None:
            break
    assert seen == known
    for _ in range(5):
        await webhooks.test(known[0])
    first = await webhooks.deliveries(known[0], None, 3)
    rest = await webhooks.deliveries(known[0], first.next, 3)
    numbers = [one.number for one in first.deliveries + rest.deliveries]
    assert (len(numbers), numbers) == (5, sorted(numbers, reverse=True))
    assert rest.next is None
    with pytest.raises(InvalidInput):
        await webhooks.deliveries(known[0], "nonsense", 3)


async def test_finished_deliveries_are_pruned(
    database: Path | str, tmp_path: Path, receiver: Receiver
) -> None:
    later = Later()
    async with engine(
        database,
        tmp_path,
        clock=later,
        webhooks__keep_newest="2",
        webhooks__retry_delays_s="1000000",
    ) as talk:
        webhook, _ = await made(talk, receiver, kinds=[EventKind.REPLY])
        receiver.reactions.append(DOWN)
        for number in range(5):
            await talk.send(f"{number}")

        async def rested() -> bool:
            return len(await deliveries(talk, webhook, "delivered")) == 4

        await until(rested)
        assert await talk.runtime.webhooks.prune() == 2
        left = await deliveries(talk, webhook)
        assert [one.state for one in left] == ["retry", "delivered", "delivered"]
        later.by_s += 8 * 24 * 3600
        assert await talk.runtime.webhooks.prune() == 2
        assert [one.state for one in await deliveries(talk, webhook)] == ["retry"]


async def test_there_is_a_most_of_webhooks(talk: Talk, receiver: Receiver) -> None:
    for _ in range(MAX_WEBHOOKS):
        await made(talk, receiver, enabled=False)
    with pytest.raises(Conflict, match="100 webhooks"):
        await made(talk, receiver)


# -- restarts, keys, several processes ------------------------------------------------------------


async def test_what_waits_is_sent_after_a_restart(
    database: Path | str, tmp_path: Path, receiver: Receiver
) -> None:
    later = Later()
    async with engine(database, tmp_path, webhooks__retry_delays_s=NEVER_S) as talk:
        receiver.reactions.append(DOWN)
        webhook, _ = await made(talk, receiver, kinds=[EventKind.REPLY])
        await talk.send("one")

        async def waits() -> bool:
            return bool(await deliveries(talk, webhook, "retry"))

        await until(waits)
    later.by_s = 2 * int(NEVER_S)
    async with engine(database, tmp_path, clock=later) as talk:
        await talk.send("two")
        await finished(talk, webhook, 2)
        assert len(receiver.received) == 3
        assert len(set(receiver.ids())) == 2


def slow(_: Received) -> Reaction:
    time.sleep(0.3)
    return Reaction()


async def test_stopping_waits_for_what_is_being_sent(
    database: Path | str, tmp_path: Path, receiver: Receiver
) -> None:
    async with engine(database, tmp_path, shutdown__grace_s="20") as talk:
        webhook, _ = await made(talk, receiver, kinds=[EventKind.REPLY])
        receiver.react = slow
        await talk.send("hello")
        await until(lambda: receiver.received)
    async with engine(database, tmp_path) as talk:
        (found,) = await deliveries(talk, webhook)
        assert (found.state, found.attempts) == (DeliveryState.DELIVERED, 1)
    assert len(receiver.received) == 1


async def test_a_lost_key_sends_nothing_and_loses_nothing(
    database: Path | str, tmp_path: Path, receiver: Receiver
) -> None:
    async with engine(database, tmp_path) as talk:
        webhook, _ = await made(talk, receiver, kinds=[EventKind.REPLY])
        (key_file,) = tmp_path.glob("*.key")
    key = key_file.read_bytes()
    key_file.unlink()
    async with engine(database, tmp_path) as talk:
        await talk.send("one")

        async def stored() -> bool:
            return len(await deliveries(talk, webhook, "pending")) == 1

        await until(stored)
        with pytest.raises(SecretUnreadable, match="cannot be read"):
            await talk.runtime.webhooks.test(webhook)
        assert receiver.received == []
    key_file.write_bytes(key)
    async with engine(database, tmp_path) as talk:
        (found,) = await finished(talk, webhook, 1)
        assert found.state == DeliveryState.DELIVERED


@pytest.mark.postgres
async def test_two_processes_share_the_work_and_double_none(
    postgres_url: str, tmp_path: Path, receiver: Receiver
) -> None:
    async with engine(postgres_url, tmp_path) as one, engine(postgres_url, tmp_path) as two:
        await until(lambda: {t.runtime.stats()["leases"] for t in (one, two)} == {32})
        known = [(await made(one, receiver, kinds=[EventKind.REPLY]))[0] for _ in range(8)]
        for number in range(10):
            await (one, two)[number % 2].send(f"{number}", f"visitor {number}")
        for webhook in known:
            await finished(two, webhook, 10)
        assert len(receiver.received) == len(set(receiver.ids())) == 80
        for talk in (one, two):
            sent = talk.runtime.metrics.webhook_deliveries.of("delivered")
            owned = sum(talk.runtime._may_begin(bytes.fromhex(webhook)) for webhook in known)
            # Counted by the sender once its record is stored, where the other one sees it first.
            await until(lambda sent=sent, owned=owned: sent.value == owned * 10)  # type: ignore[misc]
