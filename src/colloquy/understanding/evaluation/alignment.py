"""Which annotated label a pattern's label stands for, learned from annotated texts.

A set names things its own way ("PHONE_NUMBER" where patterns say "phone"). A pattern's label stands
for the annotated one that its spans have had, to the letter, at nearly every place; then a span of
it is as good as one annotated, and few examples are enough to know that.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from ..entities.tagger.words import Found

Spans = list[tuple[int, int, str]]

LEAST_SHARE = 0.85
"""Share of a pattern's spans that must have been annotated alike, after Laplace's rule: five of
five make 6/7."""


def aligned(annotated: Sequence[Spans], found: Sequence[Spans]) -> dict[str, tuple[str, float]]:
    """Pattern label to annotated label and the share of spans that had it (Laplace's rule)."""
    seen: Counter[str] = Counter()
    alike: Counter[tuple[str, str]] = Counter()
    for wanted, spans in zip(annotated, found, strict=True):
        places = {(start, end): label for start, end, label in wanted}
        for start, end, label in spans:
            seen[label] += 1
            if (start, end) in places:
                alike[label, places[start, end]] += 1
    shares = {
        pair: (count + 1) / (seen[pair[0]] + 2)
        for pair, count in sorted(alike.items(), key=lambda item: (item[1], item[0]))
    }
    return {
        label: (meant, share) for (label, meant), share in shares.items() if share >= LEAST_SHARE
    }


def merged(
    tagged: Sequence[Found], spans: Spans, labels: Mapping[str, tuple[str, float]]
) -> list[Found]:
    """The aligned spans, and of the tagged ones those that touch none of them, in order."""
    known = [
        Found(start, end, labels[label][0], confidence=labels[label][1])
        for start, end, label in spans
        if label in labels
    ]
    free = [
        one
        for one in tagged
        if all(one.end <= sure.start or sure.end <= one.start for sure in known)
    ]
    return sorted([*known, *free], key=lambda one: one.start)
