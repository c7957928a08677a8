"""What is searched of an entity: its words, by where they stand, and the text that is embedded."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from hashlib import blake2b
from typing import Any, NamedTuple

import msgspec

from ...storage.search import words_of
from ...storage.store import Reading, Store
from ..embedding_text import entity_text
from ..facts import Fact
from ..kinds import SHAPES
from ..learning import TYPE, entity_from
from ..queries.sql import Parameters, chunks

MAX_WORDS = 4000
"""Of one entity; PostgreSQL gives words places up to 16,383."""
NAMES = ("name", "title", "aliases", "legalName", "label")
"""Attributes by which people call an entity: their words count more."""


class Entry(NamedTuple):
    """A row of `graph_entities`."""

    number: int
    id: str
    kind: str | None
    name: str | None
    stands: int | None
    changed: int

    @property
    def is_found(self) -> bool:
        """Whether searching shows it: something is known of it, and no other stands for it."""
        return self.kind is not None and self.stands is None


class Folded(NamedTuple):
    """Each word once and in one of the two."""

    names: list[str]
    words: list[str]


class Document(NamedTuple):
    """`names` and `words` as in `Folded`; `text` is embedded."""

    names: list[str]
    words: list[str]
    text: str
    digest: bytes

    @property
    def lexemes(self) -> str:
        """As PostgreSQL reads a tsvector; words of names have the weight A."""
        weights = ["A"] * len(self.names) + ["D"] * len(self.words)
        words = [*self.names, *self.words]
        return " ".join(
            f"'{word}':{place}{weight}"
            for place, (word, weight) in enumerate(zip(words, weights, strict=True), 1)
        )


async def documents_of(store: Store, entries: Iterable[Entry]) -> dict[int, Document]:
    """Number → document, of those that searching shows, as they are known now."""
    found: dict[int, Document] = {}
    for part in chunks(entry for entry in entries if entry.is_found):
        told = await store.explore(_read_attributes(part))
        found |= {entry.number: document(entry, told[entry.number]) for entry in part}
    return found


async def folded_of(store: Store, entries: Iterable[Entry]) -> dict[int, Folded]:
    """Number → words, of those that searching shows, as they are known now."""
    found: dict[int, Folded] = {}
    for part in chunks(entry for entry in entries if entry.is_found):
        told = await store.explore(_read_attributes(part))
        found |= {entry.number: folded(entry, told[entry.number]) for entry in part}
    return found


def _read_attributes(part: Sequence[Entry]) -> Reading[dict[int, list[tuple[str, Any]]]]:
    put = Parameters()
    rows = yield (
        f"""SELECT f.subject, f.predicate, f.value FROM graph_facts f
            WHERE f.subject IN {put.any_of([entry.number for entry in part])}
                AND f.target IS NULL AND f.learned_to IS NULL AND f.valid_to IS NULL
            ORDER BY f.subject, f.number""",
        put.values,
    )
    told: dict[int, list[tuple[str, Any]]] = {entry.number: [] for entry in part}
    for subject, predicate, value in rows:
        told[subject].append((predicate, msgspec.json.decode(value)))
    return told


def document(entry: Entry, told: Sequence[tuple[str, Any]]) -> Document:
    """The document of an entity with these attributes; of a set, each member is one."""
    words = folded(entry, told)
    text = _embedded(entry, told)
    digest = blake2b(f"{entry.kind}\n{text}".encode("utf-8", "surrogatepass"), digest_size=16)
    return Document(*words, text, digest.digest())


def folded(entry: Entry, told: Sequence[tuple[str, Any]]) -> Folded:
    """The words of an entity with these attributes."""
    called = [entry.name or "", *(text for name, value in told if name in NAMES
                                  for text in _texts(value))]  # fmt: skip
    said = [text for name, value in told if name != TYPE for text in _texts(value)]
    names = words_of(" ".join(called))[:MAX_WORDS]
    known = set(names)
    words = [word for word in words_of(" ".join(said)) if word not in known]
    return Folded(names, words[: MAX_WORDS - len(names)])


def _embedded(entry: Entry, attributes: Sequence[tuple[str, Any]]) -> str:
    if entry.kind in SHAPES:
        facts = [
            Fact(
                subject=entry.id, predicate=name, value=value, target=None, valid_from=None,
                valid_to=None, confidence=1.0, support=(),
            )
            for name, value in attributes
        ]  # fmt: skip
        entity = entity_from(entry.id, facts)
        if entity is not None:
            return entity_text(entity)
    return f"{entry.kind} {entry.name or entry.id}"


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for one in value.values():
            yield from _texts(one)
    elif isinstance(value, list):
        for one in value:
            yield from _texts(one)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield f"{value:.15g}" if isinstance(value, float) else str(value)
