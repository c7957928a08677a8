"""Identities, all derived without a look-up and the same on every path (engine decision 12).

128-bit ids travel as 16 bytes inside and as 32 lower-case hex digits outside. Ids are never used
for order: order is the inbox number and the event's sequence number.
"""

from __future__ import annotations

import os
import time
from functools import lru_cache
from hashlib import blake2b

from .errors import InvalidInput

PARTITIONS = 64
"""Number of partitions, fixed when a database is made (engine decision 14)."""


def _hash(person: bytes, data: bytes) -> bytes:
    return blake2b(data, digest_size=16, person=person).digest()


def _raw(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


@lru_cache(maxsize=16_384)
def conversation_id(channel: str, account: str, key: str, thread: str = "") -> bytes:
    """The conversation between one channel account and one peer (in one thread of theirs).

    Each part carries its length, so that ("ab", "c") and ("a", "bc") differ.
    """
    parts = [_raw(part) for part in (channel, account, key, thread)]
    return _hash(b"conversation", b"".join(b"%d:%b" % (len(part), part) for part in parts))


def message_id(conversation: bytes, external_id: str) -> bytes:
    """The message a client calls `external_id` in this conversation.

    The conversation id already covers the channel account and the conversation key.
    """
    return _hash(b"message", conversation + _raw(external_id))


def turn_id(first_message: bytes, retry: int = 0) -> bytes:
    """The turn that begins with this message: the same however often it is run.

    `retry`, above 0, tells apart the turns of a message that was a dead letter and was put back.
    """
    return _hash(b"turn", first_message + retry.to_bytes(8, "big") if retry else first_message)


def turn_again(turn: bytes, first_message: bytes) -> bytes:
    """The turn that does a turn again whose replies were taken back, or, where that one's messages
    are taken apart, the one that begins with this message."""
    return _hash(b"turn.again", turn + first_message)


def reply_id(turn: bytes, index: int) -> bytes:
    """The reply number `index` of a turn: one id for ever, so that repeats can be recognised."""
    return _hash(b"reply", turn + index.to_bytes(4, "big"))


def timer_id(turn: bytes, index: int) -> bytes:
    """The timer number `index` set by a turn."""
    return _hash(b"timer", turn + index.to_bytes(4, "big"))


def effect_key(scope: bytes, name: str, arguments: bytes) -> bytes:
    """The outside effect `name` with these encoded arguments, within a turn or a session."""
    raw = _raw(name)
    return _hash(b"effect", scope + b"%d:%b" % (len(raw), raw) + arguments)


def webhook_event_id(webhook: bytes, position: int) -> bytes:
    """The event at this position of the log, for this webhook."""
    return _hash(b"webhook", webhook + position.to_bytes(8, "big"))


def webhook_test_id(webhook: bytes, number: int) -> bytes:
    """The test delivery with this number."""
    return _hash(b"webhook.test", webhook + number.to_bytes(8, "big"))


def body_hash(body: bytes) -> bytes:
    """64 bits over a message's body: tells a repeat from another message under the same id."""
    return blake2b(body, digest_size=8).digest()


def partition_of(conversation: bytes, partitions: int = PARTITIONS) -> int:
    """The partition of a conversation: its id is already a uniform hash."""
    return int.from_bytes(conversation[:4], "big") % partitions


def uuid7() -> bytes:
    """A UUIDv7 (RFC 9562): 48 bits of milliseconds, then random bits."""
    milliseconds = time.time_ns() // 1_000_000
    raw = bytearray(milliseconds.to_bytes(6, "big") + os.urandom(10))
    raw[6] = 0x70 | (raw[6] & 0x0F)
    raw[8] = 0x80 | (raw[8] & 0x3F)
    return bytes(raw)


def parse_id(text: str, field: str = "id") -> bytes:
    """16 bytes out of 32 hex digits. Raises InvalidInput."""
    try:
        raw = bytes.fromhex(text)
    except ValueError:
        raw = b""
    if len(raw) != 16 or len(text) != 32:
        raise InvalidInput(f"{field} must be 32 hexadecimal digits", field=field)
    return raw
