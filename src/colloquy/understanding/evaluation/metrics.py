"""Scores: pure functions over what was expected and what was found."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt


def f1_of(hits: int, found: int, wanted: int) -> float:
    """Harmonic mean of precision (hits / found) and recall (hits / wanted); 0 when undefined."""
    return 2 * hits / (found + wanted) if hits else 0.0


def f1_by_label(
    wanted: Sequence[Iterable[str]], found: Sequence[Iterable[str]], labels: Iterable[str]
) -> dict[str, float]:
    """F1 of each label over rows that may have several."""
    hits: Counter[str] = Counter()
    said: Counter[str] = Counter()
    true: Counter[str] = Counter()
    for right, guess in zip(wanted, found, strict=True):
        right, guess = set(right), set(guess)
        hits.update(right & guess)
        said.update(guess)
        true.update(right)
    return {label: f1_of(hits[label], said[label], true[label]) for label in labels}


def expected_calibration_error(
    confidence: npt.ArrayLike, right: npt.ArrayLike, bins: int = 15
) -> float:
    """Mean gap between confidence and accuracy over `bins` equal bins, weighted by their rows
    (Guo et al., 2017)."""
    sure = np.asarray(confidence, np.float64)
    hit = np.asarray(right, np.float64)
    if not len(sure):
        return 0.0
    places = np.minimum((sure * bins).astype(int), bins - 1)
    gap = 0.0
    for place in range(bins):
        inside = places == place
        if inside.any():
            gap += abs(float(hit[inside].mean()) - float(sure[inside].mean())) * inside.mean()
    return float(gap)
