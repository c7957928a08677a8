"""Dual write, reads and repairs, on both engines, in one database and in two."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest

from colloquy.evolution.migration import (
    DualReader,
    DualWriter,
    Plan,
    Stage,
    Tables,
    Written,
    backfill,
    drain,
    keep_draining,
    reconcile,
    verify,
)
from colloquy.evolution.migration.database import is_same_database
from colloquy.flags import Flags, FlagState
from colloquy.model.errors import ColloquyError, InvalidInput
from support.migration import (
    accept_again,
    at,
    both,
    make_old_table,
    old_row,
    plan_at,
    refuse,
    run,
    sqlite_url,
    v1,
    v2,
)
from support.waiting import until

PLACES = ["shared", "apart", "postgres", "postgres_apart"]


@pytest.fixture(params=PLACES)
def plan(request: pytest.FixtureRequest, tmp_path: Path) -> Plan:
    kind = str(request.param)
    url = sqlite_url(tmp_path)
    if kind.startswith("postgres"):
        url = request.getfixturevalue("postgres_url")
    v2_url = sqlite_url(tmp_path, "new.db") if kind.endswith("apart") else None
    return plan_at(url, batch=4, v2_url=v2_url)


@pytest.fixture
async def tables(plan: Plan) -> AsyncIterator[Tables]:
    """Ten old messages, and everything opened."""
    await make_old_table(plan.url, [old_row(number) for number in range(1, 11)])
    async with Tables(plan) as opened:
        assert opened.is_shared == (plan.v2_url is None)
        yield opened


def writer(tables: Tables, stage: Stage) -> DualWriter:
    return DualWriter(tables, at(stage))


async def test_a_message_of_either_format_is_in_both_tables(tables: Tables) -> None:
    for stage, number in ((Stage.SHADOW, 100), (Stage.DUAL_V1, 200), (Stage.DUAL_V2, 300)):
        answers = await writer(tables, stage).write([v1(number), v2(number + 1)])
        assert answers == [Written(number, True), Written(number + 1, True)]
    one, other = await both(tables)
    assert {key: one[key] for key in one if key >= 100} == other
    assert len(other) == 6
    (message,) = (await DualReader(tables, at(Stage.DUAL_V2)).read_v2([301])).values()
    assert message.urgent and message.text == "Live 301"


async def test_switched_off_it_writes_the_primary_and_the_rest_is_repaired(tables: Tables) -> None:
    flags = Flags({"maintain_dual_write": False})
    is_on = lambda: flags.enabled("maintain_dual_write")  # noqa: E731
    one = DualWriter(tables, at(Stage.DUAL_V1), is_on=is_on)
    assert await one.write([v1(100), v2(101)]) == [Written(100, False), Written(101, False)]
    flags.replace({"maintain_dual_write": FlagState(value=True)}, {})
    assert await one.write([v1(102)]) == [Written(102, True)]
    old, new = await both(tables)
    assert {100, 101, 102} <= old.keys() and new.keys() == {102}
    await backfill(tables)
    await verify(tables)
    await reconcile(tables, Stage.DUAL_V1)
    old, new = await both(tables)
    assert old == new


async def test_off_and_v2_only_write_one_side(tables: Tables) -> None:
    await writer(tables, Stage.OFF).write([v1(100)])
    await writer(tables, Stage.V2_ONLY).write([v2(200)])
    one, other = await both(tables)
    assert 100 in one and 200 not in one and list(other) == [200]
    assert await tables.waiting() == 0


async def test_what_the_primary_cannot_hold_is_answered_and_written_nowhere(tables: Tables) -> None:
    answers = await writer(tables, Stage.DUAL_V1).write(
        [v1(100), {**v1(101), "role": "wizard"}, {**v2(1), "id": "web-1"}, {}, v1(102)]
    )
    assert [isinstance(one, Written) for one in answers] == [True, False, False, False, True]
    assert isinstance(answers[1], ColloquyError) or isinstance(answers[2], InvalidInput)
    assert isinstance(answers[2], InvalidInput) and answers[2].field == "id"
    _, other = await both(tables)
    assert sorted(other) == [100, 102]


@pytest.mark.parametrize("stage", [Stage.DUAL_V1, Stage.DUAL_V2])
async def test_a_failed_secondary_fails_no_primary_and_is_repaired(
    tables: Tables, stage: Stage
) -> None:
    side = tables.new if stage is Stage.DUAL_V1 else tables.old
    table = tables.current.label if stage is Stage.DUAL_V1 else "chat"
    await refuse(side, table, "fault", "NEW.id = 102")
    answers = await writer(tables, stage).write([v1(number) for number in range(100, 105)])
    assert [one for one in answers if isinstance(one, Written) and not one.both] == [
        Written(102, False)
    ]
    page = await tables.mismatches.page("open", 0, 10)
    assert [(one.message, one.kind) for one in page.mismatches] == [("102", "failed_write")]
    assert "injected fault" in page.mismatches[0].reason
    assert await tables.waiting() == (0 if tables.is_shared else 1)

    stuck = await reconcile(tables, stage)
    assert (stuck.looked_at, stuck.repaired) == (1, 0)
    await accept_again(side, table, "fault")
    assert (await reconcile(tables, stage)).repaired == 1
    one, other = await both(tables)
    assert one[102] == other[102]
    assert await tables.mismatches.open() == 0


async def test_a_primary_that_refuses_one_row_takes_the_others(tables: Tables) -> None:
    await refuse(tables.old, "chat", "fault", "NEW.id = 102")
    answers = await writer(tables, Stage.DUAL_V1).write([v1(number) for number in range(100, 105)])
    assert [type(one).__name__ for one in answers] == [
        "Written", "Written", "RowRefused", "Written", "Written",
    ]  # fmt: skip
    one, other = await both(tables)
    assert 102 not in one and 102 not in other and sorted(other) == [100, 101, 103, 104]


async def test_the_outbox_converges_when_the_other_database_was_away(tables: Tables) -> None:
    if tables.is_shared:
        return
    await refuse(tables.new, tables.current.label, "fault", "1 = 1")
    await writer(tables, Stage.DUAL_V1).write([v1(100, "first")])
    await writer(tables, Stage.DUAL_V1).write([v1(100, "second")])
    await accept_again(tables.new, tables.current.label, "fault")
    await run(tables.old, f"UPDATE {tables.plan.prefix}v1_outbox SET due_at = 0")
    assert (await drain(tables, 1)).written == 1
    one, other = await both(tables)
    assert one[100] == other[100] and other[100]["content"] == "second"
    assert await tables.waiting() == 0 and await tables.mismatches.open() == 0


async def test_a_task_empties_the_outbox_by_itself(tables: Tables) -> None:
    await refuse(tables.new, tables.current.label, "fault", "1 = 1")
    answers = await writer(tables, Stage.DUAL_V1).write([v1(100), v1(101)])
    assert [one for one in answers if isinstance(one, Written) and one.both] == []
    draining = asyncio.create_task(keep_draining(tables))
    await accept_again(tables.new, tables.current.label, "fault")
    if tables.is_shared:  # there is none: this is a repair
        await reconcile(tables, Stage.DUAL_V1)

    async def is_even() -> bool:
        return await tables.waiting() == await tables.mismatches.open() == 0

    await until(is_even)
    draining.cancel()
    await asyncio.gather(draining, return_exceptions=True)
    one, other = await both(tables)
    assert one[100] == other[100] and one[101] == other[101]


async def test_reads_fall_back_and_are_counted(tables: Tables) -> None:
    await writer(tables, Stage.V2_ONLY).write([v2(100)])
    reader = DualReader(tables, at(Stage.DUAL_V1))
    assert sorted(await reader.read([1, 100, 999])) == [1, 100]
    assert reader.counts.filled == 1
    await run(tables.new, f"ALTER TABLE {tables.current.label} RENAME TO elsewhere")
    broken = DualReader(tables, at(Stage.DUAL_V2))
    assert sorted(await broken.read([1, 2])) == [1, 2]
    assert broken.counts.failed_over == 2
    with pytest.raises(ColloquyError):
        await DualReader(tables, at(Stage.V2_ONLY)).read([1])
    with pytest.raises(InvalidInput):
        await reader.read(["x"])


async def test_a_read_is_the_same_bytes_on_every_stage(tables: Tables) -> None:
    """Also of what was repaired, and written on the other side."""
    odd = {"z": 1.5, "a": {"y": None, "b": [1]}}
    pieces = [{"text": "two", "type": "text"}, {"type": "text", "text": "pieces"}]
    await DualWriter(tables, at(Stage.DUAL_V1)).write(
        [{**v1(300), "metadata": odd, "likes": 3, "name": "Ann", "content": pieces}, v2(301)]
    )
    await backfill(tables)
    ids = [1, 2, 3, 300, 301]

    async def read(stage: Stage) -> bytes:
        found = await DualReader(tables, at(stage)).read(ids)
        return msgspec.json.encode([found[id] for id in ids])

    recorded = await read(Stage.OFF)
    for stage in Stage:
        assert await read(stage) == recorded
    await run(tables.old, "DELETE FROM chat WHERE id IN (1, 2, 300, 301)")
    assert await read(Stage.DUAL_V1) == recorded
    await verify(tables)
    await reconcile(tables, Stage.DUAL_V1)
    assert await read(Stage.OFF) == recorded


async def test_a_read_in_shadow_is_compared(tables: Tables) -> None:
    await backfill(tables)
    await run(tables.old, "UPDATE chat SET body = 'edited' WHERE id = 3")
    reader = DualReader(tables, at(Stage.SHADOW))
    assert (await reader.read([2, 3]))[3]["content"] == "edited"
    assert reader.counts.different == 1
    page = await tables.mismatches.page("open", 0, 10)
    assert [(one.message, one.field, one.v1) for one in page.mismatches] == [
        ("3", "content", '"edited"')
    ]


async def test_backfill_moves_all_once(tables: Tables) -> None:
    first = await backfill(tables)
    assert (first.passed, first.written, first.mismatched) == (10, 10, 0)
    again = await backfill(tables, restart=True)
    assert (again.passed, again.written) == (10, 0)
    await writer(tables, Stage.OFF).write([v1(100)])
    more = await backfill(tables)
    assert (more.passed, more.written, more.resumed_after) == (1, 1, "10")
    found = await verify(tables)
    assert (found.compared, found.mismatched, found.parity) == (11, 0, 1.0)


async def test_backfill_leaves_what_is_there_and_says_what_differs(tables: Tables) -> None:
    await writer(tables, Stage.V2_ONLY).write([v2(4, "newer")])
    done = await backfill(tables)
    assert (done.written, done.mismatched) == (9, 1)
    _, other = await both(tables)
    assert other[4]["content"] == "newer"
    assert (await verify(tables)).mismatched == 1
    assert (await reconcile(tables, Stage.DUAL_V2)).repaired == 1
    one, other = await both(tables)
    assert one[4] == other[4] and one[4]["content"] == "newer"
    assert one[4]["metadata"]["colloquy"]


async def test_what_differs_is_found_by_field_and_repaired_from_the_primary(tables: Tables) -> None:
    await backfill(tables)
    await run(
        tables.old,
        "UPDATE chat SET body = 'edited' WHERE id = 2",
        "UPDATE chat SET role = 'system' WHERE id = 3",
        "UPDATE chat SET extra = '{\"tab\": 99}' WHERE id = 5",
        "DELETE FROM chat WHERE id = 7",
    )
    await run(tables.new, f"DELETE FROM {tables.current.label} WHERE id = 8")
    found = await verify(tables)
    assert (found.compared, found.mismatched, found.parity) == (10, 5, 0.5)
    page = await tables.mismatches.page("open", 0, 100)
    assert sorted((one.message, one.field, one.kind) for one in page.mismatches) == [
        ("2", "content", "different"),
        ("3", "role", "different"),
        ("5", "metadata.tab", "different"),
        ("5", "metadata.tags", "different"),
        ("7", "", "missing_v1"),
        ("8", "", "missing_v2"),
    ]
    first = await tables.mismatches.page("open", 0, 4)
    assert len(first.mismatches) == 4 and first.next is not None
    assert len((await tables.mismatches.page("open", int(first.next), 4)).mismatches) == 2

    done = await reconcile(tables, Stage.DUAL_V1)
    assert (done.looked_at, done.repaired, done.left) == (5, 5, 0)
    one, other = await both(tables)
    assert one == other and one[2]["content"] == "edited" and 7 in one and 8 in other
    again = await verify(tables)
    assert (again.mismatched, again.parity) == (0, 1.0)


async def test_an_ignored_mismatch_counts_no_more_until_it_changes(tables: Tables) -> None:
    await backfill(tables)
    await run(tables.old, "UPDATE chat SET body = 'edited' WHERE id = 2")
    assert (await verify(tables)).mismatched == 1
    (row,) = (await tables.mismatches.page("open", 0, 10)).mismatches
    ignored = await tables.mismatches.ignore(row.number, "known")
    assert (ignored.state, ignored.reason) == ("ignored", "known")
    assert (await verify(tables)).mismatched == 0
    await run(tables.old, "UPDATE chat SET body = 'again' WHERE id = 2")
    assert (await verify(tables)).mismatched == 1


async def test_a_row_that_is_no_message_is_told_and_stays(tables: Tables) -> None:
    await run(tables.old, "UPDATE chat SET role = 'wizard' WHERE id = 2")
    done = await backfill(tables)
    assert (done.passed, done.written, done.mismatched) == (10, 9, 1)
    (row,) = (await tables.mismatches.page("open", 0, 10)).mismatches
    assert row.kind == "failed_write" and "wizard" in row.reason
    assert (await reconcile(tables, Stage.DUAL_V1)).left == 1
    await run(tables.old, "UPDATE chat SET role = 'user' WHERE id = 2")
    assert (await verify(tables)).mismatched == 1
    assert (await reconcile(tables, Stage.DUAL_V1)).repaired == 1
    assert (await verify(tables)).parity == 1.0


def test_databases_are_told_apart() -> None:
    from sqlalchemy.engine import make_url

    def same(one: str, other: str) -> bool:
        return is_same_database(make_url(one), make_url(other))

    assert same("postgresql://a@h/d", "postgresql+asyncpg://a@h:5432/d")
    assert not same("postgresql://a@h/d", "postgresql://a@h/e")
    assert not same("sqlite:///a.db", "postgresql://a@h/d")
