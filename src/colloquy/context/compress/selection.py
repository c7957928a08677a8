"""Fills a budget so that no fact is lost: what is kept pays for the facts that it saves.

At the start every fact stands in the form by itself, as a note. A line or sentence that is kept
makes the notes needless whose facts it holds, and is charged for the rest of its tokens only.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ...model.errors import BudgetTooSmall
from ..lines import Line
from ..tokens import TokenCounter
from .reading import Piece, Read, Sentence

NOTES_SHARE = 0.5
"""Of the budget, at most, for notes where facts may be given up."""


class Together:
    """A tool's call and its results: kept together or not at all. As a `Read`, for several."""

    __slots__ = ("keys", "pinned", "reads", "tokens")

    def __init__(self, reads: tuple[Read, ...]) -> None:
        self.reads = reads
        self.tokens = sum(one.tokens for one in reads)
        self.keys = frozenset(key for one in reads for key in one.keys)
        self.pinned = any(one.pinned for one in reads)

    @property
    def score(self) -> float:
        return max(one.score for one in self.reads)

    @property
    def is_whole(self) -> bool:
        """A result whose call lies elsewhere means nothing; a call may still be under way."""
        kinds = {one.line.kind for one in self.reads}
        return "result" not in kinds or "call" in kinds

    @property
    def last_seq(self) -> int:
        return self.reads[-1].last_seq


Unit = Read | Together
"""What is kept whole or not at all."""


def units_of(reads: Sequence[Read]) -> list[Unit]:
    """In the order of their last lines."""
    pairs: dict[str, list[Read]] = {}
    units: list[Unit] = []
    for one in reads:
        line = one.line
        if line.pair and line.kind != "said":
            pairs.setdefault(line.pair, []).append(one)
        else:
            units.append(one)
    if pairs:
        units += [Together(tuple(together)) for together in pairs.values()]
        units.sort(key=lambda unit: unit.last_seq)
    return units


class Selection:
    """What is kept so far. `used`: tokens with the notes that are still needed."""

    def __init__(self, notes: Iterable[Piece], budget: int, counter: TokenCounter) -> None:
        self.budget = budget
        self._counter = counter
        self.limit = budget
        """For what is kept because there is room; facts may go up to the budget."""
        self.units: dict[int, Unit] = {}
        self.sentences: list[Sentence] = []
        self.held: set[str] = set()
        self.lost: list[Piece] = []
        self._pieces = list(notes)
        self._missing = [len(piece.keys) for piece in self._pieces]
        self._needing: dict[str, list[int]] = {}
        for place, piece in enumerate(self._pieces):
            for key in piece.keys:
                self._needing.setdefault(key, []).append(place)
        self.notes_tokens = sum(piece.tokens for piece in self._pieces)
        self._kept_tokens = 0
        self._seqs: set[int] = set()

    @property
    def used(self) -> int:
        return self._kept_tokens + self.notes_tokens

    def require(self, units: Iterable[Unit]) -> None:
        """Keeps these whatever they cost."""
        for unit in units:
            self._keep(unit)

    def fit(self, *, strict: bool) -> None:
        """Makes sure that what must be kept is within the budget.

        Raises BudgetTooSmall; unless `strict`, the least important notes are given up first.
        """
        if strict:
            if self.used > self.budget:
                raise BudgetTooSmall(self.budget, self.used)
            return
        if self._kept_tokens > self.budget:
            raise BudgetTooSmall(self.budget, self._kept_tokens)
        room = min(self.budget - self._kept_tokens, int(self.budget * NOTES_SHARE))
        places = [place for place, missing in enumerate(self._missing) if missing]
        # What was said last is kept longest among facts of one kind.
        places.sort(key=lambda place: (-self._pieces[place].rank, self._pieces[place].seq))
        for place in places:
            if self.notes_tokens <= room:
                return
            self._missing[place] = 0
            self.notes_tokens -= self._pieces[place].tokens
            self.lost.append(self._pieces[place])

    def add_unit(self, unit: Unit) -> bool:
        """Keeps a unit if there is room; says whether it is kept."""
        if unit.last_seq in self.units:
            return True
        if not unit.is_whole or not self._has_room(unit.tokens, unit.keys):
            return False
        self._keep(unit)
        return True

    def add_sentence(self, sentence: Sentence) -> bool:
        """As `add_unit`, for a sentence of a line that is not kept itself."""
        if sentence.seq in self._seqs:
            return False
        tokens = self._counter.count(sentence.text)
        if not self._has_room(tokens, sentence.keys):
            return False
        self.sentences.append(sentence)
        self._kept_tokens += tokens
        self._hold(sentence.keys)
        return True

    def holds_line(self, seq: int) -> bool:
        return seq in self._seqs

    def lines(self) -> tuple[Line, ...]:
        reads = [one for unit in self.units.values() for one in unit.reads]
        return tuple(one.line for one in sorted(reads, key=lambda one: one.line.seq))

    def notes(self) -> list[Piece]:
        """The facts that are held by nothing else, in the order of their lines."""
        needed = [
            piece for piece, missing in zip(self._pieces, self._missing, strict=True) if missing
        ]
        return sorted(needed, key=lambda piece: piece.seq)

    def _has_room(self, tokens: int, keys: Iterable[str]) -> bool:
        cost = tokens - self._saved(keys)
        limit = self.limit if cost > 0 else self.budget
        return self.used + cost <= limit

    def _saved(self, keys: Iterable[str]) -> int:
        """Tokens of the notes that would no longer be needed."""
        fresh = [key for key in keys if key not in self.held]
        touched: dict[int, int] = {}
        for key in fresh:
            for place in self._needing.get(key, ()):
                touched[place] = touched.get(place, 0) + 1
        return sum(
            self._pieces[place].tokens
            for place, count in touched.items()
            if self._missing[place] and self._missing[place] == count
        )

    def _hold(self, keys: Iterable[str]) -> None:
        for key in keys:
            if key in self.held:
                continue
            self.held.add(key)
            for place in self._needing.get(key, ()):
                if self._missing[place]:
                    self._missing[place] -= 1
                    if not self._missing[place]:
                        self.notes_tokens -= self._pieces[place].tokens

    def _keep(self, unit: Unit) -> None:
        self.units[unit.last_seq] = unit
        self._kept_tokens += unit.tokens
        self._seqs.update(one.line.seq for one in unit.reads)
        self._hold(unit.keys)
