"""Several histories of a conversation as one, each message once.

Two systems that told of the same conversation have most of it twice. A message of one history is
one of another when

1. both have an id, and it is the same; with two different ids they are two messages;
2. else, when one of them has no id, both have the same role and say the same, and their times are
   at most a second apart (tables keep whole seconds). Where one has no time, the first that says
   the same counts, then the second, and so on.

Within one history only an id that comes again is a repeat: whoever says "ok" twice said it twice.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

from ..model.message import Message, encode
from ..model.times import to_us
from .adapting import NOWHERE, Place
from .batches import message_of

TOLERANCE_US = 1_000_000
"""Times of one message may differ by this much between two systems."""

_Key = tuple[str, str, bytes]


class _Entry:
    __slots__ = ("at", "claimed_by", "history", "id", "message", "order")

    def __init__(self, message: Message, at: int, history: int, order: int) -> None:
        """`at`: its place in time, its own or that of what came before it, in microseconds."""
        self.message = message
        self.id = message.id
        """Its own, or that of the first that was taken for it."""
        self.at = at
        self.history = history
        self.order = order
        self.claimed_by = {history}
        """Histories of which a message was taken for this one: no other of them is it too."""


def merge(*histories: Sequence[Any], place: Place = NOWHERE) -> list[Message]:
    """The messages of all histories (each oldest first, of either format), oldest first.

    Of a message that several have, the first history's is taken. Messages without a time stay
    behind the one before them. Raises InvalidInput for what is of neither format.
    """
    entries: list[_Entry] = []
    by_id: dict[tuple[str, str], _Entry] = {}
    by_content: defaultdict[_Key, list[_Entry]] = defaultdict(list)
    for history, items in enumerate(histories):
        messages = [message_of(item, place) for item in items]
        for order, (message, at) in enumerate(zip(messages, _times(messages), strict=True)):
            key = _key(message)
            known = _known(message, history, by_id, by_content[key])
            if known is not None:
                known.claimed_by.add(history)
                if message.id is not None:
                    known.id = known.id or message.id
                    by_id.setdefault((message.conversation, message.id), known)
                continue
            entry = _Entry(message, at, history, order)
            entries.append(entry)
            by_content[key].append(entry)
            if message.id is not None:
                by_id[message.conversation, message.id] = entry
    entries.sort(key=lambda entry: (entry.at, entry.history, entry.order))
    return [entry.message for entry in entries]


def _known(
    message: Message,
    history: int,
    by_id: dict[tuple[str, str], _Entry],
    alike: Iterable[_Entry],
) -> _Entry | None:
    if message.id is not None:
        known = by_id.get((message.conversation, message.id))
        if known is not None:
            return known
    for entry in alike:
        both_have_ids = message.id is not None and entry.id is not None
        if history not in entry.claimed_by and not both_have_ids and _near(message, entry.message):
            return entry
    return None


def _near(one: Message, other: Message) -> bool:
    if one.sent_at is None or other.sent_at is None:
        return True
    return abs(to_us(one.sent_at) - to_us(other.sent_at)) <= TOLERANCE_US


def _key(message: Message) -> _Key:
    """Conversation, side and content: what two messages have in common that say the same."""
    sender = message.sender
    side = "person" if sender is None or sender.kind == "agent" else sender.kind
    said = encode(message.parts) if message.parts else b""
    return message.conversation, side, encode(message.text) + said


def _times(messages: Iterable[Message]) -> Iterable[int]:
    """When each was said, never before the one ahead of it."""
    at = -(2**63)
    found = []
    for message in messages:
        if message.sent_at is not None:
            at = max(at, to_us(message.sent_at))
        found.append(at)
    return found
