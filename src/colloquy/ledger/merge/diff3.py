"""Merging two versions of a sequence with what both came from, and the order of named items.

`diff3` is the algorithm as S. Khanna, K. Kunal and B. C. Pierce describe it in "A Formal
Investigation of Diff3" (FSTTCS 2007): what both versions kept of the base is stable, and between
two stable stretches lies one chunk, changed by one side, by both alike, or by both in conflict.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterator, Sequence
from typing import Literal, NamedTuple, TypeAlias, TypeVar

from colloquy.ledger.diff.sequences import align

Change: TypeAlias = Literal["stable", "ours", "theirs", "alike", "conflict"]
Thing = TypeVar("Thing", bound=Hashable)


class Chunk(NamedTuple):
    """A stretch of all three sequences, and which side changed it."""

    change: Change
    base: slice
    ours: slice
    theirs: slice

    def in_conflict(self) -> bool:
        return self.change == "conflict"

    def merged(self, ours: Sequence[Thing], theirs: Sequence[Thing]) -> Sequence[Thing]:
        """What becomes of the stretch; of one in conflict, what `ours` has."""
        return theirs[self.theirs] if self.change == "theirs" else ours[self.ours]


def diff3(
    base: Sequence[Hashable], ours: Sequence[Hashable], theirs: Sequence[Hashable]
) -> Iterator[Chunk]:
    """The chunks in order, together the whole of all three. Changes that touch are one chunk.

    Swapping `ours` and `theirs` swaps them in the chunks and changes nothing else.
    """
    left, right = dict(align(base, ours)), dict(align(base, theirs))
    b = o = t = 0
    stable = [place for place in range(len(base)) if place in left and place in right]
    for b_end, o_end, t_end in (
        *((place, left[place], right[place]) for place in stable),
        (len(base), len(ours), len(theirs)),
    ):
        gap = slice(b, b_end), slice(o, o_end), slice(t, t_end)
        if (b, o, t) != (b_end, o_end, t_end):
            yield Chunk(_change(base[gap[0]], ours[gap[1]], theirs[gap[2]]), *gap)
        b, o, t = b_end + 1, o_end + 1, t_end + 1
        if b_end < len(base):
            yield Chunk("stable", slice(b_end, b), slice(o_end, o), slice(t_end, t))


def merged_order(
    base: Sequence[Thing], ours: Sequence[Thing], theirs: Sequence[Thing]
) -> list[Thing] | None:
    """One order for all that is in `ours` or `theirs`; None where both moved the same things apart.

    What both have is ordered by `diff3`: moves of one side and moves of the other are both made.
    What one side alone has follows what it follows there; at one place, that of `ours` first.
    Nothing occurs twice in a side.
    """
    shared = set(ours) & set(theirs)
    sides = [[one for one in side if one in shared] for side in (base, ours, theirs)]
    common = _common_order(*sides)
    if common is None:
        return None
    following: dict[Thing | None, list[Thing]] = defaultdict(list)
    for side in (ours, theirs):
        before: Thing | None = None
        for one in side:
            if one in shared:
                before = one
            else:
                following[before].append(one)
    return following[None] + [one for each in common for one in (each, *following[each])]


def _change(
    base: Sequence[Hashable], ours: Sequence[Hashable], theirs: Sequence[Hashable]
) -> Change:
    if ours == theirs:
        return "alike"
    if ours == base:
        return "theirs"
    return "ours" if theirs == base else "conflict"


def _common_order(
    base: Sequence[Thing], ours: Sequence[Thing], theirs: Sequence[Thing]
) -> Sequence[Thing] | None:
    if theirs in (base, ours):
        return ours
    if ours == base:
        return theirs
    joined: list[Thing] = []
    for chunk in diff3(base, ours, theirs):
        if chunk.in_conflict():
            return None
        joined += chunk.merged(ours, theirs)
    # A thing that each side moved to another place is there twice.
    return joined if len(joined) == len(set(joined)) == len(ours) else None
