"""Threads: the messages of one conversation by what they are about ("two flats at once"). Pure.

A message joins a thread by, in this order: the message it replies to or answers; an entity that
names something (a reference, an address, a dictionary's entry, not a date or an amount); words in
common; else the thread that was spoken in last. A clear change of subject by the other side opens
a new one. Every operation returns a new state.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import msgspec
from msgspec import Struct

from ...model.errors import InvalidInput, NotFound
from ...model.turn import Said
from ...model.understanding import Cues

MAX_THREADS = 5
"""Threads of a conversation that are known; the one that rested longest is forgotten."""
MAX_STEMS = 8
MAX_ENTITIES = 3
MAX_LINKS = 10
"""Messages whose thread is known, for replies to them."""
MAX_FORMER = 4
MAX_MOVED = 24
"""Messages that were split off and are remembered as such; the log still names their old thread."""
MAX_TITLE = 40
"""Characters."""
SIMILAR = 0.33
"""Share of the shorter list of stems that must be common to both."""
SHIFTED = 0.55
"""A change of subject from which a new thread opens."""

_VALUES = frozenset(
    {
        "date", "time", "datetime", "duration", "money", "number", "quantity", "percentage", "area",
        "length", "people", "ordinal", "temperature", "distance", "weight", "age", "count", "color",
    }
)  # fmt: skip
"""Labels of entities that say something about a thing and do not name it."""


class Thread(Struct, frozen=True, array_like=True, gc=False):
    """`former` are the ids of threads that were merged into this one."""

    id: str
    title: str
    stems: tuple[str, ...]
    entities: tuple[str, ...]
    last_at: int
    former: tuple[str, ...] = ()


class Threads(Struct, frozen=True, array_like=True, gc=False):
    """The threads of a conversation, the last used one first. `links`: message id, thread id;
    `moved` likewise, of messages that were split off."""

    next: int = 1
    threads: tuple[Thread, ...] = ()
    links: tuple[tuple[str, str], ...] = ()
    moved: tuple[tuple[str, str], ...] = ()

    def thread_of(self, message_id: str | None) -> str | None:
        """The thread of a message that is still known."""
        if message_id is None:
            return None
        return next((thread for known, thread in self.links if known == message_id), None)

    def get(self, thread_id: str) -> Thread:
        """Raises NotFound."""
        for thread in self.threads:
            if thread.id == thread_id or thread_id in thread.former:
                return thread
        raise NotFound(f"no thread {thread_id!r} in this conversation")


def assign(
    state: Threads,
    cues: Cues,
    message_id: str,
    at_us: int,
    *,
    from_peer: bool,
    links: Sequence[str | None] = (),
    shift: float = 0.0,
) -> tuple[Threads, str]:
    """The state with this message in it, and its thread's id.

    `links` are messages it belongs with, the surest first (what it replies to, the question it
    answers); `shift` is how surely the subject changed (0 to 1).
    """
    named = [entity for entity in cues.entities if entity.partition(":")[0] not in _VALUES]
    chosen = _chosen(state, cues, named, links, shift, from_peer)
    if chosen is None:
        thread = Thread(f"t{state.next}", _title(cues, named), (), (), at_us)
        state = msgspec.structs.replace(state, next=state.next + 1)
    else:
        thread = chosen
    thread = Thread(
        thread.id,
        thread.title or _title(cues, named),
        _newest(cues.topic[: MAX_STEMS // 2], thread.stems, MAX_STEMS),
        _newest(named, thread.entities, MAX_ENTITIES),
        at_us,
        thread.former,
    )
    others = [other for other in state.threads if other.id != thread.id][: MAX_THREADS - 1]
    known = [link for link in state.links if link[0] != message_id][1 - MAX_LINKS :]
    links_now = (*known, (message_id, thread.id))
    return Threads(state.next, (thread, *others), links_now, state.moved), thread.id


def _chosen(
    state: Threads,
    cues: Cues,
    named: list[str],
    links: Sequence[str | None],
    shift: float,
    from_peer: bool,
) -> Thread | None:
    """The thread that a message belongs to; None: a new one."""
    if not state.threads:
        return None
    current = state.threads[0]
    for link in links:
        of = state.thread_of(link)
        linked = next((thread for thread in state.threads if thread.id == of), None)
        if linked is not None:
            return linked
    if named:
        shared = [len(set(named) & set(thread.entities)) for thread in state.threads]
        if max(shared):
            return state.threads[shared.index(max(shared))]
        labels = {entity.partition(":")[0] for entity in named}
        other = {entity.partition(":")[0] for entity in current.entities}
        if from_peer and labels & other:
            # Another one of the same kind: the second flat.
            return None
    best, most, now = current, 0.0, 0.0
    if cues.topic:
        mine = set(cues.topic)
        for thread in state.threads:
            near = _similarity(mine, thread.stems)
            if thread is current:
                now = near
            if near > most:
                best, most = thread, near
    if most >= SIMILAR and most > now:
        return best
    new = from_peer and shift >= SHIFTED and most < SIMILAR and len(cues.topic) > 1
    return None if new else current


def _similarity(mine: set[str], other: Sequence[str]) -> float:
    if not other:
        return 0.0
    return len(mine.intersection(other)) / max(2, min(len(mine), len(other)))


def _newest(new: Sequence[str], old: Sequence[str], most: int) -> tuple[str, ...]:
    """What was said now before what was said earlier, once each."""
    return tuple(dict.fromkeys((*new, *old)))[:most]


def _title(cues: Cues, named: list[str]) -> str:
    if named:
        return named[0].partition(":")[2][:MAX_TITLE]
    return " ".join(cues.topic[:3])[:MAX_TITLE]


def rename(state: Threads, thread_id: str, title: str) -> Threads:
    """Gives a thread a title. Raises NotFound, InvalidInput."""
    title = " ".join(title.split())
    if not 0 < len(title) <= MAX_TITLE:
        raise InvalidInput(f"a title has 1 to {MAX_TITLE} characters", field="title")
    changed = msgspec.structs.replace(state.get(thread_id), title=title)
    return _with(state, [changed if t.id == changed.id else t for t in state.threads])


def merge(state: Threads, into: str, other: str) -> Threads:
    """Makes one thread of two; it keeps the id and the title of `into`. Raises NotFound,
    InvalidInput when both are the same."""
    kept, gone = state.get(into), state.get(other)
    if kept.id == gone.id:
        raise InvalidInput("a thread cannot be merged with itself", field="other")
    merged = Thread(
        kept.id,
        kept.title,
        _newest(kept.stems, gone.stems, MAX_STEMS),
        _newest(kept.entities, gone.entities, MAX_ENTITIES),
        max(kept.last_at, gone.last_at),
        (*kept.former, *gone.former, gone.id)[-MAX_FORMER:],
    )
    threads = [merged if t.id == kept.id else t for t in state.threads if t.id != gone.id]
    threads.sort(key=lambda thread: -thread.last_at)
    links = tuple((message, kept.id if of == gone.id else of) for message, of in state.links)
    return Threads(state.next, tuple(threads), links, state.moved)


def split(
    state: Threads, thread_id: str, messages: Iterable[str], cues: Cues, title: str = ""
) -> tuple[Threads, str]:
    """Takes these messages out of a thread into a new one; returns its id.

    `cues` say what they are about: those stems and entities go with them. Raises NotFound, and
    InvalidInput when one of the messages is not known to be in that thread.
    """
    thread = state.get(thread_id)
    moved = set(messages)
    known = {message for message, of in state.links if of == thread.id}
    if not moved or not moved <= known:
        raise InvalidInput("messages that are not known in that thread", field="messages")
    named = [entity for entity in cues.entities if entity in thread.entities]
    new = Thread(
        f"t{state.next}",
        title or _title(cues, named),
        tuple(cues.topic[:MAX_STEMS]),
        tuple(cues.entities[:MAX_ENTITIES]),
        thread.last_at,
    )
    left = msgspec.structs.replace(
        thread,
        stems=tuple(name for name in thread.stems if name not in cues.topic),
        entities=tuple(name for name in thread.entities if name not in cues.entities),
    )
    threads = (new, *(left if t.id == thread.id else t for t in state.threads))[:MAX_THREADS]
    links = tuple((message, new.id if message in moved else of) for message, of in state.links)
    gone = [one for one in state.moved if one[0] not in moved]
    gone += [(message, new.id) for message, _ in links if message in moved]
    return Threads(state.next + 1, threads, links, tuple(gone[-MAX_MOVED:])), new.id


def _with(state: Threads, threads: list[Thread]) -> Threads:
    return msgspec.structs.replace(state, threads=tuple(threads))


def ids_of(state: Threads, thread_id: str | None) -> frozenset[str]:
    """The ids under which lines of this thread were written down, those merged into it included;
    none where the thread is not known."""
    if thread_id is None:
        return frozenset()
    for thread in state.threads:
        if thread.id == thread_id:
            return frozenset((thread.id, *thread.former))
    return frozenset((thread_id,))


def of_thread(
    lines: Iterable[Said], thread_ids: frozenset[str], moved: Mapping[str, str] | None = None
) -> list[Said]:
    """The lines of these threads, in their order. A line whose thread is not known is left out:
    nothing may pass from one thread to another. `moved` are `Threads.moved`."""
    homes = moved or {}
    return [line for line in lines if homes.get(line.id, line.thread) in thread_ids]
