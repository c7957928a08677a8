"""What a rule is, what it is shown, and what it says."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import Literal, NamedTuple

from msgspec import Struct

from ...model.context import AssembledContext
from ...model.errors import InvalidInput
from ..lines import Line, Lines

Severity = Literal["error", "warning"]
MAX_ID = 64

_EVENT = "event:"


class Finding(NamedTuple):
    """Something that is wrong, and the source of the item that it is about."""

    message: str
    source: str = ""


class Checked(NamedTuple):
    """A context as rules see it. `now`: microseconds since 1970. `position`: of the conversation's
    last event by now. `lines`: what the log says, as far as it was given, by place."""

    context: AssembledContext
    seqs: tuple[tuple[int, ...], ...]
    """The events that each item comes from; none where it comes from elsewhere, or is damaged."""
    now: int
    position: int
    lines: Mapping[int, Line]


Check = Callable[[Checked], Iterable[Finding]]


class Rule(Struct, frozen=True):
    """`weight`: what a context loses of its score by breaking the rule, 0 to 1."""

    id: str
    severity: Severity
    weight: float
    check: Check

    def __post_init__(self) -> None:
        """Raises InvalidInput."""
        if not self.id or len(self.id) > MAX_ID or not self.id.isprintable():
            raise InvalidInput(f"a rule's id has 1 to {MAX_ID} printable characters", field="id")
        if self.severity not in ("error", "warning"):
            raise InvalidInput("a rule finds errors or warnings", field="severity")
        if math.isnan(self.weight) or not 0 <= self.weight <= 1:
            raise InvalidInput("a weight is between 0 and 1", field="weight")


def view_of(context: AssembledContext, now: int, position: int | None, lines: Lines) -> Checked:
    return Checked(
        context,
        tuple(seqs_of(item.source) for item in context.items),
        now,
        context.position if position is None else position,
        {line.seq: line for line in lines},
    )


def is_event(source: str) -> bool:
    return source.startswith(_EVENT)


@lru_cache(8192)
def seqs_of(source: str) -> tuple[int, ...]:
    """Of "event:3,event:4", 3 and 4; nothing for another source or a damaged one."""
    if not is_event(source):
        return ()
    places = [part.removeprefix(_EVENT) for part in source.split(",")]
    if not all(place.isascii() and place.isdecimal() for place in places):
        return ()
    return tuple(map(int, places))
