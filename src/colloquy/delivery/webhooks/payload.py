"""What is posted: the event of the log with whose conversation it is, as compact JSON."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable

import msgspec
from msgspec import Struct

from ...model import ids
from ...model.message import encode
from ...model.times import rfc3339
from ...model.webhooks import TEST_KIND
from ...storage.store import Store, StoreEvent
from ...storage.webhooks import DeliveryRow


class Place(Struct, frozen=True):
    """Whose conversation an event belongs to; `conversation` is the peer's key."""

    conversation_id: str
    channel: str
    account: str
    conversation: str


class EventData(Struct, frozen=True):
    """The event as the log has it; see `model.session.Event`."""

    conversation_id: str
    channel: str
    account: str
    conversation: str
    seq: int
    position: int
    kind: str
    at: str
    body: msgspec.Raw


PLACES = 10_000
"""Conversations whose channel and peer are kept in memory."""


class Payloads:
    """Makes bodies out of the log. All methods may raise StoreUnavailable."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._places: OrderedDict[int, Place] = OrderedDict()

    async def places(self, sessions: Iterable[int]) -> dict[int, Place]:
        """Session number → place."""
        wanted = set(sessions)
        missing = sorted(wanted - self._places.keys())
        for row in await self._store.read("sessions_by_number", [(one,) for one in missing]):
            self._places[row[0]] = Place(row[1].hex(), row[2], row[3], row[4])
        found = {}
        for number in wanted:
            found[number] = self._places[number]
            self._places.move_to_end(number)
        while len(self._places) > PLACES:
            self._places.popitem(last=False)
        return found

    async def body(self, delivery: DeliveryRow) -> bytes | None:
        """What to post; None when the event is not in the log any more."""
        if delivery.kind == TEST_KIND:
            return _test_body(delivery)
        events = await self._store.events_at([(delivery.session, delivery.seq)])
        if not events:
            return None
        places = await self.places([delivery.session])
        return _event_body(events[0], places[delivery.session])


def event_id(delivery: DeliveryRow) -> str:
    """Its `webhook-id`: the same at every attempt, also after a restart."""
    webhook = bytes.fromhex(delivery.webhook)
    if delivery.kind == TEST_KIND:
        return f"msg_{ids.webhook_test_id(webhook, delivery.number).hex()}"
    return f"msg_{ids.webhook_event_id(webhook, delivery.position).hex()}"


def _event_body(event: StoreEvent, place: Place) -> bytes:
    at = rfc3339(event.at)
    data = EventData(
        place.conversation_id,
        place.channel,
        place.account,
        place.conversation,
        event.seq,
        event.position,
        event.kind,
        at,
        msgspec.Raw(event.body),
    )
    return encode({"type": event.kind, "timestamp": at, "data": data})


def _test_body(delivery: DeliveryRow) -> bytes:
    data = {"webhook_id": delivery.webhook}
    return encode({"type": TEST_KIND, "timestamp": rfc3339(delivery.at), "data": data})
