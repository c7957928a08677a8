"""How much two values have in common, and how much of two changes a result has.

The unit is the leaf: a scalar, a line of a text, an empty list or dictionary. Values are matched as
`diff` matches them; an item of a list that is only in another place counts half.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Hashable, Sequence

from colloquy.ledger.diff.lists import align_items, hunks
from colloquy.ledger.diff.sequences import align
from colloquy.ledger.values import Value, same

from .conflicts import MISSING

SMALL_TEXT = 100
"""Characters up to which a text without line breaks is a short scalar."""

_MOVED = 0.5
_WORD = re.compile(r"\w+|[^\w\s]")
# Per cent; values that differ in white space alone would count as the same otherwise.
_NEARLY_THE_SAME = 99.9


def is_small(value: Value) -> bool:
    """Whether a value is a short scalar, of which likeness says little."""
    kind = type(value)
    if kind is str:
        return len(value) <= SMALL_TEXT and "\n" not in value
    return kind not in (dict, list)


def leaves(value: Value) -> int:
    """The leaves of a value; what is missing has none."""
    if value is MISSING:
        return 0
    kind = type(value)
    if kind is str:
        return 1 + int(value.count("\n"))
    if kind is not dict and kind is not list:
        return 1
    found = 0
    for item in value.values() if kind is dict else value:
        found += leaves(item)
    return found or 1


def matched(left: Value, right: Value, depth: int = 0, *, within: bool = False) -> float:
    """The leaves that two values have in common; `depth` is how deep they lie.

    With `within`, texts and lines that differ count by the share of their words that is alike.
    """
    if same(left, right, depth):
        return leaves(left)
    kind = type(left)
    if kind is not type(right):
        return 0
    if kind is str:
        return _matched_lines(left.split("\n"), right.split("\n"), within)
    found = 0.0
    if kind is dict:
        for key, value in left.items():
            if key in right:
                found += matched(value, right[key], depth + 1, within=within)
    if kind is list:
        alignment = align_items(left, right, depth + 1)
        for pairs, weight in ((alignment.kept, 1.0), (alignment.moved, _MOVED)):
            for i, j in pairs:
                found += weight * matched(left[i], right[j], depth + 1, within=within)
    return found


def extent(base: Value, side: Value, depth: int = 0) -> float:
    """How many leaves a change touches. More than 0 unless the values are the same."""
    return max(leaves(base), leaves(side)) - matched(base, side, depth)


def similarity(left: Value, right: Value) -> float:
    """0 to 100: twice the leaves in common, of all leaves of both. 100 only for the same."""
    if same(left, right):
        return 100.0
    found = 200 * matched(left, right, within=True) / max(1, leaves(left) + leaves(right))
    return min(found, _NEARLY_THE_SAME)


def share_of_side(base: Value, chosen: Value, other: Value) -> float:
    """0 to 100: of the leaves that two sides changed, the share that the chosen side changed.

    So much of what both sides did survives where one side is taken whole.
    """
    ours, theirs = extent(base, chosen), extent(base, other)
    return 100 * ours / (ours + theirs) if ours or theirs else 100.0


def share_of_changes(
    base: Sequence[Hashable],
    sides: tuple[Sequence[Hashable], Sequence[Hashable]],
    result: Sequence[Hashable],
) -> float:
    """0 to 100: of the additions and removals that each side made to a bag, the share that the
    result has made too."""
    before, after = Counter(base), Counter(result)
    made = wanted = 0
    for side in map(Counter, sides):
        for one in before.keys() | side.keys():
            change, done = side[one] - before[one], after[one] - before[one]
            wanted += abs(change)
            if change * done > 0:
                made += min(abs(change), abs(done))
    return 100 * made / wanted if wanted else 100.0


def _matched_lines(left: list[str], right: list[str], within: bool) -> float:
    kept = align(left, right)
    found = float(len(kept))
    if not within:
        return found
    for i, i_end, j, j_end in hunks(kept, len(left), len(right)):
        for one, other in zip(left[i:i_end], right[j:j_end], strict=False):
            found += _alike(one, other)
    return found


def _alike(left: str, right: str) -> float:
    """0 to 1: the characters of words in common; of single words, those at both ends."""
    words, others = _WORD.findall(left), _WORD.findall(right)
    if len(words) > 1 or len(others) > 1:
        total = sum(map(len, words)) + sum(map(len, others))
        return 2 * sum(len(words[i]) for i, _ in align(words, others)) / total
    shorter = min(len(left), len(right))
    start = 0
    while start < shorter and left[start] == right[start]:
        start += 1
    end = 0
    while end < shorter - start and left[-1 - end] == right[-1 - end]:
        end += 1
    return 2 * (start + end) / max(1, len(left) + len(right))
