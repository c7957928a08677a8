"""Examples of feedback for the OpenAPI document."""

from __future__ import annotations

from typing import Any

from ..model.feedback import FeedbackRow

_AT = "2026-01-31T10:00:00.250000Z"
_SINCE, _UNTIL = "2026-01-01T10:00:00.250000Z", _AT
_NAME = "5d41402abc4b2a76b9719d911017c592"
_PERSON = "7d793037a0760186574b0282f2f435e7"

_SIGNALS: dict[str, Any] = {
    "messages": 4,
    "replies": 3,
    "duration_s": 99.0,
    "response_s": 3.0,
    "longest_response_s": 6.0,
    "visitor_response_s": 45.0,
    "message_length": 20.0,
    "conversation_length": 7,
    "topic_switches": 1,
    "topic_switch_rate": 0.33,
    "emotional_variance": 0.125,
    "repeats": 0,
    "repeat_rate": 0.0,
    "handed_over": False,
    "taken_over": False,
    "engagement": 0.69,
    "outcome": "completed",
    "reason": "closed",
}
_PERIOD: dict[str, Any] = {
    "since": _SINCE,
    "until": _UNTIL,
    "total_feedback": 52,
    "ratings": {"1": 12, "2": 0, "3": 0, "4": 10, "5": 30},
    "average_rating": 3.88,
    "satisfaction": {"percent": 76.9, "low": 63.9, "high": 86.3},
    "response_time": {"mean_s": 1.4, "p50_s": 0.8, "p95_s": 4.7, "responses": 400},
    "outcomes": {
        "conversations": 120,
        "completed": 90,
        "abandoned": 24,
        "open": 6,
        "handed_over": 5,
        "taken_over": 3,
        "repeated": 11,
        "completion_rate": 0.789,
    },
    "implicit": {
        "message_length": 41.5,
        "conversation_length": 6.2,
        "topic_switch_rate": 0.08,
        "emotional_variance": 0.05,
        "repeat_rate": 0.02,
        "engagement": 0.61,
    },
    "by_category": [{"category": "accuracy", "total": 9, "average_rating": 2.1}],
}
_INSIGHT: dict[str, Any] = {
    "dimension": "handler",
    "value": "intent:price",
    "measure": "low_ratings",
    "evidence": {
        "n": 14,
        "bad": 9,
        "share": 0.643,
        "rest_n": 38,
        "rest_bad": 3,
        "rest_share": 0.079,
        "test": "fisher",
        "p": 0.00008,
        "q": 0.0016,
        "excess": 7.9,
        "conversations": [_NAME],
    },
}
_DAYS: dict[str, Any] = {
    "at": [1769731200, 1769817600],
    "feedback": [3, 2],
    "average_rating": [4.3, 3.5],
    "conversations": [5, 4],
    "completion_rate": [0.8, 0.75],
    "response_s": [1.2, 1.6],
}
_TREND: dict[str, Any] = {
    "measure": "rating",
    "test": "mann-whitney",
    "n": 101,
    "effect": 0.41,
    "p": 0.08,
    "note": "",
}
_ROW: dict[str, Any] = {
    "at": _AT,
    "rating": "2",
    "score": 2,
    "category": "accuracy",
    "comment": "The price was last year's.",
    "reaction": "",
    "by": "visitor",
    "person": _PERSON,
    "conversation": _NAME,
    "channel": "web",
    "reply": "9e107d9d372bb6826bd81d3542a419d6",
    "turn": "e4d909c290d0fb1ca068ffaddf22cbd0",
    "handler": "intent:price",
    "intent": "price",
    "confidence": 0.91,
    "models": "property-en:3f2a9c0b1d4e",
    "context_position": 11,
    "context_tokens": 412,
    "context": "",
}

FEEDBACK_EXAMPLES: dict[str, Any] = {
    "Analytics": {
        "at": _AT,
        "filter": {"channel": "web"},
        "privacy": "pseudonymous",
        "period": _PERIOD,
        "before": _PERIOD,
        "days": _DAYS,
        "trends": [_TREND],
        "insights": [_INSIGHT],
        "comparisons": 20,
        "remarks": [
            {
                "at": _AT,
                "score": 2,
                "category": "accuracy",
                "comment": "The price was last year's.",
                "conversation": _NAME,
                "handler": "intent:price",
                "intent": "price",
            }
        ],
    },
    "FeedbackProgress": {"state": "computing", "done": 41000, "total": 100000},
    "Recommendations": {
        "at": _AT,
        "since": _SINCE,
        "until": _UNTIL,
        "comparisons": 20,
        "recommendations": [
            {
                "rank": 1,
                "text": "Read the answers that were rated low: handler intent:price. 9 of 14 "
                "rated conversations got 2 or less (64%), 8% of the rest (q = 0.0016).",
                "insight": _INSIGHT,
            }
        ],
    },
    "SignalsView": {
        "conversation_id": "8f14e45fceea167a5a36dedd4bea2543",
        "at": _AT,
        "signals": _SIGNALS,
    },
    "FeedbackRow": _ROW,
    "SignalsRow": {
        "conversation": _NAME,
        "person": _PERSON,
        "channel": "web",
        "signals": _SIGNALS,
    },
}
FEEDBACK_ROWS = {"FeedbackRow": "Ratings", "SignalsRow": "Signals"}
"""What the rows of an export are, by the name of their schema."""
FEEDBACK_TABLE = ",".join(FeedbackRow.__struct_fields__) + "\r\n"
