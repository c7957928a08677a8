"""A reply on its way out: as it leaves the outbox, as a channel takes it, as clients see it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol

import msgspec

from ..model.message import encode
from ..model.times import rfc3339
from ..model.views import ReplyView
from ..storage.store import OutboxItem, StoreEvent
from ..storage.write_set import EventRow


class Outgoing(NamedTuple):
    """A reply on its way: the outbox row, its turn, and the body of its event."""

    item: OutboxItem
    turn_id: bytes | None
    at: int
    body: bytes

    @property
    def place(self) -> tuple[int, int]:
        """The number of its conversation, and its own in it."""
        return self.item.session, self.item.seq

    def row(self, state: str, due: int) -> tuple[int, int, str, int, bytes | None]:
        """For the statement `outbox_set`."""
        return self.item.session, self.item.seq, state, due, self.item.note


class Sent(NamedTuple):
    """What became of one reply. `retry`: a transient failure, to be tried again."""

    ok: bool
    detail: str = ""
    retry: bool = True


class PushChannel(Protocol):
    """A channel that replies are sent to, in batches; results in the order of the batch.

    Raising fails the whole batch, to be tried again.
    """

    async def send(self, batch: Sequence[Outgoing]) -> Sequence[Sent]: ...


_view = msgspec.json.Decoder(ReplyView)


def reply_view(
    body: bytes, *, conversation: bytes, seq: int, at: int, turn_id: bytes | None
) -> ReplyView:
    """The reply of an event as clients see it."""
    known = {
        "conversation_id": conversation.hex(),
        "seq": seq,
        "at": rfc3339(at),
        "turn_id": turn_id.hex() if turn_id else None,
    }
    return _view.decode(b"{" + encode(known)[1:-1] + b"," + body[1:])


def reply_of(event: StoreEvent, conversation: bytes) -> ReplyView:
    """The same for an event as it is stored."""
    return reply_view(
        event.body, conversation=conversation, seq=event.seq, at=event.at, turn_id=event.turn_id
    )


def withdrawn_event(item: OutboxItem, at: int) -> EventRow:
    """Says that a reply in the log was never sent."""
    return EventRow(
        "reply_withdrawn",
        at,
        None,
        None,
        encode({"reply_id": item.reply_id.hex(), "seq": item.seq}),
    )
