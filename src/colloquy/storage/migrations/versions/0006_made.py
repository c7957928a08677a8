"""What a waiting reply was made with, so that a kill switch can take it back before it is sent."""

from __future__ import annotations

from alembic import context, op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    blob = "BYTEA" if context.get_context().dialect.name == "postgresql" else "BLOB"
    # Null: nothing can be taken back. So it is for replies that people wrote, and for what an older
    # program put there.
    op.execute(f"ALTER TABLE outbox ADD COLUMN made {blob}")
