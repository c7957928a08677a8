"""The signs that lines are meant by a query, and one score of them all: plain arrays, no text."""

from __future__ import annotations

from collections.abc import Sequence
from math import log
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ...understanding.vectors.words import Floats
from .weights import Weights

COUNT_BITS = 8
MAX_COUNT = (1 << COUNT_BITS) - 1
"""Occurrences of a term in a line that are counted."""
_K1, _B = 1.2, 0.75
"""BM25's usual saturation and normalisation by length."""
_BEST_OF_EPISODE = 3
_LONG = 20
"""Terms of a line that says much."""
_TAKEN, _SMALLEST = np.float32(-1e3), np.float32(1e-9)

Postings = npt.NDArray[np.uint32]
"""Lines of a term, ascending: its position, then in `COUNT_BITS` how often it stands there."""


class Signs(NamedTuple):
    """One number per line; `by_term` (terms, lines) is BM25 of each term of the query. None where
    the query names neither speaker nor time; `asks` is None where it is about questions."""

    by_term: Floats
    meaning: Floats
    pair: Floats
    speaker: npt.NDArray[np.bool_] | None
    time: Floats | None
    length: Floats
    asks: npt.NDArray[np.bool_] | None


def bm25(postings: Sequence[Postings | None], lengths: Floats) -> Floats:
    """BM25 (terms, lines) of terms given by their postings; `lengths` in terms."""
    count = len(lengths)
    found = np.zeros((len(postings), count), np.float32)
    mean = float(lengths.mean()) or 1.0
    for row, entries in zip(found, postings, strict=True):
        if entries is None:
            continue
        lines, times = entries >> COUNT_BITS, (entries & MAX_COUNT).astype(np.float32)
        rarity = log(1 + (count - len(entries) + 0.5) / (len(entries) + 0.5))
        damping = _K1 * (1 - _B + _B / mean * lengths[lines])
        row[lines] = rarity * (_K1 + 1) * times / (times + damping)
    return found


def fused(signs: Signs, weights: Weights, places: npt.NDArray[np.int32]) -> Floats:
    """One score per line. `places`: of each line in its episode, from 0."""
    words = signs.by_term.sum(axis=0)
    best = float(words.max())
    if best > 0:
        words /= np.float32(best)
    score: Floats = weights.words * words + weights.meaning * signs.meaning
    score += weights.pair * signs.pair
    if best > 0:
        score[1:] += weights.words_before * (words[:-1] * (places[1:] > 0))
        score[2:] += weights.words_two_before * (words[:-2] * (places[2:] > 1))
        score[:-1] += weights.words_after * (words[1:] * (places[1:] > 0))
    if weights.episode:
        score += weights.episode * _of_episodes(signs.meaning + words / 2, places)
    if signs.speaker is not None:
        score += np.float32(weights.speaker) * signs.speaker
    if signs.time is not None:
        score += np.float32(weights.time) * signs.time
    worth = np.float32(weights.length) * signs.length
    if signs.asks is not None:
        worth -= np.float32(weights.asks) * signs.asks
    score += worth * (score > 0)
    return score


def said_much(lengths: Floats) -> Floats:
    """0 for a line without terms, growing with the logarithm up to 1."""
    found: Floats = np.minimum(np.log1p(lengths) / np.float32(log(1 + _LONG)), np.float32(1))
    return found


def _of_episodes(fit: Floats, places: npt.NDArray[np.int32]) -> Floats:
    """The mean of the best lines of each line's episode: 0 for the worst one, 1 for the best."""
    starts = np.flatnonzero(places == 0)
    if not len(starts) or starts[0]:
        starts = np.concatenate(([0], starts))  # its beginning was forgotten
    if len(starts) == 1:
        return np.zeros_like(fit)
    sizes = np.diff(starts, append=len(fit))
    total = np.zeros(len(starts), np.float32)
    left = fit.copy()
    for rank in range(_BEST_OF_EPISODE):
        best = np.maximum.reduceat(left, starts)
        total += np.where(sizes > rank, best, np.float32(0))
        left[left == np.repeat(best, sizes)] = _TAKEN
    mean = total / np.minimum(sizes, _BEST_OF_EPISODE)
    low, high = mean.min(), mean.max()
    return np.repeat((mean - low) / max(high - low, _SMALLEST), sizes)


def top(scores: Floats, allowed: npt.NDArray[np.bool_] | None, k: int) -> npt.NDArray[np.intp]:
    """The lines of the `k` best scores above zero, best first, the later first of equals."""
    good = scores > 0
    candidates = np.flatnonzero(good if allowed is None else good & allowed)
    if len(candidates) > 4 * k:
        cut = np.partition(scores[candidates], len(candidates) - k)[len(candidates) - k]
        candidates = candidates[scores[candidates] >= cut]
    order = np.lexsort((-candidates, -scores[candidates]))
    chosen: npt.NDArray[np.intp] = candidates[order[:k]]
    return chosen
