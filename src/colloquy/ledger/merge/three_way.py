"""Three-way merge: what two sides made of one base, joined.

Same values are never taken apart, and what one side left as it was is the other's. What both
changed is merged part by part:

- Dictionaries by key. A renamed key is one removed and one added.
- Lists whose items have identities (`diff.lists.identities`) by identity. Additions and removals
  go together, moves too. Where both moved the same items apart, the list is in conflict.
- Other lists by content (`diff3`). What both changed at one place is merged item by item if there
  are as many items on each side, each like the one in the base; otherwise the list is in conflict.
- Texts with line breaks by lines, with "\\n" between them, so that every other character is kept.

All else is in conflict, as is a removal against a change. A base of another type counts as empty,
except for texts. A conflict is at the whole value that could not be merged.
"""

from __future__ import annotations

from collections.abc import Hashable

import msgspec

from colloquy.ledger.diff import Item, Path, format_path
from colloquy.ledger.diff.lists import identities, mark, resemble
from colloquy.ledger.values import Value, check, same
from colloquy.model.errors import InvalidInput

from .conflicts import MISSING, PathConflict, classify
from .diff3 import Chunk, diff3, merged_order
from .measure import extent
from .resolvers import NO_RESOLVERS, Resolvers, Rule


class Merged(msgspec.Struct, frozen=True):
    """The outcome of a merge. No path is in two of its lists, nor below one in `conflicts`."""

    value: Value
    """At the paths of `conflicts` it has what ours has, `MISSING` if that is nothing."""
    conflicts: tuple[PathConflict, ...]
    """By the text of their paths; an index is that of `value`."""
    confidence: float
    """100 if nothing was contested. Otherwise: of the leaves that either side changed, the share
    that was merged without a forced choice, in per cent. What a resolver settled counts by the
    confidence of its choice, what is in conflict does not count."""
    kept: tuple[Path, ...]
    """Where only ours changed something, or its value was chosen."""
    taken: tuple[Path, ...]
    """Where only theirs changed something, or its value was chosen."""
    merged: tuple[Path, ...]
    """Where one value was made of both."""


def merge(
    base: Value,
    ours: Value,
    theirs: Value,
    *,
    resolvers: Resolvers = NO_RESOLVERS,
    path: Path = (),
) -> Merged:
    """Joins the changes that lead from `base` to `ours` (what is there now) and to `theirs`.

    Any of them may be `MISSING`. `path` is where they lie: the paths of the outcome begin with it,
    and rules are matched against the whole. The outcome shares parts with the three values.

    Raises InvalidInput, with `base`, `ours` or `theirs` as its field, for what is no value.
    """
    for side, value in (("base", base), ("ours", ours), ("theirs", theirs)):
        if value is not MISSING:
            _check(side, value, len(path))
    merging = _Merge(resolvers)
    value = merging.value(path, base, ours, theirs)
    return Merged(
        value,
        tuple(sorted(merging.conflicts, key=lambda conflict: format_path(conflict.path))),
        merging.confidence(),
        tuple(merging.kept),
        tuple(merging.taken),
        tuple(merging.merged),
    )


class _Merge:
    """What was found so far."""

    def __init__(self, resolvers: Resolvers) -> None:
        self.resolvers = resolvers
        self.conflicts: list[PathConflict] = []
        self.kept: list[Path] = []
        self.taken: list[Path] = []
        self.merged: list[Path] = []
        # Base, changed value and depth. They are measured only if something was contested.
        self._changes: list[tuple[Value, Value, int]] = []
        self._contested: list[tuple[PathConflict, float]] = []

    def value(self, path: Path, base: Value, ours: Value, theirs: Value) -> Value:
        depth = len(path)
        if same(ours, theirs, depth):
            if not same(base, ours, depth):
                self._changes.append((base, ours, depth))
            return ours
        if same(base, theirs, depth):
            self.kept.append(path)
            self._changes.append((base, ours, depth))
            return ours
        if same(base, ours, depth):
            self.taken.append(path)
            self._changes.append((base, theirs, depth))
            return theirs
        rule = self.resolvers.rule_for(path, ours, theirs)
        kind = type(ours)
        if kind is type(theirs) and not (rule and rule.takes_whole()):
            if kind is dict:
                return self._mapping(path, base if type(base) is dict else {}, ours, theirs)
            found: list[Value] | str | None = None
            if kind is list:
                found = self._sequence(path, base if type(base) is list else [], ours, theirs)
            elif kind is str and type(base) is str and "\n" in base + ours + theirs:
                found = self._text(path, base, ours, theirs)
            if found is not None:
                return found
        return self._contest(path, base, ours, theirs, rule)

    def confidence(self) -> float:
        if not self._contested:
            return 100.0
        total = sum(extent(base, side, depth) for base, side, depth in self._changes)
        lost = 0.0
        for conflict, confidence in self._contested:
            depth = len(conflict.path)
            weight = max(
                extent(conflict.base, conflict.ours, depth),
                extent(conflict.base, conflict.theirs, depth),
            )
            total += weight
            lost += weight * (1 - confidence / 100)
        return max(0.0, 100 * (1 - lost / total))

    def _mapping(
        self,
        path: Path,
        base: dict[str, Value],
        ours: dict[str, Value],
        theirs: dict[str, Value],
    ) -> dict[str, Value]:
        found = {}
        for key in {**ours, **theirs, **base}:
            before = base.get(key, MISSING)
            here, there = ours.get(key, MISSING), theirs.get(key, MISSING)
            value = here
            if here is not before or there is not before:
                value = self.value((*path, key), before, here, there)
            if value is not MISSING:
                found[key] = value
        return found

    def _sequence(
        self, path: Path, base: list[Value], ours: list[Value], theirs: list[Value]
    ) -> list[Value] | None:
        """The list, or None where it cannot be merged; then nothing was noted."""
        before, here, there = identities(base), identities(ours), identities(theirs)
        if before is None or here is None or there is None:
            return self._elements(path, base, ours, theirs)
        order = merged_order(list(before), list(here), list(there))
        if order is None:
            return None
        if [who for who in order if who in here] != list(here):
            self.merged.append(path)
        found = []
        for who in [*order, *(who for who in before if who not in here and who not in there)]:
            item = self.value(
                (*path, Item(who)),
                base[before[who]] if who in before else MISSING,
                ours[here[who]] if who in here else MISSING,
                theirs[there[who]] if who in there else MISSING,
            )
            if item is not MISSING:
                found.append(item)
        return found

    def _elements(
        self, path: Path, base: list[Value], ours: list[Value], theirs: list[Value]
    ) -> list[Value] | None:
        depth = len(path) + 1
        marks: list[list[Hashable]] = [
            [mark(item, depth) for item in side] for side in (base, ours, theirs)
        ]
        chunks = list(diff3(*marks))
        for chunk in chunks:
            if chunk.in_conflict() and not _item_by_item(chunk, base, ours, theirs, depth):
                return None
        self.merged.append(path)
        found: list[Value] = []
        for chunk in chunks:
            before, here, there = base[chunk.base], ours[chunk.ours], theirs[chunk.theirs]
            if chunk.in_conflict():
                for triple in zip(before, here, there, strict=True):
                    item = self.value((*path, len(found)), *triple)
                    if item is not MISSING:
                        found.append(item)
                continue
            found += chunk.merged(ours, theirs)
            if chunk.change != "stable":
                self._changes.append((before, list(chunk.merged(ours, theirs)), depth - 1))
        return found

    def _text(self, path: Path, base: str, ours: str, theirs: str) -> str | None:
        before, here, there = base.split("\n"), ours.split("\n"), theirs.split("\n")
        lines: list[str] = []
        for chunk in diff3(before, here, there):
            if chunk.in_conflict():
                return None
            lines += chunk.merged(here, there)
        self.merged.append(path)
        self._changes += [(base, ours, len(path)), (base, theirs, len(path))]
        return "\n".join(lines)

    def _contest(
        self, path: Path, base: Value, ours: Value, theirs: Value, rule: Rule | None
    ) -> Value:
        conflict = PathConflict(path, base, ours, theirs, classify(base, ours, theirs))
        answer = rule.ask(conflict) if rule else None
        if answer is None or isinstance(answer, str):
            conflict = msgspec.structs.replace(conflict, error=answer)
            self.conflicts.append(conflict)
            self._contested.append((conflict, 0.0))
            return ours
        self._contested.append((conflict, answer.confidence))
        if same(answer.value, ours, len(path)):
            self.kept.append(path)
        elif same(answer.value, theirs, len(path)):
            self.taken.append(path)
        else:
            self.merged.append(path)
        return answer.value


def _item_by_item(
    chunk: Chunk, base: list[Value], ours: list[Value], theirs: list[Value], depth: int
) -> bool:
    before, here, there = base[chunk.base], ours[chunk.ours], theirs[chunk.theirs]
    return len(before) == len(here) == len(there) and all(
        (same(item, one, depth) or resemble(item, one, depth))
        and (same(item, other, depth) or resemble(item, other, depth))
        for item, one, other in zip(before, here, there, strict=True)
    )


def _check(side: str, value: Value, depth: int) -> None:
    try:
        check(value, depth)
    except InvalidInput as error:
        raise type(error)(error.detail, field=side) from None
