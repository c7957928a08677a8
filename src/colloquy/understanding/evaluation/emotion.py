"""How well emotion is read: F1 of each label, calibration and time, beside the majority's label.

Rows with `labels` may have several; rows with `emotion` have one, and if they come in dialogues,
what was said before is read along. Labels are counted as they come, or grouped (`--labels`):
"polarity" counts the `sentiment` of rows that have one.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Sequence
from pathlib import Path
from time import perf_counter

import numpy as np
from msgspec import Struct

from ...model.errors import InvalidInput
from ..emotion.accurate import AccurateEmotion, sequences_of, train_accurate
from ..emotion.features import REACH
from ..emotion.labels import grouped
from ..emotion.model import EmotionModel, Heard, Kind
from ..emotion.thresholds import Columns, Flags, Floats, logit
from ..emotion.train import Example, Learned, train
from ..encoder.base import Base, Pieces, load_base
from .metrics import expected_calibration_error, f1_by_label, f1_of
from .rows import EmotionRow, read_rows

TIERS = ("fast", "accurate", "cascade")
BATCH = 64
NEUTRAL = "neutral"
MEASURED = 3
"""Utterances kept before each text; the fast tier reads `REACH` of them."""


class Scores(Struct, frozen=True):
    """F1 over labels (macro), over all decisions (micro), and weighted by the labels' rows.
    `micro_f1_not_neutral` leaves the label "neutral" out."""

    macro_f1: float
    micro_f1: float
    weighted_f1: float
    micro_f1_not_neutral: float


class EmotionReport(Struct, frozen=True, kw_only=True):
    """What `colloquy eval emotion` prints. `ece` compares the confidence in the best label with
    how often it is among the row's. `baseline` always says the most frequent label of training."""

    macro_f1: float
    micro_f1: float
    weighted_f1: float
    micro_f1_not_neutral: float
    ece: float
    ms_per_message: float
    baseline: Scores
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
    labels: str = "28",
) -> EmotionReport:
    """Trains on one file and judges on the other. `labels`: one of `emotion.labels.GROUPINGS`.

    Raises InvalidInput, NotFound; Unavailable when the accurate tier cannot run here.
    """
    if tier not in TIERS:
        raise InvalidInput(f"there is no tier {tier!r}: {', '.join(TIERS)}", field="tier")
    base = load_base() if tier != "fast" else None
    known, kind = examples_of(read_rows(train_path, EmotionRow), labels)
    asked, other = examples_of(read_rows(test_path, EmotionRow), labels)
    if kind != other:
        raise InvalidInput("one file has one label per row, the other several", field="test")
    progress(f"training on {len(known)} rows")
    learned = learn(known, kind, progress)
    accurate = None if base is None else learn_accurate(base, known, learned, progress)
    progress(f"judging {len(asked)} rows")
    started = perf_counter()
    if base is None or accurate is None:
        found = serve(learned.model, asked)
        chosen = learned.model.chosen(found)
    else:
        linear = logs_of(learned.model, serve(learned.model, asked))
        chosen, found = accurate.decide(_sequences(base, asked), linear)
    spent = perf_counter() - started
    return report_of(
        known,
        asked,
        learned.model.labels,
        chosen,
        found,
        ms_per_message=1000 * spent / len(asked),
        method="words, pairs, letter groups, signs"
        + (" and what was said before" if learned.model.header.context else "")
        + "; logistic regression, thresholds by cross-validation"
        + ("" if accurate is None else "; a tuned encoder blended in"),
    )


def learn_accurate(
    base: Base, known: Sequence[Example], learned: Learned, progress: Callable[[str], None]
) -> AccurateEmotion:
    """The accurate tier over a trained fast one."""
    model = learned.model
    targets = np.array([[label in one.labels for label in model.labels] for one in known])
    return train_accurate(
        base,
        _sequences(base, known),
        targets,
        model.labels,
        learned.unseen,
        weighted_f1 if model.header.kind == "single" else None,
        progress,
    )


def logs_of(model: EmotionModel, probabilities: Floats) -> Floats:
    """Log-odds where several labels may apply, else log-probabilities."""
    if model.header.kind == "multiple":
        return logit(probabilities)
    return np.log(np.maximum(probabilities, 1e-9))


def _sequences(base: Base, examples: Sequence[Example]) -> list[Pieces]:
    """Texts with what was said before, and by whom: "I" is the text's own speaker."""
    texts = [one.text for one in examples]
    if not any(one.dialogue for one in examples):
        return sequences_of(base, texts, None)
    before = [
        [f"I: {text}" if same else f"You: {text}" for text, same in one.before] for one in examples
    ]
    return sequences_of(base, [f"I: {text}" for text in texts], before)


def examples_of(rows: Sequence[EmotionRow], grouping: str) -> tuple[list[Example], Kind]:
    """Rows as examples, with what was said before, nearest first. Raises InvalidInput where a row
    has no label, or the rows are of both kinds."""
    kinds: set[Kind] = set()
    examples: list[Example] = []
    dialogue: str | int | None = None
    said: deque[tuple[str, str | None]] = deque(maxlen=max(MEASURED, REACH))
    for number, row in enumerate(rows, 1):
        if row.dialogue_id is None or row.dialogue_id != dialogue:
            said.clear()
        dialogue = row.dialogue_id
        kind, names = _labels_of(row, grouping)
        if not names:
            raise InvalidInput(f"row {number} has no emotion", field="file")
        kinds.add(kind)
        before: list[Heard] = [
            (text, speaker is not None and speaker == row.speaker)
            for text, speaker in reversed(said)
        ]
        examples.append(Example(row.text, names, before, "" if dialogue is None else str(dialogue)))
        if dialogue is not None:
            said.append((row.text, row.speaker))
    if len(kinds) > 1:
        raise InvalidInput('rows have either "labels" or "emotion"', field="file")
    return examples, kinds.pop()


def _labels_of(row: EmotionRow, grouping: str) -> tuple[Kind, list[str]]:
    if row.labels is not None:
        return "multiple", grouped(row.labels, grouping)
    if grouping == "polarity" and row.sentiment is not None:
        return "single", [row.sentiment]
    return "single", grouped([row.emotion], grouping) if row.emotion is not None else []


def learn(
    known: Sequence[Example], kind: Kind, progress: Callable[[str], None] = lambda _: None
) -> Learned:
    """A model of the fast tier, and what it says of its own rows unseen: calibrated log-odds or
    log-probabilities (rows, labels)."""
    return train(known, kind, worth=weighted_f1 if kind == "single" else None, progress=progress)


def serve(model: EmotionModel, asked: Sequence[Example]) -> Floats:
    """Calibrated probabilities (rows, labels), in batches as they are served."""
    parts = []
    for start in range(0, len(asked), BATCH):
        batch = asked[start : start + BATCH]
        parts.append(
            model.probabilities([one.text for one in batch], [one.before for one in batch])
        )
    return np.concatenate(parts)


def weighted_f1(right: Columns, taken: Columns) -> float:
    """F1 of each column, weighted by its rows."""
    size = int(max(right.max(initial=0), taken.max(initial=0))) + 1
    wanted = np.bincount(right, minlength=size)
    said = np.bincount(taken, minlength=size)
    hits = np.bincount(right[right == taken], minlength=size)
    f1 = 2 * hits / np.maximum(1, wanted + said)
    return float(f1 @ wanted / max(1, wanted.sum()))


def report_of(
    known: Sequence[Example],
    asked: Sequence[Example],
    labels: Sequence[str],
    chosen: Flags,
    probabilities: Floats,
    *,
    ms_per_message: float,
    method: str,
) -> EmotionReport:
    """The report on decisions and probabilities (rows of `asked`, `labels`)."""
    wanted = [one.labels for one in asked]
    found = [[labels[column] for column in np.flatnonzero(row).tolist()] for row in chosen]
    every = sorted({*labels, *(label for row in wanted for label in row)})
    scores, per_label = scores_of(wanted, found, every)
    top = probabilities.argmax(axis=1)
    right = [labels[column] in row for column, row in zip(top.tolist(), wanted, strict=True)]
    counts = Counter(label for one in known for label in one.labels)
    most = max(sorted(counts), key=lambda label: counts[label])
    baseline, _ = scores_of(wanted, [[most]] * len(wanted), every)
    return EmotionReport(
        macro_f1=scores.macro_f1,
        micro_f1=scores.micro_f1,
        weighted_f1=scores.weighted_f1,
        micro_f1_not_neutral=scores.micro_f1_not_neutral,
        ece=expected_calibration_error(probabilities.max(axis=1), right),
        ms_per_message=ms_per_message,
        baseline=baseline,
        labels=per_label,
        method=method,
        train_rows=len(known),
        test_rows=len(asked),
    )


def scores_of(
    wanted: Sequence[Sequence[str]], found: Sequence[Sequence[str]], labels: Sequence[str]
) -> tuple[Scores, dict[str, float]]:
    """The scores over `labels`, and F1 of each."""
    by_label = f1_by_label(wanted, found, labels)
    support = Counter(label for row in wanted for label in row)
    total = sum(support.values())
    return Scores(
        macro_f1=sum(by_label.values()) / max(1, len(by_label)),
        micro_f1=_micro(wanted, found, ""),
        weighted_f1=sum(f1 * support[label] for label, f1 in by_label.items()) / max(1, total),
        micro_f1_not_neutral=_micro(wanted, found, NEUTRAL),
    ), by_label


def _micro(wanted: Sequence[Sequence[str]], found: Sequence[Sequence[str]], without: str) -> float:
    pairs = [
        ({*right} - {without}, {*guess} - {without})
        for right, guess in zip(wanted, found, strict=True)
    ]
    return f1_of(
        sum(len(right & guess) for right, guess in pairs),
        sum(len(guess) for _, guess in pairs),
        sum(len(right) for right, _ in pairs),
    )
