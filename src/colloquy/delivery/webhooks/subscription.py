"""One webhook as its sender sees it: what it wants, how far it is, what is under way."""

from __future__ import annotations

import msgspec

from ...storage.store import StoreEvent
from ...storage.webhooks import DeliveryRow, WebhookRow
from .payload import Place

NEVER = 2**62
"""A time (µs) that does not come."""

_texts = msgspec.json.Decoder(frozenset[str])


class Subscription:
    """An enabled webhook that this process sends for. Times are microseconds since 1970."""

    def __init__(self, row: WebhookRow) -> None:
        self.row = row
        self._kinds: frozenset[str] = frozenset()
        self._channels: frozenset[str] = frozenset()
        self.stored = self.position = row.position
        """The cursor as the database has it, and as it is: events that nobody wants are passed
        without a write for each."""
        self.stored_at = 0
        self.waiting = 0
        """Unfinished deliveries."""
        self.behind_at: int | None = None
        """The time of the event up to which the log was read, while there is more of it."""
        self.queue: dict[int, DeliveryRow] = {}
        """Due deliveries, first come first."""
        self.look_at = 0
        """When the database may have more that is due."""
        self.paused_until = 0
        self.sending: set[int] = set()
        self.busy: set[int] = set()
        """Sessions of which a delivery is under way."""
        self.take(row)

    def take(self, row: WebhookRow) -> None:
        """The row as it is now, after somebody may have changed it."""
        if row.version != self.row.version or row.position != self.stored:
            self.stored = self.position = row.position
            self.paused_until = 0
            self.forget_due()
        self.row = row
        self._kinds = _texts.decode(row.kinds)
        self._channels = _texts.decode(row.channels)

    def forget_due(self) -> None:
        """What is due is read again: somebody else may have sent or changed it."""
        self.queue.clear()
        self.look_at = 0

    @property
    def id(self) -> str:
        return self.row.id

    @property
    def wants_all_channels(self) -> bool:
        return not self._channels

    def wants_kind(self, event: StoreEvent) -> bool:
        return not self._kinds or event.kind in self._kinds

    def wants_channel(self, place: Place) -> bool:
        return not self._channels or place.channel in self._channels

    def next(self) -> DeliveryRow | None:
        """Takes the first due delivery whose conversation has none under way."""
        for row in self.queue.values():
            if row.session not in self.busy:
                del self.queue[row.number]
                self.sending.add(row.number)
                self.busy.add(row.session)
                return row
        return None

    def finished(self, row: DeliveryRow) -> None:
        """The delivery that `next` gave is not under way any more."""
        self.sending.discard(row.number)
        self.busy.discard(row.session)

    def oldest_untried(self) -> int | None:
        """Since when (µs) the first event waits that no attempt was made for."""
        untried = next((row.due_at for row in self.queue.values() if not row.attempts), None)
        return min((at for at in (untried, self.behind_at) if at is not None), default=None)
