"""uvicorn's HTTP protocol with bounds on what a client can make it hold before a request is whole.

uvicorn limits neither the size of headers nor the time that headers and body take; each would let
a handful of clients fill the memory or the table of open files.
"""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from ..api.bodies import BODY_TIMEOUT_S
from ..api.edge import SAFETY, new_request_id
from ..model.message import encode

MAX_HEADERS = 64 * 1024
"""Bytes of one request's line and headers."""
HEADER_TIMEOUT_S = 20.0
"""Longest wait for complete headers, from the connection or from their first byte on."""

WHOLE_TIMEOUT_S = BODY_TIMEOUT_S + 10.0
"""Longest wait for the end of a body. Whoever reads it gives up sooner and says so; this is for the
bodies that nobody reads, because the request was answered before."""

_REASONS = {400: b"Bad Request", 431: b"Request Header Fields Too Large"}


class BoundedHttpProtocol(HttpToolsProtocol):
    """Refuses headers that are too large or too slow, and bodies that do not end."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._head_bytes = 0
        self._in_head = False
        self._in_body = False
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
            if self._in_body and self._deadline is None:
                self._deadline = self.loop.call_later(WHOLE_TIMEOUT_S, self._too_slow)
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
        self._in_body = True
        self._stop_clock()
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        self._in_body = False
        self._stop_clock()
        super().on_message_complete()

    def send_400_response(self, msg: str) -> None:
        """What uvicorn calls when the bytes are no HTTP."""
        self._refuse(400, "malformed_request", msg)

    def _refuse(self, status: int, code: str, detail: str) -> None:
        self._in_head = False
        self._stop_clock()
        if self.transport.is_closing():
            return
        title = _REASONS[status].decode()
        request_id = new_request_id()
        body = encode(
            {
                "type": f"urn:colloquy:error:{code}",
                "title": title,
                "status": status,
                "detail": detail,
                "code": code,
                "request_id": request_id,
            }
        )
        headers = {
            b"content-type": b"application/problem+json",
            b"content-length": b"%d" % len(body),
            b"connection": b"close",
            b"x-request-id": request_id.encode("ascii"),
            **SAFETY,
        }
        lines = b"".join(b"%s: %s\r\n" % line for line in headers.items())
        self.transport.write(
            b"HTTP/1.1 %d %s\r\n%s\r\n%s" % (status, _REASONS[status], lines, body)
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
