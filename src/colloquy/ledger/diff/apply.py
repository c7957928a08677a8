"""Carrying out a script: every change is checked against what it finds.

Containers are copied on the way to a change, once each, and never written before; all else is
shared with the state the script was applied to, and with the script.
"""

from __future__ import annotations

from typing import Any

from colloquy.ledger.values import Value, same
from colloquy.model.errors import Conflict, InvalidInput

from .changes import Add, Change, Move, Remove, Replace, Script, Shift, Splice, digest_of
from .lists import identity_of
from .paths import Item, Path, Step, format_path


def apply(state: Value, script: Script) -> Value:
    """The state that the script leads to; `state` itself is not touched.

    Raises Conflict, with the path as its field, where the state is not the one that a change was
    made for: what it replaces is not there or another value, a key that it adds exists, an index
    is outside the list, no item has the identity.
    """
    target = Target(state)
    for change in script.changes:
        target.apply(change)
    return target.state


class Target:
    """A state that changes are applied to, one by one."""

    def __init__(self, state: Value) -> None:
        self._top: list[Value] = [state]
        # Copies made here, by their address; held, so that no address is used again meanwhile.
        self._own: dict[int, Value] = {}
        self._places: dict[int, dict[str | int, int]] = {}

    @property
    def state(self) -> Value:
        return self._top[0]

    def resolve(self, path: Path) -> tuple[str | int, ...]:
        """The path with an index in place of each identity. Raises Conflict."""
        found: list[str | int] = []
        value: Any = self.state
        for place, step in enumerate(path):
            found.append(self._key(value, step, path[: place + 1]))
            value = self._child(value, found[-1], path[: place + 1])
        return tuple(found)

    def apply(self, change: Change) -> None:
        """Makes one change. Raises Conflict, and then may have copied but has changed nothing."""
        match change:
            case Add(path, new):
                self._add(path, new)
            case Remove(path, old):
                self._expect(self._get(path), old, path)
                self._delete(path)
            case Replace(path, old, new):
                self._expect(self._get(path), old, path)
                self._set(path, new)
            case Move(path, to, digest):
                self._move(path, to, digest)
            case Splice():
                self._splice(change)
            case Shift():
                self._shift(change)

    def _add(self, path: Path, new: Value) -> None:
        parent = self._open(path[:-1])
        key = _last_key(path)
        if type(parent) is not dict:
            raise _conflict("a key is to be added, but there is no dictionary", path)
        if key in parent:
            raise _conflict("the key to be added exists already", path)
        parent[key] = new
        self._forget(parent, key)

    def _delete(self, path: Path) -> None:
        parent, key = self._open(path[:-1]), _last_key(path)
        del parent[key]
        self._forget(parent, key)

    def _set(self, path: Path, new: Value) -> None:
        if not path:
            self._top[0] = new
            return
        parent = self._open(path[:-1])
        key = self._key(parent, path[-1], path)
        parent[key] = new
        self._forget(parent, key)

    def _move(self, path: Path, to: Path, digest: str) -> None:
        value = self._get(path)
        if digest_of(value) != digest:
            raise _conflict("the value to be moved is another one", path)
        if to[: len(path)] == path:
            raise _conflict("a value cannot be moved into itself", to)
        self._add(to, value)
        self._delete(path)

    def _splice(self, change: Splice) -> None:
        items, index = self._list(change.path), change.index
        end = index + len(change.removed)
        if index > len(items) or end > len(items):
            raise _conflict(f"the list has only {len(items)} items", (*change.path, index))
        for place, old in enumerate(change.removed, index):
            self._expect(items[place], old, (*change.path, place))
        items[index:end] = change.added
        self._places.pop(id(items), None)

    def _shift(self, change: Shift) -> None:
        items = self._list(change.path)
        if max(change.start, change.stop) >= len(items):
            raise _conflict(f"the list has only {len(items)} items", change.path)
        item = items[change.start]
        found = identity_of(item) if change.by_identity else digest_of(item)
        if found != change.item:
            raise _conflict("the item to be moved is another one", (*change.path, change.start))
        items.insert(change.stop, items.pop(change.start))
        self._places.pop(id(items), None)

    def _list(self, path: Path) -> list[Value]:
        items = self._open(path)
        if type(items) is not list:
            raise _conflict("items are to be changed, but there is no list", path)
        return items

    def _get(self, path: Path) -> Value:
        value: Any = self.state
        for place, step in enumerate(path):
            there = path[: place + 1]
            value = self._child(value, self._key(value, step, there), there)
        return value

    def _open(self, path: Path) -> Any:
        """The value at the path; containers on the way, and itself, are copied where need be."""
        container: Any = self._top
        for place, step in enumerate((0, *path)):
            there = path[:place]
            key = self._key(container, step, there)
            value = self._child(container, key, there)
            if type(value) in (dict, list) and id(value) not in self._own:
                value = value.copy()
                self._own[id(value)] = value
                container[key] = value
            container = value
        return container

    def _key(self, container: Any, step: Step, there: Path) -> str | int:
        if not isinstance(step, Item):
            return step
        if type(container) is list:
            places = self._places.get(id(container))
            if places is None:
                # Of items with one identity none can be meant.
                places = {}
                twice = set()
                for index, item in enumerate(container):
                    who = identity_of(item)
                    if who is not None:
                        if who in places:
                            twice.add(who)
                        places[who] = index
                for who in twice:
                    del places[who]
                if id(container) in self._own:
                    self._places[id(container)] = places
            if step.id in places:
                return places[step.id]
        raise _conflict("not exactly one item has this identity", there)

    def _child(self, container: Any, key: str | int, there: Path) -> Value:
        kind = type(container)
        if kind is dict and type(key) is str and key in container:
            return container[key]
        if kind is list and type(key) is int and 0 <= key < len(container):
            return container[key]
        raise _conflict("there is nothing", there)

    def _expect(self, found: Value, old: Value, path: Path) -> None:
        if not same(found, old):
            raise _conflict("the value to be replaced is another one", path)

    def _forget(self, container: Any, key: str | int) -> None:
        """Drops what was known of identities where one may have changed."""
        if key == "id":
            self._places.clear()
        elif type(container) is list:
            self._places.pop(id(container), None)


def _last_key(path: Path) -> str:
    if not path or type(path[-1]) is not str:
        raise InvalidInput("the path does not end with a key", field=format_path(path))
    return path[-1]


def _conflict(detail: str, path: Path) -> Conflict:
    return Conflict(detail, field=format_path(path)[:1000])
