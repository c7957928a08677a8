"""The threads of a conversation as a handler sees and changes them."""

from __future__ import annotations

from collections.abc import Sequence

from . import threads
from .cues import cues_of_text
from .threads import Thread, Threads


class ThreadHandle:
    """The threads at one turn (protocol `model.turn.ConversationThreads`). What is changed is kept
    with the turn's reply, or not at all."""

    __slots__ = ("changed", "state")

    def __init__(self, state: Threads) -> None:
        self.state = state
        self.changed = False

    def all(self) -> Sequence[Thread]:
        """Those that are known, the last used one first."""
        return self.state.threads

    def rename(self, thread: str, title: str) -> None:
        """Raises NotFound, InvalidInput."""
        self._change(threads.rename(self.state, thread, title))

    def merge(self, into: str, other: str) -> None:
        """Raises NotFound, InvalidInput."""
        self._change(threads.merge(self.state, into, other))

    def split(self, thread: str, messages: Sequence[str], about: str, title: str = "") -> str:
        """Raises NotFound, InvalidInput."""
        state, new = threads.split(self.state, thread, messages, cues_of_text(about), title)
        self._change(state)
        return new

    def _change(self, state: Threads) -> None:
        self.state = state
        self.changed = True
