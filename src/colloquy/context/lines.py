"""A conversation as context sees it: its lines, in order, each with where it stands in the log."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Literal, NamedTuple, Protocol

Kind = Literal["said", "call", "result"]
"""What a line is: something said, a call of a tool, or what the tool returned."""


class Line(NamedTuple):
    """One line of a conversation's log.

    `seq`: its place in the log, from 1; lines are given in this order. `role`: visitor, assistant,
    agent, human, team, system or tool. `at`: microseconds since 1970. `polarity`: -1 to 1.
    """

    seq: int
    role: str
    text: str
    at: int
    id: str = ""
    """Of the message or reply, as in its receipt."""
    speaker: str = ""
    """The name of who said it, where one is known."""
    thread: str | None = None
    kind: Kind = "said"
    pair: str = ""
    """The same for a tool's call and its result, which are kept together or not at all."""
    pinned: bool = False
    """Somebody said that it must not be forgotten."""
    intent: str | None = None
    emotion: str = "neutral"
    polarity: float = 0.0
    act: str = "inform"


Lines = Sequence[Line]


class Conversation(Protocol):
    """What is needed of a session."""

    @property
    def id(self) -> bytes: ...

    @property
    def number(self) -> int: ...

    @property
    def last_seq(self) -> int: ...


Fetch = Callable[[Conversation, int, int], Awaitable[Sequence[Line]]]
"""(session, sequence number, limit) → the first lines after it, in order; fewer than `limit` only
where the log ends."""
