"""The ledger's hot statements; `statement.py` says how they are read."""

from __future__ import annotations

from .statement import insert, statement

OPEN_STATES = "('pending', 'in_progress', 'waiting')"
"""Of an operation that is not finished."""

COMPACTED_ROW = """n.collection, n.key, n.position, CASE WHEN n.after IS NULL THEN 1 ELSE 0 END,
    coalesce(length(n.after), 0), n.previous, CASE WHEN q.after IS NULL THEN 1 ELSE 0 END,
    coalesce(length(q.after), 0), q.previous"""
"""A change `n` and the one before it, `q`."""

LEDGER_STATEMENTS = (
    # One row per key in one statement: `previous` must not miss a row of the same statement.
    statement(
        "change_insert",
        "position:int at:int actor:text session:int operation:text collection:text key:text "
        "after:bytes origin:text",
        """INSERT INTO changes
                  (position, at, actor, session, operation, collection, key, after, origin,
                   previous)
           SELECT position, at, actor, session, operation, collection, key, after, origin,
                  (SELECT max(c.position) FROM changes c
                   WHERE c.collection = input.collection AND c.key = input.key)
           FROM input WHERE true""",
    ),
    # -- what is so now, and what was
    statement(
        "change_heads",
        "collection:text key:text",
        """SELECT c.collection, c.key, c.position, c.after FROM input
           JOIN changes c ON c.collection = input.collection AND c.key = input.key
              AND c.position = (SELECT max(m.position) FROM changes m
                                WHERE m.collection = input.collection AND m.key = input.key)""",
    ),
    statement(
        "change_values_at",
        "collection:text key:text position:int",
        """SELECT c.collection, c.key, c.position, c.after FROM input
           JOIN changes c ON c.collection = input.collection AND c.key = input.key
              AND c.position = (SELECT max(m.position) FROM changes m
                                WHERE m.collection = input.collection AND m.key = input.key
                                  AND m.position <= input.position)""",
    ),
    statement(
        "changes_by_position",
        "position:int",
        """SELECT c.position, c.at, c.actor, c.session, c.operation, c.collection, c.key, c.after,
                  c.previous, c.origin
           FROM input JOIN changes c ON c.position = input.position""",
    ),
    statement(
        "changes_present",
        "position:int",
        """SELECT c.position FROM input JOIN changes c ON c.position = input.position
           WHERE c.after IS NOT NULL""",
    ),
    # The changes of records between two positions, without their values.
    statement(
        "changes_of_span",
        "collection:text key:text low:int high:int",
        """SELECT c.position, c.at, c.actor, c.session, c.operation, c.collection, c.key, NULL,
                  c.previous, c.origin
           FROM input JOIN changes c ON c.collection = input.collection AND c.key = input.key
              AND c.position > input.low AND c.position <= input.high
           ORDER BY c.collection, c.key, c.position""",
    ),
    # A record's newest position; whether it has a value at two others, and whether they are one.
    statement(
        "change_standing",
        "collection:text key:text target:int newest:int",
        """SELECT input.collection, input.key,
                  (SELECT max(m.position) FROM changes m
                   WHERE m.collection = input.collection AND m.key = input.key),
                  CASE WHEN t.after IS NULL THEN 0 ELSE 1 END,
                  CASE WHEN n.after IS NULL THEN 0 ELSE 1 END,
                  CASE WHEN t.after IS NOT DISTINCT FROM n.after THEN 1 ELSE 0 END
           FROM input LEFT JOIN changes t ON t.position = input.target
              LEFT JOIN changes n ON n.position = input.newest""",
    ),
    # -- compaction
    statement(
        "ledger_compact_rows",
        "position:int",
        f"""SELECT {COMPACTED_ROW}
           FROM input JOIN changes n ON n.position = input.position
              LEFT JOIN changes q ON q.position = n.previous""",
    ),
    # What operations need of records. CROSS JOIN: SQLite shall look at the operations one by one,
    # which are few.
    statement(
        "ledger_pins",
        "undo_from:int collection:text key:text",
        f"""SELECT i.runs, i.before, i.written, o.number, o.status, o.phase
           FROM input CROSS JOIN ledger_operations o CROSS JOIN ledger_items i
           WHERE i.operation = o.number AND i.collection = input.collection AND i.key = input.key
              AND (o.status IN {OPEN_STATES} OR o.finished_at >= input.undo_from)""",
    ),
    statement(
        "changes_delete",
        "position:int",
        "DELETE FROM changes WHERE position IN (SELECT position FROM input) RETURNING position",
    ),
    # The row that follows a deleted one of its key.
    statement(
        "change_relink",
        "collection:text key:text position:int",
        """UPDATE changes SET previous = (SELECT max(m.position) FROM changes m
                  WHERE m.collection = changes.collection AND m.key = changes.key
                    AND m.position < changes.position)
           FROM input WHERE changes.collection = input.collection AND changes.key = input.key
              AND changes.position = (SELECT min(n.position) FROM changes n
                                      WHERE n.collection = input.collection
                                        AND n.key = input.key AND n.position > input.position)""",
    ),
    # -- what an operation is to restore, key by key
    statement(
        "ledger_items_of",
        "operation:int collection:text key:text",
        """SELECT i.collection, i.key, i.rank, i.runs FROM input
           JOIN ledger_items i ON i.operation = input.operation
              AND i.collection = input.collection AND i.key = input.key""",
    ),
    insert(
        "ledger_item_put",
        "ledger_items",
        "operation:int collection:text key:text rank:int runs:bytes state:text before:int "
        "written:int note:text",
        """ON CONFLICT (operation, collection, key)
           DO UPDATE SET rank = excluded.rank, runs = excluded.runs""",
    ),
    statement(
        "ledger_item_set",
        "operation:int collection:text key:text state:text before:int written:int note:text",
        """UPDATE ledger_items SET state = input.state, before = input.before,
                  written = input.written, note = input.note
           FROM input WHERE ledger_items.operation = input.operation
              AND ledger_items.collection = input.collection AND ledger_items.key = input.key""",
    ),
    insert(
        "ledger_log_insert",
        "ledger_log",
        "operation:int number:int at:int level:text message:text data:bytes",
    ),
    insert(
        "ledger_conflict_insert",
        "ledger_conflicts",
        "id:text operation:int collection:text key:text kind:text severity:text base:bytes "
        "ours:bytes theirs:bytes live:int paths:bytes merged:bytes confidence:float state:text "
        "created_at:int",
        "ON CONFLICT (id) DO NOTHING",
    ),
    insert(
        "ledger_audit_insert",
        "ledger_audit",
        "number:int at:int actor:text event:text severity:text operation:text point:text "
        "session:int message:text reason:text data:bytes",
    ),
)
