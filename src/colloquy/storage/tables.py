"""The schema, in SQLAlchemy Core. Imported by migrations only: serving never pays for it.

The ledger's tables and the graph's have files of their own.

Times are microseconds since 1970 in BIGINT; 128-bit ids are 16 bytes; payloads are JSON bytes
(engine decision 10). Integer keys keep the hot indexes small and append-mostly.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    Table,
    Text,
    text,
)

metadata = MetaData()

# SQLite gives only INTEGER PRIMARY KEY the rowid, which is what makes the log append in place.
number_type = BigInteger().with_variant(Integer(), "sqlite")

meta = Table(
    "meta",
    metadata,
    Column("name", Text, primary_key=True),
    Column("value", Text, nullable=False),
)

counters = Table(
    "counters",
    metadata,
    Column("name", Text, primary_key=True),
    Column("value", BigInteger, nullable=False),
)

leases = Table(
    "leases",
    metadata,
    Column("partition", Integer, primary_key=True, autoincrement=False),
    Column("epoch", BigInteger, nullable=False, server_default=text("0")),
    Column("owner", Text),
)

workers = Table(
    "workers",
    metadata,
    Column("name", Text, primary_key=True),
    Column("seen_at", BigInteger, nullable=False),
    # A worker's leases live as long as it does: one row to renew instead of its partitions' rows,
    # which its commits hold locked.
    Column("expires_at", BigInteger, nullable=False),
    Column("info", LargeBinary, nullable=False),
)

message_keys = Table(
    "message_keys",
    metadata,
    Column("message_id", LargeBinary, primary_key=True),
    Column("body_hash", LargeBinary, nullable=False),
    Column("inbox_id", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

inbox = Table(
    "inbox",
    metadata,
    Column("id", number_type, primary_key=True, autoincrement=False),
    Column("message_id", LargeBinary, nullable=False),
    Column("conversation", LargeBinary, nullable=False),
    Column("partition", Integer, nullable=False),
    Column("kind", SmallInteger, nullable=False),
    Column("state", Text, nullable=False),
    Column("due_at", BigInteger, nullable=False),
    Column("received_at", BigInteger, nullable=False),
    Column("stream", Text),
    Column("sequence", BigInteger),
    Column("attempts", Integer, nullable=False),
    Column("recorded", BigInteger, nullable=False),
    Column("payload", LargeBinary, nullable=False),
    Column("note", LargeBinary),
)

sessions = Table(
    "sessions",
    metadata,
    Column("number", number_type, primary_key=True, autoincrement=False),
    Column("id", LargeBinary, nullable=False, unique=True),
    Column("channel", Text, nullable=False),
    Column("account", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("thread", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("owner", Text, nullable=False),
    Column("owner_id", Text),
    Column("owner_epoch", BigInteger, nullable=False),
    Column("version", BigInteger, nullable=False),
    Column("last_seq", BigInteger, nullable=False),
    Column("state", LargeBinary, nullable=False),
    Column("streams", LargeBinary, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
    # What lists show and filter by; kept by the commits that write events.
    Column("name", Text),
    Column("preview", Text),
    Column("intent", Text),
    Column("feeling", Text),
    Column("said_seq", BigInteger, nullable=False, server_default=text("0")),
    Column("read_seq", BigInteger, nullable=False, server_default=text("0")),
    # Where the conversation stands; comes out of its messages, so that it is no state.
    Column("flow", LargeBinary),
    Index("sessions_by_activity", "updated_at", "number"),
    # The few that people work on, among the many that the assistant answers.
    Index(
        "sessions_handed_over",
        "updated_at",
        "number",
        sqlite_where=text("owner <> 'assistant'"),
        postgresql_where=text("owner <> 'assistant'"),
    ),
)

events = Table(
    "events",
    metadata,
    # SQLite numbers by itself; on PostgreSQL `event_insert` does, in the order of commits.
    Column("position", number_type, primary_key=True, autoincrement=False),
    Column("session", BigInteger, nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("kind", Text, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("turn_id", LargeBinary),
    Column("inbox_id", BigInteger),
    Column("body", LargeBinary, nullable=False),
    Index("events_of_session", "session", "seq", unique=True),
    # Finds what became of a message; inbox numbers grow, so the index grows at its right edge.
    Index(
        "events_of_inbox",
        "inbox_id",
        sqlite_where=text("inbox_id IS NOT NULL"),
        postgresql_where=text("inbox_id IS NOT NULL"),
    ),
    # The ratings of a day among all that happened in it.
    Index(
        "events_of_feedback",
        "at",
        sqlite_where=text("kind = 'feedback'"),
        postgresql_where=text("kind = 'feedback'"),
    ),
)

outbox = Table(
    "outbox",
    metadata,
    Column("session", BigInteger, primary_key=True, autoincrement=False),
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("reply_id", LargeBinary, nullable=False),
    Column("channel", Text, nullable=False),
    Column("account", Text, nullable=False),
    Column("automatic", SmallInteger, nullable=False),
    Column("owner_epoch", BigInteger, nullable=False),
    Column("priority", SmallInteger, nullable=False),
    Column("state", Text, nullable=False),
    Column("due_at", BigInteger, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("note", LargeBinary),
    sqlite_with_rowid=False,
)

dead_letters = Table(
    "dead_letters",
    metadata,
    Column("id", number_type, primary_key=True, autoincrement=False),
    Column("message_id", LargeBinary, nullable=False),
    Column("conversation", LargeBinary, nullable=False),
    Column("kind", SmallInteger, nullable=False),
    Column("received_at", BigInteger, nullable=False),
    Column("dead_at", BigInteger, nullable=False),
    Column("stream", Text),
    Column("sequence", BigInteger),
    Column("recorded", BigInteger, nullable=False),
    Column("cause", Text, nullable=False),
    Column("detail", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("payload", LargeBinary, nullable=False),
    Column("note", LargeBinary),
    Index("dead_letters_of_message", "message_id"),
    Index("dead_letters_of_conversation", "conversation", "id"),
    Index("dead_letters_of_status", "status", "id"),
)

effects = Table(
    "effects",
    metadata,
    Column("key", LargeBinary, primary_key=True),
    Column("name", Text, nullable=False),
    Column("session", BigInteger, nullable=False),
    Column("turn_id", LargeBinary, nullable=False),
    Column("state", Text, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("result", LargeBinary),
    sqlite_with_rowid=False,
)

idempotency = Table(
    "idempotency",
    metadata,
    Column("key", LargeBinary, primary_key=True),
    Column("body", LargeBinary, nullable=False),
    Column("status", SmallInteger, nullable=False),
    Column("answer", LargeBinary),
    Column("at", BigInteger, nullable=False),
    Index("idempotency_by_age", "at"),
)

api_keys = Table(
    "api_keys",
    metadata,
    Column("id", Text, primary_key=True),
    Column("hash", LargeBinary, nullable=False, unique=True),
    Column("name", Text, nullable=False),
    Column("scopes", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger),
    Column("revoked_at", BigInteger),
)

console_sessions = Table(
    "console_sessions",
    metadata,
    # SHA-256 of the token in the browser's cookie: who reads this table cannot log in with it.
    Column("hash", LargeBinary, primary_key=True),
    Column("key_id", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("seen_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

webhooks = Table(
    "webhooks",
    metadata,
    Column("id", Text, primary_key=True),
    Column("url", Text, nullable=False),
    # JSON arrays of texts; an empty one means all.
    Column("kinds", Text, nullable=False),
    Column("channels", Text, nullable=False),
    Column("description", Text, nullable=False),
    Column("enabled", SmallInteger, nullable=False),
    Column("disabled_reason", Text),
    Column("secret", LargeBinary, nullable=False),
    Column("former_secret", LargeBinary),
    Column("former_until", BigInteger),
    # How far the log was read: up to this position every event that it wants has a delivery.
    Column("position", BigInteger, nullable=False),
    Column("failing_since", BigInteger),
    Column("created_at", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
    Column("version", BigInteger, nullable=False),
)

webhook_deliveries = Table(
    "webhook_deliveries",
    metadata,
    Column("number", number_type, primary_key=True, autoincrement=False),
    Column("webhook", Text, nullable=False),
    # The event that it stands for; all 0 for a test, which stands for none.
    Column("position", BigInteger, nullable=False),
    Column("session", BigInteger, nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("kind", Text, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("state", Text, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("due_at", BigInteger),
    Column("status_code", Integer),
    Column("detail", Text, nullable=False),
    Column("duration_ms", BigInteger),
    Index("webhook_deliveries_of_webhook", "webhook", "number"),
    Index(
        "webhook_deliveries_due",
        "webhook",
        "due_at",
        "number",
        sqlite_where=text("due_at IS NOT NULL"),
        postgresql_where=text("due_at IS NOT NULL"),
    ),
)
