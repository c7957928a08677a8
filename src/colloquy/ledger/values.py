"""The values that a ledger holds, when two of them are the same, and their form in JSON.

A value is null, a boolean, an integer of any size, a finite float, a string of Unicode scalar
values, bytes, an aware datetime, a finite Decimal, a list, or a dictionary with string keys.

Two values are the same when they have one type and one content, all the way down: 1, 1.0, True and
Decimal("1") are four values, 0.0 and -0.0 two, Decimal("1.0") and Decimal("1.00") two. A datetime
is its instant: the zone it is told in is no part of it. The order of a dictionary's keys is none
either.
"""

from __future__ import annotations

import base64
import binascii
import math
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any

import msgspec

from colloquy.model.errors import InvalidInput, InvalidUnicode
from colloquy.model.times import rfc3339, to_us

Value = Any
"""One of the types above; what is none of them is refused where it is met."""

DEEPEST = 200
"""Levels of lists and dictionaries in each other. More is refused: with it, plain recursion stays
well below Python's own limit of 1,000 frames, whoever the caller is."""

PLAIN = frozenset({str, int, bool, bytes, type(None)})
"""Types whose values are the same exactly when they are equal and of one type."""

_LARGEST = 2**64 - 1
_LEAST = -(2**63)
_SIGN = "$"
_WHOLE = msgspec.msgpack.Encoder()


def same(left: Value, right: Value, depth: int = 0) -> bool:
    """Whether two values are the same, types included. `depth` is how deep they lie already.

    Raises InvalidInput where they are nested deeper than `DEEPEST`, unless that can be told
    without looking.
    """
    if left is right:
        return True
    kind = type(left)
    if kind is not type(right):
        return False
    if kind in PLAIN:
        return bool(left == right)
    try:
        if left == right and alike(left, right):
            return True
    except RecursionError:
        pass
    return _same_slowly(left, right, depth)


def alike(left: Value, right: Value) -> bool:
    """Whether two equal values certainly have the same types inside; False means not known.

    MessagePack writes 1, 1.0, True, -0.0 and an instant each in its own way and is written in C,
    and what it would confuse (a Decimal and its text, a list and a tuple) is not equal. Keys in
    another order and integers over 64 bits are why False says little.
    """
    try:
        return _WHOLE.encode(left) == _WHOLE.encode(right)
    except (OverflowError, RecursionError, TypeError, UnicodeEncodeError, ValueError):
        return False


def _same_slowly(left: Value, right: Value, depth: int) -> bool:
    if left is right:
        return True
    kind = type(left)
    if kind is not type(right):
        return False
    if depth > DEEPEST:
        raise too_deep()
    if kind is dict:
        return len(left) == len(right) and all(
            key in right and _same_slowly(value, right[key], depth + 1)
            for key, value in left.items()
        )
    if kind is list:
        return len(left) == len(right) and all(
            _same_slowly(one, other, depth + 1) for one, other in zip(left, right, strict=True)
        )
    if kind is datetime and left.tzinfo is not None and right.tzinfo is not None:
        # Not ==, which compares two times of one zone by their clock, the repeated hour too.
        return to_us(left) == to_us(right)
    if kind is float:
        return bool(left == right) and math.copysign(1, left) == math.copysign(1, right)
    if kind is Decimal:
        return bool(left.as_tuple() == right.as_tuple())
    return bool(left == right)


def too_deep(field: str | None = None) -> InvalidInput:
    return InvalidInput(f"nested deeper than {DEEPEST} levels", field=field)


def to_wire(value: Value, depth: int = 0) -> Any:
    """The value in types that JSON has; what JSON lacks is an object with one key.

    `{"$datetime": "2026-01-31T10:00:00.000000Z"}`, `{"$bytes": base64}`, `{"$decimal": "1.50"}`,
    `{"$int": "0x…"}` beyond 64 bits, and `{"$object": {…}}` around a dictionary that would look
    like one of these. Different values have different forms. `depth` is how deep it lies already.

    Raises InvalidInput for what is no value: NaN, an infinity, a naive datetime, a key that is no
    string, another type, too deep; InvalidUnicode for a lone surrogate.
    """
    kind = type(value)
    if kind is str:
        return _text(value)
    if value is None or kind is bool:
        return value
    if kind is int:
        return value if _LEAST <= value <= _LARGEST else {"$int": hex(value)}
    if kind is float:
        if not math.isfinite(value):
            raise InvalidInput(f"{value} is no number that JSON has")
        return value
    if kind is dict or kind is list:
        if depth >= DEEPEST:
            raise too_deep()
        if kind is list:
            return [to_wire(item, depth + 1) for item in value]
        mapping = {key_of(key): to_wire(item, depth + 1) for key, item in value.items()}
        if len(mapping) == 1 and next(iter(mapping)).startswith(_SIGN):
            return {"$object": mapping}
        return mapping
    if kind is datetime:
        return {"$datetime": _instant(value)}
    if kind is bytes:
        return {"$bytes": base64.b64encode(value).decode("ascii")}
    if kind is Decimal:
        if not value.is_finite():
            raise InvalidInput(f"{value} is no finite decimal")
        return {"$decimal": str(value)}
    raise InvalidInput(f"a value of type {kind.__name__} cannot be in a ledger")


def check(value: Value, depth: int = 0) -> None:
    """Raises InvalidInput (InvalidUnicode) for what is no value, as `to_wire` does."""
    kind = type(value)
    if kind in PLAIN and kind is not str:
        return
    to_wire(value, depth)


def key_of(key: Any) -> str:
    """The key, if it can be one. Raises InvalidInput for what is no string."""
    if type(key) is not str:
        raise InvalidInput(f"keys are strings, not {type(key).__name__} like {key!r:.40}")
    return _text(key)


def from_wire(form: Any) -> Value:
    """The value of a form in JSON. Raises InvalidInput for a form that `to_wire` never makes."""
    if type(form) is list:
        return [from_wire(item) for item in form]
    if type(form) is not dict:
        return form
    if len(form) == 1:
        (key, inner), *_ = form.items()
        if key.startswith(_SIGN):
            return _tagged(key, inner)
    return {key: from_wire(item) for key, item in form.items()}


def _tagged(key: str, inner: Any) -> Value:
    if key == "$object" and type(inner) is dict:
        return {name: from_wire(item) for name, item in inner.items()}
    try:
        if key == "$datetime":
            moment = datetime.fromisoformat(inner)
            if moment.tzinfo is not None:
                return moment
        elif key == "$bytes":
            return base64.b64decode(inner, validate=True)
        elif key == "$decimal":
            return Decimal(inner)
        elif key == "$int":
            return int(inner, 16)
    except (TypeError, ValueError, binascii.Error, InvalidOperation):
        pass
    raise InvalidInput(f"an object with the key {key!r:.40} alone stands for no value")


def _text(text: str) -> str:
    # An ASCII string knows that it is one, without a look at its characters.
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError as error:
            raise InvalidUnicode(f"a string has a lone surrogate at {error.start}") from None
    return text


def _instant(moment: datetime) -> str:
    if moment.utcoffset() is None:
        raise InvalidInput(f"{moment.isoformat()} has no time zone")
    try:
        return rfc3339(to_us(moment))
    except OverflowError:
        raise InvalidInput(f"{moment.isoformat()} is outside the years 1 to 9999 in UTC") from None
