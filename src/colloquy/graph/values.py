"""Values of attributes: their types, and the check that turns any input into plain JSON values.

Times become RFC 3339 text in UTC, so that equal times are equal values. Names on the wire are
camelCase, as agents that know the older format send them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, TypeVar

import msgspec
from msgspec import Meta, Struct

from ..model.errors import InvalidInput, InvalidUnicode
from ..model.message import input_error
from ..model.times import rfc3339, to_us

MAX_DEPTH = 32
"""Levels of lists and maps inside each other."""
MAX_INTEGER = 2**63 - 1
"""Largest integer in both databases."""

T = TypeVar("T")

Many = Annotated[list[T], Meta(extra={"many": True})]
"""A set of values that hold side by side; any other attribute has one value at a time."""
Share = Annotated[float, Meta(ge=0, le=1)]
Percent = Annotated[float, Meta(ge=0, le=100)]
Count = Annotated[int, Meta(ge=0)]
Amount = Annotated[float, Meta(ge=0)]
Name = Annotated[str, Meta(min_length=1, max_length=1024)]
Time = Annotated[datetime, Meta(tz=True)]
Free = dict[str, Any]


class Shape(Struct, rename="camel", omit_defaults=True, kw_only=True):
    """The attributes that a kind of entity or relationship is known to have."""


def plain(value: Any, path: str = "") -> Any:
    """`value` as JSON values: times as RFC 3339 in UTC, tuples as lists.

    Raises InvalidInput with the path for anything that JSON or a database cannot hold: NaN,
    integers over 64 bits, lone surrogates, keys that are no text, more than `MAX_DEPTH` levels.
    """
    return _plain(value, path, 0)


def _plain(value: Any, path: str, depth: int) -> Any:
    field = path or None
    if depth > MAX_DEPTH:
        raise InvalidInput(f"nested deeper than {MAX_DEPTH} levels", field=field)
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return _text(value, path)
    if isinstance(value, int):
        if not -MAX_INTEGER <= value <= MAX_INTEGER:
            raise InvalidInput("an integer must fit in 64 bits", field=field)
        return int(value)
    if isinstance(value, float):
        if not math.isfinite(value):
            raise InvalidInput("a number must be finite", field=field)
        return value
    if isinstance(value, datetime):
        if value.tzinfo is None:
            raise InvalidInput("a time needs a zone (RFC 3339)", field=field)
        return rfc3339(to_us(value))
    if isinstance(value, Mapping):
        result = {}
        for key, item in value.items():
            if not isinstance(key, str):
                raise InvalidInput(f"a key must be text, not {type(key).__name__}", field=field)
            inner = f"{path}.{key}" if path else key
            result[_text(key, path)] = _plain(item, inner, depth + 1)
        return result
    if isinstance(value, list | tuple):
        return [_plain(item, f"{path}[{n}]", depth + 1) for n, item in enumerate(value)]
    raise InvalidInput(f"{type(value).__name__} is no JSON value", field=field)


def _text(text: str, path: str) -> str:
    try:
        text.encode()
    except UnicodeEncodeError:
        raise InvalidUnicode("text has a lone surrogate", field=path or None) from None
    return text


def convert(value: Any, type_: Any, path: str = "") -> Any:
    """`value`, already plain, as `type_`. Raises InvalidInput whose field begins with `path`."""
    try:
        return msgspec.convert(value, type_)
    except msgspec.ValidationError as error:
        found = input_error(error)
        parts = [part for part in (path, found.field) if part]
        field = (
            parts[0] + "".join(p if p.startswith("[") else f".{p}" for p in parts[1:])
            if (parts)
            else None
        )
        raise InvalidInput(found.detail, field=field) from None


def checked(attributes: Mapping[str, Any], shape: type[Shape], path: str = "") -> dict[str, Any]:
    """The attributes in their normal form; those the shape does not know are kept as they are.

    A null is the same as no value. Raises InvalidInput.
    """
    given = {key: item for key, item in plain(attributes, path).items() if item is not None}
    return _overlaid(given, _builtins(convert(given, shape, path)))  # type: ignore[no-any-return]


def checked_one(value: Any, type_: Any, path: str) -> Any:
    """One attribute's value in its normal form. Raises InvalidInput."""
    given = plain(value, path)
    return _overlaid(given, _builtins(convert(given, type_, path)))


def _builtins(value: Any) -> Any:
    return plain(msgspec.to_builtins(value, builtin_types=(datetime,)))


def _overlaid(given: Any, normal: Any) -> Any:
    # A shape drops what it does not know; this puts it back, at every level.
    if isinstance(given, dict) and isinstance(normal, dict):
        return {
            **given,
            **{key: _overlaid(given.get(key), item) for key, item in normal.items()},
        }
    if isinstance(given, list) and isinstance(normal, list) and len(given) == len(normal):
        return [_overlaid(one, other) for one, other in zip(given, normal, strict=True)]
    return normal


def finite_number(value: Any) -> float | None:
    """A number, or text of one; None for anything else, a truth value and NaN included."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def canonical(value: Any) -> bytes:
    """JSON bytes that are equal for equal values: sorted keys, 1.0 as 1."""
    return msgspec.json.encode(_whole(value), order="deterministic")


def _whole(value: Any) -> Any:
    if isinstance(value, float) and value.is_integer() and abs(value) <= 2**53:
        return int(value)
    if isinstance(value, dict):
        return {key: _whole(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_whole(item) for item in value]
    return value
