"""What figures need of one conversation, small enough to be kept: its log is read once.

A summary is made of what happened within a stretch of time and depends on nothing but the log.
Whether a conversation is still open is settled by its `quiet_at` when it is counted.
"""

from __future__ import annotations

from typing import NamedTuple

import msgspec
from msgspec import Struct

from ..model.feedback import Signals
from .log import Log, Rated, Replied, ratings_of
from .signals import measure, within

VERSION = 1
"""Of this format and of the formulas behind it: what was kept under another one is made anew."""
EVER = 2**62
MEANS = (
    "message_length", "conversation_length", "topic_switch_rate", "emotional_variance",
    "repeat_rate", "engagement",
)  # fmt: skip
"""Signals whose mean over conversations is shown."""


class Made(NamedTuple):
    """What made a reply."""

    handler: str
    intent: str
    models: tuple[str, ...]


class Given(NamedTuple):
    """A rating that counts. `made`: the place of what made its reply; -1 where nothing tells."""

    at: int
    rating: str | int
    category: str
    comment: str
    made: int


class Course(NamedTuple):
    """How a conversation went. `means`: the signals of `MEANS`, in their order. `is_completed`:
    else it was abandoned, once it is over."""

    means: tuple[float, ...]
    is_completed: bool
    handed_over: bool
    taken_over: bool
    repeated: bool


class Summary(Struct, frozen=True, array_like=True):
    """Times in microseconds since 1970."""

    first_at: int
    last_at: int
    quiet_at: int
    """The last that happened but for ratings."""
    course: Course | None
    """None where the visitor said nothing, or signals are off."""
    responses_s: tuple[float, ...]
    made: tuple[Made, ...]
    """Each once. The first `replied` made replies, the others only what was rated of older ones."""
    replied: int
    given: tuple[Given, ...]


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Summary | None)


def version_of(*, implicit: bool) -> int:
    """What a summary that is kept is marked with; `implicit`: with signals."""
    return 2 * VERSION + implicit


def encode_summary(summary: Summary | None) -> bytes:
    return _encoder.encode(summary)


def decode_summary(body: bytes) -> Summary | None:
    """Raises msgspec.DecodeError."""
    found: Summary | None = _decoder.decode(body)
    return found


def summary_of(
    whole: Log, since: int = 0, until: int = EVER, *, implicit: bool = True
) -> Summary | None:
    """What happened from `since` until before `until`; None where nothing did. A reply may have
    been given before that and rated within."""
    log = within(whole, since, until)
    if not log:
        return None
    quiet_at = max((one.at for one in log if not isinstance(one, Rated)), default=0)
    # As of one that is over: who counts it knows whether it is.
    measured = measure(log, EVER, 0.0) if implicit else None
    places: dict[Made, int] = {}
    for one in log:
        if isinstance(one, Replied):
            places.setdefault(_made(one), len(places))
    replied = len(places)
    given = [
        Given(
            rated.at,
            rated.rating,
            rated.category,
            rated.comment,
            -1 if reply is None else places.setdefault(_made(reply), len(places)),
        )
        for rated, reply in ratings_of(whole)
        if since <= rated.at < until
    ]
    return Summary(
        first_at=log[0].at,
        last_at=max(one.at for one in log),
        quiet_at=quiet_at,
        course=_course(measured.signals) if measured is not None else None,
        responses_s=tuple(measured.responses_s) if measured is not None else (),
        made=tuple(places),
        replied=replied,
        given=tuple(given),
    )


def _made(reply: Replied) -> Made:
    return Made(reply.handler, reply.intent, reply.models)


def _course(signals: Signals) -> Course:
    return Course(
        tuple(getattr(signals, name) for name in MEANS),
        signals.outcome == "completed",
        signals.handed_over,
        signals.taken_over,
        signals.repeats > 0,
    )
