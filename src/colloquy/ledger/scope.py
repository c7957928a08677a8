"""Scope: which changes an operation is about. Partial and time-based rollback are scopes, nothing
more.

All that is given must hold; an empty scope is everything. `keys`, `include`, `exclude`,
`namespaces`, `components` and `entities` look at the record, `sessions`, `actors`, the times and
`origin` at the single change.
"""

from __future__ import annotations

import re
from datetime import datetime
from functools import cached_property

from msgspec import Struct

from ..model.errors import InvalidInput
from ..model.times import to_us
from ..storage.store import ChangeRow
from .collections import Collections, check_key

MAX_NAMES = 1000
"""Entries of one list of a scope."""
MAX_PATTERN = 512

NEVER = frozenset({"session_read"})
"""Collections whose rows are a record of what people did, not a state that anything reads."""


class Scope(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, dict=True):
    """`keys` and the patterns are `collection/key`; in a pattern `*` is any text without `/`,
    `**` any text, `?` one character. Exclusion wins over everything.

    `namespaces`: keys that begin with this text. `components`: keys with this as a whole part
    between `/`, `.`, `:` and `|`. `entities`: records about this entity, as the collection says.
    `sessions` are conversation ids; times are RFC 3339, `since` inclusive, `until` exclusive;
    `max_age_s` counts back from when the operation is planned. `origin`: what this operation wrote.
    """

    collections: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    namespaces: tuple[str, ...] = ()
    components: tuple[str, ...] = ()
    entities: tuple[str, ...] = ()
    sessions: tuple[str, ...] = ()
    actors: tuple[str, ...] = ()
    since: datetime | None = None
    until: datetime | None = None
    max_age_s: float | None = None
    origin: str = ""
    allow_unmatched: bool = False

    @property
    def is_whole(self) -> bool:
        return self == Scope(allow_unmatched=self.allow_unmatched)

    @property
    def looks_at_changes(self) -> bool:
        """Whether it tells changes of one record apart: by who made them, when, and in what."""
        return bool(self.actors or self.sessions or self.origin) or not (
            self.since is None and self.until is None and self.max_age_s is None
        )

    @property
    def looks_at_keys(self) -> bool:
        """Whether it tells records of one collection apart."""
        return bool(
            self.keys or self.include or self.exclude or self.namespaces or self.components
            or self.entities
        )  # fmt: skip

    def records(self) -> Scope:
        """What it says of records, without whose changes, in which conversations and when."""
        return Scope(
            collections=self.collections, keys=self.keys, include=self.include,
            exclude=self.exclude, namespaces=self.namespaces, components=self.components,
            entities=self.entities,
        )  # fmt: skip

    @cached_property
    def exact(self) -> frozenset[tuple[str, str]]:
        return frozenset(split_key(text) for text in self.keys)

    @cached_property
    def _included(self) -> list[re.Pattern[str]]:
        return [pattern_of(pattern) for pattern in self.include]

    @cached_property
    def _excluded(self) -> list[re.Pattern[str]]:
        return [pattern_of(pattern) for pattern in self.exclude]

    @cached_property
    def _parts(self) -> re.Pattern[str] | None:
        if not self.components:
            return None
        names = "|".join(re.escape(name) for name in self.components)
        return re.compile(rf"(?:^|[/.:|])(?:{names})(?:$|[/.:|])")

    def has_record(self, collection: str, key: str, known: Collections) -> bool:
        """Whether the record is in the scope, whoever changed it and when."""
        named = (collection, key) in self.exact
        if self.collections:
            if collection not in self.collections:
                return False
        elif not named and (collection in NEVER or not known[collection].restorable):
            return False
        if self.keys and not named:
            return False
        text = f"{collection}/{key}"
        if any(pattern.fullmatch(text) for pattern in self._excluded):
            return False
        if self.include and not any(pattern.fullmatch(text) for pattern in self._included):
            return False
        if self.namespaces and not key.startswith(self.namespaces):
            return False
        if self._parts is not None and not self._parts.search(key):
            return False
        return not self.entities or not set(self.entities).isdisjoint(
            known[collection].entities(key)
        )

    def names(self, collection: str, key: str) -> bool:
        """Whether whoever made the scope named this record or its collection."""
        return collection in self.collections or (collection, key) in self.exact

    def has_change(self, row: ChangeRow, sessions: frozenset[int], now: int) -> bool:
        """Whether the change itself is in the scope. `sessions` are the numbers of `sessions`."""
        if self.actors and row.actor not in self.actors:
            return False
        if self.sessions and row.session not in sessions:
            return False
        if self.origin and row.origin != self.origin:
            return False
        if self.since is not None and row.at < to_us(self.since):
            return False
        if self.until is not None and row.at >= to_us(self.until):
            return False
        return self.max_age_s is None or row.at >= now - int(self.max_age_s * 1_000_000)

    def overlaps(self, other: Scope) -> bool:
        """False only where both can never meet in one record."""
        both = self.collections and other.collections
        if both and set(self.collections).isdisjoint(other.collections):
            return False
        return not (self.keys and other.keys) or not self.exact.isdisjoint(other.exact)


def check_scope(scope: Scope) -> Scope:
    """Raises InvalidInput with the field."""
    for name in ("collections", "keys", "include", "exclude", "namespaces", "components",
                 "entities", "sessions", "actors"):  # fmt: skip
        entries: tuple[str, ...] = getattr(scope, name)
        if len(entries) > MAX_NAMES:
            raise InvalidInput(f"at most {MAX_NAMES} entries", field=f"scope.{name}")
        for index, entry in enumerate(entries):
            if not entry or len(entry) > 4096:
                raise InvalidInput(
                    "an entry has 1 to 4096 characters", field=f"scope.{name}[{index}]"
                )
    for index, text in enumerate(scope.keys):
        split_key(text, f"scope.keys[{index}]")
    for name in ("include", "exclude"):
        for index, pattern in enumerate(getattr(scope, name)):
            if len(pattern) > MAX_PATTERN:
                raise InvalidInput(
                    f"a pattern has at most {MAX_PATTERN} characters",
                    field=f"scope.{name}[{index}]",
                )
    for name in ("since", "until"):
        moment: datetime | None = getattr(scope, name)
        if moment is not None and moment.tzinfo is None:
            raise InvalidInput("a time needs a zone (RFC 3339)", field=f"scope.{name}")
    if scope.since is not None and scope.until is not None and scope.until <= scope.since:
        raise InvalidInput("`until` must be after `since`", field="scope.until")
    if scope.max_age_s is not None and not 0 < scope.max_age_s < 1e10:
        raise InvalidInput("`max_age_s` must be above 0", field="scope.max_age_s")
    return scope


def split_key(text: str, field: str = "key") -> tuple[str, str]:
    """`collection/key` in its parts. Raises InvalidInput."""
    collection, slash, key = text.partition("/")
    if not slash:
        raise InvalidInput("a record is named `collection/key`", field=field)
    return check_key(collection, key)


def pattern_of(pattern: str) -> re.Pattern[str]:
    """`*` is any text without `/`, `**` any text, `?` one character but `/`."""
    # Stars in a row are one, and no group repeats: such a pattern takes no more than text × stars.
    parts = re.split(r"(\*+|\?)", pattern)
    found = {"?": "[^/]", "*": "[^/]*"}
    text = "".join(
        found.get(part, ".*" if part.startswith("**") else re.escape(part)) for part in parts
    )
    return re.compile(text, re.DOTALL)
