"""Lists of conversations: filtered, searched, newest activity first, and never a long scan.

Without a search the sessions are looked through in slabs in the order of their activity. A filter
that few pass ends a page early, with a place to go on from. A search starts from what was found.
"""

from __future__ import annotations

from typing import NamedTuple

from ..model.session import Session
from .search import match_of, query_words
from .store import Store, session_from

SLAB = 1000
"""Sessions looked at by one query."""
MAX_SLABS = 20
"""Queries for one page."""
MAX_HITS = 5000
"""Places in the log that a search brings, the newest."""

Place = tuple[int, int]
"""(updated_at, number) of a session."""

_TOP: Place = (2**63 - 1, 2**63 - 1)


class Wanted(NamedTuple):
    """What sessions must have; "" is anything."""

    status: str = ""
    owner: str = ""
    channel: str = ""
    account: str = ""
    intent: str = ""
    feeling: str = ""
    unread: int = -1
    """1 only unread ones, 0 only read ones, -1 both."""


async def list_sessions(
    store: Store, wanted: Wanted, search: str | None, place: Place | None, limit: int
) -> tuple[list[Session], Place | None]:
    """Up to `limit` sessions that come after `place`, and the place after which to go on."""
    place = place or _TOP
    if search is not None:
        return await _found(store, wanted, search, place, limit)
    table = "sessions"
    if wanted.status == "handed_over" or wanted.owner not in ("", "assistant"):
        table = "sessions_handed_over"
    # Where everything passes, nothing more than the page is looked at.
    slab = limit if wanted == Wanted() else SLAB
    sessions: list[Session] = []
    for _ in range(MAX_SLABS):
        left = limit - len(sessions)
        rows = await store.scan(f"{table}_page", *place, slab, *wanted, left)
        sessions += [session_from(row) for row in rows]
        if len(rows) == left:
            return sessions, _place_of(sessions[-1])
        ends = await store.scan(f"{table}_slab_end", *place, slab - 1)
        if not ends:
            return sessions, None
        place = ends[0]
    return sessions, place


async def _found(
    store: Store, wanted: Wanted, search: str, place: Place, limit: int
) -> tuple[list[Session], Place | None]:
    words = query_words(search)
    if not words:
        return [], None
    match = match_of(words, store.dialect)
    rows = await store.scan("sessions_found_page", match, MAX_HITS, *place, *wanted, limit)
    sessions = [session_from(row) for row in rows]
    return sessions, _place_of(sessions[-1]) if len(sessions) == limit else None


def _place_of(session: Session) -> Place:
    return session.updated_at, session.number
