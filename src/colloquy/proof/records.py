"""The two records of a run: what the client saw, and what the server has.

The client's is written down before each send and after each receipt, so nothing that the server
does can change it. `n` is a record's place in it and the only clock that the checker uses.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

# -- what the client saw ----------------------------------------------------------------------


class Sent(Struct, tag="sent", frozen=True, omit_defaults=True):
    """One attempt to send, written before its first byte left.

    `message_id` is what the server must call the message; the client derives it itself.
    `must_refuse` marks what the server has to refuse, `answered` what gets exactly one automatic
    reply unless it is dead-lettered, `timers` says how many timers its turn sets.
    """

    n: int
    message_id: str
    conversation_id: str
    stream: str | None = None
    sequence: int | None = None
    must_refuse: bool = False
    answered: bool = True
    timers: int = 0


class Receipted(Struct, tag="receipt", frozen=True, omit_defaults=True):
    """The server promised to handle the message of attempt `of`."""

    n: int
    of: int
    message_id: str
    status: str


class Refused(Struct, tag="refused", frozen=True, omit_defaults=True):
    """The server refused the message of attempt `of` for good: trying again is of no use."""

    n: int
    of: int
    code: str


class Received(Struct, tag="received", frozen=True, omit_defaults=True):
    """A reply reached the client by `via` (a stream, an answered request)."""

    n: int
    reply_id: str
    via: str


Record = Sent | Receipted | Refused | Received

# -- what the server has ----------------------------------------------------------------------


class Logged(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """One event of the server's log. A `message_id` makes a message of it if `kind` is message.

    `about` is the message that a reply says it answers.
    `late` is the server's own mark on a message that comes after its place in the order. `count`
    is a number that the assistant keeps in the conversation's state and raises by one per reply.
    `timer_of` is the message whose turn set the timer that fired here.
    """

    position: int
    conversation_id: str
    seq: int
    kind: str
    turn_id: str | None = None
    message_id: str | None = None
    reply_id: str | None = None
    about: str | None = None
    late: bool = False
    count: int | None = None
    timer_of: str | None = None


class Dead(Struct, frozen=True):
    """One dead letter; `status` is dead, retried or discarded."""

    message_id: str
    conversation_id: str
    status: str = "dead"


class Log(Struct, frozen=True):
    """Everything the server has after it came to rest."""

    events: Sequence[Logged]
    dead_letters: Sequence[Dead] = ()
    unfinished: Sequence[str] = ()
    """Message ids that still wait in the inbox: not lost, but rest was not reached."""
    effects: Sequence[str] = ()
    """One entry per time that an outside effect of a message really happened."""
