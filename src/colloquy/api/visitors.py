"""Visitors of the chat page: who they are, without an account and without anything stored.

A visitor's token holds a random id and the day it was made, signed with HMAC-SHA256 (RFC 2104) by a
key of this database. Whoever holds the token sees that visitor's conversation, and no other.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import os
from collections.abc import Callable

from ..model.errors import Unauthenticated
from ..model.times import Clock, now_us

PREFIX = "cv_"
MAX_AGE_S = 400 * 86400.0
"""A token older than this is refused; the page renews it at every visit."""

_ID_BYTES = 16
_TIME_BYTES = 6
_MAC_BYTES = 32
_LENGTH = _ID_BYTES + _TIME_BYTES + _MAC_BYTES


class Visitors:
    """Makes and checks visitors' tokens."""

    def __init__(
        self,
        key: bytes,
        *,
        clock: Clock = now_us,
        random: Callable[[int], bytes] = os.urandom,
    ) -> None:
        """`key`: at least 32 random bytes, kept secret and the same after a restart."""
        if len(key) < _MAC_BYTES:
            raise ValueError("a signing key needs at least 32 bytes")
        self._key = key
        self._clock = clock
        self._random = random

    def new(self) -> str:
        """A token for somebody who has not been here before."""
        return self._token(self._random(_ID_BYTES))

    def renewed(self, token: str) -> str:
        """A fresh token for the same visitor. Raises Unauthenticated."""
        return self._token(bytes.fromhex(self.visitor(token)))

    def visitor(self, token: str) -> str:
        """The visitor's id, 32 hex digits. Raises Unauthenticated."""
        raw = _unpacked(token)
        if len(raw) != _LENGTH:
            raise _unknown()
        content, mac = raw[:-_MAC_BYTES], raw[-_MAC_BYTES:]
        if not hmac.compare_digest(mac, self._mac(content)):
            raise _unknown()
        made_s = int.from_bytes(content[_ID_BYTES:], "big")
        if self._clock() / 1e6 - made_s > MAX_AGE_S:
            raise Unauthenticated("this visitor's token is too old")
        return content[:_ID_BYTES].hex()

    def _token(self, visitor: bytes) -> str:
        content = visitor + (self._clock() // 1_000_000).to_bytes(_TIME_BYTES, "big")
        packed = base64.urlsafe_b64encode(content + self._mac(content))
        return PREFIX + packed.rstrip(b"=").decode("ascii")

    def _mac(self, content: bytes) -> bytes:
        return hmac.digest(self._key, b"colloquy visitor" + content, "sha256")


def _unpacked(token: str) -> bytes:
    if not token.startswith(PREFIX):
        raise _unknown()
    text = token[len(PREFIX) :]
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (ValueError, binascii.Error):
        raise _unknown() from None


def _unknown() -> Unauthenticated:
    return Unauthenticated("this is no visitor's token of this server")
