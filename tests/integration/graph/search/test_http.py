"""The embedder over HTTP, against a real server on this machine."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator

import numpy as np
import pytest

from colloquy.graph.search.http import BATCH, HttpEmbedder
from colloquy.model.errors import Unavailable
from support.receiver import Reaction, Received, Receiver


def answer(received: Received, *, size: int = 2, drop: int = 0) -> Reaction:
    """Vectors that tell the texts apart, handed out in the opposite order."""
    texts = json.loads(received.body)["input"]
    data = [
        {"object": "embedding", "index": at, "embedding": [float(len(text)), 1.0, 2.0][:size]}
        for at, text in enumerate(texts)
    ]
    return Reaction(body=json.dumps({"data": data[::-1][drop:], "model": "m"}).encode())


@pytest.fixture
def server() -> Iterator[Receiver]:
    with Receiver(answer) as receiver:
        yield receiver


@pytest.fixture
async def embedder(server: Receiver) -> AsyncIterator[HttpEmbedder]:
    made = HttpEmbedder(server.url, "m", 2, key="secret", attempts=3, first_pause_s=0.001)
    yield made
    await made.aclose()


async def test_vectors_come_in_order_and_at_length_one(
    server: Receiver, embedder: HttpEmbedder
) -> None:
    texts = ["x" * (1 + at) for at in range(BATCH + 3)]
    found = await embedder.embed(texts)
    assert found.shape == (BATCH + 3, 2)
    assert np.allclose(found[:, 0] / found[:, 1], np.arange(1, BATCH + 4))
    assert np.allclose(np.linalg.norm(found, axis=1), 1)
    first = server.received[0]
    assert first.headers["authorization"] == "Bearer secret"
    body = json.loads(first.body)
    assert (body["model"], body["dimensions"], len(body["input"])) == ("m", 2, BATCH)
    assert len(server.received) == 2


async def test_what_passes_is_tried_again(server: Receiver, embedder: HttpEmbedder) -> None:
    server.reactions.extend([Reaction(429, (("retry-after", "0"),)), Reaction(503)])
    assert (await embedder.embed(["a"])).shape == (1, 2)
    assert len(server.received) == 3


async def test_what_lasts_is_raised_and_never_replaced(
    server: Receiver, embedder: HttpEmbedder
) -> None:
    server.reactions.extend([Reaction(500)] * 3)
    with pytest.raises(Unavailable, match="500"):
        await embedder.embed(["a"])
    assert len(server.received) == 3
    server.reactions.append(Reaction(401, body=b"no such key"))
    with pytest.raises(Unavailable, match="no such key"):
        await embedder.embed(["a"])
    assert len(server.received) == 4


async def test_a_server_that_is_not_there_is_named() -> None:
    with Receiver() as gone:
        url = gone.url
    embedder = HttpEmbedder(url, "m", 2, attempts=2, first_pause_s=0.001)
    with pytest.raises(Unavailable, match="ConnectError"):
        await embedder.embed(["a"])
    await embedder.aclose()


async def test_wrong_answers_are_refused(server: Receiver, embedder: HttpEmbedder) -> None:
    server.react = lambda received: answer(received, size=3)
    with pytest.raises(Unavailable, match="embedding_dimensions"):
        await embedder.embed(["a"])
    server.react = lambda received: answer(received, drop=1)
    with pytest.raises(Unavailable, match="1 embeddings for 2 texts"):
        await embedder.embed(["a", "b"])
    server.react = lambda _: Reaction(body=b"<html>")
    with pytest.raises(Unavailable, match="no embeddings"):
        await embedder.embed(["a"])
