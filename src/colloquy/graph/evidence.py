"""Evidence: why something is believed, and where that stands; merging it.

Merging takes any number of lists in any order, in one step or in many, with one result: the best
entry of each place, the best `limit` of those. Foreign data is read leniently, because a note that
is too long is no reason to lose the edge it stands on.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

from msgspec import Struct

from ..model.errors import InvalidInput
from .values import Share, T, finite_number

MAX_ENTRIES = 20
MAX_NOTE = 2000
MAX_VERSION = 200
MAX_PATH = 4096
MAX_NUMBER = 2**53
"""Of a line, a column or a position."""

SOURCES = {
    "manual": 4, "type-checker": 3, "message": 3, "ast": 2, "document": 2, "heuristic": 1,
    "index": 1, "runtime": 1, "lsp": 1, "model": 1,
}  # fmt: skip
"""Where knowledge comes from, and how far it goes before other knowledge.

Of code as in the older format; `manual` was entered by a person, `message` and `document` were
said or written there in words, `model` was concluded by a trained model.
"""

_ALIASES = {
    "call-typecheck": "type-checker", "ts": "type-checker", "checker": "type-checker",
    "tc": "type-checker", "ts-ast": "ast", "parser": "ast", "inferred": "heuristic",
    "indexer": "index", "instrumentation": "runtime", "language-server": "lsp",
}  # fmt: skip


class Location(Struct, frozen=True, omit_defaults=True, gc=False):
    """A place in a file; lines and columns as the extractor counts them. Line 0 is a line."""

    path: str | None = None
    line: int | None = None
    column: int | None = None


class Evidence(Struct, frozen=True, omit_defaults=True, rename="camel", gc=False):
    """One reason. `event` is the inbox number of the message that said it: its event has it too."""

    source: str
    confidence: Share | None = None
    location: Location | None = None
    event: int | None = None
    note: str | None = None
    extractor_version: str | None = None

    @property
    def origin(self) -> tuple[str, str, int]:
        """What it was taken from: two entries of one origin do not confirm each other."""
        path = self.location.path if self.location is not None else None
        return (self.source, path or "", -1 if self.event is None else self.event)


def source_named(value: Any, otherwise: str = "heuristic") -> str:
    """The source of that name or alias; `otherwise` without one, heuristic for an unknown one."""
    if not isinstance(value, str) or not value.strip():
        return otherwise
    text = value.strip().lower()
    text = _ALIASES.get(text, text)
    return text if text in SOURCES else "heuristic"


def read_location(raw: Any) -> Location | None:
    """A location out of foreign data; None where nothing of it can be used."""
    if isinstance(raw, Location):
        return raw
    if not isinstance(raw, Mapping):
        return None
    path, line, column = _text(raw.get("path"), MAX_PATH), raw.get("line"), raw.get("column")
    location = Location(path, _number(line), _number(column))
    return None if location == Location() else location


def read_evidence(raw: Any, otherwise: str = "heuristic") -> Evidence | None:
    """Evidence out of foreign data; None for what is no object.

    A missing source is `otherwise`. Text is cut at its limit, a confidence brought into 0 to 1; a
    part that makes no sense is left out.
    """
    if isinstance(raw, Evidence):
        return raw
    if not isinstance(raw, Mapping):
        return None
    return Evidence(
        source=source_named(raw.get("source"), otherwise),
        confidence=_share(raw.get("confidence")),
        location=read_location(raw.get("location")),
        event=_number(raw.get("event")),
        note=_text(raw.get("note"), MAX_NOTE),
        extractor_version=_text(raw.get("extractorVersion"), MAX_VERSION),
    )


def merge_evidence(*lists: Iterable[Evidence], limit: int = MAX_ENTRIES) -> list[Evidence]:
    """The best entry of each source and place, best sources first; at most `limit` of them.

    Within a source the surest comes first, then the first line. Associative, commutative and
    idempotent, also where the limit cuts. Raises InvalidInput for a negative limit.
    """
    best: dict[tuple[Any, ...], Evidence] = {}
    for entry in sorted((entry for one in lists for entry in one), key=_evidence_order):
        best.setdefault((entry.source, entry.event, entry.location), entry)
    return _cut(best.values(), limit)


def merge_locations(*lists: Iterable[Location], limit: int = MAX_ENTRIES) -> list[Location]:
    """Every place once, by path, line and column; at most `limit`. Laws as of `merge_evidence`."""
    return _cut(sorted({place for one in lists for place in one}, key=_location_order), limit)


def _cut(entries: Iterable[T], limit: int) -> list[T]:
    if limit < 0:
        raise InvalidInput("`limit` must be at least 0", field="limit")
    return list(entries)[:limit]


def _location_order(place: Location | None) -> tuple[Any, ...]:
    if place is None:
        return (1,)
    missing = [part is None for part in (place.line, place.column)]
    return (0, missing[0], place.line or 0, place.path or "", missing[1], place.column or 0,
            place.path is None)  # fmt: skip


def _evidence_order(entry: Evidence) -> tuple[Any, ...]:
    sure = entry.confidence
    return (
        -SOURCES.get(entry.source, 1),
        1.0 if sure is None else -sure,
        _location_order(entry.location),
        -1 if entry.event is None else entry.event,
        entry.source,
        entry.extractor_version or "",
        entry.note or "",
        entry.event is None,
        entry.extractor_version is None,
        entry.note is None,
    )


def _text(value: Any, limit: int) -> str | None:
    if not isinstance(value, str):
        return None
    return value.strip()[:limit].strip() or None


def _share(value: Any) -> float | None:
    number = finite_number(value)
    return None if number is None else min(1.0, max(0.0, number))


def _number(value: Any) -> int | None:
    number = finite_number(value)
    return None if number is None else min(MAX_NUMBER, max(0, math.floor(number + 0.5)))
