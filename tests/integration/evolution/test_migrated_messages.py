"""Arbitrary messages through both tables: what comparing and repairing promise of any of them."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from colloquy.evolution import to_v2
from colloquy.evolution.differences import same
from colloquy.evolution.migration import Stage, Tables, compare, reconcile, verify
from colloquy.evolution.migration.comparing import digests, fields
from colloquy.evolution.migration.sides import Side
from colloquy.model.errors import ColloquyError
from colloquy.model.message import Message
from support.evolution import v1_messages, v2_messages
from support.migration import both, make_old_table, plan_at, run, sqlite_url, v1


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Empty tables in one database, open."""
    url = sqlite_url(tmp_path_factory.mktemp("migration"))
    asyncio.run(make_old_table(url))
    tables = Tables(plan_at(url, batch=3))
    asyncio.run(tables.open())
    yield tables
    asyncio.run(tables.close())


@given(st.data())
def test_any_v1_message_is_the_same_after_the_other_table(
    tables: Tables, data: st.DataObject
) -> None:
    message = {**data.draw(v1_messages()), "id": data.draw(st.integers(0, 2**53))}
    message["conversation_id"] = data.draw(st.sampled_from(["ann", "guest"]))
    try:
        kept = tables.legacy.as_kept(message)
        to_v2(kept, tables.formats.place)
    except ColloquyError:
        return
    assert same(tables.legacy.as_kept(kept), kept)
    assert same(tables.legacy.message(tables.legacy.row(message)), kept)
    assert tables.formats.v1(tables.formats.v2(kept)) == kept
    for name in ("role", "name", "tool_calls", "content"):
        assert message.get(name) == kept.get(name) or name not in message


@given(v2_messages(), st.integers(0, 2**53))
def test_any_v2_message_is_the_same_after_the_old_table(
    tables: Tables, message: Message, number: int
) -> None:
    import msgspec

    place = tables.formats.place
    message = msgspec.structs.replace(
        message, id=str(number), channel=place.channel, account=place.account, thread=place.thread
    )
    message = tables.formats.settled(message)
    kept = tables.formats.v1(message)
    again = tables.formats.v2(kept)
    assert tables.formats.v1(again) == kept
    if "\0" not in message.conversation:
        assert again == message


@given(st.data())
def test_digests_are_the_same_exactly_where_nothing_differs(
    tables: Tables, data: st.DataObject
) -> None:
    one = {**data.draw(v1_messages()), "id": 1, "conversation_id": "ann"}
    other = {**one, **data.draw(st.dictionaries(st.sampled_from(["content", "name"]), st.text()))}
    found = compare(1, one, other)
    assert (digests([(1, one)]) == digests([(1, other)])) == (not found)
    assert {row.field for row in found} == {
        name
        for name in fields(one).keys() | fields(other).keys()
        if not same(fields(one).get(name), fields(other).get(name))
        or (name in fields(one)) != (name in fields(other))
    }


side = st.dictionaries(st.integers(1, 12), st.sampled_from(["yes", "no", "maybe"]), max_size=9)


@settings(max_examples=40)
@given(side, side, st.sampled_from([Stage.SHADOW, Stage.DUAL_V1, Stage.DUAL_V2]))
def test_a_repair_makes_both_sides_the_same_and_loses_nothing(
    tables: Tables, one: dict[int, str], other: dict[int, str], stage: Stage
) -> None:
    async def story() -> None:
        await run(tables.old, "DELETE FROM chat", f"DELETE FROM {tables.current.label}")
        await run(tables.new, f"DELETE FROM {tables.plan.prefix}mismatches")
        for version, said in ((1, one), (2, other)):
            await _put(tables, version, {key: v1(key, text) for key, text in said.items()})
        differing = {key for key in one.keys() | other.keys() if one.get(key) != other.get(key)}
        found = await verify(tables)
        assert found.compared == len(one.keys() | other.keys())
        assert found.mismatched == len(differing)
        page = await tables.mismatches.page("open", 0, 100)
        assert {int(row.message) for row in page.mismatches} == differing

        done = await reconcile(tables, stage)
        assert (done.looked_at, done.left) == (len(differing), 0)
        after, beside = await both(tables)
        primary, secondary = (one, other) if stage.primary == 1 else (other, one)
        assert after == beside
        assert {key: after[key]["content"] for key in after} == {**secondary, **primary}
        assert (await verify(tables)).parity == 1.0
        assert await tables.mismatches.open() == 0

    asyncio.run(story())


async def _put(tables: Tables, version: int, messages: dict[int, Any]) -> None:
    target = Side(tables, version)
    kept = {key: tables.legacy.as_kept(message) for key, message in messages.items()}
    rows, refused = target.rows(kept)
    assert not refused

    def steps() -> Any:
        if rows:
            yield target.write(list(rows.values()))

    await target.database.transact(steps)
