"""What feedback knows of each conversation, so that figures need not read every log again."""

from __future__ import annotations

from alembic import context, op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    is_postgres = context.get_context().dialect.name == "postgresql"
    number, blob = ("BIGINT", "BYTEA") if is_postgres else ("INTEGER", "BLOB")
    # Comes out of the log and can be made anew at any time: no part of the ledger.
    op.execute(
        f"CREATE TABLE feedback_summaries (session {number} PRIMARY KEY,"
        f" last_seq BIGINT NOT NULL, version SMALLINT NOT NULL, body {blob} NOT NULL)"
    )
