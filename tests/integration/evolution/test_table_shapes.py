"""Old tables as people have them: text and UUIDs for ids, times in numbers, quoted names."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import pytest

from colloquy.evolution.migration import (
    Columns,
    DualWriter,
    Plan,
    Stage,
    Tables,
    Written,
    backfill,
    reconcile,
    verify,
)
from colloquy.evolution.migration.database import database_of
from support.migration import at, both, run, sqlite_url

FIRST, SECOND = "0190c2f0-0000-7000-8000-000000000001", "0190c2f0-0000-7000-8000-000000000002"


class Shape(NamedTuple):
    """A table's columns, rows in it, two more ids, and how its times are counted."""

    dialect: str
    columns: str
    rows: str
    ids: tuple[Any, Any]
    unit: str = "seconds"


SHAPES = {
    "text_and_seconds": Shape(
        "sqlite",
        "id TEXT PRIMARY KEY, conversation_id TEXT, role TEXT, content TEXT, "
        "metadata TEXT NOT NULL DEFAULT '{}', created_at INTEGER",
        "('m1', 'ann', 'human', 'Hello', '', 1769853600), ('m2', 'ann', 'bot', NULL, '{}', NULL)",
        ("m3", "m4"),
    ),
    "real_and_numbered_chats": Shape(
        "sqlite",
        "id VARCHAR(40) NOT NULL UNIQUE, conversation_id INTEGER, role TEXT, content TEXT, "
        "metadata JSON, created_at REAL",
        "('m1', 7, 'user', 'Hello', 'null', 1769853600.25), ('m2', 8, 'ai', '', NULL, NULL)",
        ("m3", "m4"),
    ),
    "dates_without_zone": Shape(
        "sqlite",
        "id INTEGER PRIMARY KEY, conversation_id TEXT, role TEXT, content TEXT, "
        "metadata TEXT, created_at DATETIME",
        "(1, 'ann', 'user', 'Hello', '{\"v1_fields\": 1}', '2026-01-31 10:00:00'), "
        "(2, 'ann', 'user', 'Hello', '{\"colloquy\": {\"set\": 1}}', 1769853600)",
        (3, 4),
    ),
    "uuid_and_timestamps": Shape(
        "postgresql",
        "id UUID PRIMARY KEY, conversation_id UUID, role VARCHAR(20), content TEXT, "
        "metadata JSON, created_at TIMESTAMP",
        f"('{FIRST}', '{FIRST}', 'user', 'Hello', '{{\"a\": 1.50}}', '2026-01-31 10:00:00.25')",
        (SECOND, FIRST.replace("1", "3")),
    ),
    "text_and_milliseconds": Shape(
        "postgresql",
        "id VARCHAR(40) UNIQUE NOT NULL, conversation_id BIGINT, role TEXT, content TEXT, "
        "metadata TEXT, created_at BIGINT",
        "('m1', 7, 'user', 'Hello', NULL, 1769853600250), ('Z', 7, 'user', 'é', '{}', NULL)",
        ("m3", "ß"),
        "milliseconds",
    ),
    "doubles": Shape(
        "postgresql",
        "id SERIAL PRIMARY KEY, conversation_id TEXT, role TEXT, content TEXT, "
        "metadata JSONB, created_at DOUBLE PRECISION",
        "(1, 'ann', 'user', 'Hello', '{\"b\": 1, \"a\": [1, 2]}', 1769853600.125)",
        (3, 4),
    ),
}


@pytest.fixture(params=list(SHAPES))
def shaped(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Shape, Plan]:
    shape = SHAPES[request.param]
    url = sqlite_url(tmp_path)
    if shape.dialect == "postgresql":
        url = request.getfixturevalue("postgres_url")
    columns = Columns(content='the "words"')
    unit: Any = shape.unit
    plan = Plan(url=url, table="Old messages", columns=columns, created_at_unit=unit, batch=1)
    return shape, plan


async def test_a_table_of_any_shape_is_moved_and_written(shaped: tuple[Shape, Plan]) -> None:
    shape, plan = shaped
    database = database_of(plan.url, creates=True)
    await database.open()
    columns = shape.columns.replace("content", '"the ""words"""')
    await run(
        database,
        f'CREATE TABLE "Old messages" ({columns})',
        f'INSERT INTO "Old messages" VALUES {shape.rows}',
    )
    await database.close()
    async with Tables(plan) as tables:
        done = await backfill(tables)
        assert done.passed == done.written == done.total and done.mismatched == 0
        assert (await verify(tables)).parity == 1.0
        conversation = SECOND if "UUID" in shape.columns else "12"
        old = {
            "id": shape.ids[0], "conversation_id": conversation, "role": "assistant",
            "content": None, "timestamp": 1769853601.75, "name": "Bo",
            "tool_calls": [{"id": "c", "function": {"name": "look", "arguments": "{}"}}],
        }  # fmt: skip
        new = {
            "id": str(shape.ids[1]), "conversation": conversation, "text": "So?",
            "sent_at": "2026-02-01T12:00:00.123456+02:00", "urgent": True, "metadata": {"a": 0.5},
        }  # fmt: skip
        for stage in (Stage.DUAL_V1, Stage.DUAL_V2):
            for answer in await DualWriter(tables, at(stage)).write([old, new]):
                assert isinstance(answer, Written) and answer.both, answer
            assert (await verify(tables)).parity == 1.0
        one, other = await both(tables)
        assert one == other and len(one) == done.total + 2
        assert one[shape.ids[0]]["tool_calls"] == old["tool_calls"]
        message = tables.formats.v2(one[shape.ids[1]])
        assert message.urgent and message.text == "So?" and message.metadata == {"a": 0.5}
        await run(tables.new, f"DELETE FROM {tables.current.label}")
        await verify(tables)
        assert (await reconcile(tables, Stage.DUAL_V1)).left == 0
        assert (await both(tables))[1] == other
        await run(tables.old, 'DELETE FROM "Old messages"')
        await verify(tables)
        assert (await reconcile(tables, Stage.DUAL_V2)).left == 0
        assert (await both(tables))[0] == one
