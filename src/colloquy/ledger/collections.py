"""Collections: what kinds of records the ledger holds, and how each is brought into its tables.

Whoever changes a record, ordinary work, a rollback, a merge or an import, writes a ledger row and
hands it to the record's collection, so that tables and indexes which follow from records never
drift (engine decision 30). A collection that has no tables of its own needs no more than a name:
its records are what the ledger says.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Generator, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec

from ..model.errors import InvalidInput
from ..storage.commit import Rows, number_changes
from ..storage.write_set import Change
from .merge import NO_RESOLVERS, Missing, Resolvers
from .values import Value, from_wire, to_wire

Steps = Generator[tuple[str, Rows], Rows, None]

MAX_NAME = 64
MAX_KEY = 2048
MAX_VALUE = 1_572_864
"""Bytes of one record as JSON: a file of 1 MiB in base64, and room for its name."""

_ENCODER = msgspec.json.Encoder(order="deterministic")


class Write(NamedTuple):
    """A ledger row on its way into the tables that follow from it."""

    change: Change
    position: int


class Refused(Exception):
    """A collection does not let a record be restored: the text says why, for the conflict."""


class Collection:
    """Records of one kind. Override what the kind needs.

    `restorable`: a rollback of everything takes it along; else it is only restored when named.
    """

    restorable = True
    plain = True
    """Nothing in `compose`, `check` and `needs`: its records are restored without being read."""
    resolvers: Resolvers = NO_RESOLVERS
    """How contested values of these records are merged."""

    def __init__(self, name: str) -> None:
        if not name or len(name) > MAX_NAME:
            raise InvalidInput(f"a collection's name has 1 to {MAX_NAME} characters")
        self.name = name

    def rank(self, key: str) -> int:
        """What others build on has a lower rank: it is restored first and removed last. From 1."""
        return 1

    def entities(self, key: str) -> tuple[str, ...]:
        """The entities that the record is about."""
        return (key,)

    def needs(self, key: str, value: Value) -> list[tuple[str, str]]:
        """(collection, key) of records without which this one makes no sense. One that was not
        there when this one had its value is not missed."""
        return []

    def compose(
        self, key: str, now: Value | Missing, then: Value | Missing, named: bool
    ) -> Value | Missing:
        """What a record becomes that is `now` and is to be `then`: here may stay what no rollback
        touches. `named`: whoever asked named this record or its collection."""
        return then

    def check(self, key: str, now: Value | Missing, then: Value | Missing) -> None:
        """Raises Refused when `now` may not become `then` by a rollback."""

    def lock(self, keys: Sequence[str]) -> Steps:
        """Takes the row locks that `apply` will need, in key order, before the ledger's counter."""
        yield from ()

    def apply(self, writes: Sequence[Write]) -> Steps:
        """Brings the tables that follow from these rows up to date, in their transaction."""
        yield from ()

    async def verify(self, records: Mapping[str, bytes | None]) -> list[str]:
        """Keys of records whose tables say something else than these values (JSON)."""
        return []

    async def settle(self, keys: Sequence[str]) -> None:
        """Does outside the database what follows from these rows, after their commit.

        Called again after a crash: it must bear that.
        """


class Collections:
    """All that are known, by name; an unknown name is a collection without tables."""

    def __init__(self, known: Iterable[Collection] = ()) -> None:
        self._known: dict[str, Collection] = {}
        for collection in known:
            self.add(collection)

    def add(self, collection: Collection) -> None:
        """Raises InvalidInput for a second one of that name."""
        if collection.name in self._known:
            raise InvalidInput(f"there is a collection {collection.name!r} already")
        self._known[collection.name] = collection

    def __getitem__(self, name: str) -> Collection:
        found = self._known.get(name)
        if found is None:
            found = self._known[name] = Collection(name)
        return found

    def names(self) -> list[str]:
        return sorted(self._known)

    def write(self, changes: Sequence[Change]) -> Generator[tuple[str, Rows], Rows, list[int]]:
        """Writes ledger rows and what follows from them; returns their positions.

        `lock` must have been called for them in this transaction where other processes write too.
        """
        positions = yield from number_changes(changes)
        of: dict[str, list[Write]] = defaultdict(list)
        for change, position in zip(changes, positions, strict=True):
            of[change.collection].append(Write(change, position))
        for name in sorted(of):
            yield from self[name].apply(of[name])
        return positions

    def lock(self, keys: Iterable[tuple[str, str]]) -> Steps:
        of: dict[str, set[str]] = defaultdict(set)
        for name, key in keys:
            of[name].add(key)
        for name in sorted(of):
            yield from self[name].lock(sorted(of[name]))


def check_shape(value: Value, shape: type) -> None:
    """Raises Refused for a value that is not one of this kind of structs."""
    try:
        msgspec.convert(value, shape)
    except msgspec.ValidationError as error:
        raise Refused(str(error)) from None


def encode_value(value: Value) -> bytes:
    """A record's value as it stands in the ledger: canonical JSON.

    Raises InvalidInput for what is no value, or over MAX_VALUE bytes.
    """
    body = _ENCODER.encode(to_wire(value))
    if len(body) > MAX_VALUE:
        raise InvalidInput(f"a record has at most {MAX_VALUE:,} bytes, not {len(body):,}")
    return body


def decode_value(body: bytes) -> Value:
    return from_wire(msgspec.json.decode(body))


def check_key(collection: Any, key: Any) -> tuple[str, str]:
    """Raises InvalidInput with the field."""
    if not isinstance(collection, str) or not 0 < len(collection) <= MAX_NAME:
        raise InvalidInput(
            f"a collection is text of 1 to {MAX_NAME} characters", field="collection"
        )
    if not isinstance(key, str) or not 0 < len(key) <= MAX_KEY:
        raise InvalidInput(f"a key is text of 1 to {MAX_KEY} characters", field="key")
    if "\0" in collection or "\0" in key:
        raise InvalidInput("a key has no U+0000", field="key")
    return collection, key
