"""How much of the evidence of questions was found."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import NamedTuple

from msgspec import Struct


class Score(Struct, frozen=True):
    """`recall`: mean share of a question's evidence that was found; `hit_rate`: share of the
    questions with any of it."""

    recall: float
    hit_rate: float
    questions: int


class Judgement(NamedTuple):
    """What was found for one question: places in the log."""

    category: str
    evidence: frozenset[int]
    found: Collection[int]


def score_of(judgements: Sequence[Judgement]) -> Score:
    """Of one question at least, each with evidence."""
    shares = [len(one.evidence.intersection(one.found)) / len(one.evidence) for one in judgements]
    return Score(
        recall=sum(shares) / len(shares),
        hit_rate=sum(share > 0 for share in shares) / len(shares),
        questions=len(shares),
    )


def by_category(judgements: Sequence[Judgement]) -> dict[str, Score]:
    return {
        name: score_of([one for one in judgements if one.category == name])
        for name in sorted({one.category for one in judgements})
    }
