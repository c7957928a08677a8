"""What a turn (or an operator's action) wants written: data, never SQL (engine decisions 6, 7).

A `WriteSet` is a batch of `Unit`s that one transaction commits. Each unit carries guards; a unit
whose guard fails is left out whole and reported, the others go through.
"""

from __future__ import annotations

import enum
from collections.abc import Generator
from typing import Any, NamedTuple, Protocol

from msgspec import Struct, field


class InboxRow(NamedTuple):
    """One unfinished message, in the order of the table's columns (statement `inbox_insert`)."""

    id: int
    message_id: bytes
    conversation: bytes
    partition: int
    kind: int
    state: str
    due_at: int
    received_at: int
    stream: str | None
    sequence: int | None
    attempts: int
    recorded: int
    """1 when an earlier commit already wrote this message's event (a parked turn did)."""
    payload: bytes
    note: bytes | None = None
    """JSON: the attempts so far, and marks such as `late`."""


KIND_MESSAGE = 0
KIND_TIMER = 1
KIND_RECORD = 2
"""History that is written into the log as it is: neither understood nor answered."""

NO_SESSION = 0
"""`Unit.session` of a unit that writes no events and no state (a failed attempt, for one)."""


class AcceptRow(NamedTuple):
    """A message to be stored once. The store gives it its inbox number."""

    message_id: bytes
    body_hash: bytes
    conversation: bytes
    partition: int
    state: str
    due_at: int
    received_at: int
    stream: str | None
    sequence: int | None
    payload: bytes
    kind: int = 0


class Accepted(NamedTuple):
    """What became of an `AcceptRow`."""

    status: str
    """stored, duplicate, dead (a repeat of a dead letter), reused (same id, another body) or
    refused (the database cannot hold this row; nothing was stored for it)."""
    inbox_id: int
    """The number of the first message with this id; 0 when refused."""


class Change(NamedTuple):
    """One ledger row to be written. `previous` is never supplied (engine decision 29)."""

    at: int
    actor: str
    session: int | None
    operation: str
    collection: str
    key: str
    after: bytes | None
    origin: str | None = None
    """The operation of the ledger that writes it (a rollback, an import); None is ordinary work."""


class SessionRow(NamedTuple):
    """A new session, in the order of statement `session_insert`."""

    number: int
    id: bytes
    channel: str
    account: str
    key: str
    thread: str
    status: str
    owner: str
    owner_id: str | None
    owner_epoch: int
    version: int
    last_seq: int
    state: bytes
    streams: bytes
    created_at: int
    updated_at: int


class EventRow(NamedTuple):
    """An event to append; its sequence number is given by the commit, in list order."""

    kind: str
    at: int
    turn_id: bytes | None
    inbox_id: int | None
    body: bytes


class OutboxRow(NamedTuple):
    """A reply to be sent: `event` is the index of its event in the unit's list."""

    event: int
    reply_id: bytes
    channel: str
    account: str
    automatic: bool
    owner_epoch: int
    priority: int
    due_at: int
    made: bytes | None = None
    """What it was made with (`delivery.made`)."""


class StateRow(NamedTuple):
    """The session's state after this unit; `version` must be the expected one plus one."""

    status: str
    owner: str
    owner_id: str | None
    owner_epoch: int
    version: int
    state: bytes


class Headline(Struct):
    """What lists show of a conversation; None keeps what is there. A unit fills its own."""

    name: str | None = None
    preview: str | None = None
    intent: str | None = None
    feeling: str | None = None
    said: int | None = None
    """The index, in the unit's list, of the event with the last thing that the peer said."""
    flow: bytes | None = None
    """Where the conversation stands (`understanding.flow.standing`); lists do not show it."""


class Unit(Struct, kw_only=True):
    """One turn's writes on one session, with what must hold for them to happen."""

    session: int
    """The session's number, or NO_SESSION."""
    at: int
    # -- guards
    create: SessionRow | None = None
    """The session does not exist yet; if it does by now, the unit is a conflict."""
    version: int | None = None
    """The session's state version must be this."""
    done: tuple[int, ...] = ()
    """Inbox rows that this unit completes: all must still be there, else it was done already."""
    withdraw: tuple[tuple[int, int], ...] = ()
    """Outbox rows (session, seq) that must still be there, not being sent, and are deleted."""
    revive: tuple[int, ...] = ()
    """Dead letters that must still be there, and are deleted."""
    # -- writes
    events: list[EventRow] = []
    outbox: list[OutboxRow] = []
    headline: Headline = field(default_factory=Headline)
    state: StateRow | None = None
    streams: bytes | None = None
    changes: list[Change] = []
    learned: tuple[Any, ...] = ()
    """What the write set's `learner` turns into further ledger rows."""
    rows: dict[str, list[tuple[Any, ...]]] = {}
    """Further rows by statement name: inbox_insert, inbox_set, dead_letter_insert, …; those of
    inbox_delete need not be there."""


class Verdict(enum.Enum):
    COMMITTED = "committed"
    DONE_ALREADY = "done_already"
    """A row to be completed was gone: an earlier commit did this work."""
    CONFLICT = "conflict"
    """The session's state moved on: read it again and redo the turn."""
    FAILED = "failed"
    """The database refused this unit for good, also when tried alone; `error` says why."""


class Outcome(NamedTuple):
    verdict: Verdict
    first_seq: int = 0
    """The sequence number of the unit's first event."""
    error: Exception | None = None


class Learner(Protocol):
    """Turns what units learned into ledger rows, inside the transaction that commits the units.

    Both methods are steps as in `commit.py`: they yield (statement name, rows).
    """

    def changes(self, learned: list[Any]) -> Generator[Any, Any, list[Change]]:
        """The ledger rows of all that was learned, given what is known already."""

    def apply(self, changes: list[Change], positions: list[int]) -> Generator[Any, Any, None]:
        """Brings the tables that follow from those rows up to date; they have positions by now."""


class WriteSet(Struct, kw_only=True):
    """One bounded transaction."""

    units: list[Unit]
    leases: dict[int, int] = {}
    """Partition → epoch that must still be current, else StaleLease and nothing is written."""
    learner: Learner | None = None

    @property
    def is_empty(self) -> bool:
        return not self.units
