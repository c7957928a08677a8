"""Sessions and their events: a conversation is an append-only log of numbered events."""

from __future__ import annotations

import enum
from typing import Any

import msgspec
from msgspec import Struct


class Owner(enum.StrEnum):
    """Who answers a conversation."""

    ASSISTANT = "assistant"
    AGENT = "agent"
    HUMAN = "human"
    TEAM = "team"


class SessionStatus(enum.StrEnum):
    """States of a conversation; `docs/architecture.md` lists the transitions."""

    OPEN = "open"
    WAITING = "waiting"
    HANDED_OVER = "handed_over"


class EventKind(enum.StrEnum):
    """What can happen in a session."""

    SESSION_OPENED = "session_opened"
    MESSAGE = "message"
    MESSAGE_DUPLICATE = "message_duplicate"
    REPLY = "reply"
    REPLY_WITHDRAWN = "reply_withdrawn"
    REPLY_FAILED = "reply_failed"
    OWNER_CHANGED = "owner_changed"
    STATUS_CHANGED = "status_changed"
    STATE_RESTORED = "state_restored"
    SEQUENCE_GAP = "sequence_gap"
    TIMER_FIRED = "timer_fired"
    TOOL_CALL = "tool_call"
    TOOL_RESULT = "tool_result"
    REPLY_STOPPED = "reply_stopped"
    DEAD_LETTERED = "dead_lettered"
    DEAD_LETTER_RETRIED = "dead_letter_retried"
    TURN_AGAIN = "turn_again"
    NOTE = "note"
    FEEDBACK = "feedback"


class InboxState(enum.StrEnum):
    """Why an accepted message is not done yet."""

    READY = "ready"
    HELD = "held"
    QUIET = "quiet"
    RETRY = "retry"
    PARKED = "parked"
    AGAIN = "again"


class Event(Struct, frozen=True):
    """One row of a session's log. `seq` counts from 1 in its conversation, without gaps.

    `position` is the place in the log of the whole database: it grows, but may have gaps.
    """

    position: int
    seq: int
    kind: str
    at: str
    turn_id: str | None
    body: msgspec.Raw


class Session(Struct, kw_only=True):
    """The live row of one conversation. `version` moves when state, status or owner change."""

    number: int
    id: bytes
    channel: str
    account: str
    key: str
    thread: str
    status: str = "open"
    owner: str = "assistant"
    owner_id: str | None = None
    owner_epoch: int = 0
    version: int = 0
    last_seq: int = 0
    state: dict[str, Any] = {}
    streams: dict[str, int] = {}
    created_at: int = 0
    updated_at: int = 0
    # What lists show, as it was when the row was read; see `ConversationView`.
    name: str | None = None
    preview: str | None = None
    intent: str | None = None
    feeling: str | None = None
    said_seq: int = 0
    read_seq: int = 0
