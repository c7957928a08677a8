"""The ledger's tables: the changes of every record, points in them, and operations that restore."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    Double,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    Table,
    Text,
    text,
)

from .tables import metadata, number_type

changes = Table(
    "changes",
    metadata,
    Column("position", number_type, primary_key=True, autoincrement=False),
    Column("at", BigInteger, nullable=False),
    Column("actor", Text, nullable=False),
    Column("session", BigInteger),
    Column("operation", Text, nullable=False),
    Column("collection", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("after", LargeBinary),
    Column("previous", BigInteger),
    # The operation of the ledger (a rollback, an import) that wrote it.
    Column("origin", Text),
    Index("changes_of_key", "collection", "key", "position", unique=True),
)

ledger_points = Table(
    "ledger_points",
    metadata,
    Column("id", Text, primary_key=True),
    Column("position", BigInteger, nullable=False),
    Column("name", Text, nullable=False),
    Column("description", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("session", BigInteger),
    # Why it was made when nobody asked for it: before a rollback, at a checkpoint; "" by hand.
    Column("automatic", Text, nullable=False),
    # JSON: an array of texts, an object.
    Column("tags", Text, nullable=False),
    Column("metadata", LargeBinary, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    # NULL: kept until somebody deletes it.
    Column("expires_at", BigInteger),
    Index("ledger_points_by_age", "created_at", "id"),
    Index("ledger_points_by_position", "position"),
    Index(
        "ledger_points_of_session",
        "session",
        "created_at",
        sqlite_where=text("session IS NOT NULL"),
        postgresql_where=text("session IS NOT NULL"),
    ),
)

ledger_operations = Table(
    "ledger_operations",
    metadata,
    Column("number", number_type, primary_key=True, autoincrement=False),
    Column("id", Text, nullable=False, unique=True),
    Column("kind", Text, nullable=False),
    # The request as JSON: point or position, scope, strategy, policy, batch, pause, verify.
    Column("request", LargeBinary, nullable=False),
    Column("point", Text),
    # Restores what was so at `target`, of what the ledger held up to `head`.
    Column("target", BigInteger, nullable=False),
    Column("head", BigInteger, nullable=False),
    Column("scope_key", Text, nullable=False),
    Column("strategy", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("phase", Text, nullable=False),
    # How far the plan has read the ledger.
    Column("planned_to", BigInteger, nullable=False),
    Column("total", BigInteger, nullable=False),
    Column("counts", LargeBinary, nullable=False),
    Column("actor", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("error_code", Text),
    Column("error", Text),
    Column("cancelled", SmallInteger, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("started_at", BigInteger),
    Column("updated_at", BigInteger, nullable=False),
    Column("finished_at", BigInteger),
    # Who runs it, and until when he is believed to.
    Column("owner", Text),
    Column("lease_until", BigInteger),
    Index("ledger_operations_by_status", "status", "number"),
)

ledger_items = Table(
    "ledger_items",
    metadata,
    Column("operation", BigInteger, primary_key=True, autoincrement=False),
    Column("collection", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("rank", Integer, nullable=False),
    # JSON: [[target, newest], …], oldest run first.
    Column("runs", LargeBinary, nullable=False),
    Column("state", Text, nullable=False),
    # Positions of the key's value just before, and of the one that was written.
    Column("before", BigInteger),
    Column("written", BigInteger),
    Column("note", Text),
    Index("ledger_items_next", "operation", "state", "rank", "collection", "key"),
    sqlite_with_rowid=False,
)

ledger_log = Table(
    "ledger_log",
    metadata,
    Column("operation", BigInteger, primary_key=True, autoincrement=False),
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("at", BigInteger, nullable=False),
    Column("level", Text, nullable=False),
    Column("message", Text, nullable=False),
    Column("data", LargeBinary),
    sqlite_with_rowid=False,
)

ledger_conflicts = Table(
    "ledger_conflicts",
    metadata,
    Column("id", Text, primary_key=True),
    Column("operation", BigInteger, nullable=False),
    Column("collection", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("severity", Text, nullable=False),
    # Values as in `changes.after`; NULL is absent.
    Column("base", LargeBinary),
    Column("ours", LargeBinary),
    Column("theirs", LargeBinary),
    # The position of `ours`: a decision holds as long as this is the key's newest.
    Column("live", BigInteger, nullable=False),
    Column("paths", LargeBinary, nullable=False),
    Column("merged", LargeBinary),
    Column("confidence", Double, nullable=False),
    Column("state", Text, nullable=False),
    Column("decision", Text),
    Column("value", LargeBinary),
    Column("decided_by", Text),
    Column("decided_at", BigInteger),
    Column("created_at", BigInteger, nullable=False),
    Index("ledger_conflicts_of_operation", "operation", "state", "id"),
    Index("ledger_conflicts_by_state", "state", "id"),
)

ledger_audit = Table(
    "ledger_audit",
    metadata,
    Column("number", number_type, primary_key=True, autoincrement=False),
    Column("at", BigInteger, nullable=False),
    Column("actor", Text, nullable=False),
    Column("event", Text, nullable=False),
    Column("severity", Text, nullable=False),
    Column("operation", Text),
    Column("point", Text),
    Column("session", BigInteger),
    Column("message", Text, nullable=False),
    Column("reason", Text, nullable=False),
    # JSON, sensitive values masked.
    Column("data", LargeBinary, nullable=False),
    Index("ledger_audit_by_age", "at"),
)
