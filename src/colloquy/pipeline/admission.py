"""Back-pressure: how much may wait before new messages are refused (engine decision 23).

Bounds by bytes, by the age of the oldest message that could have been handled already, and per
conversation, so that one flooder does not close the door for everybody.
"""

from __future__ import annotations

from collections.abc import Callable

from ..model.errors import ConversationOverloaded, Overloaded


class Admission:
    """Counts what is accepted and not yet done. Times are microseconds, `now` is given."""

    def __init__(
        self,
        *,
        max_bytes: int,
        max_age_us: int,
        max_per_conversation: int,
        oldest_ready: Callable[[], int | None],
        lane_length: Callable[[bytes], int],
    ) -> None:
        self._max_bytes = max_bytes
        self._max_age = max_age_us
        self._max_lane = max_per_conversation
        self._oldest_ready = oldest_ready
        self._lane_length = lane_length
        self._crowded: dict[bytes, int] = {}
        self.messages = 0
        self.bytes = 0

    def check(self, size: int, now: int) -> None:
        """Raises Overloaded when `size` more bytes would be too much: all or nothing."""
        if self.bytes + size > self._max_bytes:
            raise Overloaded(
                f"{self.bytes} bytes are waiting; the bound is {self._max_bytes}",
                retry_after_s=1.0,
            )
        oldest = self._oldest_ready()
        if oldest is not None and now - oldest > self._max_age:
            waited = (now - oldest) / 1e6
            raise Overloaded(
                f"the oldest waiting message is {waited:.1f} s old; "
                f"the bound is {self._max_age / 1e6:g} s",
                retry_after_s=2.0,
            )

    def check_conversation(self, conversation: bytes, more: int) -> ConversationOverloaded | None:
        """The error for a message of a conversation that has too many unfinished ones."""
        waiting = max(self._lane_length(conversation), self._crowded.get(conversation, 0))
        if waiting + more > self._max_lane:
            return ConversationOverloaded(
                f"{waiting} messages of this conversation are waiting; "
                f"the bound is {self._max_lane}",
                retry_after_s=1.0,
            )
        return None

    def add(self, messages: int, size: int) -> None:
        self.messages += messages
        self.bytes += size

    def remove(self, messages: int, size: int) -> None:
        self.messages = max(0, self.messages - messages)
        self.bytes = max(0, self.bytes - size)

    def observe(self, messages: int, size: int, crowded: dict[bytes, int]) -> None:
        """What the database says, where other processes accept and finish messages too."""
        self.messages = messages
        self.bytes = size
        self._crowded = crowded
