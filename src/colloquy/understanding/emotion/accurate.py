"""The accurate tier of emotion: the encoder, tuned on the labels, blended with the linear model.

What blends and decides (the linear model's share, calibration, thresholds) is fitted on rows that
the encoder did not see: a tenth that stays out for good where there are plenty, else a fifth that a
first encoder leaves out and the second, which is kept, is trained on as well.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from msgspec import Struct

from ..encoder.base import Base, Pieces
from ..encoder.model import EncoderModel, Header
from ..encoder.tune import Recipe, can_tune, silent, tune
from .thresholds import (
    Columns,
    Flags,
    Floats,
    Platt,
    best_offsets,
    best_thresholds,
    chosen_labels,
    fit_platt,
    softmax,
)

TASK = "emotion"
BEFORE = 3
"""Utterances before that are read along, nearest first."""
LIMIT = 64
"""Pieces read of a text and what was said before it."""
PLENTY = 20_000
"""Rows from which a tenth can be spared."""
EPOCHS = 3
_SHARES = (0.0, 0.15, 0.3, 0.5, 0.75, 1.0)
_SLOPES = (0.4, 0.6, 0.8, 1.0, 1.25, 1.6, 2.0)

Worth = Callable[[Columns, Columns], float]


class Decision(Struct, frozen=True):
    """How both tiers' scores become labels. `cuts` are thresholds where several labels may apply,
    else what is added to the labels' log-probabilities."""

    share: float
    platt: Platt | None
    slope: float
    cuts: Floats

    def probabilities(self, encoder: Floats, linear: Floats) -> Floats:
        """Calibrated probabilities (rows, labels) of both tiers' log-odds or log-probabilities."""
        blended = encoder + self.share * linear
        if self.platt is not None:
            return self.platt.apply(blended)
        return softmax(self.slope * blended)

    def chosen(self, probabilities: Floats) -> Flags:
        """Which labels each row has (rows, labels)."""
        if self.platt is not None:
            return chosen_labels(probabilities, self.cuts)
        top = (np.log(np.maximum(probabilities, 1e-9)) + self.cuts).argmax(axis=1)
        flags = np.zeros(probabilities.shape, bool)
        flags[np.arange(len(top)), top] = True
        return flags


class AccurateEmotion(Struct, frozen=True):
    """The tuned encoder and the decision over both tiers."""

    model: EncoderModel
    decision: Decision

    def decide(self, sequences: Sequence[Pieces], linear: Floats) -> tuple[Flags, Floats]:
        """The labels and the probabilities of each row; `linear` (rows, labels) are the linear
        model's log-odds (several labels) or log-probabilities (one)."""
        scores = self.model.scores(sequences).astype(np.float64)
        found = self.decision.probabilities(scores, linear)
        return self.decision.chosen(found), found


def sequences_of(
    base: Base, texts: Sequence[str], before: Sequence[Sequence[str]] | None
) -> list[Pieces]:
    """What the encoder reads: the text, and what was said before it (nearest first) if known."""
    if before is None:
        return base.texts(texts, LIMIT)
    return base.pairs(texts, [said[:BEFORE] for said in before], LIMIT)


def train_accurate(
    base: Base,
    sequences: Sequence[Pieces],
    targets: Flags,
    labels: Sequence[str],
    linear: Floats,
    worth: Worth | None,
    progress: Callable[[str], None] = silent,
    epochs: int = EPOCHS,
) -> AccurateEmotion:
    """Trains on `targets` (rows, labels); `linear` are scores of a linear model for the same rows
    that had not seen them. `worth` is what to be best at with one label per row; None: several may
    apply, and it is the labels' mean F1."""
    columns = [np.flatnonzero(row).tolist() for row in targets]
    plenty = len(sequences) >= PLENTY
    order = np.random.default_rng(0).permutation(len(sequences))
    spared = order[: len(order) // (10 if plenty else 5)]
    kept = np.setdiff1d(order, spared).tolist()
    header = Header(
        task=TASK, version="", base=base.checksum, labels=list(labels), tuned=can_tune()
    )

    def encoder(rows: list[int], what: str) -> EncoderModel:
        return tune(
            base,
            [sequences[row] for row in rows],
            [columns[row] if worth is None else columns[row][0] for row in rows],
            header,
            "multiple" if worth is None else "single",
            Recipe(epochs=epochs, batch=64 if plenty else 32, rate=2e-4 if plenty else 1e-4),
            lambda line: progress(f"{what}: {line}"),
        )

    first = encoder(kept, "final" if plenty else "rehearsal")
    scores = first.scores([sequences[row] for row in spared]).astype(np.float64)
    decision = fit_decision(scores, linear[spared], targets[spared], worth)
    model = first if plenty else encoder(list(range(len(sequences))), "final")
    return AccurateEmotion(model, decision)


def fit_decision(encoder: Floats, linear: Floats, targets: Flags, worth: Worth | None) -> Decision:
    """The linear model's share by log-loss, calibration, then thresholds or offsets."""
    if worth is None:
        best: tuple[float, float, Platt] | None = None
        for share in _SHARES:
            blended = encoder + share * linear
            platt = fit_platt(blended, targets)
            found = np.clip(platt.apply(blended), 1e-6, 1 - 1e-6)
            loss = -float(np.where(targets, np.log(found), np.log(1 - found)).mean())
            if best is None or loss < best[0]:
                best = loss, share, platt
        assert best is not None
        _, share, platt = best
        found = platt.apply(encoder + share * linear)
        return Decision(share, platt, 1.0, best_thresholds(found, targets))
    right = targets.argmax(axis=1)
    every = np.arange(len(right))
    pairs = [(share, slope) for share in _SHARES for slope in _SLOPES]
    share, slope = min(
        pairs,
        key=lambda pair: (
            -float(
                np.log(
                    softmax(pair[1] * (_logs(encoder) + pair[0] * linear))[every, right] + 1e-9
                ).mean()
            )
        ),
    )
    found = softmax(slope * (_logs(encoder) + share * linear))
    return Decision(share, None, slope, best_offsets(found, right, worth))


def _logs(scores: Floats) -> Floats:
    return np.asarray(np.log(softmax(scores)))
