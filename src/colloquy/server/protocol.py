"""uvicorn's HTTP protocol with bounds on what a client can make it hold before a request is whole.

uvicorn neither limits the size of headers nor the time they take; both would let a handful of
clients fill the memory or the table of open files.
"""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from ..model.message import encode

MAX_HEADERS = 64 * 1024
"""Bytes of one request's line and headers."""
HEADER_TIMEOUT_S = 20.0
"""Longest wait for complete headers, from the connection or from their first byte on."""

_REASONS = {400: b"Bad Request", 431: b"Request Header Fields Too Large"}


class BoundedHttpProtocol(HttpToolsProtocol):
    """Refuses headers that are too large or too slow, with a problem document."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._head_bytes = 0
        self._in_head = False
        self._deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._deadline = self.loop.call_later(HEADER_TIMEOUT_S, self._too_slow)

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_clock()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if not self._in_head:
            return
        self._head_bytes += len(data)
        if self._head_bytes > MAX_HEADERS:
            self._refuse(431, "headers_too_large", f"headers may have {MAX_HEADERS} bytes")
        elif self._deadline is None:
            self._deadline = self.loop.call_later(HEADER_TIMEOUT_S, self._too_slow)

    def on_message_begin(self) -> None:
        self._head_bytes = 0
        self._in_head = True
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        self._in_head = False
        self._stop_clock()
        super().on_headers_complete()

    def send_400_response(self, msg: str) -> None:
        """What uvicorn calls when the bytes are no HTTP."""
        self._refuse(400, "malformed_request", msg)

    def _refuse(self, status: int, code: str, detail: str) -> None:
        self._in_head = False
        self._stop_clock()
        if self.transport.is_closing():
            return
        title = _REASONS[status].decode()
        body = encode(
            {
                "type": f"urn:colloquy:error:{code}",
                "title": title,
                "status": status,
                "detail": detail,
                "code": code,
            }
        )
        self.transport.write(
            b"HTTP/1.1 %d %s\r\ncontent-type: application/problem+json\r\n"
            b"content-length: %d\r\nconnection: close\r\n\r\n%s"
            % (status, _REASONS[status], len(body), body)
        )
        self.transport.close()

    def _too_slow(self) -> None:
        """A client that says nothing is not told anything either."""
        self._deadline = None
        self.transport.close()

    def _stop_clock(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
