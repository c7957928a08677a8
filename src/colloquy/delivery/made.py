"""What a waiting reply was made with and made of: what has to be known to take it back when a kill
switch is thrown before it is released (engine decision 36). It lies in the reply's outbox row."""

from __future__ import annotations

from typing import Any, NamedTuple

import msgspec
from msgspec import Struct

from ..flags import Flags
from ..storage.store import OutboxItem


class MadeFrom(NamedTuple):
    """An inbox row of the turn."""

    number: int
    message_id: str
    """32 hexadecimal digits; of a timer its id."""
    kind: int


class Made(Struct, frozen=True, array_like=True, omit_defaults=True):
    """How a turn came to its replies; the same in the row of each of them."""

    flags: list[str]
    """Those that it asked for and was served another value than the safe one."""
    rows: list[MadeFrom]
    replies: int
    """How many it has."""
    asked: dict[str, Any] | None = None
    """The question that was open before it."""
    timers: list[int] = []
    """The inbox numbers of the timers that it set."""


_made = msgspec.json.Decoder(Made)


def made_of(item: OutboxItem) -> Made | None:
    """How a reply came about; None where it cannot be made again."""
    return _made.decode(item.made) if item.automatic and item.made else None


class KillWatch:
    """Which conversations may have a reply waiting that was made with what is killed by now.

    Costs nothing while no switch is thrown: only then are they remembered, and bodies of rows
    decoded.
    """

    def __init__(self, flags: Flags) -> None:
        self._flags = flags
        self._seen = flags.version
        self._doubted: set[int] = set()

    def offered(self, session: int) -> None:
        """A reply of this conversation waits from now on."""
        if self._flags.killed:
            self._doubted.add(session)

    def doubt(self, session: int) -> None:
        """It is to be looked through, again."""
        self._doubted.add(session)

    def settle(self, session: int) -> None:
        """It is looked through now."""
        self._doubted.discard(session)

    @property
    def has_news(self) -> bool:
        """Whether all that waits is to be looked through: switches changed since the last call."""
        if self._flags.version == self._seen:
            return False
        self._seen = self._flags.version
        return bool(self._flags.killed)

    @property
    def doubted(self) -> set[int]:
        """The conversations that are to be looked through; none once nothing is killed."""
        if not self._flags.killed:
            self._doubted.clear()
        return self._doubted

    def hits(self, item: OutboxItem) -> bool:
        """Was this reply made with something that is killed now?"""
        if not self._flags.killed:
            return False
        made = made_of(item)
        return made is not None and not self._flags.killed.isdisjoint(made.flags)
