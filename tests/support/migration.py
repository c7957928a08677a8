"""An old table of V1 messages on either engine, and triggers that make its database refuse rows."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from colloquy.evolution.migration import (
    Columns,
    Plan,
    Stage,
    Tables,
    backfill,
    read_plan,
    verify,
)
from colloquy.evolution.migration.database import Ask, Database, Many, database_of

SQLITE = """CREATE TABLE chat (id INTEGER PRIMARY KEY, chat_id TEXT NOT NULL, role TEXT NOT NULL,
    body TEXT NOT NULL, extra JSON, said_at TEXT, seen INTEGER NOT NULL DEFAULT 0)"""
POSTGRES = """CREATE TABLE chat (id BIGINT PRIMARY KEY, chat_id TEXT NOT NULL, role TEXT NOT NULL,
    body TEXT NOT NULL, extra JSONB, said_at TIMESTAMPTZ, seen INTEGER NOT NULL DEFAULT 0)"""
COLUMNS = Columns(conversation="chat_id", content="body", metadata="extra", created_at="said_at")


def plan_at(url: str, **more: Any) -> Plan:
    return Plan(url=url, table="chat", columns=COLUMNS, **more)


def old_row(number: int) -> tuple[Any, ...]:
    """A row as the old system wrote it."""
    role = "user" if number % 2 else "assistant"
    extra = f'{{"tab": {number % 7}, "tags": ["a", {number}]}}' if number % 3 else None
    moment = f"2026-01-{1 + number % 28:02d} 10:{number % 60:02d}:00"
    return number, f"guest-{number % 40}", role, f"Message {number} — ok?", extra, moment


def v1(number: int, content: str | None = None) -> dict[str, Any]:
    """A message as a V1 client sends it."""
    return {
        "id": number,
        "conversation_id": f"guest-{number % 40}",
        "role": "user",
        "content": f"Live {number}" if content is None else content,
        "timestamp": f"2026-02-01T10:{number % 60:02d}:00Z",
    }


def v2(number: int, text: str | None = None) -> dict[str, Any]:
    """A message as a V2 client sends it, with something that V1 has no word for."""
    return {
        "id": str(number),
        "conversation": f"guest-{number % 40}",
        "text": f"Live {number}" if text is None else text,
        "urgent": True,
        "sent_at": f"2026-02-01T10:{number % 60:02d}:00Z",
    }


PLAN = """
url = "{url}"
table = "chat"
batch = 7

[columns]
conversation = "chat_id"
content = "body"
metadata = "extra"
created_at = "said_at"
"""


def write_plan(folder: Path, url: str, **more: str | float) -> Path:
    """The plan of a migration of the table at this URL, as a file; `more` as it stands in TOML."""
    lines = [f"{name} = {value!r}\n" for name, value in more.items()]
    file = folder / "migration.toml"
    file.write_text("".join(lines) + PLAN.format(url=url), encoding="utf-8")
    return file


async def make_story(url: str, plan: Path) -> None:
    """Twelve messages of the old table are in the new one as well; two were changed since, one came
    later. The tables were compared."""
    await make_old_table(url, [old_row(number) for number in range(1, 13)])
    async with Tables(read_plan(plan)) as tables:
        await backfill(tables)
        await run(
            tables.old,
            "UPDATE chat SET body = '<script>alert(1)</script>' || body WHERE id IN (3, 4)",
            "INSERT INTO chat (id, chat_id, role, body) VALUES (99, 'ann', 'user', 'later')",
        )
        await verify(tables)


async def make_old_table(url: str, rows: Iterable[tuple[Any, ...]] = ()) -> None:
    """The table `chat` in an empty database, with these rows."""
    database = database_of(url, creates=True)
    await database.open()
    if database.dialect == "sqlite":
        await run(database, SQLITE)
    else:
        await run(database, POSTGRES)
    types = ("bigint", "text", "text", "text", "jsonb", "timestamptz")
    marks = ", ".join(database.mark(number, type_) for number, type_ in enumerate(types, 1))
    insert = f"INSERT INTO chat (id, chat_id, role, body, extra, said_at) VALUES ({marks})"
    values = [tuple(database.value(one, "text") for one in row) for row in rows]

    def steps() -> Any:
        yield Many(insert, values)

    if values:
        await database.transact(steps)
    await database.close()


async def run(database: Database, *statements: str) -> None:
    """Statements in one transaction."""

    def steps() -> Any:
        for statement in statements:
            yield Ask(statement)

    await database.transact(steps)


async def refuse(database: Database, table: str, name: str, condition: str) -> None:
    """From now on the database refuses rows of the table for which the condition on NEW holds."""
    if database.dialect == "sqlite":
        for when in ("INSERT", "UPDATE"):
            await run(
                database,
                f"CREATE TRIGGER {name}_{when} BEFORE {when} ON {table} WHEN {condition} "
                "BEGIN SELECT RAISE(ABORT, 'injected fault'); END",
            )
    else:
        await run(
            database,
            f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN RAISE EXCEPTION 'injected fault'; END $$",
            f"CREATE TRIGGER {name} BEFORE INSERT OR UPDATE ON {table} "
            f"FOR EACH ROW WHEN ({condition}) EXECUTE FUNCTION {name}()",
        )


async def accept_again(database: Database, table: str, name: str) -> None:
    if database.dialect == "sqlite":
        await run(database, f"DROP TRIGGER {name}_INSERT", f"DROP TRIGGER {name}_UPDATE")
    else:
        await run(database, f"DROP TRIGGER {name} ON {table}", f"DROP FUNCTION {name}()")


def at(stage: Stage) -> Any:
    """What a writer asks for the stage."""

    async def ask() -> Stage:
        return stage

    return ask


async def both(tables: Tables) -> tuple[dict[Any, Any], dict[Any, Any]]:
    """Everything in each table, as V1 messages."""
    from colloquy.evolution.migration.sides import Side

    return await Side(tables, 1).read_page(None, 10**6), await Side(tables, 2).read_page(
        None, 10**6
    )


def sqlite_url(folder: Path, name: str = "chat.db") -> str:
    return f"sqlite:///{folder / name}"
