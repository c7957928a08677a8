"""The hot statements, by name: one text for both engines (engine decision 6).

Those of the ledger, of the graph, of contexts, of monitoring and of roll-outs have files of their
own.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from .context_statements import CONTEXT_STATEMENTS
from .graph_search_statements import GRAPH_SEARCH_STATEMENTS
from .graph_statements import GRAPH_STATEMENTS
from .ledger_statements import LEDGER_STATEMENTS
from .monitoring_statements import MONITORING_STATEMENTS
from .rollout_statements import ROLLOUT_STATEMENTS
from .statement import Statement, insert, statement

_POSTGRES_TYPES = {"int": "bigint", "float": "double precision", "bytes": "bytea", "text": "text"}
_SHARE = "{share}"
"""In a statement: the place of a row lock inside it, which only PostgreSQL needs."""

_INBOX = (
    "id:int message_id:bytes conversation:bytes partition:int kind:int state:text due_at:int "
    "received_at:int stream:text sequence:int attempts:int recorded:int payload:bytes note:bytes"
)

STATEMENTS: dict[str, Statement] = {
    one.name: one
    for one in (
        # -- accept
        insert(
            "key_insert",
            "message_keys",
            "message_id:bytes body_hash:bytes inbox_id:int",
            "ON CONFLICT (message_id) DO NOTHING RETURNING inbox_id",
        ),
        statement(
            "key_select",
            "message_id:bytes",
            """SELECT k.message_id, k.body_hash, k.inbox_id,
                      (SELECT max(d.status) FROM dead_letters d WHERE d.message_id = k.message_id)
               FROM input JOIN message_keys k ON k.message_id = input.message_id""",
        ),
        insert("inbox_insert", "inbox", _INBOX),
        # -- guards of a commit
        statement(
            "lease_check",
            "partition:int epoch:int",
            """SELECT l.partition FROM input JOIN leases l
               ON l.partition = input.partition AND l.epoch = input.epoch""",
            "ORDER BY l.partition FOR SHARE OF l",
        ),
        statement(
            "session_guard",
            "number:int",
            """SELECT s.number, s.version, s.last_seq FROM input
               JOIN sessions s ON s.number = input.number""",
            "ORDER BY s.number FOR UPDATE OF s",
        ),
        statement(
            "inbox_delete",
            "id:int",
            "DELETE FROM inbox WHERE id IN (SELECT id FROM input) RETURNING id",
        ),
        statement(
            "outbox_delete",
            "session:int seq:int",
            """DELETE FROM outbox WHERE (session, seq) IN (SELECT session, seq FROM input)
               RETURNING session, seq""",
        ),
        # A reply that is being sent cannot be taken back any more.
        statement(
            "outbox_withdraw",
            "session:int seq:int",
            """DELETE FROM outbox WHERE (session, seq) IN (SELECT session, seq FROM input)
                  AND state <> 'in_flight' RETURNING session, seq""",
        ),
        statement(
            "dead_letter_delete",
            "id:int",
            "DELETE FROM dead_letters WHERE id IN (SELECT id FROM input) RETURNING id",
        ),
        # -- what a turn writes
        insert(
            "session_insert",
            "sessions",
            "number:int id:bytes channel:text account:text key:text thread:text status:text "
            "owner:text owner_id:text owner_epoch:int version:int last_seq:int state:bytes "
            "streams:bytes created_at:int updated_at:int",
            "ON CONFLICT DO NOTHING RETURNING number",
        ),
        statement(
            "session_touch",
            "number:int last_seq:int updated_at:int name:text preview:text intent:text "
            "feeling:text said_seq:int flow:bytes",
            # NULL keeps what is there.
            """UPDATE sessions SET last_seq = input.last_seq, updated_at = input.updated_at,
                      name = coalesce(input.name, sessions.name),
                      preview = coalesce(input.preview, sessions.preview),
                      intent = coalesce(input.intent, sessions.intent),
                      feeling = coalesce(input.feeling, sessions.feeling),
                      said_seq = coalesce(input.said_seq, sessions.said_seq),
                      flow = coalesce(input.flow, sessions.flow)
               FROM input WHERE sessions.number = input.number""",
        ),
        statement(
            "session_read",
            "number:int seq:int",
            """UPDATE sessions SET read_seq = CASE WHEN input.seq < sessions.last_seq
                      THEN input.seq ELSE sessions.last_seq END
               FROM input WHERE sessions.number = input.number
                  AND input.seq > sessions.read_seq""",
        ),
        statement(
            "session_unread",
            "number:int",
            """UPDATE sessions SET read_seq = said_seq - 1
               FROM input WHERE sessions.number = input.number
                  AND sessions.said_seq > 0 AND sessions.read_seq >= sessions.said_seq""",
        ),
        statement(
            "session_state",
            "number:int status:text owner:text owner_id:text owner_epoch:int version:int "
            "state:bytes",
            """UPDATE sessions SET status = input.status, owner = input.owner,
                      owner_id = input.owner_id, owner_epoch = input.owner_epoch,
                      version = input.version, state = input.state
               FROM input WHERE sessions.number = input.number""",
        ),
        statement(
            "sessions_lock",
            "id:bytes",
            """SELECT s.number, s.id, s.version, s.last_seq, s.status, s.owner, s.owner_id,
                      s.owner_epoch
               FROM input JOIN sessions s ON s.id = input.id""",
            "ORDER BY s.number FOR UPDATE OF s",
        ),
        statement(
            "session_streams",
            "number:int streams:bytes",
            """UPDATE sessions SET streams = input.streams
               FROM input WHERE sessions.number = input.number""",
        ),
        # SQLite numbers the rows in the order of its one writer. On PostgreSQL the positions come
        # from a counter row, so that here too they follow the order of commits: a reader that goes
        # up by position can never pass a row that appears later.
        insert(
            "event_insert",
            "events",
            "session:int seq:int kind:text at:int turn_id:bytes inbox_id:int body:bytes",
            postgres_sql="""
                , total AS (SELECT count(*) AS rows FROM input),
                top AS (UPDATE counters SET value = counters.value + total.rows FROM total
                        WHERE counters.name = 'events'
                        RETURNING counters.value - total.rows AS value)
                INSERT INTO events (position, session, seq, kind, at, turn_id, inbox_id, body)
                SELECT top.value + row_number() OVER (), session, seq, kind, at, turn_id, inbox_id,
                       body
                FROM input, top""",
        ),
        insert(
            "outbox_insert",
            "outbox",
            "session:int seq:int reply_id:bytes channel:text account:text automatic:int "
            "owner_epoch:int priority:int state:text due_at:int attempts:int note:bytes "
            "made:bytes",
        ),
        statement(
            "outbox_unsent_automatic",
            "session:int",
            """SELECT o.session, o.seq, o.reply_id FROM input
               JOIN outbox o ON o.session = input.session
               WHERE o.automatic = 1 AND o.state <> 'in_flight'""",
        ),
        statement(
            "inbox_set",
            "id:int state:text due_at:int attempts:int recorded:int note:bytes",
            """UPDATE inbox SET state = input.state, due_at = input.due_at,
                      attempts = input.attempts, recorded = input.recorded, note = input.note
               FROM input WHERE inbox.id = input.id""",
        ),
        insert(
            "dead_letter_insert",
            "dead_letters",
            "id:int message_id:bytes conversation:bytes kind:int received_at:int dead_at:int "
            "stream:text sequence:int recorded:int cause:text detail:text status:text "
            "payload:bytes note:bytes",
        ),
        statement(
            "dead_letter_status",
            "id:int status:text",
            """UPDATE dead_letters SET status = input.status
               FROM input WHERE dead_letters.id = input.id""",
        ),
        statement(
            "counter_add",
            "name:text amount:int",
            # All counters exist. As an UPDATE with FROM and RETURNING, SQLite takes five times as
            # long.
            """INSERT INTO counters (name, value) SELECT name, amount FROM input WHERE true
               ON CONFLICT (name) DO UPDATE SET value = counters.value + excluded.value
               RETURNING value""",
            postgres_sql="""UPDATE counters SET value = counters.value + input.amount
               FROM input WHERE counters.name = input.name RETURNING counters.value""",
        ),
        statement(
            "counter_raise",
            "name:text amount:int",
            """UPDATE counters SET value = input.amount FROM input
               WHERE counters.name = input.name AND counters.value < input.amount""",
        ),
        # -- delivery: the session's row is locked, so that a take-over comes before or after
        statement(
            "outbox_release",
            "session:int seq:int",
            """DELETE FROM outbox WHERE (session, seq) IN (SELECT session, seq FROM input)
                  AND state = 'pending'
                  AND (automatic = 0 OR owner_epoch =
                       (SELECT s.owner_epoch FROM sessions s WHERE s.number = outbox.session
                        {share}))
               RETURNING session, seq""",
        ),
        statement(
            "outbox_claim",
            "session:int seq:int due_at:int",
            """UPDATE outbox SET state = 'in_flight', attempts = attempts + 1,
                      due_at = input.due_at
               FROM input WHERE outbox.session = input.session AND outbox.seq = input.seq
                  AND outbox.state IN ('pending', 'retry')
                  AND (outbox.automatic = 0 OR outbox.owner_epoch =
                       (SELECT s.owner_epoch FROM sessions s WHERE s.number = outbox.session
                        {share}))
               RETURNING outbox.session, outbox.seq""",
        ),
        statement(
            "outbox_set",
            "session:int seq:int state:text due_at:int note:bytes",
            """UPDATE outbox SET state = input.state, due_at = input.due_at, note = input.note
               FROM input WHERE outbox.session = input.session AND outbox.seq = input.seq""",
        ),
        # -- full text; words are folded and parted by blanks (`search.py`)
        statement(
            "search_insert",
            "position:int session:int words:text",
            """INSERT INTO search (rowid, words) SELECT position, words FROM input WHERE true""",
            postgres_sql="""INSERT INTO search (position, session, words)
                SELECT position, session, array_to_tsvector(string_to_array(words, ' '))
                FROM input""",
        ),
        # -- what feedback knows of a conversation; it comes out of the log
        insert(
            "feedback_summary_put",
            "feedback_summaries",
            "session:int last_seq:int version:int body:bytes",
            """ON CONFLICT (session) DO UPDATE SET last_seq = excluded.last_seq,
               version = excluded.version, body = excluded.body""",
        ),
        # -- effects
        insert(
            "effect_insert",
            "effects",
            "key:bytes name:text session:int turn_id:bytes state:text at:int result:bytes",
            "ON CONFLICT (key) DO NOTHING RETURNING key",
        ),
        statement(
            "effect_set",
            "key:bytes state:text at:int result:bytes",
            """UPDATE effects SET state = input.state, at = input.at, result = input.result
               FROM input WHERE effects.key = input.key RETURNING effects.key""",
        ),
        # -- webhooks: the cursor moves only from where its reader found it
        insert(
            "webhook_insert",
            "webhooks",
            "id:text url:text kinds:text channels:text description:text enabled:int "
            "disabled_reason:text secret:bytes former_secret:bytes former_until:int position:int "
            "failing_since:int created_at:int updated_at:int version:int",
        ),
        statement(
            "webhook_set",
            "id:text url:text kinds:text channels:text description:text enabled:int "
            "disabled_reason:text secret:bytes former_secret:bytes former_until:int "
            "failing_since:int updated_at:int version:int",
            """UPDATE webhooks SET url = input.url, kinds = input.kinds,
                      channels = input.channels, description = input.description,
                      enabled = input.enabled, disabled_reason = input.disabled_reason,
                      secret = input.secret, former_secret = input.former_secret,
                      former_until = input.former_until, failing_since = input.failing_since,
                      updated_at = input.updated_at, version = input.version
               FROM input WHERE webhooks.id = input.id AND webhooks.version = input.version - 1
               RETURNING webhooks.id""",
        ),
        statement(
            "webhook_cursor",
            "id:text former:int position:int",
            """UPDATE webhooks SET position = input.position
               FROM input WHERE webhooks.id = input.id AND webhooks.position = input.former
                  AND webhooks.enabled = 1
               RETURNING webhooks.id""",
        ),
        insert(
            "webhook_delivery_insert",
            "webhook_deliveries",
            "number:int webhook:text position:int session:int seq:int kind:text at:int state:text "
            "attempts:int due_at:int status_code:int detail:text duration_ms:int",
        ),
        # An attempt that somebody asked to be begun anew meanwhile says nothing any more.
        statement(
            "webhook_delivery_set",
            "number:int former:int state:text attempts:int due_at:int status_code:int detail:text "
            "duration_ms:int",
            """UPDATE webhook_deliveries SET state = input.state, attempts = input.attempts,
                      due_at = input.due_at, status_code = input.status_code,
                      detail = input.detail, duration_ms = input.duration_ms
               FROM input WHERE webhook_deliveries.number = input.number
                  AND webhook_deliveries.attempts = input.former
                  AND webhook_deliveries.due_at IS NOT NULL
               RETURNING webhook_deliveries.number""",
        ),
        # -- reads that take many keys
        statement(
            "inbox_payloads",
            "id:int",
            """SELECT i.id, i.payload, i.note FROM input JOIN inbox i ON i.id = input.id""",
        ),
        statement(
            "sessions_by_id",
            "id:bytes",
            """SELECT s.number, s.id, s.channel, s.account, s.key, s.thread, s.status, s.owner,
                      s.owner_id, s.owner_epoch, s.version, s.last_seq, s.state, s.streams,
                      s.created_at, s.updated_at, s.name, s.preview, s.intent, s.feeling,
                      s.said_seq, s.read_seq
               FROM input JOIN sessions s ON s.id = input.id""",
        ),
        statement(
            "session_flows",
            "number:int",
            """SELECT s.number, s.flow FROM input JOIN sessions s ON s.number = input.number
               WHERE s.flow IS NOT NULL""",
        ),
        statement(
            "sessions_by_number",
            "number:int",
            """SELECT s.number, s.id, s.channel, s.account, s.key, s.thread, s.status, s.owner,
                      s.owner_id, s.owner_epoch, s.version, s.last_seq, s.state, s.streams,
                      s.created_at, s.updated_at, s.name, s.preview, s.intent, s.feeling,
                      s.said_seq, s.read_seq
               FROM input JOIN sessions s ON s.number = input.number""",
        ),
        statement(
            "events_after",
            "session:int after:int",
            """SELECT e.session, e.position, e.seq, e.kind, e.at, e.turn_id, e.body FROM input
               JOIN events e ON e.session = input.session AND e.seq > input.after
               ORDER BY e.session, e.seq""",
        ),
        statement(
            "events_at",
            "session:int seq:int",
            """SELECT e.session, e.position, e.seq, e.kind, e.at, e.turn_id, e.body FROM input
               JOIN events e ON e.session = input.session AND e.seq = input.seq
               ORDER BY e.session, e.seq""",
        ),
        statement(
            "effects_by_key",
            "key:bytes",
            """SELECT f.key, f.name, f.state, f.at, f.result FROM input
               JOIN effects f ON f.key = input.key""",
        ),
        *LEDGER_STATEMENTS,
        *GRAPH_STATEMENTS,
        *GRAPH_SEARCH_STATEMENTS,
        *CONTEXT_STATEMENTS,
        *MONITORING_STATEMENTS,
        *ROLLOUT_STATEMENTS,
    )
}


@cache
def sqlite_text(name: str, rows: int) -> str:
    """The statement for this many rows of `?` parameters."""
    found = STATEMENTS[name]
    names = ", ".join(column for column, _ in found.columns)
    one = "(" + ", ".join("?" * found.width) + ")"
    values = ", ".join([one] * rows)
    return f"WITH input({names}) AS (VALUES {values}) {found.sql.replace(_SHARE, '')}"


@cache
def postgres_text(name: str) -> str:
    """The statement with one array parameter per column."""
    found = STATEMENTS[name]
    names = ", ".join(column for column, _ in found.columns)
    arrays = ", ".join(
        f"${index}::{_POSTGRES_TYPES[kind]}[]" for index, (_, kind) in enumerate(found.columns, 1)
    )
    sql = found.postgres_sql or found.sql.replace(_SHARE, "FOR SHARE OF s")
    text = f"WITH input({names}) AS (SELECT * FROM unnest({arrays})) {sql}"
    return f"{text} {found.postgres_tail}".rstrip()


@cache
def _text_columns(name: str) -> tuple[int, ...]:
    columns = STATEMENTS[name].columns
    return tuple(index for index, (_, kind) in enumerate(columns) if kind == "text")


def storable_rows(name: str, rows: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    """The rows with U+0000 dropped from text columns (engine decision 10), on both engines alike.

    Raises TypeError when a text column holds something else.
    """
    for column in _text_columns(name):
        for row in rows:
            text = row[column]
            if text is not None and "\0" in text:
                return [storable(row) for row in rows]
    return rows


def storable(parameters: tuple[Any, ...]) -> tuple[Any, ...]:
    """The parameters with U+0000 dropped from every text."""
    return tuple(
        value.replace("\0", "") if isinstance(value, str) else value for value in parameters
    )
