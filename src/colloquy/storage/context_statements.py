"""What contexts keep: hot statements and ordinary reads; `statement.py` says how they are read."""

from __future__ import annotations

from .statement import statement

CONTEXT_STATEMENTS = (
    # Compare and set: whoever comes later with less, or with an older format, changes nothing.
    # Rows of a conversation that is not there (any more) are passed over.
    statement(
        "context_parts_put",
        "session:int part:int position:int format:int data:bytes",
        """INSERT INTO context_parts (session, part, position, format, data)
           SELECT input.session, input.part, input.position, input.format, input.data
           FROM input JOIN sessions s ON s.number = input.session WHERE true
           ON CONFLICT (session, part) DO UPDATE SET position = excluded.position,
               format = excluded.format, data = excluded.data
           WHERE (context_parts.format, context_parts.position)
               < (excluded.format, excluded.position)
           RETURNING part""",
    ),
    # The oldest stretches of a conversation, up to a part.
    statement(
        "context_parts_trim",
        "session:int part:int",
        """DELETE FROM context_parts WHERE EXISTS
               (SELECT 1 FROM input WHERE input.session = context_parts.session
                AND context_parts.part BETWEEN 1 AND input.part)
           RETURNING part""",
    ),
    statement(
        "context_parts_delete",
        "session:int",
        """DELETE FROM context_parts WHERE session IN (SELECT session FROM input)
           RETURNING part""",
    ),
)

CONTEXT_QUERIES: dict[str, str] = {
    # The summary, then the stretches from the newest on.
    "context_parts_of": """SELECT part, position, data FROM context_parts
        WHERE session = $1 AND format = $2 ORDER BY part = 0 DESC, part DESC LIMIT $3""",
}
