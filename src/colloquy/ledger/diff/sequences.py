"""Aligning two sequences: which items of the one are which items of the other.

`align` is the greedy algorithm of E. W. Myers, "An O(ND) Difference Algorithm and Its Variations"
(Algorithmica 1, 1986): a longest common subsequence, hence the fewest removals and insertions. Its
time grows with the square of the edits, so beyond a bound only items that occur once on both sides
are aligned (the idea of Bram Cohen's patience diff).
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Hashable, Sequence

Pair = tuple[int, int]
"""An index of the first sequence and the index of its like in the second."""

MOST_EDITS = 1000
"""Up to here the alignment is the best there is; a thousand edits take about half a second."""


def align(
    left: Sequence[Hashable], right: Sequence[Hashable], most_edits: int = MOST_EDITS
) -> list[Pair]:
    """Pairs of equal items, increasing on both sides.

    They are as many as can be where that takes at most `most_edits` removals and insertions of
    items that both sides have.
    """
    start = 0
    stop = min(len(left), len(right))
    while start < stop and left[start] == right[start]:
        start += 1
    tail = 0
    while tail < stop - start and left[-1 - tail] == right[-1 - tail]:
        tail += 1
    # An item that the other side lacks is in no common subsequence.
    ours = set(left[start : len(left) - tail])
    theirs = set(right[start : len(right) - tail])
    lefts = [place for place in range(start, len(left) - tail) if left[place] in theirs]
    rights = [place for place in range(start, len(right) - tail) if right[place] in ours]
    one = [left[place] for place in lefts]
    other = [right[place] for place in rights]
    middle = _fewest(one, other, most_edits)
    if middle is None:
        middle = _unique(one, other)
    return [
        *((place, place) for place in range(start)),
        *((lefts[i], rights[j]) for i, j in middle),
        *((len(left) - back, len(right) - back) for back in range(tail, 0, -1)),
    ]


def increasing(numbers: Sequence[int]) -> list[int]:
    """The places of a longest increasing subsequence of different numbers."""
    ends: list[int] = []
    places: list[int] = []
    before: list[int] = []
    for place, number in enumerate(numbers):
        length = bisect_left(ends, number)
        before.append(places[length - 1] if length else -1)
        if length == len(ends):
            ends.append(number)
            places.append(place)
        else:
            ends[length] = number
            places[length] = place
    found: list[int] = []
    place = places[-1] if places else -1
    while place >= 0:
        found.append(place)
        place = before[place]
    return found[::-1]


def _fewest(
    left: Sequence[Hashable], right: Sequence[Hashable], most_edits: int
) -> list[Pair] | None:
    """A longest common subsequence; None where more than `most_edits` are needed."""
    long, wide = len(left), len(right)
    bound = min(long + wide, most_edits)
    # reach[zero + k] is the furthest index of left reached on diagonal k; -1: not reached.
    zero = bound + 1
    reach = [-1] * (2 * bound + 3)
    reach[zero + 1] = 0
    history: list[list[int]] = []
    for edits in range(bound + 1):
        history.append(reach[zero - edits - 1 : zero + edits + 2])
        lowest = -(edits - 2 * max(0, edits - wide))
        highest = edits - 2 * max(0, edits - long)
        for diagonal in range(lowest, highest + 1, 2):
            place = zero + diagonal
            down, across = reach[place + 1], reach[place - 1]
            i = down if across < down else across + 1
            j = i - diagonal
            while i < long and j < wide and left[i] == right[j]:
                i += 1
                j += 1
            reach[place] = i
            if i >= long and j >= wide:
                return _back(history, long, wide)
    return None


def _back(history: list[list[int]], i: int, j: int) -> list[Pair]:
    pairs: list[Pair] = []
    for edits in range(len(history) - 1, -1, -1):
        reach = history[edits]
        place = i - j + edits + 1
        down, across = reach[place + 1], reach[place - 1]
        first = down if across < down else across + 1
        second = first - (i - j)
        while i > first and j > second:
            i -= 1
            j -= 1
            pairs.append((i, j))
        if across < down:
            j -= 1
        else:
            i -= 1
    return pairs[::-1]


def _unique(left: Sequence[Hashable], right: Sequence[Hashable]) -> list[Pair]:
    count, others = Counter(left), Counter(right)
    place = {item: j for j, item in enumerate(right) if others[item] == 1}
    pairs = [(i, place[item]) for i, item in enumerate(left) if count[item] == 1 and item in place]
    return [pairs[at] for at in increasing([j for _, j in pairs])]
