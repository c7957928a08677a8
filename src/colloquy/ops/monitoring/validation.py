"""Holds an event to its kind: types and bounds, what must hold between its fields, and its time."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import Struct

from .events import DECODERS, UNKNOWN, Event

MAX_BYTES = 16_384
"""Of an event's data as JSON."""
AHEAD_US = 5_000_000
"""Clocks of two processes may differ by so much."""
LATE_US = 60_000_000

_NO_DATA = msgspec.Raw(b"null")


class Checked(Struct, frozen=True):
    """An event and what was found. `kind` is as it was given, `counted` the kind under which it
    counts; `data` is what goes over the wire."""

    kind: str
    counted: str
    data: msgspec.Raw
    errors: list[str]
    warnings: list[str]
    seconds: float

    @property
    def is_valid(self) -> bool:
        return not self.errors


def encoded(data: Event | Mapping[str, Any]) -> tuple[msgspec.Raw, list[str]]:
    """The data as JSON, and why it cannot be: then it is `null`."""
    try:
        body = msgspec.json.encode(data)
    except (TypeError, ValueError, RecursionError) as error:
        return _NO_DATA, [f"it is no JSON: {error}"]
    if len(body) > MAX_BYTES:
        return _NO_DATA, [f"it has {len(body)} bytes of JSON, at most {MAX_BYTES} are told"]
    return msgspec.Raw(body), []


def check(kind: str, data: Event | Mapping[str, Any], at: int, now: int) -> Checked:
    """Never raises. `at` and `now` are microseconds since 1970."""
    started = time.perf_counter()
    body, errors = encoded(data)
    warnings: list[str] = []
    decoder = DECODERS.get(kind)
    if decoder is None:
        errors.append(f"there is no kind {kind[:50]!r}")
    elif not errors:
        try:
            event = decoder.decode(body)
        except msgspec.MsgspecError as error:
            errors.append(str(error))
        else:
            errors += event.errors()
            warnings += event.warnings()
    if at - now > AHEAD_US:
        errors.append(f"it is of a time {(at - now) / 1e6:.0f} s ahead")
    elif now - at > LATE_US:
        warnings.append(f"it is {(now - at) / 1e6:.0f} s old")
    counted = kind if decoder is not None else UNKNOWN
    return Checked(kind[:50], counted, body, errors, warnings, time.perf_counter() - started)
