"""The changes of which a script consists, the way back, and their form in JSON.

The changes of a script are made one after the other: each path and index is meant in the state that
the changes before have left. Each change holds what it replaces, so that it can be turned round and
notices when it meets another state than it was made for.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import msgspec

from colloquy.ledger.canonical import checksum
from colloquy.ledger.values import Value, from_wire, to_wire
from colloquy.model.errors import InvalidInput

from .paths import Path, format_path, parse_path


class Add(msgspec.Struct, frozen=True):
    """A dictionary gets a key that it did not have."""

    path: Path
    new: Value


class Remove(msgspec.Struct, frozen=True):
    """A dictionary loses a key."""

    path: Path
    old: Value


class Replace(msgspec.Struct, frozen=True):
    """The value at a path becomes another. The empty path is the whole state."""

    path: Path
    old: Value
    new: Value


class Move(msgspec.Struct, frozen=True):
    """A value goes from one key to a new one: a rename, or a move to another dictionary.

    `digest` is `digest_of` the value.
    """

    path: Path
    to: Path
    digest: str


class Splice(msgspec.Struct, frozen=True):
    """In the list at `path`, the items from `index` on that are `removed` make room for `added`."""

    path: Path
    index: int
    removed: tuple[Value, ...]
    added: tuple[Value, ...]


class Shift(msgspec.Struct, frozen=True):
    """In the list at `path`, the item at index `start` is taken out and put back at `stop`.

    `stop` is an index of the list without the item. `item` says which item it is: the identity in
    a list of items with identities, otherwise `digest_of` the item.
    """

    path: Path
    start: int
    stop: int
    item: str | int
    by_identity: bool


Change: TypeAlias = Add | Remove | Replace | Move | Splice | Shift


class Script(msgspec.Struct, frozen=True):
    """The way from one state to another, change by change."""

    changes: tuple[Change, ...] = ()

    def __len__(self) -> int:
        return len(self.changes)

    def __bool__(self) -> bool:
        return bool(self.changes)


_ENCODER = msgspec.json.Encoder(order="deterministic")

VERSION = 1
"""Of the form in JSON. A reader refuses one that it does not know."""


def digest_of(value: Value) -> str:
    """32 hexadecimal digits (128 bits) that tell the value a change moved from any other."""
    return checksum(value)[:32]


def invert(script: Script) -> Script:
    """The script that leads back: `apply(apply(a, script), invert(script))` is a."""
    return Script(tuple(map(_turned, reversed(script.changes))))


def _turned(change: Change) -> Change:
    match change:
        case Add(path, new):
            return Remove(path, new)
        case Remove(path, old):
            return Add(path, old)
        case Replace(path, old, new):
            return Replace(path, new, old)
        case Move(path, to, digest):
            return Move(to, path, digest)
        case Splice(path, index, removed, added):
            return Splice(path, index, added, removed)
        case Shift(path, start, stop, item, by_identity):
            return Shift(path, stop, start, item, by_identity)


def encode(script: Script) -> bytes:
    """The script as JSON: `{"changes": [["set", "/price", 850, 900], …], "version": 1}`.

    A row is the kind, the path and the other fields in their order. Values are in the form of
    `values.to_wire`, keys in the order of their code points: a script has one text. Raises
    InvalidInput for a script with what is no value.
    """
    rows = [_row(change) for change in script.changes]
    return _ENCODER.encode({"version": VERSION, "changes": rows})


def decode(document: bytes | str) -> Script:
    """The script that `encode` wrote. Raises InvalidInput that names the row that is wrong."""
    try:
        found = msgspec.json.decode(document)
    except (msgspec.DecodeError, RecursionError, UnicodeError) as error:
        raise InvalidInput(f"a script is JSON: {error}") from None
    if type(found) is not dict or type(found.get("changes")) is not list:
        raise InvalidInput('a script is an object with "version" and "changes"')
    if found.get("version") != VERSION:
        raise InvalidInput(
            f"version {found.get('version')!r:.40} of a script; this reads version {VERSION}",
            field="version",
        )
    return Script(tuple(_change(row, place) for place, row in enumerate(found["changes"])))


def _row(change: Change) -> list[Any]:
    path = format_path(change.path)
    match change:
        case Add(_, new):
            return ["add", path, to_wire(new)]
        case Remove(_, old):
            return ["remove", path, to_wire(old)]
        case Replace(_, old, new):
            return ["set", path, to_wire(old), to_wire(new)]
        case Move(_, to, digest):
            return ["move", path, format_path(to), digest]
        case Splice(_, index, removed, added):
            return ["splice", path, index, to_wire(list(removed)), to_wire(list(added))]
        case Shift(_, start, stop, item, by_identity):
            return ["shift", path, start, stop, to_wire(item), by_identity]


def _change(row: Any, place: int) -> Change:
    try:
        if type(row) is list and row and type(row[0]) is str:
            kind, *fields = row
            if kind in _READERS:
                return _READERS[kind](*fields)
        raise InvalidInput(f"a change is a row that begins with one of {', '.join(_READERS)}")
    except InvalidInput as error:
        raise InvalidInput(error.detail, field=f"changes[{place}]") from None
    except (TypeError, RecursionError) as error:
        raise InvalidInput(f"no {row[0]}: {error}", field=f"changes[{place}]") from None


def _path(text: Any) -> Path:
    if type(text) is not str:
        raise InvalidInput("a path is a string")
    return parse_path(text)


def _key_path(text: Any) -> Path:
    path = _path(text)
    if not path or type(path[-1]) is not str:
        raise InvalidInput(f"the path {text!r:.80} does not end with a key")
    return path


def _index(number: Any) -> int:
    if type(number) is not int or number < 0:
        raise InvalidInput(f"{number!r:.40} is no index")
    return number


def _read_splice(path: Any, index: Any, removed: Any, added: Any) -> Splice:
    if type(removed) is not list or type(added) is not list:
        raise InvalidInput("what a splice removes and adds are lists")
    return Splice(_path(path), _index(index), tuple(from_wire(removed)), tuple(from_wire(added)))


def _read_shift(path: Any, start: Any, stop: Any, item: Any, by_identity: Any) -> Shift:
    who = from_wire(item)
    if type(by_identity) is not bool or type(who) not in (str, int):
        raise InvalidInput("a shift ends with a text or integer and a boolean")
    return Shift(_path(path), _index(start), _index(stop), who, by_identity)


def _read_move(path: Any, to: Any, digest: Any) -> Move:
    if type(digest) is not str:
        raise InvalidInput("the digest of a move is a string")
    return Move(_key_path(path), _key_path(to), digest)


_READERS: dict[str, Callable[..., Change]] = {
    "add": lambda path, new: Add(_key_path(path), from_wire(new)),
    "remove": lambda path, old: Remove(_key_path(path), from_wire(old)),
    "set": lambda path, old, new: Replace(_path(path), from_wire(old), from_wire(new)),
    "move": _read_move,
    "splice": _read_splice,
    "shift": _read_shift,
}
