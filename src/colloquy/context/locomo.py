"""Long conversations with questions about them, in the form of LoCoMo (Maharana and others, 2024).

A folder has `conversations.jsonl` and `qa.jsonl` (or `.gz`): sessions of turns, and questions with
the turns that are evidence for their answer.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from msgspec import Struct

from ..model.errors import InvalidInput, NotFound
from ..model.times import to_datetime, to_us
from ..understanding.evaluation.rows import Row, read_rows
from .lines import Line
from .tokens import TokenCounter


class TurnRow(Struct, frozen=True):
    """Something that was said, with the caption of a picture that came with it."""

    id: str
    speaker: str
    text: str
    image_caption: str | None = None


class SessionRow(Struct, frozen=True):
    """Turns of one sitting; without a zone the time is UTC."""

    at: datetime
    turns: list[TurnRow]


class ConversationRow(Struct, frozen=True):
    id: str
    sessions: list[SessionRow]


class QuestionRow(Struct, frozen=True):
    """`evidence`: ids of the turns that answer it."""

    question: str
    conversation_id: str
    evidence: list[str]
    category_name: str = "all"


class Conversation(NamedTuple):
    """`seqs`: of each turn's id; `costs`: tokens of each line with its speaker and its date."""

    lines: list[Line]
    seqs: dict[str, int]
    costs: list[int]


class Question(NamedTuple):
    """`evidence`: the lines that answer it, as far as they exist."""

    text: str
    conversation: str
    category: str
    evidence: frozenset[int]


def read_folder(
    folder: Path, counter: TokenCounter
) -> tuple[dict[str, Conversation], list[Question]]:
    """Conversations by their id, and the questions about them.

    Raises NotFound; InvalidInput with the file, and the line where there is one.
    """
    if not folder.is_dir():
        raise NotFound(f"there is no folder at {folder}")
    conversations = _conversations(folder, counter)
    return conversations, _questions(folder, conversations)


def _file(folder: Path, name: str) -> Path:
    packed = folder / f"{name}.jsonl.gz"
    return packed if packed.exists() else folder / f"{name}.jsonl"


def _read(path: Path, kind: type[Row]) -> list[Row]:
    try:
        return read_rows(path, kind)
    except OSError as error:
        raise InvalidInput(f"{path} cannot be read: {error.strerror}", field="data") from None


def _conversations(folder: Path, counter: TokenCounter) -> dict[str, Conversation]:
    path = _file(folder, "conversations")
    found: dict[str, Conversation] = {}
    for row in _read(path, ConversationRow):
        if row.id in found:
            raise InvalidInput(f"{path}: {row.id!r} is there twice", field="data")
        lines, seqs = [], {}
        for turn, line in _lines(row):
            if turn in seqs:
                raise InvalidInput(f"{path}: {row.id!r} has two turns {turn!r}", field="data")
            lines.append(line)
            seqs[turn] = line.seq
        costs = [counter.count(_written(line)) for line in lines]
        found[row.id] = Conversation(lines, seqs, costs)
    return found


def _lines(row: ConversationRow) -> Iterator[tuple[str, Line]]:
    """The id of each turn and the turn as a line; a picture is its caption."""
    seq = 0
    for session in row.sessions:
        at = to_us(session.at if session.at.tzinfo else session.at.replace(tzinfo=UTC))
        for turn in session.turns:
            seq += 1
            caption = f" [{turn.image_caption}]" if turn.image_caption else ""
            yield turn.id, Line(seq, "visitor", turn.text + caption, at, speaker=turn.speaker)


def _written(line: Line) -> str:
    return f"{line.speaker}, {to_datetime(line.at):%Y-%m-%d}: {line.text}"


def _questions(folder: Path, conversations: dict[str, Conversation]) -> list[Question]:
    path = _file(folder, "qa")
    found = []
    for row in _read(path, QuestionRow):
        conversation = conversations.get(row.conversation_id)
        if conversation is None:
            raise InvalidInput(
                f"{path}: there is no conversation {row.conversation_id!r}", field="data"
            )
        seqs = conversation.seqs
        evidence = frozenset(seqs[turn] for turn in row.evidence if turn in seqs)
        found.append(Question(row.question, row.conversation_id, row.category_name, evidence))
    return found
