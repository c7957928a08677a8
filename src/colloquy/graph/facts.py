"""Facts: what holds when, worked out from statements.

A fact has two times. Valid: when it was so in the world. Learned: from which position of the
ledger to which it was what we knew. Both follow from the statements alone: the same ones twice, or
in another order, give the same facts.

Rules. A later value of a single-valued attribute closes the earlier one at its own start. Of
values with the same start the one learnt last holds. Where two statements cannot both be true
(the same start, or an end that a later value cuts off), that is a contradiction: the facts follow
the rules, and the contradiction is listed with both sides. Values of a set hold side by side. The
same value said again makes one fact with more evidence; a known end beats an unknown one.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Literal, NamedTuple, TypeVar

from msgspec import Struct

from .confidence import combined
from .evidence import Evidence
from .merging import representatives
from .statements import Assertion, Merge, Statement, live
from .values import canonical, plain

K = TypeVar("K")
Kind = Literal["same_start", "overlap", "end"]

UNSAID = Evidence("heuristic")
"""What an assertion without evidence counts as."""


class Fact(Struct, frozen=True, kw_only=True):
    """What holds from `valid_from` to `valid_to`, exclusive. None: since ever, or still so.

    `support` are the ids of the assertions it rests on, sorted; `confidence` is what their
    evidence gives together.
    """

    subject: str
    predicate: str
    value: Any
    target: str | None
    valid_from: int | None
    valid_to: int | None
    confidence: float
    support: tuple[str, ...]

    def holds_at(self, valid_us: int) -> bool:
        """Whether it was so at this time, in microseconds since 1970."""
        return _start(self.valid_from) <= valid_us < _end(self.valid_to)


class Contradiction(Struct, frozen=True, kw_only=True):
    """Two assertions, by id, that cannot both be true; the facts follow `chosen`.

    `kind`: "same_start" (two values from the same time on), "overlap" (one was said to hold until
    a time at which the other already held), "end" (one value, two ends).
    """

    subject: str
    predicate: str
    kind: Kind
    chosen: str
    other: str


class Settled(Struct, frozen=True):
    """The facts by subject, predicate and time; and what contradicts what."""

    facts: list[Fact]
    contradictions: list[Contradiction]


class _Item(NamedTuple):
    """An assertion with its target and value as they count once merges are followed."""

    assertion: Assertion
    target: str | None
    key: bytes


class _Span(Struct):
    """One value over one stretch of time, while it is being worked out."""

    start: float
    end: float
    ends: Assertion
    """The one that says when it ends."""
    items: list[_Item]

    @property
    def key(self) -> bytes:
        return self.items[0].key

    @property
    def newest(self) -> Assertion:
        return max((item.assertion for item in self.items), key=_age)


_Found = list[tuple[Kind, Assertion, Assertion]]


def settle(statements: Iterable[Statement]) -> Settled:
    """What is known after all these statements."""
    facts: list[Fact] = []
    contradictions: list[Contradiction] = []
    for (subject, predicate), items in _by_key(live(statements)):
        found: _Found = []
        for span in _spans(items, found):
            facts.append(_fact(subject, predicate, span))
        contradictions += [
            Contradiction(
                subject=subject, predicate=predicate, kind=kind, chosen=one.id, other=other.id
            )
            for kind, one, other in found
        ]  # fmt: skip
    return Settled(sorted(facts, key=_order), contradictions)


def _by_key(statements: list[Statement]) -> Iterator[tuple[tuple[str, str], list[_Item]]]:
    stands = representatives(one for one in statements if isinstance(one, Merge))
    keys: dict[tuple[str, str], list[_Item]] = defaultdict(list)
    for one in statements:
        if isinstance(one, Assertion):
            target = None if one.target is None else stands.get(one.target, one.target)
            item = _Item(one, target, canonical([target, plain(one.value)]))
            keys[stands.get(one.subject, one.subject), one.predicate].append(item)
    yield from sorted(keys.items())


def _spans(items: list[_Item], found: _Found) -> Iterator[_Span]:
    if any(item.assertion.single for item in items):
        yield from _one_after_another(items, found)
        return
    for _, same in sorted(_grouped(items, lambda item: item.key).items()):
        yield from _one_after_another(same, found)


def _one_after_another(items: list[_Item], found: _Found) -> Iterator[_Span]:
    current: _Span | None = None
    starts = _grouped(items, lambda item: _start(item.assertion.valid_from))
    for start in sorted(starts):
        span = _chosen(start, starts[start], found)
        if current is None or span.start >= current.end:
            if current is not None:
                yield current
            current = span
        elif span.key == current.key:
            current = _joined(current, span, found)
        else:
            if current.end < math.inf:
                found.append(("overlap", span.newest, current.ends))
            current.end = span.start
            yield current
            current = span
    if current is not None:
        yield current


def _chosen(start: float, items: list[_Item], found: _Found) -> _Span:
    """Of the values that are said to hold from one time on, the one learnt last."""
    spans = []
    for _, same in sorted(_grouped(items, lambda item: item.key).items()):
        span = _Span(start, math.inf, same[0].assertion, [])
        for item in same:
            end = _end(item.assertion.valid_to)
            span = _joined(span, _Span(start, end, item.assertion, [item]), found)
        spans.append(span)
    best = max(spans, key=lambda span: (span.newest.learned, _confidence(span), span.key))
    found.extend(("same_start", best.newest, span.newest) for span in spans if span is not best)
    return best


def _joined(older: _Span, newer: _Span, found: _Found) -> _Span:
    """One value said twice. A known end beats an unknown one; of two known, the newer's."""
    items = older.items + newer.items
    if newer.end == math.inf:
        return _Span(older.start, older.end, older.ends, items)
    if older.end not in (math.inf, newer.end):
        found.append(("end", newer.ends, older.ends))
    return _Span(older.start, newer.end, newer.ends, items)


def _fact(subject: str, predicate: str, span: _Span) -> Fact:
    first = span.items[0]
    return Fact(
        subject=subject,
        predicate=predicate,
        value=plain(first.assertion.value),
        target=first.target,
        valid_from=None if span.start == -math.inf else int(span.start),
        valid_to=None if span.end == math.inf else int(span.end),
        confidence=_confidence(span),
        support=tuple(sorted(item.assertion.id for item in span.items)),
    )


def _confidence(span: _Span) -> float:
    return combined(item.assertion.evidence or UNSAID for item in span.items)


def _grouped(items: Iterable[_Item], key: Callable[[_Item], K]) -> dict[K, list[_Item]]:
    groups: dict[K, list[_Item]] = defaultdict(list)
    for item in items:
        groups[key(item)].append(item)
    return groups


def _age(assertion: Assertion) -> tuple[int, str]:
    return (assertion.learned, assertion.id)


def _start(valid_from: int | None) -> float:
    return -math.inf if valid_from is None else valid_from


def _end(valid_to: int | None) -> float:
    return math.inf if valid_to is None else valid_to


def _order(fact: Fact) -> tuple[Any, ...]:
    return (fact.subject, fact.predicate, _start(fact.valid_from), _identity(fact))


def _identity(fact: Fact) -> bytes:
    # Confidence follows from the support.
    return canonical([fact.subject, fact.predicate, fact.value, fact.target, fact.valid_from,
                      fact.valid_to, list(fact.support)])  # fmt: skip
