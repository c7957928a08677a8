"""One context out of everything that is known around a message, within a number of tokens.

What must be in comes first: the message, what is pinned, promises and questions that are open, and
a line's tool call with its result. The rest is shared out: who it is and how they feel, then
recent lines and recalled ones side by side, then the summary, facts, and lines of the same thread.
What one kind does not use the next ones have. Everything says where it came from, and what did not
fit is counted.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import zip_longest
from typing import NamedTuple

from ..model.context import ITEM_KINDS, AssembledContext, ContextItem, ItemKind
from ..model.errors import BudgetTooSmall, InvalidInput
from ..model.times import rfc3339
from .lines import Line
from .tokens import TokenCounter
from .validation.leaks import without_leaks

PER_ITEM = 4
"""Tokens of an item beside its text: its role, its time, a line break."""
CLOSE = 4
"""The last lines before the message, which come before anything recalled."""
MIN_BUDGET = 16
MAX_BUDGET = 1_000_000


class Known(NamedTuple):
    """Something of the graph or of the session, in words. `at`, and `until` when it was no longer
    so: microseconds since 1970."""

    text: str
    source: str
    at: int | None = None
    until: int | None = None


class Found(NamedTuple):
    """A recalled line."""

    line: Line
    score: float


class Summary(NamedTuple):
    """A sentence of the summary, with the places in the log it stands for."""

    text: str
    seqs: tuple[int, ...]


class Sources(NamedTuple):
    """What a context is made of. Lines are oldest first and all before `message`; what is recalled
    and what is known best first. A line may be in several lists: it is taken once, for its first
    reason."""

    message: Line
    recent: Sequence[Line] = ()
    questions: Sequence[Line] = ()
    pinned: Sequence[Known] = ()
    recalled: Sequence[Found] = ()
    thread: Sequence[Line] = ()
    summary: Sequence[Summary] = ()
    profile: Sequence[Known] = ()
    feeling: str = ""
    facts: Sequence[Known] = ()
    beside: Sequence[Line] = ()
    """Lines that are there for their partners only: of a tool's call and its result one may have
    been recalled, or be the first of the recent ones."""
    commitments: Sequence[Known] = ()
    off: Sequence[str] = ()


def assemble(
    sources: Sources, budget: int, counter: TokenCounter, *, reserve: int = 0
) -> AssembledContext:
    """The context of `sources.message` in at most `budget` tokens. `reserve`: what lines and facts
    leave to the summary, where so much is left.

    Raises BudgetTooSmall, which says by how much, or InvalidInput for a budget out of bounds.
    """
    if not MIN_BUDGET <= budget <= MAX_BUDGET:
        raise InvalidInput(
            f"a context has {MIN_BUDGET} to {MAX_BUDGET} tokens, not {budget}", field="budget"
        )
    filling = _Filling(sources, budget, counter)
    filling.musts()
    filling.known("profile", sources.profile)
    if sources.feeling:
        filling.known("feeling", [Known(sources.feeling, "session")])
    reserved = filling.hold(reserve)
    near, far = sources.recent[-CLOSE:], sources.recent[:-CLOSE]
    filling.lines("recent", reversed(near))
    for recent, found in zip_longest(reversed(far), sources.recalled):
        if found is not None:
            filling.lines("recalled", [found.line], found.score)
        if recent is not None:
            filling.lines("recent", [recent])
    filling.known("fact", sources.facts)
    filling.release(reserved)
    filling.sentences(sources.summary)
    filling.lines("thread", reversed(sources.thread))
    return filling.done()


class _Filling:
    """A context as it fills up."""

    def __init__(self, sources: Sources, budget: int, counter: TokenCounter) -> None:
        self._sources = sources
        self._budget = budget
        self._counter = counter
        self._left = budget
        self._items: list[tuple[int, ContextItem]] = []
        self._taken: set[int] = set()
        self._tried: set[int] = set()
        self._left_out: dict[str, int] = {}
        self._partners = _partners(sources)

    def musts(self) -> None:
        """What is in every context of this turn, or an error."""
        sources = self._sources
        wanted: list[tuple[int, ContextItem]] = []
        musts: tuple[tuple[ItemKind, Sequence[Line]], ...] = (
            ("message", [sources.message]),
            ("question", sources.questions),
        )
        for kind, lines in musts:
            for line in lines:
                for each in self._whole(line):
                    if each.seq not in self._taken:
                        self._taken.add(each.seq)
                        wanted.append((each.seq, self._item(kind, each, must=True)))
        said: tuple[tuple[ItemKind, Sequence[Known]], ...] = (
            ("pinned", sources.pinned),
            ("commitment", sources.commitments),
        )
        for kind, known in said:
            wanted += [
                (place, self._known(kind, one, must=True)) for place, one in enumerate(known)
            ]
        needed = sum(item.tokens for _, item in wanted)
        if needed > self._budget:
            raise BudgetTooSmall(self._budget, needed)
        self._items += wanted
        self._left -= needed

    def hold(self, tokens: int) -> int:
        """Keeps so much, or what is left, from what comes next; how much that is."""
        held = min(tokens, self._left)
        self._left -= held
        return held

    def release(self, held: int) -> None:
        """What comes next may have it."""
        self._left += held

    def lines(self, kind: ItemKind, lines: Iterable[Line], score: float | None = None) -> None:
        """Those that fit, each with its partner, in this order."""
        for line in lines:
            if line.seq in self._tried or line.seq in self._taken:
                continue
            group = self._whole(line)
            seqs = [one.seq for one in group]
            self._tried.update(seqs)
            items = [(one.seq, self._item(kind, one, score)) for one in group]
            if self._add(kind, items):
                self._taken.update(seqs)

    def known(self, kind: ItemKind, known: Sequence[Known]) -> None:
        for place, one in enumerate(known):
            self._add(kind, [(place, self._known(kind, one))])

    def sentences(self, summary: Sequence[Summary]) -> None:
        """Those that stand for a line which is not there itself."""
        for sentence in summary:
            if not self._taken.issuperset(sentence.seqs):
                known = Known(sentence.text, ",".join(f"event:{seq}" for seq in sentence.seqs))
                first = min(sentence.seqs, default=0)
                self._add("summary", [(first, self._known("summary", known))])

    def done(self) -> AssembledContext:
        rank = {kind: place for place, kind in enumerate(ITEM_KINDS)}
        self._items.sort(key=lambda pair: (rank[pair[1].kind], pair[0]))
        return AssembledContext(
            items=[item for _, item in self._items],
            tokens=self._budget - self._left,
            budget=self._budget,
            counter=self._counter.name,
            position=self._sources.message.seq,
            left_out=self._left_out,
            off=list(self._sources.off),
        )

    def _add(self, kind: ItemKind, items: list[tuple[int, ContextItem]]) -> bool:
        cost = sum(item.tokens for _, item in items)
        if cost > self._left:
            self._left_out[kind] = self._left_out.get(kind, 0) + len(items)
            return False
        self._left -= cost
        self._items += items
        return True

    def _whole(self, line: Line) -> tuple[Line, ...]:
        """The line, with its call or its result."""
        partners = self._partners.get(line.pair, ()) if line.pair else ()
        return partners if line in partners else (line,)

    def _item(
        self, kind: ItemKind, line: Line, score: float | None = None, *, must: bool = False
    ) -> ContextItem:
        text = without_leaks(line.text)
        return ContextItem(
            kind=kind,
            text=text,
            source=f"event:{line.seq}",
            tokens=self._counter.count(text) + PER_ITEM,
            role=line.role,
            speaker=line.speaker,
            at=rfc3339(line.at),
            score=None if score is None else round(score, 4),
            must=must,
            calls=line.pair if line.kind == "call" else "",
            answers=line.pair if line.kind == "result" else "",
        )

    def _known(self, kind: ItemKind, known: Known, *, must: bool = False) -> ContextItem:
        text = without_leaks(known.text)
        return ContextItem(
            kind=kind,
            text=text,
            source=known.source,
            tokens=self._counter.count(text) + PER_ITEM,
            at=None if known.at is None else rfc3339(known.at),
            must=must,
            valid_to=None if known.until is None else rfc3339(known.until),
        )


def _partners(sources: Sources) -> dict[str, tuple[Line, ...]]:
    """Lines by the tool call that they belong to, each once, in order."""
    found: dict[str, dict[int, Line]] = {}
    for line in _all_lines(sources):
        if line.pair:
            found.setdefault(line.pair, {})[line.seq] = line
    return {pair: tuple(lines[seq] for seq in sorted(lines)) for pair, lines in found.items()}


def _all_lines(sources: Sources) -> Iterator[Line]:
    yield sources.message
    yield from sources.questions
    yield from sources.recent
    yield from sources.thread
    for found in sources.recalled:
        yield found.line
    yield from sources.beside
