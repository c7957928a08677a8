"""The engine's tables: inbox, sessions, events, outbox, ledger, dead letters, effects, keys.

The first revision makes the tables as `tables.py` had them then; later ones alter them by hand,
expand first and contract one release later, so that old and new code can run at once.
"""

from __future__ import annotations

from alembic import context, op
from sqlalchemy.schema import CreateIndex, CreateTable

from colloquy.model.ids import PARTITIONS
from colloquy.storage.tables import metadata

revision = "0001"
down_revision = None


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
    else:
        # rowid is the event's position. The words come folded and parted by blanks, so the plainest
        # tokenizer will do: to it every character beyond ASCII belongs to a word.
        op.execute(
            "CREATE VIRTUAL TABLE search USING fts5"
            " (words, content='', detail='none', prefix='2 3', tokenize='ascii')"
        )
    op.execute("INSERT INTO counters (name, value) VALUES ('ledger', 0)")
    op.execute("INSERT INTO counters (name, value) VALUES ('inbox', 0)")
    op.execute("INSERT INTO counters (name, value) VALUES ('events', 0)")
    op.execute("INSERT INTO counters (name, value) VALUES ('webhook_deliveries', 0)")
    op.execute("INSERT INTO meta (name, value) VALUES ('search_position', '0')")
    op.execute(f"INSERT INTO meta (name, value) VALUES ('partitions', '{PARTITIONS}')")
    rows = ", ".join(f"({number}, 0)" for number in range(PARTITIONS))
    op.execute(f"INSERT INTO leases (partition, epoch) VALUES {rows}")
