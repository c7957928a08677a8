"""What is in a file, before anything of it is written."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from msgspec import Struct

from .reader import Guess, Reader
from .source import Problem

KEPT_PROBLEMS = 1000


class Survey(Struct, kw_only=True):
    """`first` and `last` are the times of the oldest and the newest message that has one."""

    format: str
    messages: int = 0
    conversations: int = 0
    people: int = 0
    first: datetime | None = None
    last: datetime | None = None
    guesses: list[Guess] = []
    bad_rows: int = 0
    problems: list[Problem] = []
    """The first thousand of them."""


def survey(reader: Reader, advance: Callable[[int], object] = lambda count: None) -> Survey:
    """Reads everything once. Memory grows with conversations and people, not with messages."""
    found = Survey(format=reader.format, guesses=reader.guesses)
    # Hashes, since a million names would not be small.
    conversations: set[int] = set()
    people: set[int] = set()
    for item in reader.read():
        if isinstance(item, Problem):
            found.bad_rows += 1
            if len(found.problems) < KEPT_PROBLEMS:
                found.problems.append(item)
            continue
        advance(1)
        message = item.message
        found.messages += 1
        place = (message.channel, message.account, message.conversation, message.thread)
        conversations.add(hash(place))
        people.add(hash((message.channel, message.sender_id)))
        at = message.sent_at
        if at is not None:
            found.first = at if found.first is None else min(found.first, at)
            found.last = at if found.last is None else max(found.last, at)
    found.conversations, found.people = len(conversations), len(people)
    return found
