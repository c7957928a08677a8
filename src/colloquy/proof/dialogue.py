"""What people say: dialogues out of files, or made up with the lengths that people's have.

The generator's figures were measured once on the user turns of a public corpus of task dialogues
(Schema-Guided Dialogue, 6,085 dialogues, 56,131 user turns): 40.5 characters on average, 9.2 user
turns per dialogue, a value (a date, a price, a name) in 30 % of them, a digit in 16 %. The texts
themselves are our own.
"""

from __future__ import annotations

import gzip
import random
from collections.abc import Iterator, Sequence
from itertools import count
from pathlib import Path
from typing import Any

import msgspec

from ..model.errors import InvalidInput, NotFound

PERCENTS = (0, 1, 5, 10, 20, 30, 40, 50, 60, 70, 80, 90, 95, 99, 99.9, 100)
LENGTHS = (1, 7, 13, 16, 20, 25, 29, 34, 40, 48, 58, 74, 89, 121, 169, 283)
"""Characters of a user turn at each of PERCENTS."""
TURNS = (2, 4, 5, 6, 7, 8, 8, 9, 10, 11, 12, 13, 14, 16, 18, 20)
"""User turns of a dialogue at each of PERCENTS."""
VALUES = 0.3
"""Share of turns that name a value."""


class Dialogue(msgspec.Struct, frozen=True):
    """One person's side of a conversation."""

    key: str
    texts: list[str]


def read_dialogues(folder: Path) -> list[Dialogue]:
    """The user turns in a folder of `*.jsonl` and `*.jsonl.gz` files, one JSON object per line.

    A row is a dialogue (`turns` with `text` and, where there is one, `speaker`: those of USER
    count) or one turn (`text`, with the dialogue in `conversation_id`). Rows of other forms are
    passed over. Raises NotFound without such a file, InvalidInput when there is no text in them.
    """
    files = sorted([*folder.glob("*.jsonl"), *folder.glob("*.jsonl.gz")])
    if not files:
        raise NotFound(f"no .jsonl or .jsonl.gz file in {folder}")
    dialogues: dict[str, list[str]] = {}
    for file in files:
        with gzip.open(file) if file.suffix == ".gz" else file.open("rb") as lines:
            for number, line in enumerate(lines, 1):
                try:
                    row = msgspec.json.decode(line)
                except msgspec.DecodeError as error:
                    raise InvalidInput(f"line {number} of {file}: {error}") from None
                if isinstance(row, dict):
                    _add_row(dialogues, row, f"{file.name}/{number}")
    if not dialogues:
        raise InvalidInput(f"no text in the files of {folder}", field="data")
    return [Dialogue(key, texts) for key, texts in dialogues.items()]


def _add_row(dialogues: dict[str, list[str]], row: dict[str, Any], name: str) -> None:
    turns = row.get("turns")
    if isinstance(turns, list):
        texts = [
            turn["text"]
            for turn in turns
            if isinstance(turn, dict)
            and isinstance(turn.get("text"), str)
            and str(turn.get("speaker", "user")).lower() == "user"
        ]
        key = str(row.get("id", name))
    elif isinstance(row.get("text"), str):
        texts = [row["text"]]
        key = str(row.get("conversation_id", name))
    else:
        return
    texts = [text for text in texts if text.strip()]
    if texts:
        dialogues.setdefault(key, []).extend(texts)


def endless(dialogues: Sequence[Dialogue]) -> Iterator[Dialogue]:
    """The dialogues again and again, under a new key each time round."""
    for round_number in count():
        for dialogue in dialogues:
            yield Dialogue(f"{dialogue.key}#{round_number}", dialogue.texts)


def made_up(seed: int) -> Iterator[Dialogue]:
    """Dialogues without end, the same for the same seed."""
    chance = random.Random(seed)
    for number in count():
        turns = round(quantile(TURNS, chance.random()))
        yield Dialogue(f"d{seed}-{number}", [make_text(chance) for _ in range(turns)])


def make_text(chance: random.Random) -> str:
    """One turn: sentences about homes until the length drawn is reached, cut at a word."""
    length = round(quantile(LENGTHS, chance.random()))
    value = _make_value(chance) if chance.random() < VALUES else ""
    words = value.split()
    size = len(value)
    while size < length:
        sentence = chance.choice(_SENTENCES).split()
        # The value stands where people put it: mostly towards the end.
        words[0:0] = sentence
        size += sum(len(word) + 1 for word in sentence)
    # Long ones lose words in front; the value stays.
    while len(words) > 1 and size - len(words[0]) / 2 > length:
        size -= len(words.pop(0)) + 1
    return " ".join(words)


def _make_value(chance: random.Random) -> str:
    return chance.choice(_VALUES).format(
        day=chance.choice(_DAYS),
        hour=chance.randint(8, 19),
        quarter=chance.choice(("00", "15", "30", "45")),
        amount=chance.randint(5, 30),
        rooms=chance.randint(1, 5),
        place=chance.choice(_PLACES),
        name=chance.choice(_NAMES),
        phone=chance.randint(1_000_000, 9_999_999),
    )


def quantile(table: Sequence[float], share: float) -> float:
    """The value below which `share` (0 to 1) lies, between the rows of a table over PERCENTS."""
    percent = share * 100
    for place in range(1, len(PERCENTS)):
        high = PERCENTS[place]
        if percent <= high:
            low = PERCENTS[place - 1]
            part = (percent - low) / (high - low)
            return table[place - 1] + part * (table[place] - table[place - 1])
    return table[-1]


_SENTENCES = (
    "Hello.",
    "Yes, please.",
    "No, thanks.",
    "Great, that works for me.",
    "I am looking for a flat with two rooms and a balcony.",
    "Is the apartment on the third floor still free?",
    "Could I come and see it some time this week?",
    "The heating in the bathroom is broken again.",
    "What is included in the rent, and how high is the deposit?",
    "Are pets allowed in the building?",
    "I would like to move my appointment to another day.",
    "My neighbour is very loud at night and I cannot sleep.",
    "Thank you, you have been very helpful!",
    "That is too expensive for us.",
    "Please send me the contract so that I can read it.",
    "Where can I park my car, and is there a cellar?",
    "I have paid already, why do I get a reminder?",
    "We would need a place near the station with a kitchen.",
    "How long is the notice period?",
    "Can somebody call me back?",
    "The key does not fit any more.",
    "I do not want that one, show me something else.",
    "Sounds good, let us do that.",
    "Which documents do you need from me?",
)

_VALUES = (
    "on {day} at {hour}:{quarter}",
    "tomorrow at {hour} o'clock",
    "for {amount}00 euros",
    "under ${amount}00 a month",
    "with {rooms} rooms",
    "in {place}",
    "in the {place} area",
    "for {name}",
    "under {name}@example.com",
    "at +49 30 {phone}",
    "this {day}",
    "next {day}",
)
_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_PLACES = ("Mitte", "the old town", "Riverside", "Lindenau", "the harbour quarter", "Westend")
_NAMES = ("Ana", "Jonas", "Priya", "Mehmet", "Sofia", "Lukas", "Chen", "Amara")
