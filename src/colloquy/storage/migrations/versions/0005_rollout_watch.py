"""What all processes of a database together know of releases that are watched."""

from __future__ import annotations

from alembic import context, op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    blob = "BYTEA" if context.get_context().dialect.name == "postgresql" else "BLOB"
    # One row for each flag that was ever rolled out, and one for the versions of clients. Figures
    # about turns, not state of anybody: no part of the ledger. `revision` moves with every change:
    # whoever adds names the one that it adds to.
    op.execute(
        "CREATE TABLE rollout_watch (name TEXT NOT NULL PRIMARY KEY, started_at BIGINT NOT NULL,"
        f" revision BIGINT NOT NULL, at BIGINT NOT NULL, data {blob} NOT NULL)"
    )
