"""One way to read every format: which one a file is in, what had to be guessed, and its messages.

A reader is asked for its messages more than once: an import first looks whether the whole file is
sound, and then writes. So it holds a path and opens it each time.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Literal, NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from msgspec import Struct

from ..model.errors import ColloquyError, InvalidInput
from . import csv, jsonl, openai, telegram, whatsapp
from .guess import LOOK_AT, guess
from .source import Item, Problem, open_source, rows
from .text import open_text

FORMATS = ("jsonl", "openai", "whatsapp", "telegram", "csv")
HEAD = 16 * 1024
"""Bytes in which the fields before the messages of a Telegram export stand."""

_TELEGRAM = re.compile(
    rb'"chats"\s*:\s*\{|"type"\s*:\s*"(?:personal_chat|bot_chat|saved_messages|'
    rb'(?:private|public)_(?:group|supergroup|channel))"'
)

Read = Callable[[], Iterator[Item | Problem]]


class Options(Struct, frozen=True, kw_only=True):
    """What a file does not say itself.

    `me`: the name of our side. `conversation`: the key, for a form that has none. `columns`: our
    name → the table's. `time_zone`: of times that have none.
    """

    encoding: str | None = None
    time_zone: str = "UTC"
    date_order: Literal["dmy", "mdy", "ymd"] | None = None
    time_format: str | None = None
    me: str | None = None
    conversation: str | None = None
    columns: dict[str, str] = {}


class Guess(Struct, frozen=True):
    """Something that the file does not say. `sure`: it follows from what the file does say."""

    about: str
    value: str
    sure: bool


class Reader(NamedTuple):
    """`read` gives all messages and problems, from the start, as often as it is called."""

    format: str
    guesses: list[Guess]
    read: Read


def open_reader(path: Path, format: str | None, options: Options) -> Reader:
    """The reader of a file; `format` None looks what it is.

    Raises NotFound, InvalidInput or TooLarge for a file that cannot be read at all, or that leaves
    open what has to be told.
    """
    try:
        ZoneInfo(options.time_zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise InvalidInput(
            f"there is no time zone {options.time_zone!r}", field="time_zone"
        ) from None
    guesses: list[Guess] = []
    if format is None:
        format = _look(path, options)
        guesses.append(Guess("format", format, True))
    elif format not in FORMATS:
        raise InvalidInput(f"there is no format {format!r}; there are {', '.join(FORMATS)}")
    make = {"whatsapp": _whatsapp, "telegram": _telegram, "csv": _csv}.get(format)
    if make is None:
        return Reader(format, guesses, lambda: _rows(path, format))
    more, read = make(path, options)
    return Reader(format, guesses + more, lambda: _to_the_end(read))


def _look(path: Path, options: Options) -> str:
    """The format of a file, by its beginning. Raises InvalidInput when it is none."""
    try:
        with open_source(path) as stream:
            head = stream.read(HEAD)
    except (EOFError, OSError, zlib.error) as error:
        raise InvalidInput(
            f"{path.name} cannot be read: {error}; --format would read as far as it goes",
            field="file",
        ) from None
    begin = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if begin[:1] == b"{" and _TELEGRAM.search(begin):
        return "telegram"
    if begin[:1] in (b"{", b"["):
        with open_source(path) as stream:
            seen, _ = guess(rows(stream))
        if seen is not None:
            return seen
    if begin[:1] != b"{":
        with open_text(path, options.encoding) as lines:
            first = list(islice(lines, LOOK_AT))
        if any(map(whatsapp.looks_like, first)):
            return "whatsapp"
        if options.columns or (first and csv.looks_like(first[0])):
            return "csv"
    raise InvalidInput(
        "it is neither V2 messages, OpenAI-form logs, a chat of WhatsApp or Telegram, nor a table "
        "with columns `conversation` and `text`; --format shows what is wrong with it",
        field="file",
    )


def _to_the_end(read: Read) -> Iterator[Item | Problem]:
    """What is read, with an error that ends it as its last problem."""
    line = 0
    try:
        for item in read():
            line = item.line
            yield item
    except ColloquyError as error:
        yield Problem.of(line + 1, error)


def _rows(path: Path, format: str) -> Iterator[Item | Problem]:
    with open_source(path) as stream:
        found = rows(stream)
        yield from openai.read(found) if format == "openai" else jsonl.read(found)


def _whatsapp(path: Path, options: Options) -> tuple[list[Guess], Read]:
    known = whatsapp.Options(
        time_zone=options.time_zone,
        date_order=options.date_order,
        me=options.me,
        conversation=options.conversation,
    )
    with open_text(path, options.encoding) as lines:
        learnt = whatsapp.learn(lines, known)
    whatsapp.conversation_of(learnt, known)

    def read() -> Iterator[Item | Problem]:
        with open_text(path, options.encoding) as lines:
            yield from whatsapp.read(lines, learnt, known)

    guesses = []
    if options.date_order is None:
        guesses.append(Guess("date_order", learnt.order, learnt.order_sure))
    return guesses, read


def _telegram(path: Path, options: Options) -> tuple[list[Guess], Read]:
    known = telegram.Options(
        time_zone=options.time_zone, me=options.me, conversation=options.conversation
    )

    def read() -> Iterator[Item | Problem]:
        with open_source(path) as stream:
            yield from telegram.read(stream, known)

    return [], read


def _csv(path: Path, options: Options) -> tuple[list[Guess], Read]:
    known = csv.Options(
        columns=options.columns,
        time_zone=options.time_zone,
        time_format=options.time_format,
        me=options.me,
    )

    def read() -> Iterator[Item | Problem]:
        with open_text(path, options.encoding) as lines:
            yield from csv.read(lines, known)

    return [], read
