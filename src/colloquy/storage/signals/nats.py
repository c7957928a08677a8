"""Signals through NATS: a subject without JetStream, which keeps nothing for those who are away."""

from __future__ import annotations

import asyncio
import contextlib
import math
import ssl
from collections.abc import Callable, Sequence

from nats.aio.client import Callback, Client, ErrorCallback
from nats.aio.msg import Msg
from nats.errors import AuthorizationError, ConnectionClosedError, Error

from ...model.errors import ColloquyError, SignalsUnavailable
from ...settings import SignalServer
from .carrier import CARRIER_S, GOODBYE_S, refused
from .envelope import PAYLOAD_BYTES

_OUTAGES = (Error, OSError, TimeoutError)
_WAITING = 10_000
"""Signals that came and were not read yet; beyond that we begin anew and look for ourselves."""
_WAITING_BYTES = 32 * 1024 * 1024
_TRIES = 5
"""To learn why a server hangs up."""
_REFUSALS = (
    *("authorization violation", "permissions violation"),
    *("authentication expired", "authentication revoked"),
)
"""What the server says, in small letters; a time-out of its own is none of them."""


class NatsCarrier:
    """One connection for both. See `Carrier`."""

    def __init__(self, server: SignalServer) -> None:
        self.place = server.place
        self._server = server
        self._client: Client | None = None
        self._last: Exception | None = None
        # Once: it reads every authority of the machine, and a server may ask for TLS by itself.
        self._tls = ssl.create_default_context()

    async def open(
        self, channel: str, heard: Callable[[bytes], None], lost: Callable[[str], None]
    ) -> None:
        for _ in range(_TRIES - 1):
            try:
                return await self._open(channel, heard, lost)
            except SignalsUnavailable:
                # A server that refuses us says why and hangs up on what we sent meanwhile: the
                # reset can overtake the reason, so it is asked again.
                if not isinstance(self._last, ConnectionResetError):
                    raise
        await self._open(channel, heard, lost)

    async def _open(
        self, channel: str, heard: Callable[[bytes], None], lost: Callable[[str], None]
    ) -> None:
        await self.close()
        self._channel, self._last, self._gone = channel, None, asyncio.Event()
        client = self._client = Client()

        async def hear(message: Msg) -> None:
            heard(message.data)

        async def complain(error: Exception) -> None:
            self._last = error
            # Not refusals: whoever sends or listens is told. Where the library fails to close,
            # `fall` is not called.
            if client is self._client and client.is_connected and not _is_refusal(error):
                self._gone.set()
                lost(str(error) or type(error).__name__)

        async def fall() -> None:
            if client is self._client:
                self._gone.set()
                lost(str(client.last_error or "the connection was closed"))

        try:
            async with asyncio.timeout(CARRIER_S):
                await self._connect(client, complain, fall)
                if client.max_payload < PAYLOAD_BYTES:
                    raise SignalsUnavailable(
                        f"{self.place} takes no more than {client.max_payload} bytes at once, "
                        f"signals need {PAYLOAD_BYTES} (max_payload)"
                    )
                await client.subscribe(
                    channel,
                    cb=hear,
                    pending_msgs_limit=_WAITING,
                    pending_bytes_limit=_WAITING_BYTES,
                )
                await self._settle(client)
        except _OUTAGES as error:
            await self.close()
            raise self._refusal(error) from error
        except BaseException:
            await self.close()
            raise

    async def send(self, payloads: Sequence[bytes]) -> None:
        assert self._client is not None
        try:
            async with asyncio.timeout(CARRIER_S):
                for payload in payloads:
                    await self._client.publish(self._channel, payload)
                await self._settle(self._client)
        except _OUTAGES as error:
            raise self._refusal(error) from error

    async def close(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            with contextlib.suppress(*_OUTAGES):
                async with asyncio.timeout(GOODBYE_S):
                    await client.close()

    async def _settle(self, client: Client) -> None:
        """Until the server has what was said to it. A refusal comes before its answer."""
        # What the library waits for is never told that the connection is gone.
        flushed = asyncio.ensure_future(client.flush(timeout=math.ceil(CARRIER_S)))
        gone = asyncio.ensure_future(self._gone.wait())
        try:
            await asyncio.wait({flushed, gone}, return_when=asyncio.FIRST_COMPLETED)
            if not flushed.done():
                raise ConnectionClosedError
            flushed.result()
        finally:
            flushed.cancel()
            gone.cancel()
        if self._last is not None and _is_refusal(self._last):
            raise self._last

    async def _connect(self, client: Client, complain: ErrorCallback, fall: Callback) -> None:
        server = self._server

        def later(text: str | None) -> Callable[[], str] | None:
            # Asked for when the library has gone over to TLS, if it has.
            def tell() -> str:
                self._check_encryption(client)
                return text or ""

            return None if text is None else tell

        await client.connect(
            server.place,
            name="colloquy",
            user=later(server.user),
            password=later(server.password),
            token=later(server.token),
            tls=self._tls,
            error_cb=complain,
            closed_cb=fall,
            # Connecting again is ours to do: what came in between must not go unnoticed.
            allow_reconnect=False,
            max_reconnect_attempts=1,
            reconnect_time_wait=0,
            connect_timeout=math.ceil(CARRIER_S),
        )
        self._check_encryption(client)
        # It dies of a connection that is lost, after `complain` was called: nothing more to tell.
        flusher = client._flusher_task
        if flusher is not None:
            flusher.add_done_callback(lambda task: task.cancelled() or task.exception())

    def _check_encryption(self, client: Client) -> None:
        """The library goes over to TLS where the server asks for it, and only there."""
        if self._server.is_encrypted and not client._server_info.get("tls_required"):
            raise refused(self._server, "it does not speak TLS")

    def _refusal(self, error: Exception) -> ColloquyError:
        # Of several attempts the library tells only that there were no more.
        cause = self._last = self._last if self._last is not None else error
        reason = str(cause) or type(cause).__name__
        if _is_refusal(cause):
            return refused(self._server, reason)
        return SignalsUnavailable(f"no signals through {self.place}: {reason}")


def _is_refusal(error: Exception) -> bool:
    said = str(error).lower()
    return isinstance(error, AuthorizationError) or any(word in said for word in _REFUSALS)
