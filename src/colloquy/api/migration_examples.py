"""Examples of the migration of a table of V1 messages, for the OpenAPI document."""

from __future__ import annotations

from typing import Any

_AT = "2026-01-31T10:00:00.250000Z"
_MISMATCH: dict[str, Any] = {
    "number": 7,
    "message": "1042",
    "field": "content",
    "kind": "different",
    "v1": '"Hello"',
    "v2": '"Hello!"',
    "reason": "",
    "times": 1,
    "found_at": _AT,
    "state": "open",
    "settled_at": None,
}
_REPORT: dict[str, Any] = {
    "name": "messages",
    "stage": "shadow",
    "since": _AT,
    "rows_v1": 120_000,
    "rows_v2": 84_000,
    "shared": True,
    "figures": {
        "backfilled": False,
        "compared": 84_000,
        "total": 120_000,
        "parity": 0.99999,
        "open_mismatches": 1,
        "waiting": 0,
        "verified_at": 1769853600250000,
    },
    "mismatches": {"open": {"different": {"content": 1}}},
    "work": {
        "backfill_v1": {
            "done": 84_000,
            "total": 120_000,
            "written": 84_000,
            "complete": False,
            "moved_at": _AT,
        }
    },
    "next": "dual_v1",
    "missing": ["the backfill is not complete", "1 mismatches open, at most 0 allowed"],
    "stalled_s": None,
}
_STATE: dict[str, Any] = {
    "stage": "shadow",
    "since": 1769853600250000,
    "by": "key:0194f2a61c3e",
    "reason": "spring",
    "forced": False,
    "missing": [],
    "figures": None,
    "source": "sqlite:///chat.db messages",
}
_STEP: dict[str, Any] = {
    "position": 1208,
    "at": _AT,
    "by": "key:0194f2a61c3e",
    "stage": "shadow",
    "reason": "spring",
    "forced": False,
    "operation": "create",
    "missing": [],
}

_JOB: dict[str, Any] = {
    "number": 3,
    "kind": "backfill",
    "rate": 2000.0,
    "restart": False,
    "by": "key:0194f2a61c3e",
    "state": "running",
    "asked_at": _AT,
    "began_at": _AT,
    "ended_at": None,
    "done": 84_000,
    "total": 120_000,
    "per_s": 1998.4,
    "eta_s": 18.0,
    "resumed": 0,
    "result": {},
    "error": None,
}

MIGRATION_PATHS: dict[str, Any] = {"mismatch": 7, "job": 3}

MIGRATION_EXAMPLES: dict[str, Any] = {
    "MigrationView": {"made_at": _AT, "state": _STATE, "report": _REPORT, "history": [_STEP]},
    "MigrationStart": {"reason": "spring"},
    "MigrationMove": {"reason": "both tables say the same", "force": False},
    "Mismatch": _MISMATCH,
    "MismatchPage": {"mismatches": [_MISMATCH], "next": None},
    "MigrationJobRequest": {"kind": "backfill", "rate": 2000.0, "restart": False},
    "MigrationJob": _JOB,
    "MigrationJobList": {"jobs": [_JOB]},
    "IgnoreRequest": {"reason": "a test of ours"},
}
