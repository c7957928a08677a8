"""What is asked of a server, as data: the same for the client that waits and the one that awaits.

An operation describes a request (`Ask`); with its route it becomes a `Call`; an `Exchange` says
after each attempt whether to answer, to raise or to try again. Nothing here does I/O.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Generic, TypeVar
from urllib.parse import quote
from uuid import uuid4

import httpx
import msgspec

from ..model.errors import ColloquyError, Unavailable
from ..model.message import encode
from .problems import GATEWAY, error_in

T = TypeVar("T")

AGAIN = (429, *GATEWAY)
"""Answers after which the same request is sent again."""


class Retries(msgspec.Struct, frozen=True):
    """How often and how long to try again: exponential back-off with full jitter
    (M. Brooker, "Exponential Backoff And Jitter", 2015), never sooner than `Retry-After` says.

    A server that asks for more patience than `longest_s` is believed: its error is raised.
    """

    most: int = 5
    first_s: float = 0.2
    longest_s: float = 10.0

    def pause_s(self, tried: int, asked_s: float | None, chance: float) -> float | None:
        """Seconds before the next attempt after `tried` ones; None when that was the last.

        `chance`, from 0 to 1, is the jitter; `asked_s` what the server asked for.
        """
        if tried > self.most or (asked_s or 0.0) > self.longest_s:
            return None
        pause: float = min(self.longest_s, self.first_s * 2 ** (tried - 1)) * chance
        return max(pause, asked_s or 0.0)


@dataclass(frozen=True)
class Ask(Generic[T]):
    """The part of a request that depends on its arguments.

    `decode` reads the body of the answer. `path` fills the route; parameters of `query` that are
    None are left out, those that are lists are repeated. `accepts` are statuses from 400 on that
    `decode` understands. `has_id`: the body carries an id that makes a repeat harmless; other POSTs
    are given an `Idempotency-Key`. `content` is a body that is no JSON.
    """

    decode: Callable[[bytes], T]
    path: Mapping[str, object] = field(default_factory=dict)
    query: Mapping[str, object] = field(default_factory=dict)
    body: object = None
    accepts: frozenset[int] = frozenset()
    has_id: bool = False
    content: bytes | None = None
    content_type: str = "application/octet-stream"


@dataclass(frozen=True)
class Call(Generic[T]):
    """One request, ready to be sent any number of times."""

    method: str
    path: str
    query: dict[str, Any]
    headers: dict[str, str]
    content: bytes | None
    decode: Callable[[bytes], T]
    accepts: frozenset[int]

    @classmethod
    def of(cls, method: str, route: str, ask: Ask[T]) -> Call[T]:
        """The description with its route filled in."""
        headers: dict[str, str] = {}
        content = ask.content
        if content is not None:
            headers["content-type"] = ask.content_type
        elif ask.body is not None:
            content = encode(ask.body)
            headers["content-type"] = "application/json"
        if method == "POST" and not ask.has_id:
            headers["idempotency-key"] = uuid4().hex
        path = {name: quote(str(value), safe="") for name, value in ask.path.items()}
        return cls(
            method,
            route.format(**path),
            {name: _texts(value) for name, value in ask.query.items() if value is not None},
            headers,
            content,
            ask.decode,
            ask.accepts,
        )

    def with_query(self, **parameters: object) -> Call[T]:
        """The same call with other parameters."""
        return replace(self, query={**self.query, **parameters})


class Exchange(Generic[T]):
    """A call on its way through as many attempts as it needs."""

    def __init__(self, call: Call[T], retries: Retries, url: str) -> None:
        self._call = call
        self._retries = retries
        self._url = url
        self._tried = 0
        self._maybe_done = False
        self.request: dict[str, Any] = {
            "method": call.method,
            "url": call.path,
            "params": call.query,
            "headers": call.headers,
            "content": call.content,
        }

    def failed(self, error: httpx.HTTPError) -> float:
        """Seconds to wait before the next attempt. Raises Unavailable when there is none."""
        self._tried += 1
        self._maybe_done = True
        pause_s = None
        # Who has waited the whole time-out for an answer would wait as long once more.
        if isinstance(error, httpx.TransportError) and not isinstance(error, httpx.ReadTimeout):
            pause_s = self._retries.pause_s(self._tried, None, random.random())
        if pause_s is None:
            raise unreachable(self._url, error) from None
        return pause_s

    def pause_s(self, response: httpx.Response) -> float | None:
        """Seconds to wait before the next attempt; None when this answer is to be taken."""
        if response.status_code not in AGAIN or response.status_code in self._call.accepts:
            return None
        self._tried += 1
        self._maybe_done = True  # a proxy does not know what became of it
        return self._retries.pause_s(self._tried, retry_after_s(response), random.random())

    def answer(self, response: httpx.Response) -> T:
        """What the answer says. Raises the error that it is."""
        status = response.status_code
        # The attempt before, whose answer was lost, has deleted it.
        is_gone = status == 404 and self._call.method == "DELETE" and self._maybe_done
        if status >= 400 and status not in self._call.accepts and not is_gone:
            raise error_in(response)
        return self._call.decode(b"null" if is_gone else response.content)


def json(kind: type[T]) -> Callable[[bytes], T]:
    """Reads a body as JSON of this type. The reader raises ColloquyError when it is not."""

    def decode(body: bytes) -> T:
        try:
            return msgspec.json.decode(body, type=kind)
        except msgspec.DecodeError as error:
            raise ColloquyError(f"the server's answer was not understood: {error}") from None

    return decode


def nothing(body: bytes) -> None:
    """Reads an answer that has no body."""


def retry_after_s(response: httpx.Response) -> float | None:
    """The seconds that the server asks for; it never sends the form with a date."""
    try:
        return float(response.headers.get("retry-after", ""))
    except ValueError:
        return None


def unreachable(url: str, error: httpx.HTTPError) -> Unavailable:
    return Unavailable(f"no answer from {url}: {error or type(error).__name__}")


def _texts(value: object) -> str | int | float | list[str | int | float]:
    """A parameter; of a list each member is one."""
    return [_text(one) for one in value] if isinstance(value, (list, tuple)) else _text(value)


def _text(value: object) -> str | int | float:
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, (int, float)) else str(value)
