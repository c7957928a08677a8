"""Lines at places of a log: a tool's call and its result are read together."""

from __future__ import annotations

from colloquy.model.message import encode
from colloquy.pipeline.log import Log
from colloquy.storage.store import Store
from colloquy.storage.write_set import EventRow, Unit
from support.storage import commit, started


def called(call_id: str) -> list[EventRow]:
    call = {"call_id": call_id, "tool": "find"}
    result = {**call, "outcome": "ok", "result": "1"}
    return [
        EventRow("tool_call", 1, None, None, encode(call)),
        EventRow("tool_result", 1, None, None, encode(result)),
    ]


def reply(text: str) -> EventRow:
    return EventRow("reply", 1, None, None, encode({"reply_id": text, "text": text}))


async def test_one_of_a_pair_brings_the_other(store: Store) -> None:
    session = await started(store)
    events = [reply("one"), *called("a"), *called("b"), reply("two")]
    await commit(store, Unit(session=session.number, at=1, events=events))
    log = Log(store)

    async def at(*seqs: int) -> list[int]:
        return [line.seq for line in await log.at(session, seqs)]

    assert await at(2) == [2, 3]
    assert await at(3) == [2, 3]
    assert await at(6, 5, 1) == [1, 4, 5, 6]
    assert await at(1, 6) == [1, 6]
    assert await at(2, 3, 4) == [2, 3, 4, 5]
    assert await at() == []


async def test_what_stands_beside_a_lone_call_is_not_its_result(store: Store) -> None:
    session = await started(store)
    events = [called("a")[0], reply("one"), called("b")[1]]
    await commit(store, Unit(session=session.number, at=1, events=events))
    assert [line.seq for line in await Log(store).at(session, [1])] == [1]
    assert [line.seq for line in await Log(store).at(session, [3])] == [3]
