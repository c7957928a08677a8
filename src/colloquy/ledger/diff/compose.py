"""Two scripts in a row as one.

The changes of the second follow those of the first, and a change of what the first has changed is
folded into it, as long as nothing between the two can tell.
"""

from __future__ import annotations

from collections import defaultdict

from colloquy.ledger.values import same

from .changes import Add, Change, Move, Remove, Replace, Script, Shift, Splice
from .paths import Item, Path


def compose(first: Script, second: Script) -> Script:
    """The script with the effect of both: `apply(apply(a, first), second)` in one go.

    Additions, removals and replacements at one path become one change or none; moves and changes
    of whole lists are kept as they are.
    """
    folding = _Folding()
    for change in (*first.changes, *second.changes):
        folding.take(change)
    return Script(tuple(change for change in folding.changes if change is not None))


class _Folding:
    def __init__(self) -> None:
        self.changes: list[Change | None] = []
        # Changes that a later one at the same path may still be folded into.
        self._open: dict[Path, int] = {}
        self._below: dict[Path, set[Path]] = defaultdict(set)
        # Lists whose items were named by identity (True) or by index (False). One item has both
        # names, so a list is only ever known by one of them.
        self._naming: dict[Path, bool] = {}

    def take(self, change: Change) -> None:
        self._name(change.path)
        match change:
            case Add() | Remove() | Replace():
                if change.path in self._open and self._fold(change):
                    return
                self._close(change.path)
                self._keep_open(change.path)
            case Move(path, to, _):
                self._name(to)
                self._close(path)
                self._close(to)
            case Splice(path) | Shift(path):
                self._close(path)
        self.changes.append(change)

    def _fold(self, change: Add | Remove | Replace) -> bool:
        place = self._open[change.path]
        match self.changes[place], change:
            case Add(path, _), Replace(_, _, new):
                folded: Change | None = Add(path, new)
            case Add(), Remove():
                folded = None
            case Replace(path, old, _), Replace(_, _, new):
                folded = None if same(old, new) else Replace(path, old, new)
            case Replace(path, old, _), Remove():
                folded = Remove(path, old)
            case Remove(path, old), Add(_, new):
                folded = None if same(old, new) else Replace(path, old, new)
            case _:
                return False
        self.changes[place] = folded
        if folded is None:
            self._close(change.path)
        return True

    def _keep_open(self, path: Path) -> None:
        # What replaces a whole item, or its identity, may change how the item is called.
        for place, step in enumerate(path):
            if type(step) is not str and place >= len(path) - 2 and path[-1] in (step, "id"):
                self._close(path[:place])
                return
        self._open[path] = len(self.changes)
        for end in range(len(path)):
            self._below[path[:end]].add(path)

    def _close(self, path: Path) -> None:
        """Forgets the changes above, at and below a path: they can be told from here on."""
        for end in range(len(path) + 1):
            self._open.pop(path[:end], None)
        for below in self._below.pop(path, ()):
            self._open.pop(below, None)

    def _name(self, path: Path) -> None:
        for place, step in enumerate(path):
            if type(step) is not str:
                by_identity = isinstance(step, Item)
                if self._naming.setdefault(path[:place], by_identity) != by_identity:
                    self._naming[path[:place]] = by_identity
                    self._close(path[:place])
