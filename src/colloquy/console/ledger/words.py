"""Words and icons for what the ledger calls by a code."""

from __future__ import annotations

from ..words import Word

OPERATION_STATES = {
    "pending": Word("pending", "Not begun yet", "clock"),
    "in_progress": Word("in_progress", "Running", "play", "info"),
    "waiting": Word("waiting", "Waits for decisions", "hand", "warn"),
    "completed": Word("completed", "Completed", "check", "good"),
    "failed": Word("failed", "Failed", "alert", "bad"),
    "cancelled": Word("cancelled", "Cancelled", "close"),
}
OPEN_STATES = frozenset({"pending", "in_progress", "waiting"})
ITEM_STATES = {
    "pending": Word("pending", "Not yet", "clock"),
    "applied": Word("applied", "Restored", "check", "good"),
    "unchanged": Word("unchanged", "Unchanged", "meh"),
    "skipped": Word("skipped", "Left as it is", "next"),
    "conflict": Word("conflict", "Conflict", "alert", "warn"),
    "undone": Word("undone", "Undone", "back"),
    "kept": Word("kept", "Not undone: changed meanwhile", "hand", "warn"),
}
CONFLICT_STATES = {
    "open": Word("open", "Open", "hand", "warn"),
    "decided": Word("decided", "Decided", "check", "info"),
    "applied": Word("applied", "Applied", "check", "good"),
    "stale": Word("stale", "Out of date", "clock"),
    "closed": Word("closed", "Closed", "close"),
}
ACTIONS = {
    "restore": Word("restore", "Restore", "back", "info"),
    "recreate": Word("recreate", "Make again", "plus", "good"),
    "remove": Word("remove", "Remove", "trash", "bad"),
    "unchanged": Word("unchanged", "Unchanged", "meh"),
    "conflict": Word("conflict", "Conflict", "alert", "warn"),
}
DIFFERENCES = {
    "added": Word("added", "Added", "plus", "good"),
    "removed": Word("removed", "Removed", "trash", "bad"),
    "changed": Word("changed", "Changed", "edit", "info"),
}
SEVERITIES = {
    "low": Word("low", "Low", "info"),
    "medium": Word("medium", "Medium", "alert", "warn"),
    "high": Word("high", "High", "alert", "bad"),
    "critical": Word("critical", "Critical", "alert", "bad"),
}
"""Of conflicts, and of the risk of a rollback."""
AUDIT_SEVERITIES = {
    "info": Word("info", "Note", "info", "info"),
    "warn": Word("warn", "Warning", "alert", "warn"),
    "error": Word("error", "Error", "alert", "bad"),
    "critical": Word("critical", "Critical", "alert", "bad"),
}
AUDIT_EVENTS = {
    "rollback_created": "Operation begun",
    "rollback_executed": "Operation completed",
    "rollback_failed": "Operation failed",
    "rollback_cancelled": "Operation cancelled",
    "conflict_detected": "Conflict found",
    "conflict_resolved": "Conflict decided",
    "point_deleted": "Point deleted",
    "snapshot_exported": "Snapshot exported",
    "snapshot_imported": "Snapshot imported",
    "files_restored": "Files put back",
    "cleanup_performed": "History forgotten",
}
KINDS = {"rollback": "Rollback", "undo": "Undoing"}
STRATEGIES = {
    "auto": ("Choose for me", "By how many records there are, how old they are, and conflicts."),
    "immediate": ("Immediate", "In batches of 100, one after the other."),
    "gradual": ("Gradual", "Small batches with a pause between them; can be cancelled midway."),
    "safe": ("Safe", "Checks every record after it was written."),
    "force": ("Force", "Overwrites what others changed meanwhile."),
}
POLICIES = {
    "": "As the strategy says",
    "abort": "Stop and undo",
    "skip": "Leave the record as it is",
    "merge": "Merge, where that is possible",
    "overwrite": "Overwrite what others changed",
    "ask_user": "Ask: a person decides each",
}
DECISIONS = {
    "keep": Word("keep", "Keep what is there", "hand"),
    "take": Word("take", "Take what is rolled back to", "back"),
    "merge": Word("merge", "Merge both", "panel"),
    "edit": Word("edit", "Write the value by hand", "edit"),
}
