"""What a signal is on its way: a topic and a text, with who sent it and a proof.

The channel may lie on a server that others use, too. The proof is a keyed hash whose key is in the
database, so only processes on that very database are believed.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from base64 import urlsafe_b64encode
from collections.abc import Iterable

import msgspec
from msgspec import Struct

PAYLOAD_BYTES = 7900
"""PostgreSQL refuses 8,000 and more; what fits there fits everywhere, so this is the limit of all
carriers."""
_NUMBERS_CHARS = 7000
_SENDER = 8
_PROOF = 22
"""Characters of 16 bytes."""


class Identity(Struct, frozen=True):
    """A database, as its processes know it. `secret` has 32 bytes; `name` is the same in all of
    them and in those of no other database, and tells nothing."""

    secret: bytes
    name: str

    @classmethod
    def of(cls, secret: bytes, *place: str) -> Identity:
        """`place` says which database the secret was found in: a copy of a database has its
        secret, but is another one."""
        name = hashlib.blake2b("\x00".join(place).encode(), key=secret, digest_size=10)
        return cls(secret, name.hexdigest())


class Heard(Struct, frozen=True):
    """A signal that is believed. `is_own`: this process sent it."""

    topic: str
    text: str
    is_own: bool


class _Body(Struct, frozen=True):
    topic: str
    text: str


_decoder = msgspec.json.Decoder(_Body)


class Envelope:
    """Seals and opens the signals of one process on the database with this identity."""

    def __init__(self, identity: Identity) -> None:
        self._key = identity.secret
        self._sender = secrets.token_hex(_SENDER // 2).encode()

    def seal(self, body: bytes) -> bytes:
        signed = self._sender + body
        return self._proof(signed) + signed

    def open(self, payload: bytes) -> Heard | None:
        """None for what no process on this database sent."""
        proof, signed = payload[:_PROOF], payload[_PROOF:]
        if len(payload) > PAYLOAD_BYTES or not hmac.compare_digest(proof, self._proof(signed)):
            return None
        try:
            body = _decoder.decode(signed[_SENDER:])
        except msgspec.MsgspecError:
            return None  # of another version
        return Heard(body.topic, body.text, signed[:_SENDER] == self._sender)

    def _proof(self, signed: bytes) -> bytes:
        found = hashlib.blake2b(signed, key=self._key, digest_size=16).digest()
        return urlsafe_b64encode(found)[:_PROOF]


def encode(topic: str, text: str) -> bytes:
    """The body of one signal, to be sealed. Raises ValueError when it is longer than a carrier
    takes."""
    body = msgspec.json.encode(_Body(topic, text))
    size = len(body) + _SENDER + _PROOF
    if size > PAYLOAD_BYTES:
        raise ValueError(f"a signal has {size} bytes, at most {PAYLOAD_BYTES} fit")
    return body


def lists_of(numbers: Iterable[int], size: int = _NUMBERS_CHARS) -> list[str]:
    """Comma-separated lists of at most `size` characters each."""
    lists: list[str] = []
    current = ""
    for number in numbers:
        text = str(number)
        if current and len(current) + 1 + len(text) > size:
            lists.append(current)
            current = ""
        current = f"{current},{text}" if current else text
    if current:
        lists.append(current)
    return lists
