"""Finding the script from one state to another.

What is equal is passed over by comparisons written in C, never item by item; only where two parts
differ are they taken apart. Keys that are gone and keys that are new are held back to the end and
matched: a value with its old `id`, or one long enough to be told by its content, was moved.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable
from operator import is_
from typing import Any, NamedTuple

from colloquy.ledger.canonical import canonical
from colloquy.ledger.values import DEEPEST, PLAIN, Value, alike, check, key_of, same, too_deep
from colloquy.model.errors import InvalidInput

from .changes import Add, Change, Move, Remove, Replace, Script, digest_of
from .lists import Alignment, align_items, identity_of, restructure
from .paths import Item, Path, format_path

WORTH_MOVING = 64
"""Bytes of canonical text from which on an equal value is taken for the same one, moved. Shorter
ones are often equal by chance, and their move would be longer than their removal."""

_ABSENT: Any = object()
_GLANCE = 16
"""Neighbours compared in one go: where a hundred of 10,000 differ, most of these are equal."""
_TOGETHER = 256
"""Equal neighbours whose types are compared in one go."""


def diff(old: Value, new: Value) -> Script:
    """The script from one state to another; empty exactly when they are the same.

    It does not depend on the order of keys. Lists of dictionaries whose fields `id` (a text or an
    integer) are all different are compared by identity, other lists by content, with the fewest
    removals and insertions (see `sequences.align` for the bound).

    Raises InvalidInput, with the path as its field, for what is no value, and beyond `DEEPEST`
    levels. Parts that compare as equal are not searched for such. The script refers to parts of
    both states: change neither while it is in use, or take it through `encode`.
    """
    comparison = _Comparison()
    comparison.value((), old, new)
    comparison.settle()
    return Script(tuple(comparison.changes))


class _Comparison:
    """The changes found so far, and the keys that went and came, in the places they have now."""

    def __init__(self) -> None:
        self.changes: list[Change] = []
        self.gone: list[tuple[Path, Value]] = []
        self.come: list[tuple[Path, Value]] = []

    def value(self, path: Path, old: Value, new: Value) -> None:
        kind = type(old)
        if kind is type(new):
            if kind is dict:
                return self.mapping(path, old, new)
            if kind is list:
                return self.sequence(path, old, new)
        _checked(path, old)
        _checked(path, new)
        if not same(old, new, len(path)):
            self.changes.append(Replace(path, old, new))

    def mapping(self, path: Path, old: dict[str, Value], new: dict[str, Value]) -> None:
        if len(path) >= DEEPEST:
            raise too_deep(_shown(path))
        keys = list(old)
        ours = list(old.values())
        if keys == list(new):
            theirs = list(new.values())
        else:
            theirs = [new.get(key, _ABSENT) for key in keys]
        missing: list[str] = []
        differing: list[str] = []
        try:
            equal = _Equal([], [], [])
            for start in range(0, len(keys), _GLANCE):
                some, others = ours[start : start + _GLANCE], theirs[start : start + _GLANCE]
                if some != others:
                    rows = zip(keys[start : start + _GLANCE], some, others, strict=True)
                    _tell_apart(rows, missing, differing, equal)
                elif not all(map(is_, some, others)):
                    equal.keys.extend(keys[start : start + _GLANCE])
                    equal.ours.extend(some)
                    equal.theirs.extend(others)
            differing += _unlike(equal, len(path) + 1)
        except RecursionError:
            differing = [key for key in old if key in new]
            missing = [key for key in old if key not in new]
        if len(new) > len(old) - len(missing):
            self.come += [
                ((*path, key), new[key])
                for key in _sorted(path, (key for key in new if key not in old))
            ]
        self.gone += [((*path, key), old[key]) for key in _sorted(path, missing)]
        for key in _sorted(path, differing):
            self.value((*path, key), old[key], new[key])

    def sequence(self, path: Path, old: list[Value], new: list[Value]) -> None:
        if len(path) >= DEEPEST:
            raise too_deep(_shown(path))
        if same(old, new, len(path)):
            return
        try:
            found: Alignment = align_items(old, new, len(path) + 1)
        except InvalidInput:
            for index, item in (*enumerate(old), *enumerate(new)):
                _checked((*path, index), item)
            raise
        for i, item in enumerate(old):
            if i not in found.partners:
                _checked((*path, i), item)
        for j, item in enumerate(new):
            if j not in found.arrivals:
                _checked((*path, j), item)
        self.changes += restructure(path, old, new, found)
        for i, j in found.unlike:
            step = Item(new[j]["id"]) if found.by_identity else j
            self.value((*path, step), old[i], new[j])

    def settle(self) -> None:
        """Makes moves of what went and came, then removals and additions of the rest."""
        while self.gone and self.come and self._renamed():
            pass
        if self.gone and self.come:
            self._match(_renamed_content)
            self._match(_content)
        self.changes += [Remove(path, _checked(path, value)) for path, value in self.gone]
        self.changes += [Add(path, _checked(path, value)) for path, value in self.come]

    def _renamed(self) -> bool:
        """Matches values of one dictionary by identity; True if that may have found more keys."""
        before = len(self.gone) + len(self.come)
        matched = self._match(
            lambda path, value: None if (who := identity_of(value)) is None else (path[:-1], who)
        )
        held = before - 2 * len(matched)
        for path, old, new in matched:
            self.value(path, old, new)
        return len(self.gone) + len(self.come) > held

    def _match(
        self, mark: Callable[[Path, Value], Hashable | None]
    ) -> list[tuple[Path, Value, Value]]:
        """Moves values whose marks are equal and not None; returns where, and both values."""
        gone, come = _marked(self.gone, mark), _marked(self.come, mark)
        matched = []
        done: set[Path] = set()
        for key, sources in gone.items():
            for (path, old), (to, new) in zip(sources, come.get(key, ()), strict=False):
                self.changes.append(Move(path, to, digest_of(_checked(path, old))))
                matched.append((to, old, new))
                done |= {path, to}
        self.gone = [entry for entry in self.gone if entry[0] not in done]
        self.come = [entry for entry in self.come if entry[0] not in done]
        return matched


def _marked(
    entries: Iterable[tuple[Path, Value]], mark: Callable[[Path, Value], Hashable | None]
) -> dict[Hashable, list[tuple[Path, Value]]]:
    found: dict[Hashable, list[tuple[Path, Value]]] = defaultdict(list)
    for path, value in entries:
        key = mark(path, value)
        if key is not None:
            found[key].append((path, value))
    return found


def _content(path: Path, value: Value) -> bytes | None:
    if type(value) not in (str, bytes, dict, list):
        return None
    _checked(path, value)
    text = canonical(value, len(path))
    return text if len(text) >= WORTH_MOVING else None


def _renamed_content(path: Path, value: Value) -> Hashable | None:
    text = _content(path, value)
    return None if text is None else (path[:-1], text)


class _Equal(NamedTuple):
    """Keys whose values are equal, though maybe of other types, and those values."""

    keys: list[str]
    ours: list[Value]
    theirs: list[Value]


def _tell_apart(
    rows: Iterable[tuple[str, Value, Value]],
    missing: list[str],
    differing: list[str],
    equal: _Equal,
) -> None:
    for key, value, other in rows:
        if value is other:
            continue
        if other is _ABSENT:
            missing.append(key)
        elif value != other:
            differing.append(key)
        elif type(value) not in PLAIN or type(value) is not type(other):
            equal.keys.append(key)
            equal.ours.append(value)
            equal.theirs.append(other)


def _unlike(equal: _Equal, depth: int) -> list[str]:
    """Of keys with equal values, those whose values are not the same."""
    found: list[str] = []
    for start in range(0, len(equal.keys), _TOGETHER):
        some = slice(start, start + _TOGETHER)
        if not alike(equal.ours[some], equal.theirs[some]):
            rows = zip(equal.keys[some], equal.ours[some], equal.theirs[some], strict=True)
            found += [key for key, left, right in rows if not same(left, right, depth)]
    return found


def _sorted(path: Path, keys: Iterable[str]) -> list[str]:
    found = list(keys)
    try:
        for key in found:
            key_of(key)
    except InvalidInput as error:
        raise _at(path, error) from None
    return sorted(found)


def _checked(path: Path, value: Value) -> Value:
    try:
        check(value, len(path))
    except InvalidInput as error:
        raise _at(path, error) from None
    return value


def _at(path: Path, error: InvalidInput) -> InvalidInput:
    return type(error)(error.detail, field=_shown(path))


def _shown(path: Path) -> str:
    # A path as deep as can be would fill a screen.
    return format_path(path)[:1000]
