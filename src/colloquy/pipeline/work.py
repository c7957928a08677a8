"""One turn on its way through a batch, and the note that travels with an unfinished message."""

from __future__ import annotations

import asyncio
import enum
import traceback
from typing import Any

import msgspec
from msgspec import Struct

from ..flags import PinnedFlags
from ..model.errors import ColloquyError
from ..model.message import encode
from ..model.reply import Reply
from ..model.times import rfc3339
from ..model.turn import Incoming, Turn
from ..model.understanding import Cues, Flow
from ..model.usage import ToolRecord, note_call
from ..storage.store import InboxHeader
from ..understanding.flow.handle import ThreadHandle
from ..understanding.flow.standing import Standing
from .cache import Live
from .lesson import Lesson
from .scheduler import Bundle

MAX_ATTEMPTS_NOTED = 20
MAX_CALLS_NOTED = 200
"""Calls of tools in one turn, with all its attempts, that the log has."""
MAX_TRACE = 4000
"""Characters of a traceback that are kept with an attempt."""


class Fate(enum.Enum):
    """What a stage decided about a turn."""

    GOING = "going"
    ANSWERED = "answered"
    PARKED = "parked"
    DUPLICATE = "duplicate"
    FAILED = "failed"
    RETRY = "retry"
    """It failed and waits for its next attempt."""
    DEAD = "dead"
    """It failed for good and went to the dead letters."""
    PUT_BACK = "put_back"
    """Not now: it goes back to its lane as if it had not been taken."""
    GONE = "gone"
    """Its rows are not in the inbox any more."""


class Note(Struct, omit_defaults=True):
    """What is kept with an inbox row: each attempt so far, and marks."""

    attempts: list[dict[str, Any]] = []
    crashes: int = 0
    late: bool = False
    """It was a dead letter and is retried at the end of its conversation."""
    gap: int | None = None
    """The sequence number it had before it died."""
    calls: list[ToolRecord] = []
    """The tools that its attempts called, which are not in the log yet."""
    logged: list[str] = []
    """The ids of those that are: a retried dead letter is told of them once more."""
    again: str = ""
    """The turn that is done again because a kill switch took its replies back. Rows with the same
    note are one turn."""
    unsaid: list[str] = []
    """The ids of the replies that were taken back with them: they were never said."""


_note = msgspec.json.Decoder(Note)


def note_of(data: bytes | None) -> Note:
    return _note.decode(data) if data else Note()


class Work:
    """A bundle with everything that the stages found out about it."""

    __slots__ = (
        "bundle",
        "cues",
        "epoch",
        "error",
        "fate",
        "flags",
        "flows",
        "handle",
        "headers",
        "lesson",
        "live",
        "missing",
        "note",
        "payloads",
        "repeats",
        "replies",
        "standing",
        "task",
        "threads",
        "turn",
        "was_parked",
    )

    def __init__(self, bundle: Bundle, epoch: int) -> None:
        """`epoch`: of the lease under which it was taken; it commits under that one or not."""
        self.bundle = bundle
        self.epoch = epoch
        self.headers: tuple[InboxHeader, ...] = bundle.headers
        self.missing: tuple[int, ...] = ()
        """Rows of the bundle that were not in the inbox any more."""
        self.fate = Fate.GOING
        self.live: Live
        self.turn: Turn
        self.flags: PinnedFlags
        """Those of the turn."""
        self.note = note_of(bundle.headers[0].note)
        self.payloads: dict[int, bytes] = {}
        """What came in, byte for byte, by inbox number."""
        self.repeats: list[tuple[Incoming, str]] = []
        """Messages that only repeat another one of this conversation, and that one's id."""
        self.cues: list[Cues] = []
        """What was understood of each message, as far as its flow needs it; none of history."""
        self.flows: list[Flow | None] = []
        """Where each message of the turn stands; None for one whose event is in the log already."""
        self.standing: Standing | None = None
        """Where the conversation stands after them; None when nothing new was said."""
        self.threads: ThreadHandle | None = None
        """What its handler may change of the conversation's threads."""
        self.replies: list[Reply] = []
        self.error: Exception | None = None
        self.task: asyncio.Task[list[Reply]] | None = None
        self.lesson: Lesson | None = None
        """What it teaches the graph with the unit that is being written."""
        self.was_parked = False
        self.handle = 0
        """Its entry in the file of running messages while it is parked."""

    @property
    def conversation(self) -> bytes:
        return self.bundle.conversation

    @property
    def ids(self) -> tuple[int, ...]:
        return tuple(header.id for header in self.headers)

    @property
    def calls(self) -> list[ToolRecord]:
        """The tools that this and earlier attempts called, those in the log left out."""
        found: dict[str, ToolRecord] = {}
        for one in (*self.note.calls, *self.turn.tool_calls.values()):
            if one.call_id not in self.note.logged:
                note_call(found, one)
        return list(found.values())[:MAX_CALLS_NOTED]

    def fail(self, error: Exception) -> None:
        self.error = error
        self.fate = Fate.FAILED


def attempt_record(error: Exception, at: int) -> dict[str, Any]:
    """An attempt as it is kept: when, which code, what, where."""
    trace = "".join(traceback.format_exception(error))
    return {
        "at": rfc3339(at),
        "code": code_of(error),
        "detail": str(error)[:1000],
        "trace": trace[-MAX_TRACE:],
    }


def code_of(error: Exception) -> str:
    """The stable code of an error; a foreign exception's is its class name."""
    return error.code if isinstance(error, ColloquyError) else type(error).__name__


def with_attempt(note: Note, error: Exception, at: int) -> Note:
    """The note with one more failed attempt."""
    attempts = [*note.attempts, attempt_record(error, at)][-MAX_ATTEMPTS_NOTED:]
    return msgspec.structs.replace(note, attempts=attempts)


def encode_note(note: Note) -> bytes:
    return encode(note)
