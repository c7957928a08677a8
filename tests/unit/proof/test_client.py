"""The torture's client against a small server: nothing is given up, everything is written down."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest

from colloquy.proof import client as module
from colloquy.proof.client import Client, results_of
from colloquy.proof.journal import Journal, read_journal
from colloquy.proof.records import Receipted, Received, Record, Refused, Sent
from colloquy.proof.server import Server
from colloquy.proof.traffic import Item, scripts
from colloquy.proof.wire import Pool

Answer = tuple[int, Any] | None
"""Status and document, or None: the connection is cut without an answer."""
Respond = Callable[[int, Any], Answer]


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PAUSE_S", (0.0, 0.001))
    monkeypatch.setattr(module, "LONGEST_PAUSE_S", 0.001)
    monkeypatch.setattr(module, "WAITING", 0.0)


@asynccontextmanager
async def client(folder: Path, respond: Respond) -> AsyncIterator[Client]:
    """A client whose server answers with `respond(number of the request, its document)`."""
    count = 0

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal count
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0])
                body = await reader.readexactly(length)
                count += 1
                answer = respond(count, msgspec.json.decode(body))
                if answer is None:
                    break
                data = msgspec.json.encode(answer[1])
                writer.write(
                    b"HTTP/1.1 %d X\r\nContent-Length: %d\r\n\r\n" % (answer[0], len(data))
                )
                writer.write(data)
        except asyncio.IncompleteReadError:
            pass  # the client is done
        finally:
            writer.close()

    running = await asyncio.start_server(handle, "127.0.0.1", 0)
    async with running, Journal(folder / "journal") as journal:
        server = Server(folder)
        server.port = running.sockets[0].getsockname()[1]
        server.pool = Pool("127.0.0.1", server.port)
        yield Client(server, journal, random.Random(1))
        server.pool.close()


@pytest.fixture
def items() -> Iterator[Item]:
    return (
        item
        for script in scripts(1)
        for step in script.steps
        for item in step
        if not item.must_refuse and not item.at_once
    )


def receipts(folder: Path) -> list[Record]:
    return [one for one in read_journal(folder / "journal") if not isinstance(one, Sent)]


def receipt(item: Item, status: str = "stored") -> dict[str, Any]:
    return {"message_id": item.message_id, "status": status}


async def test_a_message_is_sent_until_it_has_a_receipt(
    tmp_path: Path, items: Iterator[Item]
) -> None:
    item = next(items)
    answers: list[Answer] = [
        None,
        (503, {"status": 503, "code": "unavailable"}),
        (429, {"status": 429, "code": "overloaded"}),
        (202, receipt(item)),
    ]
    async with client(tmp_path, lambda number, _: answers[number - 1]) as sender:
        await sender.deliver([item])
    records = list(read_journal(tmp_path / "journal"))
    assert [one.n for one in records if isinstance(one, Sent)] == [1, 2, 3, 4]
    assert records[-1] == Receipted(5, 4, item.message_id, "stored")
    assert sender.counts["attempts"] == 4


async def test_each_item_of_a_batch_has_its_own_fate(tmp_path: Path, items: Iterator[Item]) -> None:
    good, busy, bad = next(items), next(items), next(items)
    asked: list[list[str]] = []

    def respond(number: int, document: Any) -> Answer:
        if number == 2:
            asked.append([document["id"]])
            return 202, receipt(busy)
        asked.append([message["id"] for message in document["messages"]])
        results = [
            receipt(good, "spooled"),
            {"error": {"status": 429, "code": "conversation_overloaded"}},
            {"error": {"status": 422, "code": "invalid_input"}},
        ]
        return 202, {"results": results}

    async with client(tmp_path, respond) as sender:
        await sender.deliver([good, busy, bad])
    assert len(asked[0]) == 3
    assert asked[1] == [asked[0][1]]
    assert receipts(tmp_path) == [
        Receipted(4, 1, good.message_id, "spooled"),
        Refused(5, 3, "invalid_input"),
        Receipted(7, 6, busy.message_id, "stored"),
    ]


async def test_a_batch_of_which_nothing_is_valid(tmp_path: Path, items: Iterator[Item]) -> None:
    results = [{"error": {"status": 422, "code": "invalid_input"}}] * 2
    problem = {"status": 422, "code": "invalid_input", "results": results}
    async with client(tmp_path, lambda *_: (422, problem)) as sender:
        await sender.deliver([next(items), next(items)])
    assert sender.counts["refused"] == 2


async def test_replies_that_came_with_the_answer(tmp_path: Path, items: Iterator[Item]) -> None:
    item = next(items)
    answer = {"receipt": receipt(item), "replies": [{"reply_id": "r"}]}
    async with client(tmp_path, lambda *_: (200, answer)) as sender:
        await sender.deliver([item])
    assert receipts(tmp_path)[-1] == Received(3, "r", "answer 1")


async def test_a_twin_goes_its_own_way_at_the_same_moment(
    tmp_path: Path, items: Iterator[Item]
) -> None:
    item = next(items)
    twin = msgspec.structs.replace(item, at_once=True)
    async with client(tmp_path, lambda *_: (202, receipt(item))) as sender:
        await sender.deliver([item, twin])
    assert sender.counts["attempts"] == sender.counts["stored"] == 2


async def test_garbage_must_be_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_GARBAGE", (b"[]",))
    for status, wrong in ((422, 0), (202, 1), (500, 1)):
        folder = tmp_path / str(status)
        folder.mkdir()
        async with client(folder, lambda *_, status=status: (status, {})) as sender:
            await sender.garbage()
        assert sender.wrong.total() == wrong


def test_the_forms_of_an_answer() -> None:
    one = {"message_id": "m", "status": "stored"}
    assert results_of(one, 1) == [one]
    assert results_of({"results": [one, one]}, 2) == [one, one]
    assert results_of({"receipt": one}, 1) == [{**one, "replies": None}]
    assert results_of({"status": 429, "code": "overloaded"}, 2) is None
