"""Entity tags (RFC 9110, 8.8.3): the hash of a thing's JSON, and the conditions that name them."""

from __future__ import annotations

from hashlib import blake2b


def tag_of(body: bytes) -> bytes:
    """The strong entity tag of a JSON document."""
    return b'"%s"' % blake2b(body, digest_size=12).hexdigest().encode("ascii")


def matches(condition: bytes, tag: bytes) -> bool:
    """Whether an `If-Match` holds for what has this tag (RFC 9110, 13.1.1)."""
    named = [one.strip() for one in condition.split(b",")]
    return tag in named or named == [b"*"]


def weakly_matches(condition: bytes, tag: bytes) -> bool:
    """Whether an `If-None-Match` names this tag (RFC 9110, 13.1.2).

    A proxy that compresses makes a strong tag weak, so the mark is overlooked.
    """
    named = [one.strip().removeprefix(b"W/") for one in condition.split(b",")]
    return tag in named or named == [b"*"]
