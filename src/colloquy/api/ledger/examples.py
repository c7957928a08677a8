"""Examples of the ledger for the OpenAPI document."""

from __future__ import annotations

from typing import Any

POINT_ID = "0194f2a61c3e7a51b2c3d4e5f6071830"
OPERATION_ID = "0194f2a61c3e7a51b2c3d4e5f6071831"
CONFLICT_ID = "0194f2a61c3e7a51b2c3d4e5f6071832"
_AT = "2026-01-31T10:00:00.250000Z"
_LATER = "2026-01-31T10:00:01.500000Z"

_CHANGE: dict[str, Any] = {
    "position": 812,
    "at": _AT,
    "actor": "key:3f2a9c0b1d4e",
    "operation": "set",
    "collection": "prices",
    "key": "flat-12",
    "size": 23,
    "previous": 640,
}
_POINT: dict[str, Any] = {
    "id": POINT_ID,
    "position": 811,
    "name": "before the import",
    "description": "",
    "actor": "key:3f2a9c0b1d4e",
    "automatic": "",
    "tags": ["import"],
    "metadata": {},
    "created_at": _AT,
    "expires_at": "2026-05-01T10:00:00.250000Z",
    "pinned_rows": 0,
    "pinned_bytes": 0,
}
_ROLLBACK: dict[str, Any] = {
    "point": POINT_ID,
    "scope": {"collections": ["prices"], "actors": ["key:3f2a9c0b1d4e"], "allow_unmatched": True},
    "on_conflict": "ask_user",
    "reason": "the import had old prices",
}
_OPERATION: dict[str, Any] = {
    "id": OPERATION_ID,
    "number": 3,
    "kind": "rollback",
    "status": "completed",
    "phase": "done",
    "target": 811,
    "head": 1240,
    "point": POINT_ID,
    "request": _ROLLBACK,
    "strategy": "immediate",
    "total": 42,
    "progress": 100.0,
    "figures": {
        "applied": 41,
        "unchanged": 1,
        "skipped": 0,
        "conflicts": 0,
        "undone": 0,
        "kept": 0,
        "removed": 3,
        "recreated": 0,
        "forced": 0,
        "seconds": 0.021,
    },
    "actor": "key:3f2a9c0b1d4e",
    "reason": "the import had old prices",
    "is_cancelled": False,
    "created_at": _AT,
    "updated_at": _LATER,
    "started_at": _AT,
    "finished_at": _LATER,
}
_CONFLICT: dict[str, Any] = {
    "id": CONFLICT_ID,
    "operation_id": OPERATION_ID,
    "collection": "prices",
    "key": "flat-12",
    "kind": "value_mismatch",
    "severity": "medium",
    "state": "open",
    "confidence": 0.0,
    "paths": ["/amount"],
    "note": "",
    "choices": ["keep", "take", "edit"],
    "created_at": _AT,
    "version": 0,
}
_DIFF = '  {\n-   "amount": 310000\n+   "amount": 325000\n  }'

LEDGER_PATHS: dict[str, Any] = {
    "point_id": POINT_ID,
    "operation_id": OPERATION_ID,
    "conflict_id": CONFLICT_ID,
    "position": 812,
    "collection": "prices",
}
"""Values of parameters in paths, by name."""

LEDGER_EXAMPLES: dict[str, Any] = {
    "ChangePage": {"changes": [_CHANGE], "next": None},
    "ChangeDetail": {
        "change": _CHANGE,
        "diff": _DIFF,
        "before": {"amount": 310000},
        "after": {"amount": 325000},
    },
    "DifferencePage": {
        "start": 811,
        "end": 1240,
        "differences": [
            {
                "collection": "prices",
                "key": "flat-12",
                "action": "changed",
                "position": 812,
                "changes": 1,
                "diff": _DIFF,
            }
        ],
        "next": None,
    },
    "RecordView": {
        "collection": "prices",
        "key": "flat-12",
        "at": 811,
        "value": {"amount": 310000},
    },
    "PointRequest": {"name": "before the import", "tags": ["import"]},
    "PointChange": {"expires_in_s": None},
    "PointView": _POINT,
    "PointPage": {"points": [_POINT], "next": None},
    "RollbackRequest": _ROLLBACK,
    "UndoRequest": {"reason": "the prices were right after all"},
    "PreviewView": {
        "target": 811,
        "head": 1240,
        "point": POINT_ID,
        "total": 1,
        "actions": {"restore": 1},
        "collections": {"prices": 1},
        "actors": {"key:3f2a9c0b1d4e": 1},
        "conflicts": {},
        "strategy": "immediate",
        "strategy_reason": "no more than 5 records",
        "risk": "low",
        "risk_reasons": [],
        "estimated_s": 0.001,
        "truncated": False,
        "effects": [
            {
                "collection": "prices",
                "key": "flat-12",
                "action": "restore",
                "diff": "amount changed from 325000 to 310000",
            }
        ],
        "next": None,
    },
    "OperationView": _OPERATION,
    "OperationPage": {"operations": [_OPERATION], "next": None},
    "OperationLog": {
        "lines": [
            {
                "number": 1,
                "at": _AT,
                "level": "info",
                "message": "42 records to restore, strategy immediate: no more than 50 records",
            }
        ],
        "next": None,
    },
    "ItemPage": {
        "items": [
            {
                "collection": "prices",
                "key": "flat-12",
                "state": "applied",
                "before": 812,
                "written": 1241,
            }
        ],
        "next": None,
    },
    "ConflictView": _CONFLICT,
    "ConflictPage": {"conflicts": [_CONFLICT], "next": None},
    "ConflictDetail": {
        "conflict": _CONFLICT,
        "recommended": None,
        "reason": "both sides changed it and are 74 % alike; no merge resolves it",
        "similarity": 74.0,
        "options": [
            {
                "decision": "keep",
                "name": "keep what is there",
                "confidence": 50.0,
                "preview": '{"amount":330000}',
            }
        ],
        "rows": [
            {
                "kind": "modified",
                "left": {
                    "number": 2,
                    "text": '  "amount": 330000',
                    "tokens": [{"kind": "removed", "start": 12, "text": "330000"}],
                },
                "right": {
                    "number": 2,
                    "text": '  "amount": 310000',
                    "tokens": [{"kind": "added", "start": 12, "text": "310000"}],
                },
            }
        ],
        "hidden": 0,
        "base": {"amount": 325000},
        "ours": {"amount": 330000},
        "theirs": {"amount": 310000},
    },
    "DecisionRequest": {"decision": "edit", "value": {"amount": 320000}},
    "AuditPage": {
        "entries": [
            {
                "number": 7,
                "at": _LATER,
                "actor": "key:3f2a9c0b1d4e",
                "event": "rollback_executed",
                "severity": "info",
                "message": "41 records restored",
                "reason": "the import had old prices",
                "data": {"applied": 41},
                "operation_id": OPERATION_ID,
                "point_id": POINT_ID,
            }
        ],
        "next": None,
    },
    "ImportView": {
        "id": OPERATION_ID,
        "point_id": POINT_ID,
        "written": 12,
        "unchanged": 300,
        "skipped": 0,
        "refused": [],
    },
    "CompactRequest": {"position": None},
    "CompactionView": {
        "horizon": 811,
        "rows": 240,
        "bytes": 18300,
        "points": 1,
        "operations": 0,
        "audit": 0,
    },
    "LedgerStatus": {
        "head": 1281,
        "horizon": 0,
        "points_live": 2,
        "oldest_point": 811,
        "pinned_rows": 0,
        "pinned_bytes": 0,
        "pinned_counted_at": _AT,
        "operations_open": 0,
        "conflicts_open": 0,
        "collections": ["graph", "session_state", "webhooks"],
    },
}
