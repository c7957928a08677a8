"""What contexts keep of conversations, so that the first one after a restart need not read all."""

from __future__ import annotations

from alembic import context, op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    blob = "BYTEA" if context.get_context().dialect.name == "postgresql" else "BLOB"
    # Comes out of the log and may be deleted at any time. Part 0 is the state of the summary, those
    # from 1 on the index of one stretch of lines after the other; `position` is the number of the
    # last event that a part stands for, and only ever grows.
    op.execute(
        "CREATE TABLE context_parts (session BIGINT NOT NULL, part BIGINT NOT NULL,"
        f" position BIGINT NOT NULL, format SMALLINT NOT NULL, data {blob} NOT NULL,"
        " PRIMARY KEY (session, part))"
    )
