"""Names from the graph for the dictionary of understanding, without a restart.

It follows the entities in the order of their changes, keeps the names of the configured kinds in
memory, and writes them into the file that every compute process looks at before a batch. A message
that names one of them then has an entity whose value is its id. Nothing here is in the way of a
message; what was learned is recognised some seconds later.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import msgspec

from ..graph.admission import Limits
from ..model.errors import Unavailable
from ..model.times import Clock
from ..settings import GraphSettings
from ..storage.store import Store
from ..telemetry import get_logger
from ..understanding.entities.dictionary import Entry, fold
from ..understanding.entities.names import NamesFile, write_names
from ..understanding.pack import Pack

log = get_logger(__name__)

PAGE = 2000
"""Entities that one read looks at."""
STAFF = "staff"
"""The role of those people whose names are looked for: visitors are called what they are called."""
LEAST_NAME = 3
"""Characters of a name that is looked for in every message."""
MOST_ALIASES = 20
AWAY_S = 5.0
"""How long it waits where the database is away."""


class Knowing:
    """The names of one store. `tell` is given the ids whose names understanding may find."""

    def __init__(
        self,
        store: Store,
        settings: GraphSettings,
        file: Path,
        pack: Pack | None,
        tell: Callable[[frozenset[str]], None],
        clock: Clock,
    ) -> None:
        self._store = store
        self._settings = settings
        self._file = file
        self._tell = tell
        self._clock = clock
        self._kinds = frozenset(settings.names)
        self._own = _phrases_of(pack)
        self._limits = Limits(
            min_confidence=settings.names_confidence,
            min_length=LEAST_NAME,
            max_length=settings.max_length,
        )
        self._position = (-1, -1)
        self._names: OrderedDict[str, Entry] = OrderedDict()
        """By id, the one that changed last at the end."""
        self._told: frozenset[str] = frozenset()
        self._is_written = False

    def recall(self) -> None:
        """What the file says since the last run: understanding finds it from its first message."""
        self._told = frozenset(entry.value for entry in NamesFile(self._file).read())
        self._tell(self._told)

    async def run(self) -> None:
        """Follows the graph until cancelled: a task for the supervisor."""
        while True:
            try:
                more = await self.step()
            except Unavailable as error:
                log.warning("names_behind", detail=error.detail)
                await asyncio.sleep(AWAY_S)
                continue
            await asyncio.sleep(0 if more else self._settings.names_poll_s)

    async def step(self) -> bool:
        """Reads one page of what changed, and writes the file when that was all; says whether
        there is more. Raises StoreUnavailable, OSError."""
        changed, number = self._position
        rows = await self._store.scan("graph_entities_changed", changed, number, PAGE)
        if rows:
            last = rows[-1]
            self._position = (last[0], last[1])
            if await self._take(rows):
                self._is_written = False
        if len(rows) == PAGE:
            return True
        if not self._is_written:
            await self._write()
        return False

    async def _take(self, rows: Iterable[tuple[int, int, str, str | None, int | None]]) -> bool:
        """Brings the names up to date with these entities; says whether one changed."""
        ids: dict[int, tuple[str, str]] = {}
        changed = False
        for _, number, id_, kind, stands in rows:
            if kind in self._kinds and stands is None:
                ids[number] = (id_, kind)
            else:
                changed = self._names.pop(id_, None) is not None or changed
        if not ids:
            return changed
        wanted = [(n, predicate) for n in sorted(ids) for predicate in ("name", "aliases", "roles")]
        told: dict[int, dict[str, list[str]]] = {}
        now = self._clock()
        for row in await self._store.read("graph_facts_of_predicate", wanted):
            _, subject, predicate, _, _, value, _, valid_to, confidence, _, _ = row
            is_sure = predicate == "roles" or confidence >= self._settings.names_confidence
            if value is not None and is_sure and (valid_to is None or valid_to > now):
                texts = told.setdefault(subject, {}).setdefault(predicate, [])
                texts += _texts(msgspec.json.decode(value))
        for number, (id_, kind) in ids.items():
            entry = self._entry(id_, kind, told.get(number, {}))
            changed = self._put(id_, entry) or changed
        return changed

    def _entry(self, id_: str, kind: str, told: dict[str, list[str]]) -> Entry | None:
        if kind == "person" and STAFF not in told.get("roles", ()):
            return None
        names = [*told.get("name", ()), *sorted(told.get("aliases", ()))[:MOST_ALIASES]]
        # What the pack finds by itself keeps the value that its handlers know.
        phrases = [
            name
            for name in dict.fromkeys(names)
            if self._limits.refusal(name) is None and fold(name.strip()) not in self._own
        ]
        return Entry(kind, id_, phrases, fuzzy=False) if phrases else None

    def _put(self, id_: str, entry: Entry | None) -> bool:
        before = self._names.pop(id_, None)
        if entry is not None:
            self._names[id_] = entry
            while len(self._names) > self._settings.names_limit:
                self._names.popitem(last=False)
        return entry != before

    async def _write(self) -> None:
        ids = frozenset(self._names)
        # Those of before, too: a process that has not looked yet still finds them.
        self._tell(ids | self._told)
        self._told = ids
        entries = list(self._names.values())
        version = await asyncio.to_thread(write_names, self._file, entries)
        self._is_written = True
        log.debug("names_written", entities=len(entries), version=version)


def _texts(value: object) -> list[str]:
    """One text, or several where a kind of entity declares no set of them."""
    values = value if isinstance(value, list) else [value]
    return [text for text in values if isinstance(text, str)]


def _phrases_of(pack: Pack | None) -> frozenset[str]:
    return frozenset(fold(phrase.strip()) for phrase in _phrases(pack))


def _phrases(pack: Pack | None) -> Iterator[str]:
    if pack is not None:
        for values in pack.entities.values():
            for phrases in values.values():
                yield from phrases
