"""BM25 by hand, episodes, and the best of scores."""

from __future__ import annotations

from math import log

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from colloquy.context.recall.scoring import COUNT_BITS, Signs, bm25, fused, top
from colloquy.context.recall.weights import NO_WEIGHTS

ONLY_EPISODE = NO_WEIGHTS._replace(episode=1.0)


def test_bm25_by_hand() -> None:
    """A term in lines 0 (twice) and 2 (once) of three, which have 4, 2 and 6 terms."""
    postings = np.array([0 << COUNT_BITS | 2, 2 << COUNT_BITS | 1], np.uint32)
    (found, nothing) = bm25([postings, None], np.array([4, 2, 6], np.float32))
    rarity = log(1 + (3 - 2 + 0.5) / (2 + 0.5))
    assert found.tolist() == pytest.approx(
        [
            rarity * 2.2 * 2 / (2 + 1.2),
            0,
            rarity * 2.2 * 1 / (1 + 1.2 * (0.25 + 0.75 * 6 / 4)),
        ]
    )
    assert not nothing.any()


def test_lines_without_any_term_are_no_division_by_zero() -> None:
    assert bm25([None], np.zeros(2, np.float32)).tolist() == [[0, 0]]


def episode_scores(meaning: list[float], places: list[int]) -> list[float]:
    fit = np.array(meaning, np.float32)
    words = np.zeros((1, len(fit)), np.float32)
    signs = Signs(words, fit, fit, None, None, fit, None)
    scores: list[float] = fused(signs, ONLY_EPISODE, np.array(places, np.int32)).tolist()
    return scores


def test_an_episode_is_as_good_as_its_three_best_lines() -> None:
    """Means 0.8 (of 0.9, 0.8, 0.7), 0.2 and 0.5 (of two lines)."""
    found = episode_scores([0.7, 0.1, 0.9, 0.8, 0.2, 0.6, 0.4], [0, 1, 2, 3, 0, 0, 1])
    assert found == pytest.approx([1, 1, 1, 1, 0, 0.5, 0.5])


def test_an_episode_whose_beginning_was_forgotten_is_one() -> None:
    assert episode_scores([0.1, 0.1, 0.9], [5, 6, 0]) == pytest.approx([0, 0, 1])


def test_a_single_episode_says_nothing() -> None:
    assert episode_scores([0.1, 0.9], [0, 1]) == [0, 0]


@given(
    st.lists(st.sampled_from([-1.0, 0.0, 0.25, 0.5, 2.0]), min_size=1, max_size=60),
    st.integers(1, 70),
    st.booleans(),
)
def test_the_best_are_as_a_sort_has_them(scores: list[float], k: int, odd_only: bool) -> None:
    allowed = np.arange(len(scores)) % 2 == 1 if odd_only else None
    expected = sorted(
        (place for place, one in enumerate(scores) if one > 0 and (place % 2 or not odd_only)),
        key=lambda place: (-scores[place], -place),
    )[:k]
    assert top(np.array(scores, np.float32), allowed, k).tolist() == expected
