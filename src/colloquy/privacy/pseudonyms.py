"""Pseudonyms by keyed hash: the same person gets the same name, and only the key ties it to them.

HMAC-SHA256 (RFC 2104), because a bare hash of a phone number is found by trying all numbers.
"""

from __future__ import annotations

import hashlib
import hmac

KEY_BYTES = 16
"""A shorter key could itself be found by trying."""


def pseudonym(key: bytes, text: str, *, kind: str = "person") -> str:
    """32 hexadecimal digits (128 bits) for `text`; names of different kinds never meet.

    The caller normalises: "Ann@x.org" and "ann@x.org" are two people here.
    Raises ValueError for a key under 16 bytes.
    """
    if len(key) < KEY_BYTES:
        raise ValueError(f"the key of pseudonyms needs at least {KEY_BYTES} bytes")
    prefix = kind.encode("utf-8", "surrogatepass")
    data = len(prefix).to_bytes(4, "big") + prefix + text.encode("utf-8", "surrogatepass")
    return hmac.digest(key, data, hashlib.sha256)[:16].hex()
