"""Signals through Redis: one channel of its publish and subscribe, which knows no databases."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from typing import Any

import redis.asyncio
from redis.asyncio.client import PubSub
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import AuthenticationError, NoPermissionError, RedisError

from ...model.errors import ColloquyError, SignalsUnavailable
from ...settings import SignalServer
from .carrier import CARRIER_S, GOODBYE_S, refused

_OUTAGES = (RedisError, OSError, TimeoutError)


class RedisCarrier:
    """One connection that listens and one that sends. See `Carrier`."""

    def __init__(self, server: SignalServer) -> None:
        self.place = server.place
        self._server = server
        self._redis: redis.asyncio.Redis | None = None
        self._listening: PubSub | None = None
        self._reader: asyncio.Task[None] | None = None

    async def open(
        self, channel: str, heard: Callable[[bytes], None], lost: Callable[[str], None]
    ) -> None:
        await self.close()
        self._channel = channel
        self._redis = self._client()
        self._listening = self._redis.pubsub()
        try:
            async with asyncio.timeout(CARRIER_S):
                await self._listening.subscribe(channel)
                # Nothing is listened to before the server has said so.
                await self._listening.get_message(timeout=CARRIER_S)
        except _OUTAGES as error:
            await self.close()
            raise self._refusal(error) from error
        self._reader = asyncio.create_task(
            self._read(self._listening, heard, lost), name="colloquy-signals-redis"
        )

    async def send(self, payloads: Sequence[bytes]) -> None:
        assert self._redis is not None
        try:
            async with asyncio.timeout(CARRIER_S):
                batch = self._redis.pipeline(transaction=False)
                for payload in payloads:
                    batch.publish(self._channel, payload)
                await batch.execute()
        except _OUTAGES as error:
            raise self._refusal(error) from error

    async def close(self) -> None:
        reader, self._reader = self._reader, None
        listening, self._listening = self._listening, None
        client, self._redis = self._redis, None
        if reader is not None:
            reader.cancel()
            await asyncio.wait({reader})
        with contextlib.suppress(*_OUTAGES):
            async with asyncio.timeout(GOODBYE_S):
                if listening is not None:
                    await listening.aclose()  # type: ignore[no-untyped-call]
                if client is not None:
                    await client.aclose()

    async def _read(
        self, listening: PubSub, heard: Callable[[bytes], None], lost: Callable[[str], None]
    ) -> None:
        reason = "the subscription ended"
        try:
            async for message in listening.listen():
                if message["type"] == "message":
                    heard(message["data"])
        except Exception as error:  # whatever the library raises, nobody reads any more
            reason = str(error) or type(error).__name__
        lost(reason)

    def _client(self) -> redis.asyncio.Redis:
        server = self._server
        options: dict[str, Any] = {}
        if server.is_encrypted:
            options = {"ssl": True, "ssl_cert_reqs": "required", "ssl_check_hostname": True}
        return redis.asyncio.Redis(
            host=server.host,
            port=server.port,
            username=server.user,
            password=server.password,
            client_name="colloquy",
            protocol=2,
            socket_timeout=CARRIER_S,
            socket_connect_timeout=CARRIER_S,
            # Connecting again is ours to do: what came in between must not go unnoticed.
            retry=Retry(NoBackoff(), 0),
            **options,
        )

    def _refusal(self, error: Exception) -> ColloquyError:
        if isinstance(error, (AuthenticationError, NoPermissionError)):
            return refused(self._server, str(error))
        reason = str(error) or type(error).__name__
        return SignalsUnavailable(f"no signals through {self.place}: {reason}")
