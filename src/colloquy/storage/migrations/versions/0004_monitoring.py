"""How monitoring events did when they were validated: one window of one kind of event a row, and
the same by hour and by day."""

from __future__ import annotations

from alembic import context, op

revision = "0004"
down_revision = "0003"

_FIGURES = (
    "total_events BIGINT NOT NULL, passed_events BIGINT NOT NULL, failed_events BIGINT NOT NULL"
)


def upgrade() -> None:
    is_postgres = context.get_context().dialect.name == "postgresql"
    real = "DOUBLE PRECISION" if is_postgres else "DOUBLE"
    kind = "event_type VARCHAR(50) NOT NULL CHECK (length(event_type) <= 50)"
    # Figures about the server, not state of anybody: no part of the ledger.
    op.execute(
        f"CREATE TABLE validation_metrics (id TEXT NOT NULL PRIMARY KEY, {kind}, {_FIGURES},"
        f" pass_rate {real} NOT NULL, avg_validation_time_ms {real} NOT NULL,"
        " total_errors BIGINT NOT NULL, total_warnings BIGINT NOT NULL,"
        " flush_timestamp BIGINT NOT NULL, created_at BIGINT NOT NULL)"
    )
    op.execute("CREATE INDEX idx_validation_metrics_event_type ON validation_metrics (event_type)")
    op.execute("CREATE INDEX idx_validation_metrics_created_at ON validation_metrics (created_at)")
    # The time is a sum here, so that windows can be added up.
    op.execute(
        f"CREATE TABLE validation_rollups (span TEXT NOT NULL, starts_at BIGINT NOT NULL, {kind},"
        f" {_FIGURES}, validation_ms {real} NOT NULL, total_errors BIGINT NOT NULL,"
        " total_warnings BIGINT NOT NULL, PRIMARY KEY (span, starts_at, event_type))"
    )
