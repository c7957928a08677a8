"""Which spans of a text stay where several layers found some that overlap.

Overlapping spans of patterns and phrases: the longest wins, then the label earlier in `PRIORITY`,
then the leftmost. Against what the tagger finds and against misspelled phrases: the surest wins,
then the longest. What is less sure than `THRESHOLD` or lost is kept as a candidate.
"""

from __future__ import annotations

from ...model.understanding import Entity
from .span import Span
from .tagger.words import Found

MAX_ENTITIES = 100
"""Entities of one text; the first ones are kept."""
MAX_CANDIDATES = 20
"""Candidates of one text; the surest are kept."""
THRESHOLD = 0.7
"""Confidence from which a span is an entity."""

PRIORITY = (
    "email", "url", "domain", "coordinates", "ip_address", "iban", "national_id", "us_ssn",
    "money", "reference", "card", "postal_code", "phone", "address",
    "recurring", "interval", "datetime", "date", "time", "age", "duration", "percentage",
    "quantity", "ordinal", "number",
)  # fmt: skip
"""Decides between spans of the same length; dictionary labels come after these."""
_RANK = {label: rank for rank, label in enumerate(PRIORITY)}


def merge(
    text: str,
    hard: list[tuple[Span, str]],
    soft: list[tuple[Span, str]],
    tagged: list[Found],
) -> tuple[list[Entity], list[Entity]]:
    """Entities and candidates. A tagged span takes its value from a pattern or phrase at exactly
    its place, first from one of its label."""
    kept = {id(span) for span in resolve([span for span, _ in hard], len(text))}
    kept.update(id(span) for span, _ in soft)
    values = {(span.start, span.end): span.value for span, _ in reversed(hard)}
    named = {(span.start, span.end, span.label): span.value for span, _ in hard + soft}
    rivals: list[Entity] = []
    candidates: list[Entity] = []
    for span, extractor in hard + soft:
        entity = Entity(
            label=span.label,
            start=span.start,
            end=span.end,
            text=text[span.start : span.end],
            value=span.value,
            confidence=span.confidence,
            extractor=extractor,
        )
        fits = span.confidence >= THRESHOLD and id(span) in kept
        (rivals if fits else candidates).append(entity)
    for one in tagged:
        place = (one.start, one.end)
        entity = Entity(
            label=one.label,
            start=one.start,
            end=one.end,
            text=text[one.start : one.end],
            value=named.get((*place, one.label), values.get(place)),
            confidence=one.confidence,
            extractor="tagger",
            role=one.role,
            group=one.group,
        )
        (rivals if one.confidence >= THRESHOLD else candidates).append(entity)
    last = len(_RANK)
    rivals.sort(
        key=lambda one: (
            -one.confidence, one.start - one.end, _RANK.get(one.label, last), one.start, one.label,
        )
    )  # fmt: skip
    taken = bytearray(len(text))
    entities: list[Entity] = []
    for rival in rivals:
        if taken.find(1, rival.start, rival.end) < 0:
            taken[rival.start : rival.end] = b"\1" * (rival.end - rival.start)
            entities.append(rival)
        else:
            candidates.append(rival)
    entities.sort(key=lambda one: one.start)
    candidates.sort(key=lambda one: (-one.confidence, one.start, one.end, one.label))
    return entities[:MAX_ENTITIES], candidates[:MAX_CANDIDATES]


def resolve(spans: list[Span], length: int) -> list[Span]:
    """Spans without overlaps, in order; the longest win, then by `PRIORITY`, then the leftmost."""
    if len(spans) == 1:
        return spans
    last = len(_RANK)
    ordered = sorted(
        spans,
        key=lambda span: (
            span.start - span.end, _RANK.get(span.label, last), span.start, span.label,
        ),
    )  # fmt: skip
    taken = bytearray(length)
    kept = []
    for span in ordered:
        if taken.find(1, span.start, span.end) < 0:
            taken[span.start : span.end] = b"\1" * (span.end - span.start)
            kept.append(span)
    kept.sort(key=lambda span: span.start)
    return kept
