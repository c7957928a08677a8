"""Conversations to measure contexts on: made up, or read from a file of JSON lines."""

from __future__ import annotations

import gzip
import json
import random
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from ..context.lines import Line
from ..model.times import to_us

START_US = 1_795_255_200_000_000
MINUTE_US = 60_000_000

_ASKS = (
    "Hello, is the flat in {street} Street still free?",
    "Could I see it on {day} at {hour} pm?",
    "We need {rooms} bedrooms and a place for the car.",
    "Does the rent of £{rent} include heating?",
    "I can't come on {day}, sorry.",
    "My name is {first} {last}, my reference is {code}.",
    "The heating in {street} Street still makes a strange noise at night.",
    "We don't have any pets and nobody smokes.",
    "Please call me on 020 7946 0{digits}.",
    "I am not happy that nobody answered since {day}.",
)
_ANSWERS = (
    "Yes, it is free from {day} on.",
    "We will send {first} {last} to have a look on {day}.",
    "The deposit is £{rent}, due on {number} March.",
    "I'll forward the contract for {street} Street tomorrow.",
    "It has {rooms} bedrooms and {number} square metres.",
    "Your reference {code} has been noted, {first} {last} is in charge.",
    "No dogs are allowed in {street} Street.",
)
_CHAT = (
    "That sounds good to me.", "Thank you very much!", "ok", "Great, thanks.",
    "Could you tell me a bit more about the {thing}?", "I like the {thing}, it looks {quality}.",
    "The {thing} is {quality} and the {other} too.", "How is the {thing} in the evening?",
    "The {thing} looks rather {quality}, let me think about that for a while.",
    "There is a {quality} {thing} around the corner, beside the {other}.",
)  # fmt: skip
_THINGS = (
    "garden", "kitchen", "area", "balcony", "bathroom", "park", "school", "garage", "cellar",
    "view", "street", "shop", "station", "floor", "window", "staircase", "neighbour", "roof",
)  # fmt: skip
_QUALITIES = (
    "quiet", "lovely", "old", "noisy", "bright", "small", "dark", "clean", "cosy", "modern", "cold",
    "green", "simple", "busy", "charming", "narrow",
)  # fmt: skip
_CHATTER = 0.55
_FIRST = ("Anna", "Ben", "Clara", "David", "Elena", "Farid", "Grace", "Hugo")
_LAST = ("Miller", "Garcia", "Okafor", "Novak", "Larsen", "Rossi", "Tanaka", "Weber")
_STREETS = ("Alder", "Birch", "Cedar", "Elm", "Harbour", "Mill", "Station", "Victoria")
_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday")


def made_up(messages: int, seed: int) -> list[Line]:
    """A visitor and an assistant in turn; half of the lines have facts in them, many repeated."""
    chance = random.Random(seed)
    people = [(chance.choice(_FIRST), chance.choice(_LAST)) for _ in range(5)]
    codes = [f"AB-{chance.randrange(10_000, 99_999)}" for _ in range(8)]
    rents = [chance.randrange(600, 2400, 50) for _ in range(6)]
    lines = []
    for seq in range(1, messages + 1):
        ours = seq % 2 == 0
        told = _CHAT if chance.random() < _CHATTER else _ANSWERS if ours else _ASKS
        first, last = chance.choice(people)
        text = chance.choice(told).format(
            street=chance.choice(_STREETS), day=chance.choice(_DAYS), hour=chance.randint(1, 6),
            rooms=chance.randint(2, 4), rent=chance.choice(rents), first=first, last=last,
            code=chance.choice(codes), number=chance.randint(1, 28),
            digits=chance.randrange(100, 999), thing=chance.choice(_THINGS),
            other=chance.choice(_THINGS), quality=chance.choice(_QUALITIES),
        )  # fmt: skip
        role = "assistant" if ours else "visitor"
        polarity = chance.choice((0.0, 0.0, 0.0, 0.4, -0.5))
        lines.append(Line(seq, role, text, START_US + seq * MINUTE_US, polarity=polarity))
    return lines


def read_conversations(path: Path) -> list[list[Line]]:
    """One conversation for each JSON line that has `turns` or `sessions` of them, or for each
    `dialogue_id` or `conversation_id` of lines with a `text`. Lines of anything else are left out.
    """
    alone: dict[str, list[dict[str, Any]]] = {}
    found = []
    with gzip.open(path, "rt") if path.suffix == ".gz" else path.open() as rows:
        for row in map(json.loads, rows):
            if "sessions" in row or "turns" in row:
                found.append(_lines(row.get("sessions") or [row]))
            elif "text" in row:
                name = str(row.get("dialogue_id") or row.get("conversation_id") or "")
                alone.setdefault(name, []).append(row)
    return found + [_lines([{"turns": turns}]) for turns in alone.values()]


def _lines(sessions: list[dict[str, Any]]) -> list[Line]:
    return list(_told(sessions))


def _told(sessions: list[dict[str, Any]]) -> Iterator[Line]:
    seq, at, first = 0, START_US, None
    for session in sessions:
        at = max(at, _time(session.get("at"), at)) if seq else _time(session.get("at"), at)
        for turn in session["turns"]:
            speaker = str(turn.get("speaker", seq % 2))
            first = first if first is not None else speaker
            seq, at = seq + 1, at + MINUTE_US
            role = "visitor" if speaker == first else "assistant"
            yield Line(seq, role, str(turn.get("text", "")), at, speaker=speaker)


def _time(told: Any, otherwise: int) -> int:
    if not isinstance(told, str):
        return otherwise
    return to_us(datetime.fromisoformat(told).astimezone())
