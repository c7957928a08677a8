"""Examples of monitoring for the OpenAPI document."""

from __future__ import annotations

import json
from typing import Any

_AT = "2026-01-31T10:00:00.250000Z"
_FIGURES = {
    "total": 120,
    "passed": 119,
    "failed": 1,
    "pass_rate": 0.991667,
    "avg_validation_time_ms": 0.008,
    "errors": 1,
    "warnings": 3,
}
_EVENT = {
    "type": "turns_committed",
    "at": _AT,
    "source": "shop-1-4711-a1b2c3",
    "data": {"turns": 12, "messages": 12, "replies": 12, "mean_ms": 31.4},
}

MONITORING_EXAMPLES: dict[str, Any] = {
    "ValidationFigures": {
        "by_event_type": {"turns_committed": _FIGURES},
        "total_validations": 120,
    },
    "AdapterFigures": {"broadcasts": 119, "failures": 0, "validation_errors": 1},
    "FlushView": {"flushed_records": 4, "timestamp": _AT},
    "FlagsStatus": {
        "profile": "default",
        "flags": {"enable_bursts": True, "monitoring_adapter_type": "realtime"},
    },
    "MonitoringView": {
        "adapters": ["realtime", "websocket"],
        "validates": True,
        "strict": False,
        "persists": True,
        "flush_interval_s": 300,
        "adapter": {"broadcasts": 119, "failures": 0, "validation_errors": 1},
        "total_validations": 120,
        "dashboards": {
            "websocket": {"connected": 1, "dropped": 0},
            "realtime": {"connected": 0, "dropped": 0},
        },
        "unwritten_events": 17,
        "waiting_records": 0,
        "last_flush": _AT,
        "last_flush_error": None,
    },
    "MonitoringEvent": _EVENT,
    "ValidationHistory": {
        "records": [
            {
                "event_type": "turns_committed",
                "at": "2026-01-31T10:00:00.000000Z",
                "total_events": 120,
                "passed_events": 119,
                "failed_events": 1,
                "pass_rate": 0.991667,
                "avg_validation_time_ms": 0.008,
                "total_errors": 1,
                "total_warnings": 3,
            }
        ],
        "next": None,
    },
}

MONITORING_STREAM: dict[str, Any] = {
    "200": {"example": {"value": f"retry: 2000\n: open\n\ndata: {json.dumps(_EVENT)}\n\n"}}
}
"""Of `streamMonitoring`, by status."""
