"""The checks and the cache before every embedder, and how one is chosen."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from colloquy.graph.search.embedder import CheckedEmbedder, Floats, load_embedder, unit
from colloquy.model.errors import InvalidInput, Unavailable
from colloquy.settings import GraphSettings


class Lengths:
    """A text's length and its last letter: tells whose vector is whose."""

    model = "lengths"
    dimensions = 2

    def __init__(self) -> None:
        self.asked: list[list[str]] = []
        self.spoil = 0.0

    async def embed(self, texts: Sequence[str]) -> Floats:
        self.asked.append(list(texts))
        rows = [[len(text) + self.spoil, ord(text[-1])] for text in texts]
        return np.array(rows, np.float32)


async def test_vectors_come_in_the_order_of_the_texts_whatever_was_known() -> None:
    inner = Lengths()
    embedder = CheckedEmbedder(inner)
    await embedder.embed(["bb"])
    found = await embedder.embed(["a", "bb", "ccc", "a"])
    assert found.tolist() == [[1, 97], [2, 98], [3, 99], [1, 97]]
    assert found.dtype == np.float32
    assert inner.asked == [["bb"], ["a", "ccc"]]
    assert (embedder.hits, embedder.misses) == (2, 3)
    assert (await embedder.embed([])).shape == (0, 2)


async def test_the_cache_is_bounded_and_forgets_the_longest_unused() -> None:
    inner = Lengths()
    embedder = CheckedEmbedder(inner, cached=2)
    for text in ("a", "b", "a", "c", "a", "b"):
        await embedder.embed([text])
    assert inner.asked == [["a"], ["b"], ["c"], ["b"]]


async def test_texts_that_look_alike_are_told_apart() -> None:
    # A 32-bit hash of the usual kind takes these two for one.
    found = await CheckedEmbedder(Lengths()).embed(["Aa", "BB"])
    assert found[0].tolist() != found[1].tolist()


async def test_blank_texts_and_wrong_vectors_are_refused() -> None:
    inner = Lengths()
    embedder = CheckedEmbedder(inner)
    with pytest.raises(InvalidInput) as raised:
        await embedder.embed(["a", " \n"])
    assert raised.value.field == "texts[1]"
    assert inner.asked == []
    inner.spoil = float("nan")
    with pytest.raises(Unavailable, match="finite"):
        await embedder.embed(["a"])
    inner.spoil = 0.0
    inner.dimensions = 3
    with pytest.raises(Unavailable, match="shape"):
        await embedder.embed(["a"])


async def test_the_shipped_word_vectors_know_what_is_alike() -> None:
    embedder = load_embedder(GraphSettings())
    assert embedder is not None
    texts = ["I want my money back", "a refund please", "a flat by the sea", "zzqx"]
    want, refund, flat, unknown = await embedder.embed(texts)
    assert want @ refund > 2 * max(want @ flat, 0.1)
    assert np.linalg.norm(want) == pytest.approx(1, abs=1e-5)
    assert not unknown.any()


async def test_the_encoder_where_it_is_installed() -> None:
    from colloquy.understanding.encoder.base import missing

    if missing() is not None:
        with pytest.raises(Unavailable):
            load_embedder(GraphSettings(embedder="encoder"))
        return
    embedder = load_embedder(GraphSettings(embedder="encoder"))
    assert embedder is not None
    first, second, other = await embedder.embed(["payment failed", "card refused", "a sea view"])
    assert first.shape == (384,)
    assert first @ second > first @ other


def test_an_embedder_is_chosen_by_name() -> None:
    assert load_embedder(GraphSettings(embedder=None)) is None
    with pytest.raises(InvalidInput, match="known: encoder, http, words"):
        load_embedder(GraphSettings(embedder="magic"))
    with pytest.raises(InvalidInput, match="nowhere"):
        load_embedder(GraphSettings(embedder="nowhere.at_all:make"))
    with pytest.raises(InvalidInput, match="embedding_url"):
        load_embedder(GraphSettings(embedder="http"))


def test_vectors_get_length_one() -> None:
    found = unit(np.array([[3, 4], [0, 0]], np.float32))
    assert np.allclose(found, [[0.6, 0.8], [0, 0]])
