"""Opaque cursors: where the next page of a list begins, as clients hand it back."""

from __future__ import annotations

import base64
import binascii

from .errors import InvalidInput

_LARGEST = 2**63 - 1


def encode_cursor(*place: int) -> str:
    """The cursor of a place: the sort key of a page's last row."""
    text = ".".join(str(number) for number in place)
    return base64.urlsafe_b64encode(text.encode()).rstrip(b"=").decode()


def decode_cursor(cursor: str, width: int) -> tuple[int, ...]:
    """The `width` numbers of a cursor. Raises InvalidInput for what no page of this list gave."""
    try:
        padded = cursor.encode("ascii") + b"=" * (-len(cursor) % 4)
        parts = base64.b64decode(padded, altchars=b"-_", validate=True).decode("ascii").split(".")
    except (UnicodeError, binascii.Error):
        parts = []
    if len(parts) != width or not all(part.isdigit() and len(part) < 20 for part in parts):
        raise InvalidInput("this is no cursor of this list", field="cursor")
    place = tuple(int(part) for part in parts)
    if max(place) > _LARGEST:
        raise InvalidInput("this is no cursor of this list", field="cursor")
    return place
