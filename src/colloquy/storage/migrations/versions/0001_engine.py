"""The engine's tables: inbox, sessions, events, outbox, ledger, dead letters, effects, keys.

The first revision makes the tables as `tables.py` had them then; later ones alter them by hand,
expand first and contract one release later, so that old and new code can run at once.
"""

from __future__ import annotations

from alembic import context, op
from sqlalchemy.schema import CreateIndex, CreateTable

from colloquy.model.ids import PARTITIONS
from colloquy.storage import graph_tables, ledger_tables
from colloquy.storage.tables import metadata

revision = "0001"
down_revision = None

COUNTERS = (
    "ledger",
    "inbox",
    "events",
    "webhook_deliveries",
    "ledger_operations",
    "ledger_audit",
    "graph_entities",
    "graph_facts",
    "graph_vectors",
    "graph_offered",
    "graph_repeated",
    "graph_refused",
)

ROOMS = (ledger_tables, graph_tables)
"""Importing them puts their tables into `metadata`."""


def upgrade() -> None:
    dialect = context.get_context().dialect
    for table in metadata.sorted_tables:
        op.execute(str(CreateTable(table).compile(dialect=dialect)).strip())
        for index in sorted(table.indexes, key=lambda index: str(index.name)):
            op.execute(str(CreateIndex(index).compile(dialect=dialect)).strip())
    if dialect.name == "postgresql":
        op.execute("CREATE SEQUENCE inbox_ids")
        op.execute("CREATE SEQUENCE session_numbers")
        op.execute("CREATE INDEX inbox_of_conversation ON inbox (conversation)")
        op.execute(
            "CREATE TABLE search (position BIGINT PRIMARY KEY, session BIGINT NOT NULL,"
            " words TSVECTOR NOT NULL)"
        )
        op.execute("CREATE INDEX search_words ON search USING gin (words)")
        op.execute("CREATE TABLE graph_search (entity BIGINT PRIMARY KEY, words TSVECTOR NOT NULL)")
        op.execute("CREATE INDEX graph_search_words ON graph_search USING gin (words)")
    else:
        # rowid is the event's position. The words come folded and parted by blanks, so the plainest
        # tokenizer will do: to it every character beyond ASCII belongs to a word.
        op.execute(
            "CREATE VIRTUAL TABLE search USING fts5"
            " (words, content='', detail='none', prefix='2 3', tokenize='ascii')"
        )
        # rowid is the entity's number; names are a column of their own because they count more.
        # Only with its places (`detail`) can words be ranked.
        op.execute(
            "CREATE VIRTUAL TABLE graph_search USING fts5"
            " (name, words, content='', contentless_delete=1, prefix='1 2 3', tokenize='ascii')"
        )
    for counter in COUNTERS:
        op.execute(f"INSERT INTO counters (name, value) VALUES ('{counter}', 0)")
    op.execute("INSERT INTO meta (name, value) VALUES ('search_position', '0')")
    op.execute(f"INSERT INTO meta (name, value) VALUES ('partitions', '{PARTITIONS}')")
    rows = ", ".join(f"({number}, 0)" for number in range(PARTITIONS))
    op.execute(f"INSERT INTO leases (partition, epoch) VALUES {rows}")
