"""How well changes of topic are found: Pk, WindowDiff and F1 beside rules that learn nothing.

Pk and WindowDiff have k = half the mean length of the dialogue's reference segments, at least 2,
and are averaged over the dialogues (the convention of segeval; Fournier, 2013). F1 counts the turns
that open a topic over all dialogues together.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from time import perf_counter

import numpy as np
from msgspec import Struct

from ...model.errors import InvalidInput
from ..encoder.base import load_base
from ..flow.encoded import Dialogue, EncodedColumns
from ..flow.topics import Floats, TopicModel, cohesion_boundaries
from ..flow.train_topics import Marked, train
from .metrics import f1_of
from .rows import TopicRow, read_rows

Columns = Callable[[list[list[str]]], list[Floats]]
"""Dialogues as lists of texts → for each a matrix (turns, columns), always of the same columns."""
TIERS = ("fast", "accurate", "cascade")
BATCH = 64
"""Dialogues served together."""


class Scores(Struct, frozen=True):
    """Of one way to find boundaries."""

    f1: float
    pk: float
    windowdiff: float


class TopicReport(Struct, frozen=True):
    """What `colloquy eval topics` prints. `baseline` has "cohesion" (TextTiling on words), "none"
    and "even" (boundaries at the mean length of the training segments)."""

    f1: float
    pk: float
    windowdiff: float
    ms_per_message: float
    baseline: dict[str, Scores]
    labels: dict[str, float]
    method: str
    train_rows: int
    test_rows: int


def run(
    train_path: Path,
    test_path: Path,
    *,
    tier: str = "fast",
    progress: Callable[[str], None] = lambda _: None,
    columns: Columns | None = None,
) -> TopicReport:
    """Trains on one file and judges on the other.

    `columns` adds features; what it gives for the training dialogues must not be learned from where
    their topics are. The tier "accurate" brings those of the encoder. Raises InvalidInput,
    NotFound; Unavailable when the accurate tier cannot run here.
    """
    if tier not in TIERS:
        raise InvalidInput(f"there is no tier {tier!r}: {', '.join(TIERS)}", field="tier")
    known, asked = read_rows(train_path, TopicRow), read_rows(test_path, TopicRow)
    if tier != "fast":
        dialogues = [Dialogue(texts_of(row), row.boundaries) for row in known]
        columns = EncodedColumns(load_base(), dialogues, progress)
    progress(f"training on {len(known)} dialogues")
    model = learn(known, columns)
    progress(f"judging {len(asked)} dialogues")
    started = perf_counter()
    found = serve(model, [texts_of(row) for row in asked], columns)
    spent = perf_counter() - started
    scores = scores_of(asked, found)
    turns = sum(len(row.turns) for row in asked)
    return TopicReport(
        f1=scores.f1,
        pk=scores.pk,
        windowdiff=scores.windowdiff,
        ms_per_message=1000 * spent / max(1, turns),
        baseline=baselines(known, asked),
        labels={"boundary": scores.f1},
        method="opening words and cohesion; logistic regression and boosted trees"
        + ("" if tier == "fast" else "; a tuned encoder's word on each turn"),
        train_rows=len(known),
        test_rows=len(asked),
    )


def texts_of(row: TopicRow) -> list[str]:
    return [turn.text for turn in row.turns]


def learn(rows: Sequence[TopicRow], columns: Columns | None = None) -> TopicModel:
    """A model of these dialogues, tuned for F1 less Pk."""
    texts = [texts_of(row) for row in rows]
    further = columns(texts) if columns is not None else [None] * len(texts)
    marked = [
        Marked(text, row.boundaries, matrix)
        for text, row, matrix in zip(texts, rows, further, strict=True)
    ]
    return train(marked, _worth)


def serve(
    model: TopicModel, dialogues: Sequence[list[str]], columns: Columns | None = None
) -> list[list[int]]:
    """The boundaries of each dialogue."""
    found: list[list[int]] = []
    for start in range(0, len(dialogues), BATCH):
        batch = list(dialogues[start : start + BATCH])
        further = columns(batch) if columns is not None else [None] * len(batch)
        found += [model.boundaries(*pair) for pair in zip(batch, further, strict=True)]
    return found


def baselines(known: Sequence[TopicRow], asked: Sequence[TopicRow]) -> dict[str, Scores]:
    """What rules reach that learn nothing, or only the mean length of a segment."""
    turns = sum(len(row.turns) for row in known)
    length = max(1.0, turns / sum(len(row.boundaries) + 1 for row in known))
    even = [
        sorted({round(step * length) for step in range(1, int(len(row.turns) / length) + 1)})
        for row in asked
    ]
    even = [
        [turn for turn in row if 0 < turn < len(one.turns)]
        for row, one in zip(even, asked, strict=True)
    ]
    return {
        "cohesion": scores_of(asked, [cohesion_boundaries(texts_of(row)) for row in asked]),
        "none": scores_of(asked, [[] for _ in asked]),
        "even": scores_of(asked, even),
    }


def scores_of(rows: Sequence[TopicRow], found: Sequence[list[int]]) -> Scores:
    """F1 over all boundaries, Pk and WindowDiff averaged over the dialogues."""
    wanted = [row.boundaries for row in rows]
    lengths = [len(row.turns) for row in rows]
    return Scores(
        f1=_boundary_f1(wanted, found),
        pk=_mean_of(pk, wanted, found, lengths),
        windowdiff=_mean_of(window_diff, wanted, found, lengths),
    )


def pk(wanted: Sequence[int], found: Sequence[int], turns: int) -> float:
    """The share of windows of k turns in which one holds a boundary and the other does not
    (Beeferman and others, 1999). 0 is best."""
    right, guess = _in_windows(wanted, found, turns)
    return float(np.mean((right > 0) != (guess > 0))) if len(right) else 0.0


def window_diff(wanted: Sequence[int], found: Sequence[int], turns: int) -> float:
    """The share of windows of k turns with a different number of boundaries (Pevzner and Hearst,
    2002). 0 is best."""
    right, guess = _in_windows(wanted, found, turns)
    return float(np.mean(right != guess)) if len(right) else 0.0


def _in_windows(wanted: Sequence[int], found: Sequence[int], turns: int) -> tuple[Floats, Floats]:
    """How many boundaries lie in each window, of both."""
    reach = max(2, round(turns / (len(set(wanted)) + 1) / 2))
    counts: list[Floats] = []
    for places in (wanted, found):
        marks = np.zeros(turns)
        marks[list(places)] = 1.0
        sums = np.cumsum(marks)
        counts.append(sums[reach:] - sums[:-reach])
    return counts[0], counts[1]


def _mean_of(
    measure: Callable[[Sequence[int], Sequence[int], int], float],
    wanted: Sequence[list[int]],
    found: Sequence[list[int]],
    lengths: Sequence[int],
) -> float:
    triples = zip(wanted, found, lengths, strict=True)
    return float(np.mean([measure(right, guess, turns) for right, guess, turns in triples]))


def _boundary_f1(wanted: Sequence[list[int]], found: Sequence[list[int]]) -> float:
    hits = sum(len(set(one) & set(other)) for one, other in zip(wanted, found, strict=True))
    return f1_of(hits, sum(map(len, found)), sum(map(len, wanted)))


def _worth(
    wanted: Sequence[list[int]], found: Sequence[list[int]], lengths: Sequence[int]
) -> float:
    return _boundary_f1(wanted, found) - _mean_of(pk, wanted, found, lengths)
