"""Vectors from a server that speaks OpenAI's `/v1/embeddings`: a hosted model, or one of one's own.

What may work later (no connection, 408, 409, 425, 429, 5xx) is tried again with growing pauses;
anything else is raised at once. The answer's order, number and size are checked.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import httpx
import msgspec
import numpy as np
from msgspec import Struct

from ...model.errors import InvalidInput, Unavailable
from ...settings import GraphSettings
from .embedder import Embedder, Floats, unit

BATCH = 100
"""Texts of one request."""
MAX_CHARACTERS = 24_000
"""Of one text: what comes after is cut off, as servers refuse what their model cannot read."""
MAX_PAUSE_S = 30.0
_LATER = frozenset({408, 409, 425, 429})


class _Item(Struct):
    index: int
    embedding: list[float]


class _Answer(Struct):
    data: list[_Item]


_decoder = msgspec.json.Decoder(_Answer)


class HttpEmbedder:
    """One client; `aclose` lets its connections go."""

    def __init__(
        self,
        url: str,
        model: str,
        dimensions: int,
        *,
        key: str | None = None,
        timeout_s: float = 30.0,
        attempts: int = 4,
        first_pause_s: float = 0.5,
    ) -> None:
        """`url` is that of the endpoint, whole."""
        self._url = url
        self._name = model
        self._dimensions = dimensions
        self._attempts = attempts
        self._first_pause_s = first_pause_s
        headers = {"authorization": f"Bearer {key}"} if key else {}
        self._client = httpx.AsyncClient(timeout=timeout_s, headers=headers, trust_env=False)

    @property
    def model(self) -> str:
        return f"http:{self._name}:{self._dimensions}"

    @property
    def dimensions(self) -> int:
        return self._dimensions

    async def embed(self, texts: Sequence[str]) -> Floats:
        """Raises Unavailable with what the server said."""
        parts = [await self._request(texts[at : at + BATCH]) for at in range(0, len(texts), BATCH)]
        return np.concatenate(parts) if parts else np.empty((0, self._dimensions), np.float32)

    async def aclose(self) -> None:
        await self._client.aclose()

    async def _request(self, texts: Sequence[str]) -> Floats:
        body = {
            "model": self._name,
            "input": [text[:MAX_CHARACTERS] for text in texts],
            "dimensions": self._dimensions,
            "encoding_format": "float",
        }
        pause = self._first_pause_s
        for attempt in range(1, self._attempts + 1):
            try:
                answer = await self._client.post(self._url, json=body)
            except httpx.TransportError as error:
                reason = f"{type(error).__name__}: {error}"
            else:
                if answer.status_code == 200:
                    return self._read(answer.content, len(texts))
                reason = f"status {answer.status_code}: {answer.text[:200]}"
                if answer.status_code < 500 and answer.status_code not in _LATER:
                    break
                pause = max(pause, _asked_pause(answer))
            if attempt < self._attempts:
                await asyncio.sleep(min(pause, MAX_PAUSE_S))
                pause *= 2
        raise Unavailable(f"{self._url} gave no embeddings: {reason}")

    def _read(self, content: bytes, count: int) -> Floats:
        try:
            items = sorted(_decoder.decode(content).data, key=lambda item: item.index)
        except msgspec.MsgspecError as error:
            raise Unavailable(f"{self._url} gave no embeddings: {error}") from error
        if [item.index for item in items] != list(range(count)):
            raise Unavailable(f"{self._url} gave {len(items)} embeddings for {count} texts")
        rows = [np.array(item.embedding, np.float32) for item in items]
        if sizes := {len(row) for row in rows} - {self._dimensions}:
            raise Unavailable(
                f"{self._url} gave vectors of {max(sizes)} numbers; `graph.embedding_dimensions`"
                f" is {self._dimensions}"
            )
        return unit(np.stack(rows))


def http_embedder(settings: GraphSettings) -> Embedder:
    """The embedder of the settings. Raises InvalidInput where one of them is missing."""
    url, model, size = (
        settings.embedding_url, settings.embedding_model, settings.embedding_dimensions,
    )  # fmt: skip
    if url is None or model is None or size is None:
        raise InvalidInput(
            "the embedder `http` needs `graph.embedding_url`, `graph.embedding_model` and"
            " `graph.embedding_dimensions`",
            field="graph.embedder",
        )
    return HttpEmbedder(
        url, model, size, key=settings.embedding_key, timeout_s=settings.embedding_timeout_s
    )


def _asked_pause(answer: httpx.Response) -> float:
    """The seconds that the server asks for; 0 if it says nothing that is understood."""
    text = answer.headers.get("retry-after", "")
    return float(text) if text.isascii() and text.isdecimal() else 0.0
