"""Linear-chain inference over a batch of texts of different lengths.

The best path by Viterbi (1967), the probability of a span by forward-backward (Rabiner, 1989).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
BLOCK = 16
"""Texts whose probabilities are computed in one matrix product."""
_NEVER = np.float32(-1e4)
"""Log-weight of what BIO forbids."""


def lattice(emissions: Sequence[Floats]) -> tuple[Floats, npt.NDArray[np.intp]]:
    """Emissions (words, tags) of several texts as one array (texts, longest, tags), with zeros
    behind their ends, and the texts' lengths."""
    lengths = np.array([len(one) for one in emissions], np.intp)
    tags = emissions[0].shape[1]
    scores = np.zeros((len(emissions), int(lengths.max()), tags), np.float32)
    for row, one in enumerate(emissions):
        scores[row, : len(one)] = one
    return scores, lengths


def constrained(transitions: Floats, tags: Sequence[str]) -> tuple[Floats, Floats]:
    """Transitions (from, to) and starts (tags) under which "I-x" follows "B-x" or "I-x" only."""
    strict = transitions.copy()
    starts = np.zeros(len(tags), np.float32)
    for to, tag in enumerate(tags):
        if tag.startswith("I-"):
            starts[to] = _NEVER
            for source, before in enumerate(tags):
                if before[2:] != tag[2:]:
                    strict[source, to] = _NEVER
    return strict, starts


def viterbi(
    scores: Floats, lengths: npt.NDArray[np.intp], transitions: Floats, starts: Floats
) -> list[list[int]]:
    """The likeliest tags of each text of a `lattice`; `transitions` (from, to)."""
    texts, longest, tags = scores.shape
    into = np.ascontiguousarray(transitions.T)
    back = np.zeros((longest, texts, tags), np.intp)
    best = scores[:, 0] + starts
    ends = np.where((lengths == 1)[:, None], best, 0)
    for at in range(1, longest):
        ways = best[:, None, :] + into
        back[at] = ways.argmax(axis=2)
        best = np.take_along_axis(ways, back[at][:, :, None], 2)[:, :, 0] + scores[:, at]
        ends = np.where((lengths == at + 1)[:, None], best, ends)
    last = ends.argmax(axis=1).tolist()
    paths: list[list[int]] = []
    for row, length in enumerate(lengths.tolist()):
        tag = last[row]
        path = [tag]
        for at in range(length - 1, 0, -1):
            tag = int(back[at, row, tag])
            path.append(tag)
        path.reverse()
        paths.append(path)
    return paths


class Chances:
    """Probabilities over all paths of each text of a lattice."""

    def __init__(
        self,
        scores: Floats,
        lengths: npt.NDArray[np.intp],
        transitions: Floats,
        starts: Floats,
    ) -> None:
        """`scores` (texts, words, tags), zeros behind a text's end."""
        count, longest, tags = scores.shape
        rows = -(-count // BLOCK) * BLOCK
        self._scores = np.zeros((longest, rows, tags))
        self._scores[:, :count] = scores.swapaxes(0, 1)
        self._moves = transitions.astype(np.float64)
        self._lengths = np.ones(rows, np.intp)
        self._lengths[:count] = lengths
        steps = np.exp(self._moves)
        peaks = self._scores.max(axis=2)
        emit = np.exp(self._scores - peaks[:, :, None])
        # Each row is divided by its sum; the logarithms of the sums are kept beside them.
        self._forward = np.empty(emit.shape)
        self._backward = np.ones(emit.shape)
        sums = np.empty(peaks.shape)
        row = emit[0] * np.exp(starts.astype(np.float64))
        for at in range(longest):
            if at:
                row = _times(self._forward[at - 1], steps) * emit[at]
            sums[at] = row.sum(axis=1)
            self._forward[at] = row / sums[at][:, None]
        self._logs = np.log(sums) + peaks
        back = np.ascontiguousarray(steps.T)
        for at in range(longest - 2, -1, -1):
            row = _times(emit[at + 1] * self._backward[at + 1], back) / sums[at + 1][:, None]
            inside = (at + 1 < self._lengths)[:, None]
            self._backward[at] = np.where(inside, row, 1.0)

    def of_path(self, row: int, first: int, path: Sequence[int], not_after: int | None) -> float:
        """The probability that the words of text `row` from `first` on have the tags of `path`,
        and the word behind them not the tag `not_after`."""
        chance = float(self._forward[first, row, path[0]])
        log = 0.0
        for step in range(1, len(path)):
            at = first + step
            log += self._moves[path[step - 1], path[step]] + self._scores[at, row, path[step]]
            log -= self._logs[at, row]
        last = first + len(path) - 1
        tail = self._backward[last, row, path[-1]]
        after = last + 1
        if not_after is not None and after < self._lengths[row]:
            way = self._moves[path[-1], not_after] + self._scores[after, row, not_after]
            tail -= math.exp(way - self._logs[after, row]) * self._backward[after, row, not_after]
        return float(min(1.0, max(0.0, chance * math.exp(log) * tail)))

    def marginals(self, row: int) -> npt.NDArray[np.float64]:
        """The probability of each tag for each word of a text (words, tags)."""
        length = self._lengths[row]
        found: npt.NDArray[np.float64] = self._forward[:length, row] * self._backward[:length, row]
        return found


def _times(rows: npt.NDArray[np.float64], matrix: npt.NDArray[np.float64]) -> npt.NDArray[Any]:
    """Their product, in blocks of one size: a row's result then does not depend on how many
    there are."""
    blocks = rows.reshape(-1, BLOCK, rows.shape[1])
    return np.concatenate([block @ matrix for block in blocks])
