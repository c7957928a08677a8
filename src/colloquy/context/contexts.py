"""Puts contexts together for turns: what `turn.context.assemble` and `turn.context.recall` do."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Iterable, Sequence
from typing import Any, NamedTuple

from ..graph.briefing import Briefing, Promise, Told
from ..model.context import AssembledContext
from ..model.errors import InvalidInput, Unavailable
from ..model.times import Clock
from ..model.turn import Pin, Said, Turn
from ..model.understanding import EMOTIONS_OFF
from ..telemetry import get_logger
from .assemble import Found, Known, Sources, Summary, assemble
from .cache import TTLCache
from .lines import Conversation, Line
from .memory import Memories
from .recall.results import Filters
from .summaries import summed_up
from .validation import Validator

log = get_logger(__name__)

RECENT = 30
"""Last lines that are offered to a context."""
RECALLED = 25
MAX_RECALLED = 100
MAX_ATTRIBUTES = 12
MAX_PROMISES = 5
MAX_FACTS = 5
NAMED_BY = "name"
SAID = Filters(roles=("visitor", "assistant", "agent", "human", "team", "system"))
"""What somebody said, and no tool."""

RECALL, SUMMARY, GRAPH, VALIDATION = (
    "enable_context_recall",
    "enable_context_compression",
    "enable_context_graph",
    "enable_context_validation",
)
MEMORY, CACHING = "enable_memory_system", "enable_caching"
FEELING = EMOTIONS_OFF
"""The flags that switch parts of contexts off."""

At = Callable[[Conversation, Iterable[int]], Awaitable[Sequence[Line]]]
"""(session, sequence numbers) → the lines there, in order."""
IsOn = Callable[[str, Turn], bool]
Brief = Callable[[str, str, int], Awaitable[Briefing]]
"""(id of the person, text, microseconds since 1970) → what is known around them then."""


_BYTES_PER_ITEM = 400
"""Of an item beside its text."""


def _size_of(context: AssembledContext) -> int:
    return sum(len(item.text) + _BYTES_PER_ITEM for item in context.items)


class _Remembered(NamedTuple):
    recent: Sequence[Line]
    found: Sequence[Found]
    summary: Sequence[Summary]
    beside: Sequence[Line]


class _Learned(NamedTuple):
    profile: Sequence[Known] = ()
    facts: Sequence[Known] = ()
    promises: Sequence[Known] = ()


class Contexts:
    """One per process."""

    def __init__(
        self,
        memories: Memories,
        at: At,
        is_on: IsOn,
        clock: Clock,
        *,
        budget: int,
        validator: Validator,
        brief: Brief,
    ) -> None:
        """`budget`: tokens of a context, unless another number is asked for."""
        self._budget = budget
        self.validator = validator
        """What contexts are held to; rules may be added and removed at any time."""
        self.cache: TTLCache[Hashable, AssembledContext] = TTLCache(size=_size_of)
        """Contexts of the last turns: a turn that is tried again, or asked twice, has its own."""
        self._memories = memories
        self._brief = brief
        self._at = at
        self._is_on = is_on
        self._clock = clock

    async def recall(self, turn: Turn, text: str, limit: int) -> list[Said]:
        """The lines before this turn that a text is about, best first; none where that is off.

        Raises InvalidInput, Unavailable.
        """
        if not 1 <= limit <= MAX_RECALLED:
            raise InvalidInput(f"1 to {MAX_RECALLED} lines are recalled", field="limit")
        if not self._recalls(turn):
            return []
        found = await self._memories.search(
            turn.session, text, limit, now=self._clock(), filters=SAID
        )
        own = _own(turn)
        there = await self._at(turn.session, [one.seq for one in found])
        lines = {line.seq: line for line in there if line.id not in own}
        return [said_of(lines[one.seq]) for one in found if one.seq in lines]

    def _recalls(self, turn: Turn) -> bool:
        return self._is_on(MEMORY, turn) and self._is_on(RECALL, turn)

    async def assemble(self, turn: Turn, budget: int | None = None) -> AssembledContext:
        """The context of the turn in at most `budget` tokens.

        What is switched off, or cannot be asked at the moment, is named in `off`.
        Raises BudgetTooSmall, ContextInvalid, InvalidInput, Unavailable.
        """
        budget = self._budget if budget is None else budget
        key = (turn.id, turn.session.last_seq, turn.message_id, tuple(turn.pinned), budget)
        if not self._is_on(CACHING, turn):
            found = await self._assemble(turn, budget)
        else:
            found = await self.cache.load(key, lambda: self._assemble(turn, budget))
        if found.off:
            self.cache.drop(key)
        if self._is_on(VALIDATION, turn):
            (await self.validator.validate(found, now=self._clock())).require()
        return found

    async def _assemble(self, turn: Turn, budget: int) -> AssembledContext:
        off: list[str] = []
        # Beside each other: the graph is read in another thread, or by another connection.
        (learned, without), known = await asyncio.gather(
            self._learn(turn), self._remember(turn, off)
        )
        off += without
        off += [flag for flag in (VALIDATION, FEELING) if not self._is_on(flag, turn)]
        ids = set(turn.flow.open_questions)
        sources = Sources(
            _message_of(turn),
            recent=known.recent,
            questions=[line for line in known.recent if line.id in ids],
            pinned=[_known_of(pin) for pin in turn.pinned],
            recalled=known.found,
            thread=[line for line in known.recent if turn.thread and line.thread == turn.thread],
            summary=known.summary,
            profile=learned.profile,
            feeling=_feeling_of(turn) if FEELING not in off else "",
            facts=learned.facts,
            beside=known.beside,
            commitments=learned.promises,
            off=off,
        )
        made = assemble(sources, budget, self._memories.counter)
        if SUMMARY in off or not made.left_out.get("recent") or _has_summary(made):
            return made
        return summed_up(sources, budget, self._memories.counter)

    async def _remember(self, turn: Turn, off: list[str]) -> _Remembered:
        own = _own(turn)
        recalls = self._recalls(turn) and bool(turn.incoming)
        async with self._memories.of(turn.session) as memory:
            tail = [line for line in memory.tail if line.id not in own]
            hits = memory.index.search(turn.text, RECALLED, now=self._clock()) if recalls else []
            summary = memory.summary
        here = {line.seq: line for line in tail}
        there = await self._at(turn.session, [hit.seq for hit in hits if hit.seq not in here])
        here.update((line.seq, line) for line in there)
        if not self._recalls(turn):
            off.append(RECALL)
        if not self._is_on(SUMMARY, turn):
            off.append(SUMMARY)
            summary = ()
        return _Remembered(
            tail[-RECENT:],
            [
                Found(here[hit.seq], hit.score)
                for hit in hits
                if hit.seq in here and here[hit.seq].id not in own
            ],
            [Summary(sentence.text, sentence.seqs) for sentence in summary],
            [line for line in here.values() if line.pair],
        )

    async def _learn(self, turn: Turn) -> tuple[_Learned, list[str]]:
        """And what is off of it."""
        if not (self._is_on(MEMORY, turn) and self._is_on(GRAPH, turn)):
            return _Learned(), [GRAPH]
        text = turn.text if turn.incoming else ""
        try:
            known = await self._brief(turn.graph.person, text, self._clock())
        except Unavailable as error:
            # The answer does without: what was said is there.
            log.warning("context_without_graph", code=error.code, detail=error.detail)
            return _Learned(), ["graph"]
        return _Learned(
            [] if known.person is None else _attributes(known.person),
            [one for told in known.named for one in _attributes(told, told.name or told.id)],
            [_promised(one) for one in known.promises if _is_open(one)],
        ), []


def _has_summary(context: AssembledContext) -> bool:
    return any(item.kind == "summary" for item in context.items)


def _is_open(promise: Promise) -> bool:
    return bool(promise.told.attributes.get("status", "open") == "open")


def _promised(promise: Promise) -> Known:
    told = promise.told
    due = told.attributes.get("dueAt")
    text = f"promised: {told.attributes.get('text', told.id)}" + (f", due {due}" if due else "")
    ends = [end for end in (told.until.get("text"), promise.until) if end is not None]
    return Known(text, f"fact:{told.id}|text", until=min(ends, default=None))


def _attributes(entity: Told, of: str = "") -> list[Known]:
    """Each attribute in words, with the key of its fact and when it ends."""
    prefix = f"{of}: " if of else ""
    return [
        Known(
            f"{prefix}{name} {_words(value)}",
            f"fact:{entity.id}|{name}",
            until=entity.until.get(name),
        )
        for name, value in list(entity.attributes.items())[:MAX_ATTRIBUTES]
        if not (of and name == NAMED_BY)
    ]


def _words(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(map(_words, value))
    if isinstance(value, dict):
        return ", ".join(f"{name} {_words(each)}" for name, each in value.items())
    return str(value)


def _message_of(turn: Turn) -> Line:
    """The turn's text as the line that follows all others."""
    seq = turn.session.last_seq + 1
    if not turn.incoming:
        fired = turn.fired.name if turn.fired is not None else ""
        return Line(seq, "system", f"It is time: {fired}", turn.session.updated_at)
    sender = turn.message.sender
    return Line(
        seq,
        "visitor" if sender is None or sender.kind == "person" else sender.kind,
        turn.text,
        turn.incoming[-1].received_at,
        id=turn.message_id,
        speaker=(sender.name if sender is not None else None) or "",
        thread=turn.thread,
    )


def _own(turn: Turn) -> set[str]:
    """The turn's own messages: they are in the log already where it was parked or is done again.
    And what stands there and was never said."""
    return {*turn.unsaid, *(incoming.message_id.hex() for incoming in turn.incoming)}


def _known_of(pin: Pin) -> Known:
    return Known(pin.text, f"message:{pin.id}", pin.at)


def _feeling_of(turn: Turn) -> str:
    """Nothing while nobody felt anything."""
    return turn.feelings.summary() if turn.feelings.usual != "neutral" else ""


def said_of(line: Line) -> Said:
    """The line as handlers see it."""
    return Said(line.role, line.text, line.at, line.thread, line.id)
