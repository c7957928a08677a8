"""Ordinary reads and small writes, by name. `$1`, `$2` … work on both engines as long as each
parameter first appears in its turn. Those of the ledger and the graph have files of their own."""

from __future__ import annotations

from .context_statements import CONTEXT_QUERIES
from .graph_queries import GRAPH_QUERIES
from .ledger_queries import LEDGER_QUERIES, POSTGRES_LEDGER_QUERIES
from .monitoring_statements import MONITORING_QUERIES

_SESSION = """s.number, s.id, s.channel, s.account, s.key, s.thread, s.status, s.owner, s.owner_id,
    s.owner_epoch, s.version, s.last_seq, s.state, s.streams, s.created_at, s.updated_at, s.name,
    s.preview, s.intent, s.feeling, s.said_seq, s.read_seq"""

_DEAD = """id, message_id, conversation, kind, received_at, dead_at, stream, sequence, recorded,
    cause, detail, status, payload, note"""

_OUTBOX = """o.session, o.seq, o.reply_id, o.channel, o.account, o.automatic, o.owner_epoch,
    o.priority, o.state, o.due_at, o.attempts, o.note, o.made"""

_WEBHOOK = """id, url, kinds, channels, description, enabled, disabled_reason, secret,
    former_secret, former_until, position, failing_since, created_at, updated_at, version"""

_DELIVERY = """number, webhook, position, session, seq, kind, at, state, attempts, due_at,
    status_code, detail, duration_ms"""


def _slab(condition: str) -> str:
    """Numbers of the next $3 sessions by activity, whether they are wanted or not."""
    return f"""SELECT number FROM sessions WHERE {condition} (updated_at, number) < ($1, $2)
        ORDER BY updated_at DESC, number DESC LIMIT $3"""


def _slab_end(condition: str) -> str:
    return f"""SELECT updated_at, number FROM sessions
        WHERE {condition} (updated_at, number) < ($1, $2)
        ORDER BY updated_at DESC, number DESC LIMIT 1 OFFSET $3"""


def _wanted(numbers: str, first: int, condition: str = "") -> str:
    """The sessions among `numbers` that pass the filters, newest activity first.

    Parameters from `first` on: status, owner, channel, account, intent, feeling ("" for any),
    unread (-1 for any), how many.
    """
    tests = " AND ".join(
        f"(${number} = '' OR s.{column} = ${number})"
        for number, column in enumerate(
            ("status", "owner", "channel", "account", "intent", "feeling"), first
        )
    )
    return f"""SELECT {_SESSION} FROM ({numbers}) AS found
        JOIN sessions s ON s.number = found.number
        WHERE {condition} {tests}
            AND (${first + 6} = -1 OR (s.said_seq > s.read_seq) = (${first + 6} = 1))
        ORDER BY s.updated_at DESC, s.number DESC LIMIT ${first + 7}"""


_SHOWN = """'message', 'message_duplicate', 'reply', 'note', 'feedback', 'owner_changed',
    'dead_lettered', 'timer_fired', 'sequence_gap', 'tool_call', 'tool_result', 'reply_stopped',
    'turn_again'"""
_NOT_PAST = "(s.updated_at, s.number) < ($3, $4) AND"
_HANDED_OVER = "owner <> 'assistant' AND"

QUERIES: dict[str, str] = {
    "leases": "SELECT partition, epoch FROM leases ORDER BY partition",
    "meta_get": "SELECT value FROM meta WHERE name = $1",
    "meta_set": """INSERT INTO meta (name, value) VALUES ($1, $2)
        ON CONFLICT (name) DO UPDATE SET value = excluded.value RETURNING value""",
    "meta_new": """INSERT INTO meta (name, value) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING
        RETURNING value""",
    # -- the inbox, as the scheduler sees it: everything but the payload
    "inbox_headers": """SELECT id, message_id, conversation, partition, kind, state, due_at,
        received_at, stream, sequence, attempts, recorded, length(payload), note
        FROM inbox WHERE id > $1 ORDER BY id LIMIT $2""",
    "inbox_totals": """SELECT count(*), coalesce(sum(length(payload)), 0), min(received_at)
        FROM inbox WHERE kind = 0""",
    "inbox_crowded": """SELECT conversation, count(*) FROM inbox WHERE kind = 0
        GROUP BY conversation HAVING count(*) >= $1""",
    # -- sessions
    "sessions_page": _wanted(_slab(""), 4),
    "sessions_slab_end": _slab_end(""),
    "sessions_handed_over_page": _wanted(_slab(_HANDED_OVER), 4),
    "sessions_handed_over_slab_end": _slab_end(_HANDED_OVER),
    # Of the newest $2 places where all the words were said.
    "sessions_found_page": _wanted(
        """SELECT DISTINCT e.session AS number FROM
            (SELECT rowid AS position FROM search WHERE search MATCH $1
             ORDER BY rowid DESC LIMIT $2) AS hit
            JOIN events e ON e.position = hit.position""",
        5,
        _NOT_PAST,
    ),
    # A range of sessions for the census: whether active since $1, status, owner, intent, feeling.
    "session_counts": """SELECT updated_at >= $1, status, owner, intent, feeling, count(*)
        FROM sessions WHERE number > $2 AND number <= $3 GROUP BY 1, 2, 3, 4, 5""",
    "feedback_since": """SELECT body FROM events WHERE kind = 'feedback' AND at >= $1
        ORDER BY at DESC LIMIT $2""",
    # What feedback is read from: conversations of a range of numbers in which something happened
    # between $3 and $4, and of each the newest events.
    "feedback_sessions": """SELECT number, id, channel, account, key, last_seq FROM sessions
        WHERE number > $1 AND number <= $2 AND updated_at >= $3 AND created_at < $4
            AND ($5 = '' OR channel = $5) ORDER BY number""",
    "feedback_events": """SELECT e.session, e.position, e.seq, e.kind, e.at, e.turn_id, e.body
        FROM sessions s JOIN events e ON e.session = s.number
        WHERE s.number > $1 AND s.number <= $2 AND s.updated_at >= $3 AND s.created_at < $4
            AND ($5 = '' OR s.channel = $5) AND e.seq > s.last_seq - $6
            AND e.kind IN ('message', 'reply', 'message_duplicate', 'owner_changed', 'feedback')
        ORDER BY e.session, e.seq""",
    # The same of conversations that are named one by one.
    "feedback_events_of": """SELECT e.session, e.position, e.seq, e.kind, e.at, e.turn_id, e.body
        FROM sessions s JOIN events e ON e.session = s.number
        WHERE s.number IN (SELECT value FROM json_each($1)) AND e.seq > s.last_seq - $2
            AND e.kind IN ('message', 'reply', 'message_duplicate', 'owner_changed', 'feedback')
        ORDER BY e.session, e.seq""",
    # The same conversations as in `feedback_sessions`, each with what was made of it before.
    "feedback_summaries": """SELECT s.number, s.channel, s.last_seq, f.last_seq, f.version, f.body
        FROM sessions s LEFT JOIN feedback_summaries f ON f.session = s.number
        WHERE s.number > $1 AND s.number <= $2 AND s.updated_at >= $3 AND s.created_at < $4
            AND ($5 = '' OR s.channel = $5) ORDER BY s.number""",
    # Those at rest, in the order in which they came to rest, of which nothing newest is known.
    "feedback_unknown": """SELECT s.number, s.last_seq, s.updated_at
        FROM sessions s LEFT JOIN feedback_summaries f ON f.session = s.number
        WHERE (s.updated_at, s.number) > ($1, $2) AND s.updated_at <= $3
            AND (f.session IS NULL OR f.last_seq <> s.last_seq OR f.version <> $4)
        ORDER BY s.updated_at, s.number LIMIT $5""",
    "session_top": "SELECT coalesce(max(number), 0) FROM sessions",
    # -- events
    "events_page": """SELECT session, position, seq, kind, at, turn_id, body FROM events
        WHERE session = $1 AND seq > $2 ORDER BY seq LIMIT $3""",
    "events_before": """SELECT session, position, seq, kind, at, turn_id, body FROM events
        WHERE session = $1 AND seq < $2 ORDER BY seq DESC LIMIT $3""",
    # What a transcript shows; `session_opened`, changes of status and the like are left out.
    "transcript_before": f"""SELECT session, position, seq, kind, at, turn_id, body FROM events
        WHERE session = $1 AND seq < $2 AND kind IN ({_SHOWN}) ORDER BY seq DESC LIMIT $3""",
    "transcript_after": f"""SELECT session, position, seq, kind, at, turn_id, body FROM events
        WHERE session = $1 AND seq > $2 AND kind IN ({_SHOWN}) ORDER BY seq LIMIT $3""",
    "events_of_inbox": """SELECT session, position, seq, kind, at, turn_id, body FROM events
        WHERE inbox_id = $1 ORDER BY position""",
    "events_feed": """SELECT session, position, seq, kind, at, turn_id, body FROM events
        WHERE position > $1 ORDER BY position LIMIT $2""",
    "unsent_after": """SELECT kind, body FROM events WHERE session = $1 AND seq > $2
        AND kind IN ('reply_withdrawn', 'reply_failed')""",
    "message_key": "SELECT body_hash, inbox_id FROM message_keys WHERE message_id = $1",
    # -- outbox
    "outbox_pending": f"""SELECT {_OUTBOX}, s.id, s.key, s.thread FROM outbox o
        JOIN sessions s ON s.number = o.session
        WHERE (o.session, o.seq) > ($1, $2) ORDER BY o.session, o.seq LIMIT $3""",
    "outbox_of_session": f"SELECT {_OUTBOX} FROM outbox o WHERE o.session = $1 ORDER BY o.seq",
    "outbox_count": "SELECT count(*) FROM outbox",
    # -- dead letters
    "dead_page": f"""SELECT {_DEAD} FROM dead_letters WHERE id < $1 AND status = $2
        ORDER BY id DESC LIMIT $3""",
    "dead_page_of": f"""SELECT {_DEAD} FROM dead_letters WHERE id < $1 AND status = $2
        AND conversation = $3 ORDER BY id DESC LIMIT $4""",
    "dead_count": """SELECT count(*) FROM (
        SELECT 1 FROM dead_letters WHERE status = 'dead' LIMIT $1) AS newest""",
    "dead_by_id": f"SELECT {_DEAD} FROM dead_letters WHERE id = $1",
    "dead_by_message": f"SELECT {_DEAD} FROM dead_letters WHERE message_id = $1 ORDER BY id DESC",
    "dead_of_conversation": f"""SELECT {_DEAD} FROM dead_letters WHERE conversation = $1
        AND status = 'dead' ORDER BY id""",
    # -- search: the position moves only from where its reader found it
    "search_move": """UPDATE meta SET value = $1 WHERE name = 'search_position' AND value = $2
        RETURNING value""",
    # -- answers to requests with an Idempotency-Key; status 0 is a request under way
    "idempotency_claim": """INSERT INTO idempotency (key, body, status, at) VALUES ($1, $2, 0, $3)
        ON CONFLICT (key) DO UPDATE SET body = excluded.body, status = 0, answer = NULL,
            at = excluded.at
        WHERE idempotency.at < $4 OR idempotency.status = 0 AND idempotency.at < $5
        RETURNING at""",
    "idempotency_find": "SELECT body, status, answer FROM idempotency WHERE key = $1",
    "idempotency_keep": """UPDATE idempotency SET status = $1, answer = $2
        WHERE key = $3 AND at = $4 AND status = 0 RETURNING at""",
    "idempotency_release": """DELETE FROM idempotency WHERE key = $1 AND at = $2 AND status = 0
        RETURNING at""",
    "idempotency_forget": "DELETE FROM idempotency WHERE at < $1 RETURNING at",
    "idempotency_nth": "SELECT at FROM idempotency ORDER BY at DESC LIMIT 1 OFFSET $1",
    # -- keys of clients
    "api_key_insert": """INSERT INTO api_keys (id, hash, name, scopes, created_at, expires_at)
        VALUES ($1, $2, $3, $4, $5, $6) RETURNING id""",
    "api_key_revoke": """UPDATE api_keys SET revoked_at = $1 WHERE id = $2 AND revoked_at IS NULL
        RETURNING id""",
    "api_keys": """SELECT id, hash, name, scopes, created_at, expires_at, revoked_at FROM api_keys
        ORDER BY created_at""",
    # -- sessions of the console; a key has the newest $2 of them
    "console_session_insert": """INSERT INTO console_sessions
        (hash, key_id, created_at, seen_at, expires_at) VALUES ($1, $2, $3, $4, $5)
        RETURNING hash""",
    "console_session": """SELECT key_id, created_at, seen_at, expires_at FROM console_sessions
        WHERE hash = $1""",
    "console_session_seen": """UPDATE console_sessions SET seen_at = $1 WHERE hash = $2
        RETURNING hash""",
    "console_session_delete": "DELETE FROM console_sessions WHERE hash = $1 RETURNING hash",
    "console_sessions_purge": """DELETE FROM console_sessions
        WHERE expires_at <= $1 OR seen_at <= $2 RETURNING hash""",
    "console_sessions_trim": """DELETE FROM console_sessions WHERE hash IN (
        SELECT hash FROM console_sessions WHERE key_id = $1
        ORDER BY created_at DESC LIMIT 1000 OFFSET $2) RETURNING hash""",
    # -- webhooks
    "events_top": "SELECT coalesce(max(position), 0) FROM events",
    "webhooks": f"SELECT {_WEBHOOK} FROM webhooks ORDER BY created_at, id",
    "webhook_by_id": f"SELECT {_WEBHOOK} FROM webhooks WHERE id = $1",
    "webhook_count": "SELECT count(*) FROM webhooks",
    "webhook_delete": "DELETE FROM webhooks WHERE id = $1 RETURNING id",
    "webhook_failing": "UPDATE webhooks SET failing_since = $1 WHERE id = $2 RETURNING id",
    "webhook_skip": """UPDATE webhooks SET failing_since = NULL,
            position = (SELECT coalesce(max(position), 0) FROM events)
        WHERE id = $1 RETURNING id""",
    "webhook_waiting": """SELECT count(*) FROM webhook_deliveries
        WHERE webhook = $1 AND due_at IS NOT NULL""",
    "webhook_due": f"""SELECT {_DELIVERY} FROM webhook_deliveries
        WHERE webhook = $1 AND due_at <= $2 ORDER BY due_at, number LIMIT $3""",
    "webhook_next_due": """SELECT min(due_at) FROM webhook_deliveries
        WHERE webhook = $1 AND due_at > $2""",
    "webhook_delivery": f"""SELECT {_DELIVERY} FROM webhook_deliveries
        WHERE webhook = $1 AND number = $2""",
    "webhook_deliveries_page": f"""SELECT {_DELIVERY} FROM webhook_deliveries
        WHERE webhook = $1 AND number < $2 AND ($3 = '' OR state = $3)
        ORDER BY number DESC LIMIT $4""",
    "webhook_redeliver": f"""UPDATE webhook_deliveries
        SET state = 'pending', attempts = 0, due_at = $1
        WHERE webhook = $2 AND number = $3 RETURNING {_DELIVERY}""",
    "webhook_give_up": """UPDATE webhook_deliveries
        SET state = 'failed', due_at = NULL, detail = $1
        WHERE webhook = $2 AND due_at IS NOT NULL RETURNING number""",
    "webhook_deliveries_delete": """DELETE FROM webhook_deliveries WHERE number IN
        (SELECT number FROM webhook_deliveries WHERE webhook = $1 ORDER BY number LIMIT $2)
        RETURNING number""",
    "webhook_prune_old": """DELETE FROM webhook_deliveries WHERE number IN
        (SELECT number FROM webhook_deliveries WHERE webhook = $1 AND due_at IS NULL AND at < $2
         ORDER BY number LIMIT $3)
        RETURNING number""",
    "webhook_prune_many": """DELETE FROM webhook_deliveries WHERE number IN
        (SELECT number FROM webhook_deliveries WHERE webhook = $1 AND state = 'delivered'
            AND number <= (SELECT number FROM webhook_deliveries
                           WHERE webhook = $1 AND state = 'delivered'
                           ORDER BY number DESC LIMIT 1 OFFSET $2)
         ORDER BY number LIMIT $3)
        RETURNING number""",
    **LEDGER_QUERIES,
    **GRAPH_QUERIES,
    **CONTEXT_QUERIES,
    **MONITORING_QUERIES,
}

_NOW = "(extract(epoch FROM clock_timestamp()) * 1000000)::bigint"
"""The database's clock in microseconds: what leases go by (engine decision 26)."""

_FREE = f"""NOT EXISTS (SELECT 1 FROM workers w WHERE w.name = l.owner AND w.expires_at > {_NOW})"""

POSTGRES_QUERIES: dict[str, str] = {
    **POSTGRES_LEDGER_QUERIES,
    "inbox_numbers": "SELECT nextval('inbox_ids') FROM generate_series(1, $1::bigint)",
    "session_numbers": "SELECT nextval('session_numbers') FROM generate_series(1, $1::bigint)",
    "sessions_found_page": _wanted(
        """SELECT DISTINCT hit.session AS number FROM
            (SELECT session FROM search WHERE words @@ $1::text::tsquery
             ORDER BY position DESC LIMIT $2) AS hit""",
        5,
        _NOT_PAST,
    ),
    "feedback_events_of": """SELECT e.session, e.position, e.seq, e.kind, e.at, e.turn_id, e.body
        FROM sessions s JOIN events e ON e.session = s.number
        WHERE s.number IN (SELECT value::bigint FROM json_array_elements_text($1::text::json))
            AND e.seq > s.last_seq - $2
            AND e.kind IN ('message', 'reply', 'message_duplicate', 'owner_changed', 'feedback')
        ORDER BY e.session, e.seq""",
    # -- workers and their leases
    "worker_beat": f"""INSERT INTO workers (name, seen_at, expires_at, info)
        VALUES ($1, {_NOW}, {_NOW} + $2::bigint, $3)
        ON CONFLICT (name) DO UPDATE SET seen_at = excluded.seen_at,
            expires_at = excluded.expires_at, info = excluded.info""",
    "worker_delete": "DELETE FROM workers WHERE name = $1",
    "workers_forget": f"DELETE FROM workers WHERE expires_at < {_NOW} - $1::bigint",
    "workers_live": f"SELECT count(*) FROM workers WHERE expires_at > {_NOW}",
    "workers": "SELECT name, seen_at, expires_at, info FROM workers ORDER BY name",
    # One at a time decides about leases. Rows that a running commit holds wait for the next time;
    # MATERIALIZED keeps the plan from running the choice, and its LIMIT, more than once.
    "lease_lock": "SELECT pg_advisory_xact_lock(hashtext('colloquy.leases'))",
    "leases_held": "SELECT partition, epoch FROM leases WHERE owner = $1 ORDER BY partition",
    "leases_take": f"""WITH free AS MATERIALIZED (
            SELECT l.partition FROM leases l WHERE {_FREE} ORDER BY l.partition LIMIT $2
            FOR UPDATE SKIP LOCKED)
        UPDATE leases SET owner = $1, epoch = epoch + 1 FROM free
        WHERE leases.partition = free.partition RETURNING leases.partition, epoch""",
    "leases_release": """WITH given AS MATERIALIZED (
            SELECT l.partition FROM leases l
            WHERE l.owner = $1 AND l.partition = ANY ($2::bigint[]) FOR UPDATE SKIP LOCKED)
        UPDATE leases SET owner = NULL, epoch = epoch + 1 FROM given
        WHERE leases.partition = given.partition RETURNING leases.partition, epoch""",
    "leases_drop": "UPDATE leases SET owner = NULL, epoch = epoch + 1 WHERE owner = $1",
}
"""What only PostgreSQL needs."""
