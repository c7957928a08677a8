"""What turns texts into vectors, and how one is chosen.

An embedder never gives anything but its own vectors: what it cannot embed, it raises for. Nothing
is put in its place, so an outage leaves the index behind and not wrong.
"""

from __future__ import annotations

import hashlib
import importlib
from collections import OrderedDict
from collections.abc import Callable, Sequence
from importlib import metadata
from typing import Protocol, cast

import numpy as np
import numpy.typing as npt

from ...model.errors import InvalidInput, Unavailable
from ...settings import GraphSettings

Floats = npt.NDArray[np.float32]

GROUP = "colloquy.embedders"
"""Entry points of installed packages: name → a callable that takes the settings of the graph."""

BUILT_IN = {
    "words": "colloquy.understanding.vectors.embedder:words_embedder",
    "encoder": "colloquy.understanding.vectors.embedder:encoder_embedder",
    "http": "colloquy.graph.search.http:http_embedder",
}
"""By name and not imported: what makes vectors lives in rooms above this one."""

MAX_CACHED = 20_000
"""Texts of which vectors are kept; with 128 numbers each that is 10 MiB."""


class Embedder(Protocol):
    """`model` names what makes the vectors: another name, another index."""

    @property
    def model(self) -> str: ...

    @property
    def dimensions(self) -> int: ...

    async def embed(self, texts: Sequence[str]) -> Floats:
        """A vector of length 1 per text, in order: (texts, dimensions).

        A text of which nothing is known may have zeros, which are like nothing. Raises Unavailable
        or another error of ours.
        """
        ...


Make = Callable[[GraphSettings], Embedder]


def model_name(embedder: Embedder) -> str:
    """Which vectors are in one index: those of the same model that are as long."""
    return f"{embedder.model}/{embedder.dimensions}"


class CheckedEmbedder:
    """Another embedder behind checks and a bounded cache, the last used kept longest.

    Refuses blank texts, and vectors of the wrong shape or with anything infinite in them.
    """

    def __init__(self, inner: Embedder, *, cached: int = MAX_CACHED) -> None:
        self._inner = inner
        self._limit = cached
        self._cache: OrderedDict[bytes, Floats] = OrderedDict()
        self.hits = 0
        self.misses = 0

    @property
    def model(self) -> str:
        return self._inner.model

    @property
    def dimensions(self) -> int:
        return self._inner.dimensions

    async def embed(self, texts: Sequence[str]) -> Floats:
        """Raises InvalidInput for a blank text, and what the embedder raises."""
        for index, text in enumerate(texts):
            if not text.strip():
                raise InvalidInput("a blank text has no meaning to embed", field=f"texts[{index}]")
        keys = [self._key(text) for text in texts]
        known = {key: self._cache[key] for key in keys if key in self._cache}
        wanted = {key: text for key, text in zip(keys, texts, strict=True) if key not in known}
        if wanted:
            made = self._checked(await self._inner.embed(list(wanted.values())), len(wanted))
            known |= zip(wanted, made, strict=True)
        self.misses += len(wanted)
        self.hits += len(keys) - len(wanted)
        for key, vector in known.items():
            self._cache[key] = vector
            self._cache.move_to_end(key)
        while len(self._cache) > self._limit:
            self._cache.popitem(last=False)
        result = np.empty((len(keys), self.dimensions), np.float32)
        for row, key in zip(result, keys, strict=True):
            row[:] = known[key]
        return result

    def _key(self, text: str) -> bytes:
        head = f"{self.model}\n{self.dimensions}\n"
        return hashlib.sha256((head + text).encode("utf-8", "surrogatepass")).digest()

    def _checked(self, vectors: Floats, count: int) -> Floats:
        vectors = np.asarray(vectors, np.float32)
        if vectors.shape != (count, self.dimensions):
            raise Unavailable(
                f"{self.model} gave vectors of shape {vectors.shape},"
                f" not {(count, self.dimensions)}"
            )
        if not np.isfinite(vectors).all():
            raise Unavailable(f"{self.model} gave a vector with a number that is not finite")
        return vectors


def load_embedder(settings: GraphSettings) -> CheckedEmbedder | None:
    """The embedder that the settings name; None where they name none.

    A built-in name, one of an entry point, or `module:callable`. Raises InvalidInput.
    """
    name = settings.embedder
    if name is None:
        return None
    path = BUILT_IN.get(name)
    if path is None:
        entries = metadata.entry_points(group=GROUP, name=name)
        path = next((entry.value for entry in entries), name)
    module, _, attribute = path.partition(":")
    if not module or not attribute:
        known = sorted({*BUILT_IN, *(one.name for one in metadata.entry_points(group=GROUP))})
        raise InvalidInput(
            f"there is no embedder {name!r}; known: {', '.join(known)}", field="graph.embedder"
        )
    try:
        make = cast(Make, getattr(importlib.import_module(module), attribute.strip()))
    except (ImportError, AttributeError) as error:
        raise InvalidInput(f"{path}: {error}", field="graph.embedder") from error
    return CheckedEmbedder(make(settings))


def unit(vectors: Floats) -> Floats:
    """The vectors (n, d) at length 1; zeros stay zeros."""
    lengths = np.sqrt(np.einsum("ij,ij->i", vectors, vectors))[:, None]
    result: Floats = np.divide(vectors, lengths, out=np.zeros_like(vectors), where=lengths > 0)
    return result
