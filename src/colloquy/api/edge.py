"""What every request and every answer has in common: the outermost ASGI function.

A request gets an id (its own, if it brings one) that its log lines, its problem documents and its
answer carry. An answer gets the quota that is left, headers that keep browsers from guessing, and,
when it is JSON that was asked for with GET, a strong entity tag, so that an unchanged one is
answered 304 (RFC 9110, 8.8 and 13). HEAD is GET without the body.
"""

from __future__ import annotations

import os
import re
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from ..settings import Settings
from ..telemetry import REQUEST_ID
from .addresses import Networks, client_address, is_https, networks
from .limits import Quota, RateLimits, refusal
from .tags import tag_of, weakly_matches

Headers = list[tuple[bytes, bytes]]
Event = MutableMapping[str, Any]
Send = Callable[[Event], Awaitable[None]]
Asgi = Callable[[Any, Any, Any], Awaitable[None]]

SAFETY: dict[bytes, bytes] = {
    b"x-content-type-options": b"nosniff",
    b"referrer-policy": b"no-referrer",
    # Data is no page: a browser that is made to show it runs nothing and frames nothing.
    b"content-security-policy": b"default-src 'none'; frame-ancestors 'none'",
    b"cache-control": b"no-store",
}
"""Headers of every answer that has none of its own by these names."""
_SAFETY = tuple(SAFETY.items())

_STRICT = (b"strict-transport-security", b"max-age=31536000")
"""For a year the browser takes no way to this host but TLS (RFC 6797)."""
_REVALIDATE = b"private, no-cache"
"""A tagged answer may be kept by its reader, who asks each time whether it still holds."""
_JSON = b"application/json"
_ID = re.compile(rb"[!-~]{1,128}")


class Call:
    """What the edge knows of one request; it travels as `scope["call"]`."""

    __slots__ = ("_limits", "_networks", "is_https", "quotas", "request_id")

    def __init__(
        self, request_id: str, is_https: bool, limits: RateLimits, networks: Networks
    ) -> None:
        self.request_id = request_id
        self.is_https = is_https
        """Whether the client came over TLS, as far as can be trusted."""
        self.quotas: list[Quota] = []
        self._limits = limits
        self._networks = networks

    def spend(self, subject: str, policy: str) -> None:
        """Counts this request and notes for its answer what is left. Raises RateLimited."""
        quota = self._limits.take(subject, policy)
        if quota is None:
            return
        self.quotas.append(quota)
        if quota.retry_after_s:
            raise refusal(quota)

    def address(self, scope: Any) -> str:
        """Who sent it, as far as limits go: an IPv4 address, or the /64 of an IPv6 one."""
        return client_address(scope, self._networks)


def call_of(scope: Any) -> Call:
    found: Call = scope["call"]
    return found


def new_request_id() -> str:
    return os.urandom(12).hex()


class Edge:
    """Wraps the application. Every request passes here first, whichever way it goes on."""

    def __init__(self, app: Asgi, settings: Settings) -> None:
        self._app = app
        self._limits = RateLimits(settings.limits)
        self._networks = networks(settings.security.trusted_proxies)

    async def __call__(self, scope: Any, receive: Any, send: Send) -> None:
        request_id = None
        for name, value in scope["headers"]:
            if name == b"x-request-id" and _ID.fullmatch(value):
                request_id = value.decode("ascii")
        call = Call(
            request_id or new_request_id(),
            is_https(scope, self._networks),
            self._limits,
            self._networks,
        )
        scope["call"] = call
        method = scope.get("method")

        async def sending(event: Event) -> None:
            if "headers" in event:
                event["headers"] = finished(event["headers"], call)
            await send(event)

        answering: Send = sending
        if method == "GET" or method == "HEAD":
            answering = _Reading(scope, sending)
            scope = {**scope, "method": "GET"}  # a copy: the server goes by its own
        token = REQUEST_ID.set(call.request_id)
        try:
            await self._app(scope, receive, answering)
        finally:
            REQUEST_ID.reset(token)


def finished(headers: Headers, call: Call) -> Headers:
    """The headers of an answer with those that every answer has."""
    names = {name for name, _ in headers}
    headers = [*headers, (b"x-request-id", call.request_id.encode("ascii"))]
    headers += [item for item in _SAFETY if item[0] not in names]
    if call.is_https:
        headers.append(_STRICT)
    if call.quotas:
        policies = b", ".join([quota.policy.header for quota in call.quotas])
        left = b", ".join([quota.header for quota in call.quotas])
        headers += [(b"ratelimit-policy", policies), (b"ratelimit", left)]
    return headers


class _Reading:
    """The `send` of a GET or HEAD: tags what is whole JSON, leaves out what is known or unwanted.

    Only a body in one piece is tagged: a stream goes out as it comes.
    """

    __slots__ = ("_bodiless", "_is_over", "_known", "_send", "_start")

    def __init__(self, scope: Any, send: Send) -> None:
        self._bodiless = scope["method"] == "HEAD"
        self._is_over = False
        self._known: bytes | None = None
        for name, value in scope["headers"]:
            if name == b"if-none-match":
                self._known = value
        self._send = send
        self._start: Event | None = None

    async def __call__(self, event: Event) -> None:
        if event["type"] == "http.response.start" and _is_taggable(event):
            self._start = event
            return
        if event["type"] == "http.response.body":
            start, self._start = self._start, None
            if start is not None:
                if not event.get("more_body", False):
                    self._tag(start, event)
                await self._send(start)
            if self._bodiless:
                # The first piece ends it: a stream's would not, and the connection is used again.
                if self._is_over:
                    return
                self._is_over = True
                event = {"type": "http.response.body", "body": b"", "more_body": False}
        await self._send(event)

    def _tag(self, start: Event, event: Event) -> None:
        tag = tag_of(event.get("body", b""))
        headers: Headers = [*start["headers"], (b"etag", tag)]
        if all(name != b"cache-control" for name, _ in headers):
            headers.append((b"cache-control", _REVALIDATE))
        if self._known is not None and weakly_matches(self._known, tag):
            start["status"] = 304
            event["body"] = b""
            headers = [item for item in headers if item[0] not in _OF_THE_BODY]
        start["headers"] = headers


_OF_THE_BODY = (b"content-length", b"content-type")


def _is_taggable(start: Event) -> bool:
    if start["status"] != 200:
        return False
    kind = b""
    for name, value in start["headers"]:
        if name == b"etag":
            return False
        if name == b"content-type":
            kind = value
    return kind.startswith(_JSON)
