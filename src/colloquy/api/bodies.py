"""Request bodies and query strings: bounded, typed, strict, with an error that names the field."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import parse_qs

import msgspec
from litestar import Request

from ..model.errors import (
    InvalidInput,
    TooLarge,
    Unavailable,
    UnsupportedMediaType,
    UnsupportedVersion,
)
from ..model.message import input_error

BODY_TIMEOUT_S = 30.0
"""Longest wait for the rest of a request body."""

_PLAIN = frozenset(
    (
        b"application/json",
        b"application/json; charset=utf-8",
        b"application/json;charset=utf-8",
    )
)
_PLAIN_V2 = b"application/vnd.colloquy.v2+json"
_VERSIONED = re.compile(r"^application/vnd\.colloquy\.(?P<version>[^+;\s]+)\+json$")
_CHARSET = re.compile(r";\s*charset\s*=\s*\"?([^\";\s]+)", re.I)


class Disconnected(Exception):
    """The client went away before its request was complete: there is nobody to answer."""


def check_content_type(value: bytes | None, version: str = "v2") -> None:
    """Raises UnsupportedMediaType or UnsupportedVersion unless it is JSON of this version."""
    if value in _PLAIN or (value == _PLAIN_V2 and version == "v2"):
        return
    text = (value or b"").decode("latin-1")
    kind = text.partition(";")[0].strip().lower()
    versioned = _VERSIONED.match(kind)
    if versioned is not None:
        if versioned["version"] != version:
            raise UnsupportedVersion(
                f"this path speaks {version}, not {versioned['version'][:20]}",
                field="Content-Type",
            )
    elif kind != "application/json":
        raise UnsupportedMediaType(
            "send `Content-Type: application/json`"
            + (f", not {kind[:80]!r}" if kind else "; the request has none"),
            field="Content-Type",
        )
    charset = _CHARSET.search(text)
    if charset is not None and charset[1].lower() not in ("utf-8", "utf8"):
        raise UnsupportedMediaType(
            f"JSON is sent in UTF-8, not {charset[1][:40]!r}", field="Content-Type"
        )


def check_headers(headers: Iterable[tuple[bytes, bytes]], limit: int, version: str = "v2") -> None:
    """What can be refused before a byte of the body is read.

    Raises TooLarge, UnsupportedMediaType, UnsupportedVersion.
    """
    content_type = None
    for name, value in headers:
        if name == b"content-type":
            content_type = value
        elif name == b"content-length":
            if not value.isdigit() or len(value) > 18 or int(value) > limit:
                raise _too_large(limit)
        elif name == b"content-encoding":
            if value.strip().lower() not in (b"", b"identity"):
                raise UnsupportedMediaType(
                    "send the body without compression", field="Content-Encoding"
                )
        elif name == b"accept" and b"vnd.colloquy." in value:
            _check_accept(value.decode("latin-1").lower(), version)
    check_content_type(content_type, version)


async def read_body(receive: Any, limit: int) -> bytes:
    """The whole body. Raises TooLarge above `limit` bytes, Unavailable when it stalls."""
    event = await receive()
    if event["type"] != "http.request":
        raise Disconnected
    body: bytes = event.get("body", b"")
    if len(body) > limit:
        raise _too_large(limit)
    if not event.get("more_body", False):
        return body
    parts = [body]
    size = len(body)
    try:
        async with asyncio.timeout(BODY_TIMEOUT_S):
            while event.get("more_body", False):
                event = await receive()
                if event["type"] != "http.request":
                    raise Disconnected
                part = event.get("body", b"")
                size += len(part)
                if size > limit:
                    raise _too_large(limit)
                parts.append(part)
    except TimeoutError:
        raise Unavailable("the request body did not arrive in time") from None
    return b"".join(parts)


class JsonRequest(Request[Any, Any, Any]):
    """Decodes the body straight into the type of the handler's `data`, strictly.

    Litestar's own way decodes without types and then converts leniently ("1" would pass for 1).
    """

    _whole: bytes | None = None

    async def body(self) -> bytes:
        """Raises TooLarge, UnsupportedMediaType, UnsupportedVersion, Unavailable."""
        if self._whole is None:
            limit = self.route_handler.resolve_request_max_body_size()
            most = limit if isinstance(limit, int) else 2**62
            check_headers(self.scope["headers"], most)
            self._whole = await read_body(self.receive, most)
        return self._whole

    async def json(self) -> Any:
        """Raises InvalidInput or a subclass."""
        wanted = self.route_handler.parsed_fn_signature.parameters["data"].annotation
        body = await self.body()
        try:
            return msgspec.json.decode(body, type=wanted)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise input_error(error, body) from None


def query_parameters(scope: Mapping[str, Any]) -> dict[str, list[str]]:
    query: bytes = scope["query_string"]
    if not query:
        return {}
    return parse_qs(query.decode("latin-1"), keep_blank_values=True, max_num_fields=50)


def seconds_parameter(value: str, name: str, most: float) -> float:
    """A number of seconds between 0 and `most`. Raises InvalidInput."""
    try:
        seconds = float(value)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds <= most:
        raise InvalidInput(f"{name} must be between 0 and {most:g} seconds", field=name)
    return seconds


def position_parameter(value: str, name: str) -> int:
    """A whole number, not negative. Raises InvalidInput."""
    if not (value.isascii() and value.isdigit() and len(value) <= 15):
        raise InvalidInput(f"{name} must be a whole number, not negative", field=name)
    return int(value)


def _check_accept(value: str, version: str) -> None:
    """A client that accepts nothing but other versions of our type cannot be served."""
    kinds = [kind.partition(";")[0].strip() for kind in value.split(",")]
    if any(kind in ("*/*", "application/*", "application/json") for kind in kinds):
        return
    versions = [match["version"] for kind in kinds if (match := _VERSIONED.match(kind))]
    if versions and version not in versions:
        raise UnsupportedVersion(
            f"this path speaks {version}, not {versions[0][:20]}", field="Accept"
        )


def _too_large(limit: int) -> TooLarge:
    return TooLarge(f"the request body may have {limit} bytes")
