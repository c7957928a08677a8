"""Kinds of monitoring events: what an engine tells dashboards, and when such an event is sound.

Events that follow from messages are sums over the time since the event before, so that they cost
the same however many messages there were.
"""

from __future__ import annotations

import re
from typing import Annotated, Any, ClassVar, Literal

import msgspec
from msgspec import Meta, Struct

Counted = Annotated[int, Meta(ge=0)]
Some = Annotated[int, Meta(ge=1)]
Milliseconds = Annotated[float, Meta(ge=0)]
Name = Annotated[str, Meta(min_length=1, max_length=100)]
Text = Annotated[str, Meta(max_length=1000)]
Id = Annotated[str, Meta(pattern="^[0-9a-f]{32}$")]

SLOW_MS = 10_000.0
"""A mean time to commit beyond which an event says so itself."""


class Event(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What all kinds have in common. `kind` is its name on the wire."""

    kind: ClassVar[str]

    def errors(self) -> list[str]:
        """What types cannot say and does not hold; empty for a sound event."""
        return []

    def warnings(self) -> list[str]:
        """What is odd about it, though it may be true."""
        return []


class MessagesAccepted(Event, frozen=True, kw_only=True):
    """By how they were stored (stored, spooled, duplicate), and those refused by their error."""

    kind = "messages_accepted"
    accepted: dict[Name, Some]
    refused: dict[Name, Some] = {}

    def errors(self) -> list[str]:
        return [] if self.accepted or self.refused else ["nothing was accepted or refused"]

    def warnings(self) -> list[str]:
        refused, all_ = sum(self.refused.values()), sum(self.accepted.values())
        return [f"{refused} were refused, {all_} accepted"] if refused > all_ else []


class TurnsCommitted(Event, frozen=True, kw_only=True):
    """`mean_ms`: from acceptance to commit, over `messages`; none where only timers ran."""

    kind = "turns_committed"
    turns: Some
    messages: Counted
    replies: Counted
    mean_ms: Milliseconds | None = None

    def errors(self) -> list[str]:
        if (self.mean_ms is None) != (self.messages == 0):
            return ["mean_ms goes with messages"]
        return []

    def warnings(self) -> list[str]:
        slow = self.mean_ms is not None and self.mean_ms > SLOW_MS
        return [f"{self.mean_ms:.0f} ms to commit"] if slow else []


class RepliesDelivered(Event, frozen=True, kw_only=True):
    """By channel: those handed to it, and those that it would not take."""

    kind = "replies_delivered"
    delivered: dict[Name, Some]
    failed: dict[Name, Some] = {}

    def errors(self) -> list[str]:
        return [] if self.delivered or self.failed else ["nothing was delivered or failed"]

    def warnings(self) -> list[str]:
        return [f"{channel} would not take {count}" for channel, count in self.failed.items()]


class TurnsFailed(Event, frozen=True, kw_only=True):
    """Attempts that failed, and messages that went to the dead letters after theirs."""

    kind = "turns_failed"
    attempts: Counted
    dead_letters: Counted

    def errors(self) -> list[str]:
        return [] if self.attempts or self.dead_letters else ["nothing failed"]


class ContextsValidated(Event, frozen=True, kw_only=True):
    """Contexts that were held to the rules; `mean_ms` is of the latest ones."""

    kind = "contexts_validated"
    contexts: Some
    invalid: Counted
    mean_ms: Milliseconds

    def errors(self) -> list[str]:
        if self.invalid > self.contexts:
            return [f"{self.invalid} invalid of {self.contexts}"]
        return []

    def warnings(self) -> list[str]:
        return [f"{self.invalid} of {self.contexts} were invalid"] if self.invalid else []


class ConversationsChanged(Event, frozen=True, kw_only=True):
    """Those with something new. Not complete: there are more, or it is not known which."""

    kind = "conversations_changed"
    conversations: Annotated[list[Id], Meta(max_length=100)]
    is_complete: bool

    def errors(self) -> list[str]:
        if len(set(self.conversations)) != len(self.conversations):
            return ["a conversation is named twice"]
        if self.is_complete and not self.conversations:
            return ["no conversation changed"]
        return []


class OperationProgress(Event, frozen=True, kw_only=True):
    """How far something long is: a rollback, an undo, a migration. `step` is what just happened."""

    kind = "operation_progress"
    operation: Name
    what: Name
    step: Name
    status: Name
    done: Counted
    total: Counted

    def errors(self) -> list[str]:
        return [f"{self.done} done of {self.total}"] if self.done > self.total else []


class LedgerChanged(Event, frozen=True, kw_only=True):
    """A rollback point came or went, a conflict was decided, something was cleaned up."""

    kind = "ledger_changed"
    change: Name
    point: Name | None = None


class AlertTold(Event, frozen=True, kw_only=True):
    """What operators were told: an alert opened, got worse or is over, or something happened."""

    kind = "alert"
    notice: Id
    change: Annotated[str, Meta(pattern=r"^(alert|event)\..+", max_length=100)]
    name: Name
    severity: Literal["info", "warning", "critical"]
    message: Text


class FlagChanged(Event, frozen=True, kw_only=True):
    """What everybody is served for whom nothing else was said."""

    kind = "flag_changed"
    flag: Name
    before: bool | int | float | str
    after: bool | int | float | str

    def errors(self) -> list[str]:
        return [f"it was {self.before!r} before, too"] if self.before == self.after else []


class HealthChanged(Event, frozen=True, kw_only=True):
    """`causes`: the signals that cost points, the dearest first."""

    kind = "health_changed"
    status: Literal["healthy", "warning", "critical", "down"]
    before: Literal["healthy", "warning", "critical", "down"] | None
    score: Annotated[float, Meta(ge=0, le=100)]
    causes: list[Name]

    def errors(self) -> list[str]:
        return ["the status did not change"] if self.status == self.before else []

    def warnings(self) -> list[str]:
        return [f"the server is {self.status}"] if self.status in ("critical", "down") else []


class TaskFailed(Event, frozen=True, kw_only=True):
    """A background task ended by an error and is started again."""

    kind = "task_failed"
    task: Name
    crashes: Some
    error: Text | None


class AppEvent(Event, frozen=True, kw_only=True):
    """What an application tells of itself."""

    kind = "app"
    name: Annotated[str, Meta(pattern="^[a-z][a-z0-9_.]{0,63}$")]
    data: dict[str, Any] = {}


KINDS: dict[str, type[Event]] = {
    one.kind: one
    for one in (
        MessagesAccepted,
        TurnsCommitted,
        RepliesDelivered,
        TurnsFailed,
        ContextsValidated,
        ConversationsChanged,
        OperationProgress,
        LedgerChanged,
        AlertTold,
        FlagChanged,
        HealthChanged,
        TaskFailed,
        AppEvent,
    )
}
"""Every kind by its name."""

UNKNOWN = "unknown"
"""Under which events of a kind that there is not are counted: no caller can grow memory."""

DECODERS = {name: msgspec.json.Decoder(kind) for name, kind in KINDS.items()}

assert all(re.fullmatch("[a-z_]{1,50}", name) for name in (*KINDS, UNKNOWN))
