"""Whether two tables say the same of a message, field by field. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC
from typing import Any, Literal, NamedTuple

import msgspec
from msgspec.structs import replace

from ...model.errors import ColloquyError
from ...model.message import Message
from ..adapting import NOWHERE, Place, to_v1, to_v2
from ..differences import same
from ..v1 import V1Message, moment_of
from .legacy import Key

Kind = Literal["missing_v1", "missing_v2", "different", "failed_write"]

_canonical = msgspec.json.Encoder(order="deterministic")
_message = msgspec.json.Decoder(Message)


class Found(NamedTuple):
    """One field in which a message is not the same. Values are JSON, "" where there is none; a
    whole message that is missing has the field ""."""

    key: Key
    field: str
    kind: Kind
    v1: str = ""
    v2: str = ""


Keep = Callable[[V1Message], V1Message]


class Formats(NamedTuple):
    """How messages go from one table to the other. `keep`: what the old table makes of a message,
    `time`: of a timestamp."""

    keep: Keep
    time: Callable[[Any], Any]
    place: Place = NOWHERE

    def v2(self, v1: V1Message) -> Message:
        """A message as the old table has it, in V2. Raises MalformedV1, InvalidUnicode.

        The old table may have numbers for ids, and times in a form of its own. What came from V2 is
        known again only as it was sent; taken so it is the same to the old table.
        """
        sent = dict(v1)
        for name in ("id", "conversation_id"):
            if isinstance(sent.get(name), int):
                sent[name] = str(sent[name])
        moment = moment_of(v1.get("timestamp"))
        if moment is not None:
            timestamp = msgspec.to_builtins(moment.astimezone(UTC))
            if self.time(timestamp) != v1["timestamp"]:  # another form is what it came in
                return to_v2(v1, self.place)
            sent["timestamp"] = timestamp
        return to_v2(sent, self.place)

    def settled(self, message: Message) -> Message:
        """The message with its time as the old table can hold it: there may be none of
        microseconds, and none of zones."""
        if message.sent_at is None:
            return message
        moment = moment_of(self.time(msgspec.to_builtins(message.sent_at.astimezone(UTC))))
        assert moment is not None
        return replace(message, sent_at=moment.astimezone(UTC))

    def v1(self, body: bytes | Message) -> V1Message:
        """What the old table holds of a V2 message. Raises InvalidInput."""
        try:
            message = body if isinstance(body, Message) else _message.decode(body)
        except (msgspec.DecodeError, msgspec.ValidationError) as error:
            raise ColloquyError(f"the V2 table holds no message: {error}") from None
        return self.keep(to_v1(message, self.place))


def compare(key: Key, v1: V1Message | None, v2: V1Message | None) -> list[Found]:
    """How a message differs; both sides as the old table has it. Nothing where they are the same,
    and where there is none. Metadata is compared name by name."""
    if v1 is None or v2 is None:
        if v1 is None and v2 is not None:
            return [Found(key, "", "missing_v1", "", text_of(v2))]
        return [] if v1 is None else [Found(key, "", "missing_v2", text_of(v1), "")]
    one, other = fields(v1), fields(v2)
    return [
        Found(key, name, "different", _text(one, name), _text(other, name))
        for name in sorted(one.keys() | other.keys())
        if name not in one or name not in other or not same(one[name], other[name])
    ]


def fields(message: V1Message) -> dict[str, Any]:
    """Field → value, with `metadata.NAME` for what stands in the metadata."""
    found = {name: value for name, value in message.items() if name != "metadata"}
    for name, value in (message.get("metadata") or {}).items():
        found[f"metadata.{name}"] = value
    return found


def digests(messages: Iterable[tuple[Key, V1Message]]) -> dict[str, str]:
    """Field → digest (BLAKE2b, 128 bits) of its values in a batch, in the order of keys. Two
    batches with the same digests hold the same."""
    hashes: dict[str, Any] = {}
    for key, message in sorted(messages, key=lambda one: str(one[0])):
        for name, value in fields(message).items():
            digest = hashes.get(name)
            if digest is None:
                digest = hashes[name] = hashlib.blake2b(digest_size=16)
            digest.update(_canonical.encode([key, value]) + b"\n")
    return {name: hashes[name].hexdigest() for name in sorted(hashes)}


def text_of(value: Any) -> str:
    return _canonical.encode(value).decode()


def _text(fields: Mapping[str, Any], name: str) -> str:
    return text_of(fields[name]) if name in fields else ""
