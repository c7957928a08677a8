"""Alignments are common subsequences, and the longest there are within the bound."""

import itertools

from hypothesis import given, settings
from hypothesis import strategies as st

from colloquy.ledger.diff.sequences import align, increasing

SMALL = st.lists(st.integers(0, 3), max_size=9)


def longest_common(left, right):
    lengths = [[0] * (len(right) + 1) for _ in range(len(left) + 1)]
    for i, one in enumerate(left):
        for j, other in enumerate(right):
            lengths[i + 1][j + 1] = (
                lengths[i][j] + 1 if one == other else max(lengths[i][j + 1], lengths[i + 1][j])
            )
    return lengths[-1][-1]


def assert_sound(pairs, left, right):
    assert all(left[i] == right[j] for i, j in pairs)
    assert all(a < c and b < d for (a, b), (c, d) in itertools.pairwise(pairs))


@settings(max_examples=500, deadline=None)
@given(SMALL, SMALL)
def test_an_alignment_is_the_longest(left, right):
    pairs = align(left, right)
    assert_sound(pairs, left, right)
    assert len(pairs) == longest_common(left, right)


@settings(max_examples=300, deadline=None)
@given(SMALL, SMALL, st.integers(0, 3))
def test_beyond_the_bound_it_is_sound_still(left, right, bound):
    assert_sound(align(left, right, bound), left, right)


def test_beyond_the_bound_items_that_occur_once_are_aligned():
    left = [1, 2, 3, 0, 0, 4, 5]
    right = [0, 1, 2, 3, 0, 5, 4, 0]
    assert align(left, right, most_edits=1) == [(0, 1), (1, 2), (2, 3), (6, 5)]


@given(st.lists(st.integers(0, 50), unique=True, max_size=9))
def test_increasing_runs_are_the_longest(numbers):
    places = increasing(numbers)
    assert places == sorted(places)
    found = [numbers[place] for place in places]
    assert found == sorted(found)
    assert len(found) == longest_common(numbers, sorted(numbers))
