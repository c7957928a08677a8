"""The two ways to talk to a server: a client that waits, and one that awaits.

Each is an open connection pool, used as a context manager. What they send and what they make of
the answers is decided in `request.py` and `feed.py`: these two only wait differently.
"""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any, Self, TypeVar

import httpx

from ..model.errors import ColloquyError
from .feed import Feed, Position
from .problems import error_in
from .request import Call, Exchange, Retries, unreachable

T = TypeVar("T")

TIMEOUT_S = 35.0
"""Longer than the longest wait for replies (30 s)."""
CONNECTIONS = 20
RETRIES = Retries()


class SyncTransport:
    """Sends calls and waits for their answers. Threads may share one."""

    def __init__(
        self,
        url: str,
        key: str | None = None,
        *,
        timeout_s: float = TIMEOUT_S,
        retries: Retries = RETRIES,
        connections: int = CONNECTIONS,
    ) -> None:
        self.url = url.rstrip("/")
        self._retries = retries
        self._http = httpx.Client(**_options(self.url, key, timeout_s, connections))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._http.close()

    def perform(self, call: Call[T]) -> T:
        """The answer to a call. Raises Unavailable when there is none, else the server's error."""
        exchange = Exchange(call, self._retries, self.url)
        while True:
            try:
                response = self._http.request(**exchange.request)
            except httpx.HTTPError as error:
                time.sleep(exchange.failed(error))
                continue
            pause_s = exchange.pause_s(response)
            if pause_s is None:
                return exchange.answer(response)
            time.sleep(pause_s)

    def download(self, call: Call[bytes]) -> Iterator[bytes]:
        """The answer to a call, as it comes. Raises as `perform`, and Unavailable when it breaks
        off."""
        exchange = Exchange(call, self._retries, self.url)
        has_begun = False
        while not has_begun:
            pause_s: float | None
            try:
                with self._http.stream(**exchange.request) as response:
                    pause_s = exchange.pause_s(response)
                    if pause_s is None:
                        if response.status_code >= 400:
                            response.read()
                            exchange.answer(response)
                        has_begun = True
                        yield from response.iter_bytes()
            except httpx.HTTPError as error:
                if has_begun:
                    raise unreachable(self.url, error) from None
                pause_s = exchange.failed(error)
            time.sleep(pause_s or 0.0)

    def follow(self, call: Call[T], feed: Feed[T]) -> Iterator[T]:
        """The items of a feed, over as many connections as it needs."""
        position = Position(call, feed, self.url)
        pause_s: float | None = 0.0
        while pause_s is not None:
            time.sleep(pause_s)
            broken: Exception | None = None
            try:
                with self._http.stream(**position.request()) as response:
                    if response.status_code >= 400:
                        response.read()
                        raise error_in(response)
                    for line in response.iter_lines():
                        if (item := position.read(line)) is not None:
                            yield item
            except (httpx.HTTPError, ColloquyError) as error:
                broken = error
            pause_s = position.ended(broken)


class AsyncTransport:
    """Sends calls and awaits their answers."""

    def __init__(
        self,
        url: str,
        key: str | None = None,
        *,
        timeout_s: float = TIMEOUT_S,
        retries: Retries = RETRIES,
        connections: int = CONNECTIONS,
    ) -> None:
        self.url = url.rstrip("/")
        self._retries = retries
        self._http = httpx.AsyncClient(**_options(self.url, key, timeout_s, connections))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        await self._http.aclose()

    async def perform(self, call: Call[T]) -> T:
        """The answer to a call. Raises Unavailable when there is none, else the server's error."""
        exchange = Exchange(call, self._retries, self.url)
        while True:
            try:
                response = await self._http.request(**exchange.request)
            except httpx.HTTPError as error:
                await asyncio.sleep(exchange.failed(error))
                continue
            pause_s = exchange.pause_s(response)
            if pause_s is None:
                return exchange.answer(response)
            await asyncio.sleep(pause_s)

    async def download(self, call: Call[bytes]) -> AsyncIterator[bytes]:
        """The answer to a call, as it comes. Raises as `perform`, and Unavailable when it breaks
        off."""
        exchange = Exchange(call, self._retries, self.url)
        has_begun = False
        while not has_begun:
            pause_s: float | None
            try:
                async with self._http.stream(**exchange.request) as response:
                    pause_s = exchange.pause_s(response)
                    if pause_s is None:
                        if response.status_code >= 400:
                            await response.aread()
                            exchange.answer(response)
                        has_begun = True
                        async for chunk in response.aiter_bytes():
                            yield chunk
            except httpx.HTTPError as error:
                if has_begun:
                    raise unreachable(self.url, error) from None
                pause_s = exchange.failed(error)
            await asyncio.sleep(pause_s or 0.0)

    async def follow(self, call: Call[T], feed: Feed[T]) -> AsyncIterator[T]:
        """The items of a feed, over as many connections as it needs."""
        position = Position(call, feed, self.url)
        pause_s: float | None = 0.0
        while pause_s is not None:
            await asyncio.sleep(pause_s)
            broken: Exception | None = None
            try:
                async with self._http.stream(**position.request()) as response:
                    if response.status_code >= 400:
                        await response.aread()
                        raise error_in(response)
                    async for line in response.aiter_lines():
                        if (item := position.read(line)) is not None:
                            yield item
            except (httpx.HTTPError, ColloquyError) as error:
                broken = error
            pause_s = position.ended(broken)


def _options(url: str, key: str | None, timeout_s: float, connections: int) -> dict[str, Any]:
    # Without TLS nothing is verified: loading the authorities would cost half the start-up.
    plain = url.startswith("http://")
    return {
        "base_url": url,
        "headers": {"authorization": f"Bearer {key}"} if key else {},
        "timeout": timeout_s,
        "verify": ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT) if plain else True,
        "trust_env": False,
        "limits": httpx.Limits(max_connections=None, max_keepalive_connections=connections),
    }
