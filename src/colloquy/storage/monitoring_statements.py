"""Windows of monitoring: hot statements and ordinary reads; `statement.py` says how they are
read."""

from __future__ import annotations

from .statement import insert

_SUMS = ("total_events", "passed_events", "failed_events", "validation_ms", "total_errors")
_ADD = ", ".join(
    f"{name} = validation_rollups.{name} + excluded.{name}" for name in (*_SUMS, "total_warnings")
)

MONITORING_STATEMENTS = (
    # A window that is written again, because nobody knew whether the first attempt arrived, is
    # stored once; what is returned is new, and only that is added to the roll-ups.
    insert(
        "validation_window_put",
        "validation_metrics",
        "id:text event_type:text total_events:int passed_events:int failed_events:int "
        "pass_rate:float avg_validation_time_ms:float total_errors:int total_warnings:int "
        "flush_timestamp:int created_at:int",
        "ON CONFLICT (id) DO NOTHING RETURNING id",
    ),
    insert(
        "validation_rollup_add",
        "validation_rollups",
        "span:text starts_at:int event_type:text total_events:int passed_events:int "
        "failed_events:int validation_ms:float total_errors:int total_warnings:int",
        f"ON CONFLICT (span, starts_at, event_type) DO UPDATE SET {_ADD} RETURNING starts_at",
    ),
)

MONITORING_QUERIES: dict[str, str] = {
    # Newest first, below (time, number of rows of that time to pass over).
    "validation_windows": """SELECT event_type, created_at, total_events, passed_events,
            failed_events, avg_validation_time_ms * total_events, total_errors, total_warnings
        FROM validation_metrics WHERE created_at <= $1 AND ($2 = '' OR event_type = $2)
        ORDER BY created_at DESC, id DESC LIMIT $3 OFFSET $4""",
    "validation_rollups": """SELECT event_type, starts_at, total_events, passed_events,
            failed_events, validation_ms, total_errors, total_warnings
        FROM validation_rollups WHERE span = $1 AND starts_at <= $2
            AND ($3 = '' OR event_type = $3)
        ORDER BY starts_at DESC, event_type LIMIT $4 OFFSET $5""",
    "validation_windows_forget": """DELETE FROM validation_metrics WHERE id IN
        (SELECT id FROM validation_metrics WHERE created_at < $1 ORDER BY created_at LIMIT $2)
        RETURNING id""",
    "validation_rollups_forget": """DELETE FROM validation_rollups
        WHERE span = $1 AND starts_at < $2 RETURNING starts_at""",
}
