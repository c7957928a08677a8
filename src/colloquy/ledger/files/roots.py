"""Which files may be captured and restored: the allow-list of the settings, and keys in it."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from ...model.errors import InvalidInput
from ..collections import MAX_KEY
from ..scope import pattern_of

_WILD = re.compile(r"[*?]")


class Root(NamedTuple):
    """A folder; `patterns` are of paths below it, none stand for all. `given` is the folder as the
    settings name it, `real` without symbolic links."""

    name: str
    given: str
    real: str
    patterns: tuple[re.Pattern[str], ...]


class Place(NamedTuple):
    root: Root
    parts: tuple[str, ...]

    @property
    def key(self) -> str:
        return "/".join((self.root.name, *self.parts))


class Roots:
    """Keys are `folder/path`, where `folder` is the last part of an allowed folder's name."""

    def __init__(self, entries: Iterable[str]) -> None:
        """Raises InvalidInput for two folders of one name."""
        self._roots: dict[str, Root] = {}
        for entry in entries:
            self._add(_root(entry))

    def _add(self, root: Root) -> None:
        other = self._roots.get(root.name)
        if other is not None:
            if other.real != root.real:
                raise InvalidInput(
                    f"two folders are called {root.name!r}: their files could not be told apart",
                    field="ledger.files",
                )
            both = (*other.patterns, *root.patterns) if other.patterns and root.patterns else ()
            root = other._replace(patterns=both)
        self._roots[root.name] = root

    def place(self, key: str) -> Place:
        """Where the file of a key is. Raises InvalidInput for one that is not allowed."""
        place = self._split(key)
        if not place.parts or not self.allows(place):
            raise InvalidInput(f"{key!r:.200} is in no folder of `ledger.files`", field="key")
        return place

    def find(self, path: str) -> Place:
        """A file or folder by its absolute path, or by its key. Raises InvalidInput."""
        if not path.startswith("/"):
            return self._split(path)
        found = sorted(self._holding(os.path.normpath(path)), key=lambda one: len(one.parts))
        for place in found:
            if place.parts and self.allows(place):
                return place
        if not found:
            raise InvalidInput(f"{path!r:.200} is in no folder of `ledger.files`", field="paths")
        return found[0]

    def _holding(self, path: str) -> Iterator[Place]:
        """The path in each of the folders that it is in: they may lie in each other."""
        for root in self._roots.values():
            for folder in {root.given, root.real}:
                if path == folder:
                    yield Place(root, ())
                elif path.startswith(f"{folder}/"):
                    yield self._split(f"{root.name}/{path[len(folder) + 1 :]}")

    def allows(self, place: Place) -> bool:
        text = "/".join(place.parts)
        patterns = place.root.patterns
        return not patterns or any(pattern.fullmatch(text) for pattern in patterns)

    def _split(self, key: str) -> Place:
        name, *parts = key.split("/")
        root = self._roots.get(name)
        if root is None:
            raise InvalidInput(f"{key!r:.200} is in no folder of `ledger.files`", field="key")
        bad = any(part in ("", ".", "..") or "\0" in part for part in parts)
        if bad or len(key) > MAX_KEY:
            raise InvalidInput(f"{key!r:.200} is no path of a file", field="key")
        try:
            key.encode()
        except UnicodeEncodeError:
            raise InvalidInput(f"{key!r:.200} is no UTF-8", field="key") from None
        return Place(root, tuple(parts))


def _root(entry: str) -> Root:
    parts = entry.rstrip("/").split("/")
    wild = next((index for index, part in enumerate(parts) if _WILD.search(part)), len(parts))
    given = os.path.normpath(Path("/".join(parts[:wild]) or "/").absolute())
    name = Path(given).name
    if not name:
        raise InvalidInput("a folder below / is wanted, not / itself", field="ledger.files")
    pattern = "/".join(parts[wild:])
    patterns = (pattern_of(pattern),) if pattern else ()
    return Root(name, given, os.path.realpath(given), patterns)
