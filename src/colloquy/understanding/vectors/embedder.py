"""Vectors of texts for searching, made on this machine: from word vectors, or by the encoder.

Both run in a thread: neither holds up the event loop.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Sequence

import numpy as np

from ...settings import GraphSettings
from ..encoder.base import WIDTH as ENCODER_WIDTH
from ..encoder.base import load_base
from ..encoder.graph import build_graph
from ..encoder.model import EncoderModel, Header
from ..intent import tokens_of
from .words import WIDTH, Floats, WordVectors, lengths, load_words

MAX_CHARACTERS = 4000
"""Of a text that are looked at."""


class LocalEmbedder:
    """A model and the function that runs it; one text at a time goes through it."""

    def __init__(self, model: str, dimensions: int, run: Callable[[Sequence[str]], Floats]) -> None:
        self.model = model
        self.dimensions = dimensions
        self._run = run
        self._lock = threading.Lock()

    async def embed(self, texts: Sequence[str]) -> Floats:
        """(texts, dimensions), of length 1; zeros where no word of a text is known."""
        return await asyncio.to_thread(self._embed, list(texts))

    def _embed(self, texts: list[str]) -> Floats:
        with self._lock:
            return self._run([text[:MAX_CHARACTERS] for text in texts])


def words_embedder(settings: GraphSettings) -> LocalEmbedder:
    """The sum of the shipped word vectors, in which common words are short and telling ones long
    (smooth inverse frequency; Arora and others, 2017). Raises NotFound if a build left them out."""
    return word_embedder(load_words())


def word_embedder(words: WordVectors) -> LocalEmbedder:
    def run(texts: Sequence[str]) -> Floats:
        return words.of_texts([tokens_of(text) for text in texts])

    return LocalEmbedder(f"words:{words.version}", WIDTH, run)


def encoder_embedder(settings: GraphSettings) -> LocalEmbedder:
    """The published sentence encoder. Raises Unavailable where it is not installed."""
    base = load_base()
    header = Header(task="", version="", base=base.checksum, labels=[""], tuned=False)
    nothing = np.zeros((1, ENCODER_WIDTH), np.float32)
    encoder = EncoderModel(base, header, build_graph(base.tensors()), nothing, nothing[0, :1])

    def run(texts: Sequence[str]) -> Floats:
        vectors = encoder.embed(base.texts(texts))
        found: Floats = vectors / lengths(vectors)
        return found

    return LocalEmbedder(f"minilm:{base.checksum}", ENCODER_WIDTH, run)
