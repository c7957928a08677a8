"""Labelled rows out of JSONL and JSONL.gz files, one form per task."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeVar

import msgspec
from msgspec import Struct, field

from ...model.errors import InvalidInput, NotFound

OUT_OF_SCOPE = frozenset({"oos", "out_of_scope"})
"""Intent names that mean: none of the others."""
MAX_BYTES = 1 << 30


class SpanRow(Struct, frozen=True):
    """An annotated entity: `text[start:end]` is a `label`."""

    start: int
    end: int
    label: str
    text: str = ""
    role: str | None = None
    group: str | None = None
    value: Any = None


class IntentRow(Struct, frozen=True):
    """`{"id", "text", "intent"}`, or `"intents": [...]` where several apply."""

    text: str
    id: str = ""
    intent: str | None = None
    intents: list[str] | None = None


class EntityRow(Struct, frozen=True):
    """`{"id", "text", "entities": [...]}`; `requested_slots` is what had just been asked for."""

    text: str
    entities: list[SpanRow]
    id: str = ""
    requested_slots: list[str] = []
    intent: str | None = None
    domain: str | None = None


class EmotionRow(Struct, frozen=True):
    """`{"id", "text", "emotion"}` or `"labels": [...]`, in dialogues with speakers if known."""

    text: str
    id: str = ""
    emotion: str | None = None
    labels: list[str] | None = None
    sentiment: str | None = None
    dialogue_id: str | int | None = None
    turn: int | None = None
    speaker: str | None = None


class TurnRow(Struct, frozen=True):
    """One turn of a dialogue."""

    text: str
    speaker: str | None = None


class TopicRow(Struct, frozen=True):
    """A dialogue; `boundaries` are the indices of the turns that open a new topic (never 0)."""

    turns: list[TurnRow]
    boundaries: list[int]
    id: str = field(default="")


Row = TypeVar("Row", bound=Struct)


def read_rows(path: Path, kind: type[Row]) -> list[Row]:
    """All rows of a file. Raises NotFound, or InvalidInput with the file and the line."""
    decoder = msgspec.json.Decoder(kind)
    rows: list[Row] = []
    for number, line in open_lines(path):
        try:
            rows.append(decoder.decode(line))
        except (msgspec.ValidationError, msgspec.DecodeError, UnicodeDecodeError) as error:
            raise InvalidInput(f"{path}:{number}: {error}", field="file") from None
    if not rows:
        raise InvalidInput(f"{path} has no rows", field="file")
    return rows


def open_lines(path: Path) -> Iterator[tuple[int, bytes]]:
    """The lines of a file, plain or .gz, that are not empty, with their numbers from 1.

    Raises NotFound, InvalidInput.
    """
    try:
        with gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb") as stream:
            for number, line in enumerate(stream, 1):
                if line.strip():
                    yield number, line
    except FileNotFoundError:
        raise NotFound(f"there is no file at {path}") from None
    except (gzip.BadGzipFile, EOFError, IsADirectoryError) as error:
        raise InvalidInput(f"{path}: {error}", field="file") from None
