"""Examples for the OpenAPI document, by the name of what they show. A test decodes each of them."""

from __future__ import annotations

import json
from typing import Any

from .feedback_examples import FEEDBACK_EXAMPLES
from .graph.examples import GRAPH_EXAMPLES, GRAPH_PATHS
from .ledger.examples import LEDGER_EXAMPLES, LEDGER_PATHS
from .migration_examples import MIGRATION_EXAMPLES, MIGRATION_PATHS
from .monitoring_examples import MONITORING_EXAMPLES, MONITORING_STREAM
from .rollout_examples import ROLLOUT_EXAMPLES, ROLLOUT_PATHS

_CONVERSATION = "8f14e45fceea167a5a36dedd4bea2543"
_MESSAGE = "c9f0f895fb98ab9159f51fd0297e236d"
_REPLY = "45c48cce2e2d7fbdea1afc51c7c6ad26"
_TURN = "d3d9446802a44259755d38e6d163e820"
_AT = "2026-01-31T10:00:00.250000Z"

_MESSAGE_SENT: dict[str, Any] = {
    "conversation": "+491701234567",
    "channel": "api",
    "id": "order-4711-1",
    "text": "Is the flat on Main Street still free?",
    "sender": {"id": "+491701234567", "name": "Mia"},
}
_RECEIPT: dict[str, Any] = {
    "message_id": _MESSAGE,
    "conversation_id": _CONVERSATION,
    "status": "stored",
    "id": "order-4711-1",
}
_REPLY_VIEW: dict[str, Any] = {
    "reply_id": _REPLY,
    "conversation_id": _CONVERSATION,
    "seq": 3,
    "at": _AT,
    "text": "Yes. Shall I book a viewing for you?",
    "quick_replies": ["Tomorrow", "On Saturday"],
    "turn_id": _TURN,
    "tone": "neutral",
}
_CONVERSATION_VIEW: dict[str, Any] = {
    "conversation_id": _CONVERSATION,
    "channel": "api",
    "account": "default",
    "conversation": "+491701234567",
    "thread": "",
    "status": "open",
    "owner": "assistant",
    "last_seq": 3,
    "created_at": "2026-01-31T10:00:00.000000Z",
    "updated_at": _AT,
    "unread": True,
    "read_seq": 0,
    "name": "Mia",
    "preview": "Yes. Shall I book a viewing for you?",
    "intent": "availability",
    "feeling": "neutral",
}
_NOTE: dict[str, Any] = {
    "note_id": "1679091c5a880faf6fb5e6087eb1b2dc",
    "seq": 4,
    "at": _AT,
    "text": "Wants to see it on Saturday only.",
    "actor": "key:3f2a9c0b1d4e",
    "author_name": "Tom",
}
_FEEDBACK: dict[str, Any] = {
    "reply_id": _REPLY,
    "seq": 5,
    "at": _AT,
    "rating": "up",
    "by": "key:3f2a9c0b1d4e",
    "comment": "Quick",
}
_MESSAGE_STATE: dict[str, Any] = {
    "message_id": _MESSAGE,
    "state": "done",
    "why": "committed",
    "conversation_id": _CONVERSATION,
    "seq": 2,
    "replies": [_REPLY_VIEW],
}
_DEAD_LETTER: dict[str, Any] = {
    "number": 17,
    "message_id": _MESSAGE,
    "conversation_id": _CONVERSATION,
    "received_at": "2026-01-31T10:00:00.000000Z",
    "dead_at": _AT,
    "cause": "internal_error",
    "detail": "KeyError: 'price'",
    "status": "dead",
    "message": _MESSAGE_SENT,
    "attempts": [{"at": _AT, "error": "KeyError: 'price'"}],
}
_KEY: dict[str, Any] = {
    "id": "3f2a9c0b1d4e",
    "name": "website",
    "scopes": ["read", "send"],
    "created_at": "2026-01-31T10:00:00.000000Z",
}
_WEBHOOK: dict[str, Any] = {
    "id": "6f4922f45568161a8cdf4ad2299f6d23",
    "url": "https://example.com/hooks/colloquy",
    "kinds": ["message", "reply"],
    "channels": [],
    "description": "CRM",
    "enabled": True,
    "position_lag": 0,
    "created_at": _AT,
    "updated_at": _AT,
    "version": 1,
}
_DELIVERY: dict[str, Any] = {
    "number": 42,
    "event_id": "msg_1f0e3dad99908345f7439f8ffabdffc4",
    "kind": "reply",
    "state": "retry",
    "attempts": 1,
    "at": _AT,
    "detail": "out of order, back soon",
    "status_code": 503,
    "due_at": "2026-01-31T10:00:05.500000Z",
    "duration_ms": 83,
}

_ALERT: dict[str, Any] = {
    "id": "0194f2a61c3e7a51b2c3d4e5f6071829",
    "rule": "queue_age",
    "labels": {},
    "severity": "warning",
    "state": "open",
    "message": "the oldest message waits for 14.2 s (bound 10 s)",
    "value": 14.2,
    "worst": 17.9,
    "threshold": 10.0,
    "count": 3,
    "opened_at": _AT,
    "last_at": "2026-01-31T10:01:00.250000Z",
}
_FLAG_STATE: dict[str, Any] = {
    "value": False,
    "people": ["ann"],
    "rules": [
        {
            "name": "gold on the web",
            "when": [
                {"attribute": "plan", "operator": "in", "values": ["gold"]},
                {"attribute": "channel", "operator": "in", "values": ["web"]},
            ],
            "value": True,
        }
    ],
    "rollout": {"percentage": 25.0},
}
_FLAG: dict[str, Any] = {
    "name": "enable_tools",
    "type": "bool",
    "value": False,
    "reason": "default",
    "detail": "",
    "default": True,
    "legacy": False,
    "fail_safe": False,
    "choices": [],
    "owner": "replies",
    "meaning": "A language model may call the tools that `replies.tools` allows.",
    "state": _FLAG_STATE,
    "revision": 1207,
    "varies": True,
}
_SWITCH: dict[str, Any] = {
    "name": "disable_new_tools",
    "flags": ["enable_tools"],
    "meaning": "Language models call no tools.",
    "thrown": "store",
    "reason": "it books twice",
    "by": "key:0194f2a61c3e",
    "at": "2026-01-31T10:00:00.000000Z",
}
_RULE: dict[str, Any] = {
    "name": "queue_age",
    "labels": {},
    "metric": "queue_age_s",
    "comparison": ">",
    "threshold": 10.0,
    "critical": 30.0,
    "clear": 5.0,
    "for_s": 30.0,
    "clear_for_s": 60.0,
    "severity": "warning",
    "state": "open",
    "value": 14.2,
}
_NOTICE: dict[str, Any] = {
    "id": "0194f2a61c3f7c62a1b2c3d4e5f60718",
    "type": "alert.opened",
    "name": "queue_age",
    "severity": "warning",
    "message": "the oldest message waits for 14.2 s (bound 10 s)",
    "at": _AT,
    "labels": {},
    "data": {"alert_id": "0194f2a61c3e7a51b2c3d4e5f6071829", "value": 14.2, "threshold": 10.0},
}

PATHS: dict[str, Any] = {
    "message_id": _MESSAGE,
    "conversation_id": _CONVERSATION,
    "number": 17,
    "key_id": "3f2a9c0b1d4e",
    "webhook_id": "6f4922f45568161a8cdf4ad2299f6d23",
    "name": "enable_tools",
    "alert_id": "0194f2a61c3e7a51b2c3d4e5f6071829",
    **LEDGER_PATHS,
    **GRAPH_PATHS,
    **ROLLOUT_PATHS,
    **MIGRATION_PATHS,
}
"""Values of parameters in paths, by name."""

_SERIES: dict[str, Any] = {
    "at": [1769853600, 1769853601],
    "accepted_per_s": [3.0, 4.0],
    "turns_per_s": [3.0, 3.0],
    "replies_per_s": [3.0, 3.0],
    "p50_ms": [4.1, 4.0],
    "p95_ms": [9.8, 9.6],
    "p99_ms": [18.2, 18.0],
    "waiting": [0, 1],
}

EXAMPLES: dict[str, Any] = {
    "StatisticsView": {
        "now": {
            "at": _AT,
            "rates": {"accepted_per_s": 3.4, "turns_per_s": 3.3, "replies_per_s": 3.3},
            "latency": {"p50_ms": 4.0, "p95_ms": 9.6, "p99_ms": 18.0, "turns": 198},
            "waiting": {
                "messages": 1,
                "held": 0,
                "quiet": 1,
                "retry": 0,
                "parked": 0,
                "outbox": 0,
                "spool_bytes": 0,
                "webhook_lag_s": 0.0,
            },
            "health": {
                "status": "healthy",
                "score": 98.5,
                "since": _AT,
                "signals": [
                    {"name": "loop_lag", "value": 0.95, "loss": 1.5, "detail": "0.195 s"},
                ],
            },
            "census": {
                "at": _AT,
                "conversations": 214,
                "by_status": {"open": 190, "waiting": 15, "handed_over": 9},
                "by_owner": {"assistant": 205, "human": 9},
                "active_last_day": 57,
                "intents_last_day": {"book_viewing": 21, "greeting": 12},
                "feelings_last_day": {"neutral": 44, "positive": 9, "negative": 4},
                "feedback_last_day": {"up": 6, "down": 1},
                "dead_letters": 2,
            },
        },
        "ten_minutes": _SERIES,
        "day": _SERIES,
    },
    "Message": _MESSAGE_SENT,
    "Batch": {
        "messages": [
            _MESSAGE_SENT,
            {"conversation": "+491709999999", "id": "order-4712-1", "text": "Good morning"},
        ]
    },
    "Receipt": _RECEIPT,
    "Waited": {"receipt": _RECEIPT, "replies": [_REPLY_VIEW]},
    "Results": {
        "results": [
            _RECEIPT,
            {
                "error": {
                    "type": "urn:colloquy:error:invalid_input",
                    "title": "Invalid input",
                    "status": 422,
                    "detail": "Expected `str`, got `int`",
                    "code": "invalid_input",
                    "field": "text",
                }
            },
        ]
    },
    "MessageState": _MESSAGE_STATE,
    "Trace": {
        "state": _MESSAGE_STATE,
        "steps": [
            {
                "at": "2026-01-31T10:00:00.000000Z",
                "what": "accepted",
                "detail": {"message": _MESSAGE_SENT},
            },
            {"at": _AT, "what": "message", "detail": {"seq": 2, "message_id": _MESSAGE}},
        ],
    },
    "ConversationView": _CONVERSATION_VIEW,
    "ConversationPage": {"conversations": [_CONVERSATION_VIEW], "next": None},
    "EventPage": {
        "events": [
            {
                "position": 812,
                "seq": 2,
                "kind": "message",
                "at": _AT,
                "turn_id": _TURN,
                "body": {"message_id": _MESSAGE, "message": _MESSAGE_SENT},
            }
        ],
        "next": None,
    },
    "TranscriptPage": {
        "items": [
            {
                "kind": "message",
                "seq": 2,
                "at": _AT,
                "message_id": _MESSAGE,
                "text": "Is the flat on Main Street still free?",
                "sender": {"id": "+491701234567", "name": "Mia"},
                "understanding": {"intent": "availability", "confidence": 0.93},
            },
            {
                "kind": "reply",
                "seq": 3,
                "at": _AT,
                "reply": _REPLY_VIEW,
                "why": {
                    "handler": "intent:availability",
                    "intent": "availability",
                    "confidence": 0.93,
                    "threshold": 0.75,
                },
                "state": "sent",
            },
            {
                "kind": "tool_call",
                "seq": 4,
                "at": _AT,
                "call_id": "0f343b0931126a20f133d67c2b018a3b",
                "name": "free_days",
                "arguments": '{"flat":"main-street-4"}',
            },
            {
                "kind": "tool_result",
                "seq": 5,
                "at": _AT,
                "call_id": "0f343b0931126a20f133d67c2b018a3b",
                "name": "free_days",
                "outcome": "ok",
                "seconds": 0.0312,
                "result": '["2026-11-23","2026-11-24"]',
            },
            {"kind": "note", "seq": 6, "at": _AT, "note": _NOTE},
            {"kind": "feedback", "seq": 7, "at": _AT, "feedback": _FEEDBACK},
        ],
        "before": None,
        "after": None,
    },
    "ParticipantsView": {
        "participants": [
            {
                "id": "+491701234567",
                "kind": "person",
                "first_seq": 2,
                "last_seq": 2,
                "messages": 1,
                "name": "Mia",
            },
            {"id": "assistant", "kind": "assistant", "first_seq": 3, "last_seq": 3, "messages": 1},
        ]
    },
    "NoteRequest": {"text": "Wants to see it on Saturday only.", "author_name": "Tom"},
    "NoteView": _NOTE,
    "FeedbackRequest": {"reply_id": _REPLY, "rating": "up", "comment": "Quick"},
    "FeedbackView": _FEEDBACK,
    "ReactionRequest": {"reply_id": _REPLY, "emoji": "👍", "id": "wamid.HBgM"},
    "ReactionView": {"reply_id": _REPLY, "by": "visitor", "emoji": "👍", "rating": "up"},
    "StopRequest": {"turn_id": "e4d909c290d0fb1ca068ffaddf22cbd0"},
    "ReadRequest": {"seq": 3},
    "ReplyRequest": {
        "text": "Hello Mia, I am Tom. I will show you the flat.",
        "id": "desk-88",
        "author_name": "Tom",
        "take_over": True,
    },
    "ReplyView": _REPLY_VIEW,
    "OwnerRequest": {"owner": "human", "owner_id": "tom", "reason": "asked for a person"},
    "OwnerView": {
        "conversation_id": _CONVERSATION,
        "owner": "human",
        "owner_epoch": 1,
        "effective": True,
        "withdrawn": 1,
        "owner_id": "tom",
    },
    "DeadLetterView": _DEAD_LETTER,
    "DeadLetterPage": {"dead_letters": [_DEAD_LETTER], "next": None},
    "RetryRequest": {"numbers": [17]},
    "DiscardRequest": {"numbers": [17]},
    "NumbersView": {"numbers": [17]},
    "KeyRequest": {"name": "website", "scopes": ["read", "send"]},
    "KeysView": {"keys": [_KEY]},
    "NewKey": {"key": _KEY, "secret": "cq_3f2a9c0b1d4e_..."},
    "WebhookRequest": {
        "url": "https://example.com/hooks/colloquy",
        "kinds": ["message", "reply"],
        "description": "CRM",
    },
    "WebhookChange": {"enabled": True, "skip_missed": True},
    "WebhookView": _WEBHOOK,
    "WebhookPage": {"webhooks": [_WEBHOOK], "next": None},
    "NewWebhook": {"webhook": _WEBHOOK, "secret": "whsec_..."},
    "DeliveryView": _DELIVERY,
    "DeliveryPage": {"deliveries": [_DELIVERY], "next": None},
    "FlagView": _FLAG,
    "FlagList": {"flags": [_FLAG], "switches": [_SWITCH], "is_stale": False},
    "FlagChange": {"state": _FLAG_STATE, "revision": 1207},
    "SwitchView": _SWITCH,
    "KillRequest": {"reason": "it books twice"},
    "ExplainRequest": {"person": "ann", "channel": "web", "attributes": {"plan": "gold"}},
    "Explanation": {
        "flag": "enable_tools",
        "value": True,
        "reason": "rollout",
        "detail": "25 %",
        "bucket": 1311,
        "considered": [
            {"what": "killed", "decides": False, "says": "no switch is thrown"},
            {"what": "override", "decides": False, "says": "nothing is said at the start"},
            {
                "what": "rollout",
                "decides": True,
                "says": "25 % by person are served True; this one is at 13.11 %",
            },
            {
                "what": "default",
                "decides": False,
                "says": "everybody else is served False, by operators",
            },
        ],
    },
    "AlertView": _ALERT,
    "AlertPage": {"alerts": [_ALERT], "next": None},
    "RuleList": {"rules": [_RULE]},
    "NoticePage": {"notices": [_NOTICE], "next": None},
    "AlertTest": {
        "sinks": [{"sink": "slack", "outcome": "delivered", "detail": "ok", "duration_ms": 210}]
    },
    **FEEDBACK_EXAMPLES,
    **LEDGER_EXAMPLES,
    **GRAPH_EXAMPLES,
    **MONITORING_EXAMPLES,
    **ROLLOUT_EXAMPLES,
    **MIGRATION_EXAMPLES,
    "StatusView": {"status": "healthy"},
    "ReadyView": {"ready": True},
    "SettingsView": {
        "settings": [
            {
                "name": "accept.max_batch",
                "value": 500,
                "origin": "environment COLLOQUY_ACCEPT_MAX_BATCH",
                "environment": "COLLOQUY_ACCEPT_MAX_BATCH",
                "default": 1000,
                "description": "Most messages in one request.",
            }
        ]
    },
    "Session": {
        "token": "cv_...",
        "conversation_id": _CONVERSATION,
        "owner": "assistant",
        "after": 0,
    },
    "ChatConfig": {
        "title": "Main Street Lettings",
        "greeting": "How can we help?",
        "accent": "#3b5bdb",
        "placeholder": "Write a message",
        "avatar": True,
        "privacy": "What you write is kept for a year: https://lettings.example/privacy",
        "ratings": True,
    },
    "ChatMessage": {
        "id": "01J9ZK3T8Q",
        "text": "Hello",
        "stream": "tab-5c1e",
        "sequence": 1,
    },
    "ChatStop": {"turn": _TURN},
    "ChatItem": {"kind": "reply", "seq": 3, "at": _AT, "id": _REPLY, "text": "Yes, it is."},
    "History": {
        "items": [{"kind": "message", "seq": 2, "at": _AT, "id": "01J9ZK3T8Q", "text": "Hello"}],
        "before": None,
    },
}

_ACCEPTED = {
    "one": {"summary": "One message", "value": EXAMPLES["Receipt"]},
    "many": {"summary": "A batch", "value": EXAMPLES["Results"]},
}
_FIRST_BYTES = "retry: 1000\n: open\n\n"
_EVENT = {"kind": "owner", "seq": 4, "at": _AT, "data": {"owner": "human"}}
_SHOWN_EVENT = {"kind": "message", "seq": 2, "at": _AT, "id": "01J9ZK3T8Q", "text": "Hello"}

ANSWERS: dict[str, dict[str, dict[str, Any]]] = {
    "exportPoint": {"200": {"file": {"summary": "The bytes of a file", "value": "..."}}},
    "sendMessages": {"202": _ACCEPTED},
    "importMessages": {"202": _ACCEPTED},
    "healthReport": {
        "200": {
            "example": {
                "summary": "Shortened",
                "value": {
                    "status": "healthy",
                    "score": 98.5,
                    "since_us": 1769853600000000,
                    "at_us": 1769857200000000,
                    "signals": [],
                    "uptime_s": 3600.0,
                    "pending": 2,
                },
            }
        }
    },
    "metrics": {
        "200": {
            "example": {
                "summary": "Shortened",
                "value": "# TYPE colloquy_turns counter\ncolloquy_turns_total 1204.0\n",
            }
        }
    },
    "streamConversation": {
        "200": {"example": {"value": f"{_FIRST_BYTES}id: 4\ndata: {json.dumps(_EVENT)}\n\n"}}
    },
    "streamMonitoring": MONITORING_STREAM,
    "chatStream": {
        "200": {"example": {"value": f"{_FIRST_BYTES}id: 2\ndata: {json.dumps(_SHOWN_EVENT)}\n\n"}}
    },
}
"""Of answers that no single struct stands for, by operation and status."""
