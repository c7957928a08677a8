"""What is remembered of a conversation so that compressing it again costs one line, not all.

A state covers every line up to its position: sums for the characteristics, the sentences that say
most, and the facts that must survive, each bounded. `advance` gives the state after one more line;
who stores it does so by compare-and-set on `position`, so that of two writers one starts again.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from ...model.errors import Conflict, InvalidInput
from ..lines import Line
from ..tokens import TokenCounter
from .forms import Characteristics
from .reading import Piece, Read, Sentence, read, stems_of

VERSION = 1
"""Moves when a stored state would be read wrongly."""
MAX_SENTENCES = 256
MAX_NOTES = 1024
MAX_OPEN = 16
SLACK = 64
"""That many more are let in before the least important are taken out together."""
REACH = 4
"""Lines before one that are looked at for the same subject."""
WEEK_US = 7 * 86_400_000_000


class Rolling(Struct, frozen=True, array_like=True):
    """The state. `forgotten`: facts that were given up to stay within the bounds."""

    version: int = VERSION
    counter: str = ""
    position: int = 0
    lines: int = 0
    tokens: int = 0
    characters: int = 0
    first_at: int = 0
    last_at: int = 0
    feeling: float = 0.0
    feeling_squares: float = 0.0
    subjects: int = 0
    shifts: int = 0
    recent: tuple[tuple[str, ...], ...] = ()
    sentences: tuple[Sentence, ...] = ()
    notes: dict[str, Piece] = {}
    open: tuple[tuple[str, Piece], ...] = ()
    forgotten: int = 0

    def characteristics(self) -> Characteristics:
        count = max(1, self.lines)
        mean = self.feeling / count
        spread = max(0, self.last_at - self.first_at)
        return Characteristics(
            lines=self.lines,
            tokens=self.tokens,
            mean_length=round(self.characters / count, 1),
            topic_diversity=round(self.shifts / max(1, self.subjects), 3),
            emotional_variance=round(max(0.0, self.feeling_squares / count - mean * mean), 3),
            time_spread=round(min(1.0, spread / WEEK_US), 3),
        )


def advance(state: Rolling, line: Line, counter: TokenCounter) -> Rolling:
    """The state after one more line. Raises Conflict where that does not follow."""
    return advance_read(state, [read(line, counter)], counter)


def advance_read(state: Rolling, reads: Iterable[Read], counter: TokenCounter) -> Rolling:
    """The state after these lines, in order.

    Raises Conflict if one does not come after the state's position or if the state was counted by
    another counter.
    """
    if state.lines and state.counter != counter.name:
        raise Conflict(f"this state was counted by {state.counter}, not by {counter.name}")
    grown = _Growing(state)
    grown.add(reads)
    return replace(grown.state(), counter=counter.name)


class _Growing:
    """A state while lines are added to it."""

    def __init__(self, state: Rolling) -> None:
        self._before = state
        self._sums = [state.lines, state.tokens, state.characters, state.subjects, state.shifts]
        self._feeling = [state.feeling, state.feeling_squares]
        self._position, self._first, self._last = state.position, state.first_at, state.last_at
        self._recent = [frozenset(stems) for stems in state.recent]
        self._sentences = list(state.sentences)
        self._notes = dict(state.notes)
        self._open = list(state.open)
        self._forgotten = state.forgotten

    def add(self, reads: Iterable[Read]) -> None:
        lines, tokens, characters, subjects, shifts = self._sums
        feeling, squares = self._feeling
        position, last = self._position, self._last
        most = MAX_SENTENCES + SLACK
        for one in reads:
            line = one.line
            if line.seq <= position:
                raise Conflict(f"line {line.seq} does not follow {position}", position=position)
            if not lines:
                self._first = line.at
            position = line.seq
            last = max(last, line.at)
            lines += 1
            tokens += one.tokens
            characters += len(line.text)
            feeling += line.polarity
            squares += line.polarity * line.polarity
            stems = stems_of(line.text)
            if len(stems) > 1:
                subjects += 1
                shifts += self._is_shift(stems)
            self._sentences += one.sentences
            if len(self._sentences) > most:
                self._cut_sentences()
            if one.pieces:
                self._note(one.pieces)
            if one.open or self._open:
                self._ask(one)
        self._sums = [lines, tokens, characters, subjects, shifts]
        self._feeling = [feeling, squares]
        self._position, self._last = position, last

    def _is_shift(self, stems: frozenset[str]) -> bool:
        """Whether it shares nothing with the lines before it."""
        recent = self._recent
        self._recent = [*recent[-REACH + 1 :], stems]
        return all(map(stems.isdisjoint, recent))

    def _cut_sentences(self) -> None:
        scores = [one.score for one in self._sentences]
        # A stable sort: of equal ones the older go.
        order = sorted(range(len(scores)), key=scores.__getitem__)
        gone = set(order[: len(scores) - MAX_SENTENCES])
        self._sentences = [one for place, one in enumerate(self._sentences) if place not in gone]

    def _note(self, pieces: tuple[Piece, ...]) -> None:
        for piece in pieces:
            name = "\n".join(piece.keys)
            # The newest one counts, and stands last.
            self._notes.pop(name, None)
            self._notes[name] = piece
        if len(self._notes) > MAX_NOTES + SLACK:
            ranked = sorted(self._notes, key=lambda name: -self._notes[name].rank)
            for name in ranked[: len(self._notes) - MAX_NOTES]:
                del self._notes[name]
                self._forgotten += 1

    def _ask(self, one: Read) -> None:
        """A line of somebody else answers what was asked, unless it only asks back."""
        if one.line.kind != "said":
            return
        if self._open and len(one.open) < len(one.sentences):
            self._open = [(role, piece) for role, piece in self._open if role == one.line.role]
        self._open += [(one.line.role, piece) for piece in one.open]
        del self._open[:-MAX_OPEN]

    def state(self) -> Rolling:
        lines, tokens, characters, subjects, shifts = self._sums
        return replace(
            self._before,
            position=self._position,
            lines=lines,
            tokens=tokens,
            characters=characters,
            first_at=self._first,
            last_at=self._last,
            feeling=self._feeling[0],
            feeling_squares=self._feeling[1],
            subjects=subjects,
            shifts=shifts,
            recent=tuple(tuple(sorted(stems)) for stems in self._recent),
            sentences=tuple(self._sentences),
            notes=self._notes,
            open=tuple(self._open),
            forgotten=self._forgotten,
        )


_decoder = msgspec.msgpack.Decoder(Rolling)
_encoder = msgspec.msgpack.Encoder()


def encode_rolling(state: Rolling) -> bytes:
    return _encoder.encode(state)


def decode_rolling(data: bytes | None) -> Rolling:
    """What was stored; nothing, or a state of another version, begins anew. Raises InvalidInput
    when it is damaged."""
    if not data:
        return Rolling()
    try:
        version = msgspec.msgpack.decode(data)[0]
        return _decoder.decode(data) if version == VERSION else Rolling()
    except (msgspec.MsgspecError, TypeError, IndexError, KeyError) as error:
        raise InvalidInput(f"a damaged state of compression: {error}", field="rolling") from None
