"""From scores to decisions: calibration and thresholds, over matrices (rows, labels).

Everything here is fitted on scores of a model that did not see the rows: see `folds_of`.

- `fit_platt` turns scores into probabilities, label by label (Platt, 1999).
- `best_thresholds` chooses a threshold per label for the highest F1. With few positives the best
  one is mostly luck, so it is drawn towards what calibrated probabilities say themselves: half of
  the F1 that can be reached (Lipton, Elkan and Naryanaswamy, 2014).
- `best_offsets` is the same for rows with exactly one label: what to add to each label's
  log-probability before the highest is taken.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from zlib import crc32

import numpy as np
import numpy.typing as npt
from msgspec import Struct

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
Columns = npt.NDArray[np.intp]

FOLDS = 5
FAITH = 100.0
"""Positives at which a label's own threshold and what its probabilities say count alike."""
_STEEPEST = 50.0
_STIFF = 3.0
"""Rows' worth of doubt against a bend."""
_ROUNDS = 100
_TINY = 1e-6


class Platt(Struct, frozen=True):
    """probability = sigmoid(slope · score + offset + bend · max(0, score - knot)), per label.

    The bend is ours: where a label is likely, linear scores often promise more than they keep.
    Without `knots` nothing bends.
    """

    slopes: list[float]
    offsets: list[float]
    bends: list[float] = []
    knots: list[float] = []

    def apply(self, scores: npt.ArrayLike) -> Floats:
        """Probabilities of scores, both (rows, labels)."""
        values = np.asarray(scores, np.float64)
        logits = values * self.slopes + self.offsets
        if self.knots:
            logits += np.maximum(0.0, values - self.knots) * self.bends
        return sigmoid(logits)


def sigmoid(values: Floats) -> Floats:
    """1 / (1 + e^-x)."""
    return 1.0 / (1.0 + np.exp(-np.clip(values, -40.0, 40.0)))


def logit(probabilities: npt.ArrayLike) -> Floats:
    """The inverse of `sigmoid`; 0 and 1 are taken for a millionth away from them."""
    inside = np.clip(np.asarray(probabilities, np.float64), _TINY, 1.0 - _TINY)
    return np.asarray(np.log(inside / (1.0 - inside)))


def softmax(scores: npt.ArrayLike) -> Floats:
    """Probabilities that sum to 1 in each row."""
    values = np.asarray(scores, np.float64)
    raised = np.exp(values - values.max(axis=1, keepdims=True))
    return np.asarray(raised / raised.sum(axis=1, keepdims=True))


def folds_of(texts: Sequence[str], folds: int = FOLDS) -> Columns:
    """A fold for each text, by its CRC-32: the same text is always in the same one."""
    return np.array(
        [crc32(text.encode("utf-8", "surrogatepass")) % folds for text in texts], np.intp
    )


def fit_platt(scores: npt.ArrayLike, targets: npt.ArrayLike) -> Platt:
    """Calibration per label, by Newton's method on smoothed targets, as Platt has them: with few
    positives nothing becomes certain. `scores` and `targets` are (rows, labels).

    The bend is fitted second, at the score of probability one half, and drawn towards none.
    """
    values, truth = np.asarray(scores, np.float64), np.asarray(targets, bool)
    fitted = [_platt(values[:, label], truth[:, label]) for label in range(values.shape[1])]
    slopes, offsets, bends, knots = (list(column) for column in zip(*fitted, strict=True))
    return Platt(slopes, offsets, bends, knots)


def _platt(scores: Floats, truth: Flags) -> tuple[float, float, float, float]:
    """Slope, offset, bend and knot."""
    positives = int(truth.sum())
    negatives = len(truth) - positives
    goal = np.where(truth, (positives + 1) / (positives + 2), 1 / (negatives + 2))
    centre, spread = float(scores.mean()), float(scores.std()) or 1.0
    ones = np.ones_like(scores)
    prior = float(np.log((positives + 1) / (negatives + 1)))
    # The damping keeps the slope finite where all scores are the same.
    first = _newton(
        np.stack([(scores - centre) / spread, ones], axis=1), goal,
        np.array([0.0, prior]), np.array([1e-3, 1e-9]),
    )  # fmt: skip
    slope = min(_STEEPEST, float(first[0]) / spread)
    offset = float(first[1]) - slope * centre
    bend, knot = 0.0, 0.0
    if slope > _TINY:
        knot = -offset / slope
        line = slope * scores + offset
        scale, shift, bent = _newton(
            np.stack([line, ones, np.maximum(0.0, line)], axis=1), goal,
            np.array([1.0, 0.0, 0.0]), np.array([1e-3, 1e-3, _STIFF]),
        )  # fmt: skip
        # More must stay more: at least a tenth of the slope is left behind the knot.
        bend = max(-0.9 * scale, float(bent)) * slope if scale > 0 else 0.0
        if scale > 0:
            slope, offset = float(scale) * slope, float(scale) * offset + float(shift)
    return round(slope, 6), round(offset, 6), round(float(bend), 6), round(knot, 6)


def _newton(columns: Floats, goal: Floats, start: Floats, damping: Floats) -> Floats:
    """Logistic regression of `goal` (0 to 1) on `columns`, each drawn towards its start."""

    def loss(point: Floats) -> float:
        value = columns @ point
        drawn = float(damping @ (point - start) ** 2) / 2
        return float((np.logaddexp(0.0, value) - goal * value).sum()) + drawn

    at, cost = start, loss(start)
    for _ in range(_ROUNDS):
        found = sigmoid(columns @ at)
        down = columns.T @ (found - goal) + damping * (at - start)
        curve = (columns * (found * (1 - found))[:, None]).T @ columns + np.diag(damping)
        step = np.linalg.solve(curve, down)
        # Far from the goal a whole step of Newton's overshoots: half of it, until it helps.
        while (tried := loss(at - step)) > cost and float(np.abs(step).max()) > _TINY:
            step = step / 2
        if cost - tried < 1e-9:
            break
        at, cost = at - step, tried
    return at


def best_thresholds(
    probabilities: npt.ArrayLike, targets: npt.ArrayLike, *, faith: float = FAITH
) -> Floats:
    """The threshold of each label for the highest F1; both matrices are (rows, labels).

    The label's own best, the higher F1 counting more among its neighbours, and what its
    probabilities say are mixed in log-odds: n / (n + `faith`) of the first with n positives.
    """
    found, truth = np.asarray(probabilities, np.float64), np.asarray(targets, bool)
    chosen = []
    for label in range(found.shape[1]):
        column, right = found[:, label], truth[:, label]
        expected = expected_threshold(column)
        positives = int(right.sum())
        if not positives:
            chosen.append(expected)
            continue
        own = _own_threshold(column, right)
        share = positives / (positives + faith)
        mixed = share * logit(own) + (1 - share) * logit(expected)
        chosen.append(float(sigmoid(np.asarray(mixed))))
    return np.array(chosen)


def expected_threshold(probabilities: npt.ArrayLike) -> float:
    """The threshold for the highest expected F1 if the probabilities (rows) are right."""
    ordered = np.sort(np.asarray(probabilities, np.float64))[::-1]
    if not len(ordered):
        return 0.5
    taken = np.arange(1, len(ordered) + 1)
    f1 = 2 * np.cumsum(ordered) / (taken + max(_TINY, float(ordered.sum())))
    return float(np.clip(f1.max() / 2, _TINY, 0.5))


def _own_threshold(probabilities: Floats, truth: Flags) -> float:
    """The middle of the cuts whose F1 is within a hundredth part of the best, weighted."""
    order = np.argsort(-probabilities, kind="stable")
    ordered, right = probabilities[order], truth[order]
    taken = np.arange(1, len(ordered) + 1)
    f1 = 2 * np.cumsum(right) / (taken + right.sum())
    # A cut between equal probabilities cannot be made.
    possible = np.append(ordered[:-1] > ordered[1:], True)
    good = possible & (f1 >= 0.99 * f1[possible].max())
    below = np.append(ordered[1:], ordered[-1] / 2)
    cuts = (logit(ordered[good]) + logit(below[good])) / 2
    return float(sigmoid(np.asarray(np.median(cuts))))


def chosen_labels(probabilities: npt.ArrayLike, thresholds: npt.ArrayLike) -> Flags:
    """Which labels a row has (rows, labels): those that reach their thresholds; if none does, the
    one that comes nearest, in log-odds."""
    distance = logit(probabilities) - logit(thresholds)
    chosen = np.asarray(distance >= 0.0)
    empty = ~chosen.any(axis=1)
    chosen[empty, distance[empty].argmax(axis=1)] = True
    return chosen


def best_offsets(
    probabilities: npt.ArrayLike,
    targets: npt.ArrayLike,
    worth: Callable[[Columns, Columns], float],
    *,
    rounds: int = 3,
) -> Floats:
    """What to add to log-probabilities (rows, labels) before the highest is taken, so that
    `worth(right, taken)` is highest. `targets` holds each row's column. Searched label by label,
    a few times round; a change must be worth a ten-thousandth."""
    logs = np.log(np.clip(np.asarray(probabilities, np.float64), _TINY, 1.0))
    right = np.asarray(targets, np.intp)
    offsets = np.zeros(logs.shape[1])
    best = worth(right, logs.argmax(axis=1))
    for _ in range(rounds):
        before = best
        for label in range(logs.shape[1]):
            for change in (-0.8, -0.4, -0.2, -0.1, 0.1, 0.2, 0.4, 0.8):
                tried = offsets.copy()
                tried[label] += change
                value = worth(right, (logs + tried).argmax(axis=1))
                if value > best + 1e-4:
                    best, offsets = value, tried
        if best == before:
            break
    return offsets
