"""The server that the migration is led through: killed, started again, asked until it answers."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Mapping
from typing import Any

import msgspec

from ...model.errors import Unavailable
from ..server import HOST, Server
from ..wire import Answer, request_bytes
from .child import PATIENCE_S

PAUSE_S = 0.1
TIMEOUT_S = 60.0
BUSY = (429, 503)


class Engine:
    """One server. `asking` is sent again until there is an answer that is no sign of pressure."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self._harm = asyncio.Lock()

    async def kill(self) -> None:
        """SIGKILL to all of it, and a new one. Returns once it is ready. Raises Unavailable."""
        async with self._harm:
            self.server.kill_group()
            await self._again()

    async def kill_over(self, method: str, path: str, body: Any, after_s: float) -> Answer | None:
        """Kills it so long after it was asked for something; the answer, where one came before.
        Returns once a new one is ready."""
        async with self._harm:
            asked = asyncio.ensure_future(
                self.server.pool.request(self._request(method, path, body), TIMEOUT_S)
            )
            await asyncio.sleep(after_s)
            self.server.kill_group()
            try:
                return await asked
            except (OSError, TimeoutError):
                return None
            finally:
                await self._again()

    async def _again(self) -> None:
        process = self.server.process
        assert process is not None
        await process.wait()
        self.server.pool.close()
        await self.server.start()

    async def ask(
        self, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None
    ) -> Answer:
        """Asks until there is an answer. Raises Unavailable where none comes."""
        request = self._request(method, path, body, headers)
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            try:
                answer = await self.server.pool.request(request, TIMEOUT_S)
            except (OSError, TimeoutError):
                answer = None
            if answer is not None and answer.status not in BUSY:
                return answer
            await asyncio.sleep(PAUSE_S)
        raise Unavailable(f"no answer to {method} {path}")

    async def tree(self, method: str, path: str, body: Any = None) -> Any:
        """What the answer says. Raises Unavailable for one that is an error."""
        answer = await self.ask(method, path, body)
        if answer.status >= 400:
            raise Unavailable(f"{method} {path}: {answer.status} {answer.body[:500]!r}")
        return msgspec.json.decode(answer.body)

    def _request(
        self, method: str, path: str, body: Any, headers: Mapping[str, str] | None = None
    ) -> bytes:
        encoded = None if body is None else msgspec.json.encode(body)
        return request_bytes(
            method, path, host=HOST, token=self.server.token, body=encoded, headers=headers
        )


def moment(chance: random.Random) -> float:
    """Seconds between a request and the kill that meets it."""
    return chance.uniform(0, 0.04)
