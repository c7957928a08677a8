"""Parents of intents: "billing" for a text that is surely about "billing/refund" or
"billing/invoice", though nobody can say which.

The tiers give one calibrated confidence, that of the nearest intent, and a probability for each
label. What the confidence leaves over is shared among the other labels as their probabilities are;
but where it is below the nearest intent's own probability, all labels lose by the same factor,
because then the text may well be of a subject that no label stands for. So the confidences of all
labels sum to 1 at most, and the confidence of a parent is the sum of its children's: never less
than a child's, and it moves with the calibrated one.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from ..intent import Guess

Floats = npt.NDArray[np.float32]
_TINY = 1e-6


class Hierarchy:
    """The parents among the columns' names. `labels` as in the model; "" is out of scope."""

    def __init__(self, labels: Sequence[str]) -> None:
        self._columns = {label: column for column, label in enumerate(labels)}
        depth = max((label.count("/") for label in labels), default=0)
        self._levels = [_Level(labels, parts) for parts in range(depth, 0, -1)]

    def __bool__(self) -> bool:
        return bool(self._levels)

    def parents(
        self, guesses: Sequence[Guess], logs: Floats, threshold: float, margin: float
    ) -> list[Guess | None]:
        """For each text the deepest parent that reaches both, or None.

        `logs` are log-probabilities (texts, labels), `guesses` the nearest intents with their
        confidences by the same model; a guess without an intent has no parent.
        """
        shared = self.confidences(guesses, logs)
        found: list[Guess | None] = [None] * len(guesses)
        for level in self._levels:
            open_rows = [
                row for row, guess in enumerate(guesses) if guess.intent and found[row] is None
            ]
            if not open_rows:
                break
            best, sure, lead = level.best(shared[open_rows])
            for row, name, confidence, ahead in zip(open_rows, best, sure, lead, strict=True):
                if name is not None and confidence >= threshold and ahead >= margin:
                    found[row] = Guess(name, round(confidence, 4), round(ahead, 4))
        return found

    def confidences(self, guesses: Sequence[Guess], logs: Floats) -> npt.NDArray[Any]:
        """A confidence for each label (texts, labels), at most 1 in each row; see the module."""
        shared: npt.NDArray[Any] = np.exp(logs.astype(np.float64))
        for row, guess in enumerate(guesses):
            if not guess.intent:
                shared[row] = 0.0
                continue
            top = self._columns[guess.intent]
            own = float(np.clip(shared[row, top], _TINY, 1.0 - _TINY))
            sure = guess.confidence
            shared[row] *= min(sure / own, (1.0 - sure) / (1.0 - own))
            shared[row, top] = sure
        return shared


class _Level:
    """Names cut to their first `parts` parts."""

    def __init__(self, labels: Sequence[str], parts: int) -> None:
        cut = ["/".join(label.split("/")[:parts]) for label in labels]
        self._nodes = sorted(set(cut))
        self._parents = {node for node, label in zip(cut, labels, strict=True) if node != label}
        self._sums = np.zeros((len(labels), len(self._nodes)))
        for column, node in enumerate(cut):
            self._sums[column, self._nodes.index(node)] = 1.0

    def best(self, shared: npt.NDArray[Any]) -> tuple[list[str | None], list[float], list[float]]:
        """The surest node of each row (None if it is no parent), its confidence, its lead."""
        sums = np.minimum(shared @ self._sums, 1.0)
        top = sums.argmax(axis=1)
        every = np.arange(len(sums))
        sure = sums[every, top]
        sums[every, top] = 0.0
        names = [self._nodes[column] for column in top.tolist()]
        return (
            [name if name in self._parents else None for name in names],
            sure.tolist(),
            (sure - sums.max(axis=1)).tolist(),
        )


def nearest(
    labels: Sequence[str], top: npt.NDArray[np.intp], confidence: Floats, logs: Floats
) -> list[Guess]:
    """Guesses of what `AccurateIntents.decide` returned: the best column of each text, its
    confidence, and log-probabilities (texts, labels). The lead is over every other label, what is
    out of scope included."""
    chances = np.exp(logs)
    every = np.arange(len(top))
    best = chances[every, top]
    chances[every, top] = 0.0
    leads = best - chances.max(axis=1)
    return [
        Guess(labels[column], round(sure, 4), round(lead, 4))
        for column, sure, lead in zip(
            top.tolist(), confidence.tolist(), leads.tolist(), strict=True
        )
    ]
