"""Signatures of webhooks: what the server signs with, and `verify` for programs that receive them.

Standard Webhooks (standardwebhooks.com): HMAC-SHA256 over `id.timestamp.body`, in the header
`webhook-signature` as `v1,<base64>`, several separated by spaces while a secret is being changed.

    event = verify(secret, request.headers, request.body)
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import secrets
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any

SECRET_PREFIX = "whsec_"
SECRET_BYTES = 32
"""Of a new secret; the standard allows 24 to 64."""

_SHORTEST, _LONGEST = 24, 64
_VERSION = "v1"


class InvalidSignature(ValueError):
    """The request is not from the holder of the secret, or it is too old."""


def verify(
    secret: str,
    headers: Mapping[str, str],
    body: bytes | str,
    tolerance_s: float = 300.0,
    *,
    clock: Callable[[], float] = time.time,
) -> dict[str, Any]:
    """The event in the body of a webhook's request, if it was signed with this secret.

    `headers` are the request's, in any case; `body` is its body exactly as it came. Raises
    InvalidSignature also when its time is more than `tolerance_s` away from the clock (seconds
    since 1970), and ValueError for a secret that is none. Remember the ids of what you handled:
    the same event may come more than once, under the same `webhook-id`.
    """
    key = decode_secret(secret)
    given = {name.lower(): value for name, value in headers.items()}
    try:
        event_id, sent, signatures = (
            given[f"webhook-{name}"] for name in ("id", "timestamp", "signature")
        )
    except KeyError as missing:
        raise InvalidSignature(f"the header {missing.args[0]} is missing") from None
    raw = body.encode() if isinstance(body, str) else body
    if not (sent.isascii() and sent.isdecimal()):
        raise InvalidSignature("webhook-timestamp is no number of seconds")
    expected = signature(key, event_id, int(sent), raw).encode()
    # All of them are compared, so that the time says nothing about which one was right.
    matches = [
        hmac.compare_digest(one.encode("utf-8", "replace"), expected) for one in signatures.split()
    ]
    if not any(matches):
        raise InvalidSignature("no signature fits this secret and body")
    if abs(clock() - int(sent)) > tolerance_s:
        raise InvalidSignature(f"webhook-timestamp is more than {tolerance_s:g} s away")
    event: dict[str, Any] = json.loads(raw)
    return event


def sign(keys: Iterable[bytes], event_id: str, timestamp: int, body: bytes) -> dict[str, str]:
    """The three headers; `timestamp` in seconds since 1970, one signature for each key."""
    return {
        "webhook-id": event_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": " ".join(signature(key, event_id, timestamp, body) for key in keys),
    }


def signature(key: bytes, event_id: str, timestamp: int, body: bytes) -> str:
    """`v1,` and the base64 of the HMAC."""
    signed = f"{event_id}.{timestamp}.".encode() + body
    digest = hmac.digest(key, signed, hashlib.sha256)
    return f"{_VERSION},{base64.b64encode(digest).decode()}"


def new_key() -> bytes:
    """A fresh signing key."""
    return secrets.token_bytes(SECRET_BYTES)


def encode_secret(key: bytes) -> str:
    """The key as users hold it: `whsec_` and base64."""
    return SECRET_PREFIX + base64.b64encode(key).decode()


def decode_secret(secret: str) -> bytes:
    """The key in a secret, with or without its prefix. Raises ValueError."""
    try:
        key = base64.b64decode(secret.strip().removeprefix(SECRET_PREFIX), validate=True)
    except binascii.Error:
        key = b""
    if not _SHORTEST <= len(key) <= _LONGEST:
        raise ValueError(
            f"a secret is {SECRET_PREFIX} and base64 of {_SHORTEST} to {_LONGEST} bytes"
        )
    return key
