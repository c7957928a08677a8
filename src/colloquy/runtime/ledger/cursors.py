"""Cursors of pages that are ordered by texts, such as the names of records."""

from __future__ import annotations

import base64
import binascii
from typing import TypeVar

import msgspec

from ...model.errors import InvalidInput

T = TypeVar("T")


def encode_place(place: tuple[int | str, ...]) -> str:
    """The cursor of a place: the sort key of a page's last row."""
    return base64.urlsafe_b64encode(msgspec.json.encode(place)).rstrip(b"=").decode()


def decode_place(cursor: str, kind: type[T]) -> T:
    """Raises InvalidInput for what no page of this list gave."""
    try:
        padded = cursor.encode("ascii") + b"=" * (-len(cursor) % 4)
        return msgspec.json.decode(
            base64.b64decode(padded, altchars=b"-_", validate=True), type=kind
        )
    except (UnicodeError, binascii.Error, msgspec.DecodeError):
        raise InvalidInput("this is no cursor of this list", field="cursor") from None
