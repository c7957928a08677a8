"""The ledger's ordinary reads and small writes, by name, as in `queries.py`."""

from __future__ import annotations

from .ledger_statements import COMPACTED_ROW, OPEN_STATES

_CHANGE = """c.position, c.at, c.actor, c.session, c.operation, c.collection, c.key, c.after,
    c.previous, c.origin"""

# The same without the value, which most readers of many rows do not look at.
_BARE_CHANGE = """c.position, c.at, c.actor, c.session, c.operation, c.collection, c.key, NULL,
    c.previous, c.origin"""

_POINT = """p.id, p.position, p.name, p.description, p.actor, p.session, p.automatic, p.tags,
    p.metadata, p.created_at, p.expires_at"""

_OPERATION = """o.number, o.id, o.kind, o.request, o.point, o.target, o.head, o.scope_key,
    o.strategy, o.status, o.phase, o.planned_to, o.total, o.counts, o.actor, o.reason, o.error_code,
    o.error, o.cancelled, o.created_at, o.started_at, o.updated_at, o.finished_at, o.owner,
    o.lease_until"""

_ITEM = "i.collection, i.key, i.rank, i.runs, i.state, i.before, i.written, i.note"

_CONFLICT = """k.id, k.operation, k.collection, k.key, k.kind, k.severity, k.base, k.ours, k.theirs,
    k.live, k.paths, k.merged, k.confidence, k.state, k.decision, k.value, k.decided_by,
    k.decided_at, k.created_at"""

_SPAN_PAGE = f"""SELECT {_BARE_CHANGE} FROM changes c
    WHERE c.position > $1 AND c.position <= $2
        AND (c.collection, c.key, c.position) > ($3, $4, $5)
    ORDER BY c.collection, c.key, c.position LIMIT $6"""

LEDGER_QUERIES: dict[str, str] = {
    # -- the log
    "ledger_head": "SELECT value FROM counters WHERE name = 'ledger'",
    "changes_of_key": f"""SELECT {_CHANGE} FROM changes c
        WHERE c.collection = $1 AND c.key = $2 ORDER BY c.position""",
    "changes_of_key_before": f"""SELECT {_CHANGE} FROM changes c
        WHERE c.collection = $1 AND c.key = $2 AND c.position < $3
        ORDER BY c.position DESC LIMIT $4""",
    "changes_page": f"""SELECT {_CHANGE} FROM changes c
        WHERE c.position > $1 ORDER BY c.position LIMIT $2""",
    "changes_between": f"""SELECT {_CHANGE} FROM changes c
        WHERE c.position > $1 AND c.position <= $2 ORDER BY c.position LIMIT $3""",
    # What changed between two positions, in the order of names. MATERIALIZED: few rows are found
    # by their positions; the plus: many are found by the index of names, which has that order.
    "ledger_span_few": f"""WITH span AS MATERIALIZED (SELECT {_BARE_CHANGE} FROM changes c
            WHERE c.position > $1 AND c.position <= $2)
        SELECT * FROM span WHERE (collection, key, position) > ($3, $4, $5)
        ORDER BY collection, key, position LIMIT $6""",
    "ledger_span_page": _SPAN_PAGE.replace("c.position >", "+c.position >").replace(
        "c.position <=", "+c.position <="
    ),
    # "" and -1 pass everything; a collection and a time narrow what is looked at.
    "changes_before": f"""SELECT {_CHANGE} FROM changes c
        WHERE c.position < $1 AND ($2 = '' OR c.collection = $2) AND ($3 = '' OR c.actor = $3)
            AND (c.session = $4 OR $4 = -1) AND ($5 = '' OR c.origin = $5)
            AND c.at >= $6 AND c.at < $7
        ORDER BY c.position DESC LIMIT $8""",
    "change_from": """SELECT position, at FROM changes WHERE position >= $1
        ORDER BY position LIMIT 1""",
    "ledger_records_page": """SELECT c.collection, c.key, c.position, c.after FROM changes c
        WHERE (c.collection, c.key) > ($1, $2) AND c.position <= $3 AND c.after IS NOT NULL
            AND c.position = (SELECT max(m.position) FROM changes m
                WHERE m.collection = c.collection AND m.key = c.key AND m.position <= $3)
        ORDER BY c.collection, c.key LIMIT $4""",
    # Of one collection from the last key below $2 on, backwards, as they are now.
    "ledger_records_back": """SELECT c.collection, c.key, c.position, c.after FROM changes c
        WHERE c.collection = $1 AND c.key < $2 AND c.after IS NOT NULL
            AND c.position = (SELECT max(m.position) FROM changes m
                WHERE m.collection = c.collection AND m.key = c.key)
        ORDER BY c.key DESC LIMIT $3""",
    "ledger_keys_page": """SELECT c.key FROM changes c
        WHERE c.collection = $1 AND c.key > $2 AND substr(c.key, 1, length($3)) = $3
            AND c.after IS NOT NULL
            AND c.position = (SELECT max(m.position) FROM changes m
                WHERE m.collection = c.collection AND m.key = c.key)
        ORDER BY c.key LIMIT $4""",
    "ledger_sizes_page": """SELECT c.collection, c.key, c.position, length(c.after)
        FROM changes c
        WHERE (c.collection, c.key) > ($1, $2) AND c.position <= $3 AND c.after IS NOT NULL
            AND c.position = (SELECT max(m.position) FROM changes m
                WHERE m.collection = c.collection AND m.key = c.key AND m.position <= $3)
        ORDER BY c.collection, c.key LIMIT $4""",
    # -- compaction
    # Changes that follow another of their record, or remove it; with the one before.
    "ledger_compact_page": f"""SELECT {COMPACTED_ROW}
        FROM changes n LEFT JOIN changes q ON q.position = n.previous
        WHERE n.position > $1 AND n.position <= $2
            AND (n.previous IS NOT NULL OR n.after IS NULL)
        ORDER BY n.position LIMIT $3""",
    "ledger_point_positions": """SELECT DISTINCT position FROM ledger_points
        WHERE position < $1 ORDER BY position""",
    "ledger_planning_from": f"""SELECT number, target FROM ledger_operations
        WHERE phase = 'planning' AND status IN {OPEN_STATES} ORDER BY target LIMIT 1""",
    # Operations that need some of the rows below the horizon.
    "ledger_pinning": f"""SELECT number, status, phase FROM ledger_operations
        WHERE status IN {OPEN_STATES} OR finished_at >= $1""",
    "ledger_horizon": """SELECT
        coalesce((SELECT CAST(value AS BIGINT) FROM meta WHERE name = 'ledger_compacted'), 0),
        coalesce((SELECT CAST(value AS BIGINT) FROM meta WHERE name = 'ledger_undo_from'), 0)""",
    "ledger_point_at": """SELECT id FROM ledger_points
        WHERE position = $1 AND (expires_at IS NULL OR expires_at > $2) LIMIT 1""",
    # Rows at or below the horizon that points need, by point; "" for those of several.
    "ledger_pinned_bytes": """SELECT r.point, count(*), sum(r.bytes) FROM (
            SELECT k.bytes, (SELECT CASE count(*) WHEN 1 THEN min(p.id) ELSE '' END
                FROM ledger_points p
                WHERE p.position >= k.position AND p.position < k.next
                    AND (p.expires_at IS NULL OR p.expires_at > $2)
                HAVING count(*) > 0) AS point
            FROM (SELECT c.position, coalesce(length(c.after), 0) AS bytes,
                    lead(c.position) OVER (PARTITION BY c.collection, c.key ORDER BY c.position)
                        AS next
                FROM changes c WHERE c.position <= $1) k
            WHERE k.next IS NOT NULL) r
        WHERE r.point IS NOT NULL GROUP BY r.point""",
    # -- points
    "ledger_point_insert": """INSERT INTO ledger_points (id, position, name, description, actor,
            session, automatic, tags, metadata, created_at, expires_at)
        VALUES ($1, (SELECT value FROM counters WHERE name = 'ledger'), $2, $3, $4, $5, $6, $7, $8,
            $9, $10) RETURNING position""",
    "ledger_point": f"SELECT {_POINT} FROM ledger_points p WHERE p.id = $1",
    "ledger_points_page": f"""SELECT {_POINT} FROM ledger_points p
        WHERE (p.created_at, p.id) < ($1, $2) AND ($3 = '' OR p.automatic = $3)
            AND (p.expires_at IS NULL OR p.expires_at > $4)
        ORDER BY p.created_at DESC, p.id DESC LIMIT $5""",
    "ledger_points_of_session": f"""SELECT {_POINT} FROM ledger_points p
        WHERE (p.created_at, p.id) < ($1, $2) AND ($3 = '' OR p.automatic = $3)
            AND (p.expires_at IS NULL OR p.expires_at > $4) AND p.session = $5
        ORDER BY p.created_at DESC, p.id DESC LIMIT $6""",
    "ledger_points_live": f"""SELECT {_POINT} FROM ledger_points p
        WHERE p.expires_at IS NULL OR p.expires_at > $1 ORDER BY p.position, p.id""",
    "ledger_points_expired": """SELECT id FROM ledger_points
        WHERE expires_at IS NOT NULL AND expires_at <= $1 ORDER BY expires_at LIMIT $2""",
    "ledger_points_live_figures": """SELECT count(*), min(position) FROM ledger_points
        WHERE expires_at IS NULL OR expires_at > $1""",
    "ledger_operations_open_count": f"""SELECT count(*) FROM ledger_operations
        WHERE status IN {OPEN_STATES}""",
    "ledger_point_delete": "DELETE FROM ledger_points WHERE id = $1 RETURNING id",
    "ledger_point_expiry": """UPDATE ledger_points SET expires_at = $1 WHERE id = $2
        RETURNING id""",
    "ledger_point_in_use": f"""SELECT id FROM ledger_operations
        WHERE point = $1 AND status IN {OPEN_STATES} LIMIT 1""",
    # -- operations
    "ledger_operation_insert": """INSERT INTO ledger_operations (number, id, kind, request, point,
            target, head, scope_key, strategy, status, phase, planned_to, total, counts, actor,
            reason, cancelled, created_at, updated_at, owner, lease_until)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 'pending', 'planning', $10, 0, $11, $12, $13, 0,
            $14, $15, $16, $17) RETURNING number""",
    "ledger_operation": f"SELECT {_OPERATION} FROM ledger_operations o WHERE o.id = $1",
    "ledger_operations_page": f"""SELECT {_OPERATION} FROM ledger_operations o
        WHERE o.number < $1 AND ($2 = '' OR o.status = $2) AND ($3 = '' OR o.point = $3)
        ORDER BY o.number DESC LIMIT $4""",
    "ledger_operation_fence": f"""UPDATE ledger_operations SET lease_until = $1
        WHERE number = $2 AND owner = $3 AND status IN {OPEN_STATES} RETURNING cancelled""",
    "ledger_operations_open": f"""SELECT {_OPERATION} FROM ledger_operations o
        WHERE o.status IN {OPEN_STATES} ORDER BY o.number""",
    # Only its owner moves an operation on, and only while it is not finished.
    "ledger_operation_move": f"""UPDATE ledger_operations SET status = $1, phase = $2,
            planned_to = $3, total = $4, counts = $5, error_code = $6, error = $7, started_at = $8,
            updated_at = $9, finished_at = $10, lease_until = $11, strategy = $12
        WHERE number = $13 AND owner = $14 AND status IN {OPEN_STATES} RETURNING cancelled""",
    "ledger_operation_take": f"""UPDATE ledger_operations SET owner = $1, lease_until = $2
        WHERE number = $3 AND status IN {OPEN_STATES}
            AND (owner IS NULL OR owner = $1 OR lease_until < $4) RETURNING number""",
    "ledger_operation_release": """UPDATE ledger_operations SET owner = NULL, lease_until = NULL
        WHERE number = $1 AND owner = $2 RETURNING number""",
    "ledger_operation_cancel": f"""UPDATE ledger_operations SET cancelled = 1
        WHERE id = $1 AND status IN {OPEN_STATES} RETURNING number""",
    "ledger_operation_forget": f"""DELETE FROM ledger_operations
        WHERE number = $1 AND status NOT IN {OPEN_STATES} RETURNING number""",
    "ledger_operations_old": f"""SELECT number FROM ledger_operations
        WHERE finished_at < $1 AND status NOT IN {OPEN_STATES} ORDER BY number LIMIT $2""",
    "ledger_operation_totals": """SELECT status, count(*), sum(finished_at - started_at)
        FROM ledger_operations WHERE created_at >= $1 GROUP BY status""",
    # -- items
    "ledger_items_next": f"""SELECT {_ITEM} FROM ledger_items i
        WHERE i.operation = $1 AND i.state = $2 ORDER BY i.rank, i.collection, i.key LIMIT $3""",
    "ledger_items_last": f"""SELECT {_ITEM} FROM ledger_items i
        WHERE i.operation = $1 AND i.state = $2
        ORDER BY i.rank DESC, i.collection DESC, i.key DESC LIMIT $3""",
    "ledger_items_page": f"""SELECT {_ITEM} FROM ledger_items i
        WHERE i.operation = $1 AND (i.collection, i.key) > ($2, $3) AND ($4 = '' OR i.state = $4)
        ORDER BY i.collection, i.key LIMIT $5""",
    "ledger_items_top": """SELECT collection, key FROM ledger_items WHERE operation = $1
        ORDER BY collection DESC, key DESC LIMIT 1""",
    "ledger_items_count": """SELECT state, count(*) FROM ledger_items WHERE operation = $1
        GROUP BY state""",
    "ledger_items_forget": """DELETE FROM ledger_items
        WHERE operation = $1 AND (collection, key) IN (
            SELECT collection, key FROM ledger_items WHERE operation = $1 LIMIT $2)
        RETURNING rank""",
    # -- the log of an operation
    "ledger_log_top": "SELECT coalesce(max(number), 0) FROM ledger_log WHERE operation = $1",
    "ledger_log_page": """SELECT number, at, level, message, data FROM ledger_log
        WHERE operation = $1 AND number > $2 ORDER BY number LIMIT $3""",
    "ledger_log_forget": """DELETE FROM ledger_log WHERE operation = $1 AND number IN (
            SELECT number FROM ledger_log WHERE operation = $1 LIMIT $2)
        RETURNING number""",
    # -- conflicts
    "ledger_conflict": f"SELECT {_CONFLICT} FROM ledger_conflicts k WHERE k.id = $1",
    "ledger_conflicts_page": f"""SELECT {_CONFLICT} FROM ledger_conflicts k
        WHERE k.id < $1 AND (k.operation = $2 OR $2 = -1) AND ($3 = '' OR k.state = $3)
        ORDER BY k.id DESC LIMIT $4""",
    "ledger_conflicts_count": """SELECT state, count(*) FROM ledger_conflicts WHERE operation = $1
        GROUP BY state""",
    "ledger_conflicts_open": "SELECT count(*) FROM ledger_conflicts WHERE state = 'open'",
    "ledger_conflict_decide": """UPDATE ledger_conflicts SET state = 'decided', decision = $1,
            value = $2, decided_by = $3, decided_at = $4
        WHERE id = $5 AND state IN ('open', 'decided') AND coalesce(decided_at, 0) = $6
        RETURNING id""",
    "ledger_conflict_state": """UPDATE ledger_conflicts SET state = $1 WHERE id = $2
        RETURNING id""",
    "ledger_conflicts_close": """UPDATE ledger_conflicts SET state = 'closed'
        WHERE operation = $1 AND state IN ('open', 'decided') RETURNING id""",
    "ledger_conflicts_forget": """DELETE FROM ledger_conflicts WHERE id IN (
            SELECT id FROM ledger_conflicts WHERE operation = $1 LIMIT $2)
        RETURNING id""",
    # -- the audit trail
    "ledger_audit_page": """SELECT number, at, actor, event, severity, operation, point, session,
            message, reason, data FROM ledger_audit
        WHERE number < $1 AND ($2 = '' OR event = $2) AND ($3 = '' OR severity = $3)
            AND ($4 = '' OR actor = $4) AND (session = $5 OR $5 = -1) AND at >= $6 AND at < $7
        ORDER BY number DESC LIMIT $8""",
    "ledger_audit_forget": """DELETE FROM ledger_audit WHERE number IN (
            SELECT number FROM ledger_audit WHERE at < $1 ORDER BY at LIMIT $2)
        RETURNING number""",
}

POSTGRES_LEDGER_QUERIES: dict[str, str] = {
    # Here the positions narrow the walk within the index, which the plus would forbid.
    "ledger_span_page": _SPAN_PAGE,
}
