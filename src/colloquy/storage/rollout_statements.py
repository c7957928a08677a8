"""What is known of releases that are watched; `statement.py` says how statements are read."""

from __future__ import annotations

from .statement import insert, statement

ROLLOUT_STATEMENTS = (
    # Compare and set: `revision` is one above the one that was read (0: there was no row).
    insert(
        "rollout_watch_put",
        "rollout_watch",
        "name:text started_at:int revision:int at:int data:bytes",
        """ON CONFLICT (name) DO UPDATE SET started_at = excluded.started_at,
               revision = excluded.revision, at = excluded.at, data = excluded.data
           WHERE rollout_watch.revision = excluded.revision - 1
           RETURNING name""",
    ),
    statement(
        "rollout_watch_of",
        "name:text",
        """SELECT w.name, w.started_at, w.revision, w.data
           FROM input JOIN rollout_watch w ON w.name = input.name""",
    ),
)
