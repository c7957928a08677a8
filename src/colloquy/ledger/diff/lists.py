"""Comparing lists: by identity where every item has one, otherwise by content."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import defaultdict
from collections.abc import Hashable, Iterable, Iterator

import msgspec

from colloquy.ledger.canonical import canonical
from colloquy.ledger.values import PLAIN, Value, same

from .changes import Change, Shift, Splice, digest_of
from .paths import Path
from .sequences import Pair, align, increasing

WORTH_SHIFTING = 24
"""Bytes of canonical text from which on an equal item elsewhere in the list was moved there."""

MOST_SHIFTS = 1000
"""Finding a moved item takes time that grows with the list, so when more than these moved, those
off the longest run in order are removed and inserted instead."""


class Alignment(msgspec.Struct):
    """Which item of an old list is which of a new one, as pairs of indexes."""

    kept: list[Pair]
    """Increasing on both sides."""
    moved: list[Pair]
    unlike: list[Pair]
    """Of both, those whose contents differ, by index of the new list."""
    by_identity: bool
    partners: dict[int, int]
    """New index by old one."""
    arrivals: set[int]
    """New indexes that have a partner."""


def identity_of(value: Value) -> str | int | None:
    """The `id` of a dictionary, where it is a text or an integer."""
    if type(value) is dict:
        who = value.get("id")
        if type(who) is str or type(who) is int:
            return who
    return None


def align_items(old: list[Value], new: list[Value], depth: int) -> Alignment:
    """Which items are which; `depth` is how deep they lie.

    Raises InvalidInput for an item that is no value.
    """
    ours, theirs = identities(old), identities(new)
    by_identity = bool(ours and theirs)
    if ours and theirs:
        pairs = [(i, theirs[who]) for who, i in ours.items() if who in theirs]
        kept = [pairs[place] for place in increasing([j for _, j in pairs])]
        stays = set(kept)
        moved = [pair for pair in pairs if pair not in stays]
        if len(moved) > MOST_SHIFTS:
            moved = []
        unlike = [(i, j) for i, j in kept + moved if not same(old[i], new[j], depth)]
    else:
        kept, moved, unlike = _by_content(old, new, depth)
    partners = dict(kept + moved)
    unlike.sort(key=lambda pair: pair[1])
    return Alignment(kept, moved, unlike, by_identity, partners, set(partners.values()))


def restructure(path: Path, old: list[Value], new: list[Value], found: Alignment) -> list[Change]:
    """The changes that remove, move and insert whole items; contents of pairs stay as they are."""
    if found.moved:
        return list(_in_stages(path, old, new, found))
    return [
        # Before the hunk everything is as in the new list already.
        Splice(path, j, tuple(old[i:i_end]), tuple(new[j:j_end]))
        for i, i_end, j, j_end in hunks(found.kept, len(old), len(new))
    ]


def identities(items: list[Value]) -> dict[str | int, int] | None:
    """Index by identity; None where an item has none or two have the same."""
    found: dict[str | int, int] = {}
    for index, item in enumerate(items):
        who = identity_of(item)
        if who is None:
            return None
        found[who] = index
    return found if len(found) == len(items) else None


def _by_content(
    old: list[Value], new: list[Value], depth: int
) -> tuple[list[Pair], list[Pair], list[Pair]]:
    marks_old = [mark(item, depth) for item in old]
    marks_new = [mark(item, depth) for item in new]
    kept = align(marks_old, marks_new)
    unlike = [
        (i + place, j + place)
        for i, i_end, j, j_end in hunks(kept, len(old), len(new))
        if i_end - i == j_end - j
        for place in range(i_end - i)
        if resemble(old[i + place], new[j + place], depth)
    ]
    kept = sorted(kept + unlike)
    stays, arrives = {i for i, _ in kept}, {j for _, j in kept}
    waiting: dict[Hashable, list[int]] = defaultdict(list)
    for j in range(len(new) - 1, -1, -1):
        if j not in arrives and _is_worth_shifting(marks_new[j]):
            waiting[marks_new[j]].append(j)
    moved = [
        (i, waiting[marks_old[i]].pop())
        for i in range(len(old))
        if i not in stays and waiting.get(marks_old[i])
    ]
    return kept, [] if len(moved) > MOST_SHIFTS else moved, unlike


def mark(item: Value, depth: int) -> Hashable:
    """What two items have in common exactly when they are the same."""
    kind = type(item)
    return (kind, item) if kind in PLAIN else canonical(item, depth)


def _is_worth_shifting(mark: Hashable) -> bool:
    text = mark[1] if isinstance(mark, tuple) else mark
    return isinstance(text, (str, bytes)) and len(text) >= WORTH_SHIFTING


def resemble(old: Value, new: Value, depth: int) -> bool:
    """Whether one item is better told as a change of the other than as another one."""
    kind = type(old)
    if kind is not type(new):
        return False
    if kind is dict:
        return any(key in new and same(value, new[key], depth + 1) for key, value in old.items())
    return kind is list and bool(old) and bool(new)


def hunks(kept: list[Pair], long: int, wide: int) -> Iterator[tuple[int, int, int, int]]:
    """The gaps between kept pairs: start and end in the old list, start and end in the new."""
    i = j = 0
    for i_end, j_end in [*kept, (long, wide)]:
        if i < i_end or j < j_end:
            yield i, i_end, j, j_end
        i, j = i_end + 1, j_end + 1


def _in_stages(
    path: Path, old: list[Value], new: list[Value], found: Alignment
) -> Iterator[Change]:
    """Removals from the end, then moves, then insertions from the start."""
    for start, end in reversed(list(_runs(i for i in range(len(old)) if i not in found.partners))):
        yield Splice(path, start, tuple(old[start:end]), ())
    # What is left, by the index that each has in the new list.
    order = [found.partners[i] for i in range(len(old)) if i in found.partners]
    settled = [j for _, j in found.kept]
    for i, j in sorted(found.moved, key=lambda pair: pair[1]):
        start = order.index(j)
        del order[start]
        place = bisect_left(settled, j)
        stop = order.index(settled[place - 1]) + 1 if place else 0
        order.insert(stop, j)
        insort(settled, j)
        if start != stop:
            item = old[i]["id"] if found.by_identity else digest_of(old[i])
            yield Shift(path, start, stop, item, found.by_identity)
    for start, end in _runs(j for j in range(len(new)) if j not in found.arrivals):
        yield Splice(path, start, (), tuple(new[start:end]))


def _runs(numbers: Iterable[int]) -> Iterator[tuple[int, int]]:
    """Start and end of each run of increasing neighbours."""
    start = end = -1
    for number in numbers:
        if number != end:
            if end > start:
                yield start, end
            start = number
        end = number + 1
    if end > start:
        yield start, end
