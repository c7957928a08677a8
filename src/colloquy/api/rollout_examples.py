"""Examples of roll-outs and rollbacks by level, for the OpenAPI document."""

from __future__ import annotations

from typing import Any

_AT = "2026-01-31T10:00:00.250000Z"
_ID = "0194f2a61c3e7a51b2c3d4e5f6071829"
_ON: dict[str, Any] = {
    "count": 412,
    "failed": 3,
    "error_rate": 0.0073,
    "success_rate": 0.9927,
    "mean_s": 0.21,
    "p95_s": 0.48,
    "p99_s": 1.2,
}
_STEPS: list[dict[str, Any]] = [
    {"percentage": 5.0, "hold_s": 86400.0, "minimum": 200},
    {"percentage": 25.0, "hold_s": 86400.0, "minimum": 200},
    {"percentage": 100.0, "hold_s": 86400.0, "minimum": 200},
]
_ROLLOUT: dict[str, Any] = {
    "flag": "enable_tools",
    "value": True,
    "by": "person",
    "state": "running",
    "step": 0,
    "percentage": 5.0,
    "steps": _STEPS,
    "level": "feature",
    "reason": "better tools",
    "actor": "key:0194f2a61c3e",
    "started_at": _AT,
    "step_at": _AT,
    "due_at": "2026-02-01T10:00:00.250000Z",
    "seen": 412,
    "verdict": {"judgement": "ok", "enough": True, "findings": [], "on": _ON, "off": _ON},
    "moves": [
        {
            "at": _AT,
            "what": "started",
            "by": "key:0194f2a61c3e",
            "percentage": 5.0,
            "why": "better tools",
        }
    ],
    "rollback": None,
    "revision": 1208,
}
_CHANGE: dict[str, Any] = {
    "kind": "flag",
    "name": "enable_tools",
    "before": {"value": False, "rollout": {"percentage": 5.0}},
    "after": {"value": False},
}
_LEVEL: dict[str, Any] = {
    "id": _ID,
    "level": "feature",
    "flag": "enable_tools",
    "status": "done",
    "reason": "23.5% of 200 turns failed (bound 10%)",
    "actor": "guard",
    "at": _AT,
    "seconds": 0.014,
    "point": "0194f2a61c3f7c62a1b2c3d4e5f60718",
    "changes": [_CHANGE],
    "rollouts": ["enable_tools"],
    "steps": [{"name": "clear the price cache", "ok": True, "error": "", "seconds": 0.01}],
    "operation": None,
    "undone_at": None,
    "undone_by": None,
    "left": [],
}

ROLLOUT_PATHS: dict[str, Any] = {"flag": "enable_tools", "rollback_id": _ID}

ROLLOUT_EXAMPLES: dict[str, Any] = {
    "RolloutRequest": {"flag": "enable_tools", "steps": _STEPS, "reason": "better tools"},
    "RolloutNote": {"reason": "we look at it tomorrow", "revision": 1208},
    "RolloutView": _ROLLOUT,
    "RolloutPage": {"rollouts": [_ROLLOUT], "versions": {"v1": _ON, "v2": _ON}, "next": None},
    "LevelRequest": {"level": "partial", "flag": "enable_tools", "reason": "it books twice"},
    "LevelPlan": {
        "level": "feature",
        "flag": "enable_tools",
        "changes": [_CHANGE],
        "rollouts": ["enable_tools"],
        "routes_to_v1": False,
        "clears_caches": False,
        "keep_data": True,
        "data_since": None,
        "steps": ["clear the price cache"],
        "severity": "warning",
    },
    "LevelView": _LEVEL,
    "LevelPage": {"rollbacks": [_LEVEL], "next": None},
}
