"""A client of a running server, typed with the same structs that the server answers with.

Used by the command line, the demo and programs in Python that talk to Colloquy over HTTP. Errors
of the server come back as the errors of `model/errors.py`.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self, TypeVar

import httpx
import msgspec

from .model.errors import ColloquyError, NotFound, StoreLocked, Unavailable
from .model.message import Message, encode
from .model.views import (
    ConversationPage,
    ConversationView,
    DeadLetterPage,
    DeadLetterView,
    EventPage,
    KeyView,
    MessageState,
    NewKey,
    OwnerRequest,
    OwnerView,
    Receipt,
    ReplyRequest,
    ReplyView,
    StreamItem,
    Trace,
)
from .storage.file_lock import FileLock

T = TypeVar("T")

ANNOUNCE_WAIT_S = 3.0
"""A server that has just taken the lock tells its address a moment later."""
RECONNECT_S = 0.3
BEGIN_S = 0.02
STREAM_SILENCE_S = 60.0
"""A stream sends something every 15 s or so; after this long without a byte it is gone."""


class Address(NamedTuple):
    """Where a server is, and a key for it."""

    url: str
    key: str | None = None


async def server_of(database: Path) -> Address | None:
    """The server that holds this SQLite file; None when nobody does.

    Raises StoreLocked when a process holds it that is no server.
    """
    lock = FileLock(database.absolute())
    loop = asyncio.get_running_loop()
    patience = loop.time() + ANNOUNCE_WAIT_S
    while lock.is_held():
        holder = lock.read()
        if holder.get("url"):
            return Address(str(holder["url"]), holder.get("token"))
        if loop.time() > patience:
            raise StoreLocked(
                f"process {holder.get('pid', 'unknown')} holds {lock.path.name} and serves no "
                "HTTP; wait for it or stop it"
            )
        await asyncio.sleep(0.02)
    return None


class Answer(NamedTuple):
    """What `Client.send` brings: `replies` is None when none came within the time."""

    receipt: Receipt
    replies: list[ReplyView] | None


class _Waited(msgspec.Struct):
    receipt: Receipt
    replies: list[ReplyView] | None = None


class _Result(msgspec.Struct):
    """One item of a batch's answer: the fields of a receipt, or an error."""

    message_id: str = ""
    conversation_id: str = ""
    status: str = "stored"
    id: str | None = None
    error: dict[str, Any] | None = None


class _Results(msgspec.Struct):
    results: list[_Result]


class _Streamed(msgspec.Struct):
    """A StreamItem as it comes: msgspec decodes `Raw`, but not `Raw | None`."""

    kind: str
    seq: int
    at: str
    reply: ReplyView | None = None
    message: msgspec.Raw = msgspec.Raw()
    data: dict[str, Any] | None = None

    def item(self) -> StreamItem:
        message = self.message if memoryview(self.message).nbytes else None
        return StreamItem(self.kind, self.seq, self.at, self.reply, message, self.data)


class _Numbers(msgspec.Struct):
    numbers: list[int]


class _Keys(msgspec.Struct):
    keys: list[KeyView]


class Client:
    """An open connection pool to one server; use it as an async context manager.

    Every method raises Unavailable when the server cannot be reached, else the server's own error.
    """

    def __init__(
        self, url: str, key: str | None = None, *, timeout_s: float = 35.0, connections: int = 20
    ) -> None:
        self.url = url.rstrip("/")
        headers = {"authorization": f"Bearer {key}"} if key else {}
        # Without TLS nothing is verified: loading the authorities would cost half the start-up.
        verify: bool | ssl.SSLContext = True
        if self.url.startswith("http://"):
            verify = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        self._http = httpx.AsyncClient(
            base_url=self.url,
            headers=headers,
            timeout=timeout_s,
            verify=verify,
            trust_env=False,
            limits=httpx.Limits(max_connections=None, max_keepalive_connections=connections),
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._http.aclose()

    # -- messages -----------------------------------------------------------------------------

    async def send(self, message: Message, wait_s: float = 0.0) -> Answer:
        """One message; with `wait_s` (up to 30) also the replies that come within that time."""
        if wait_s <= 0:
            receipt = await self._post("/v2/messages", message, Receipt)
            return Answer(receipt, None)
        parameters = {"wait": wait_s}
        waited = await self._post("/v2/messages", message, _Waited, parameters)
        return Answer(waited.receipt, waited.replies)

    async def send_many(self, messages: Sequence[Message]) -> list[Receipt | ColloquyError]:
        """A receipt or an error for each, in order. Raises when the request is refused whole."""
        if not messages:
            return []
        return await self._batch("/v2/messages", messages)

    async def import_messages(self, messages: Sequence[Message]) -> list[Receipt | ColloquyError]:
        """Stores history: the messages are recorded in their conversations, not answered."""
        if not messages:
            return []
        return await self._batch("/v2/import", messages)

    async def _batch(self, path: str, messages: Sequence[Message]) -> list[Receipt | ColloquyError]:
        response = await self._request("POST", path, content=encode({"messages": messages}))
        if response.status_code == 422 and b'"results"' in response.content:
            found = _decode(response.content, _Results)  # each item was refused for its own reason
        else:
            found = _decode(_checked(response).content, _Results)
        return [
            error_of(item.error)
            if item.error is not None
            else Receipt(item.message_id, item.conversation_id, item.status, item.id)  # type: ignore[arg-type]
            for item in found.results
        ]

    async def message(self, message_id: str) -> MessageState:
        return await self._get(f"/v2/messages/{message_id}", MessageState)

    async def trace(self, message_id: str) -> Trace:
        return await self._get(f"/v2/messages/{message_id}/trace", Trace)

    # -- conversations ------------------------------------------------------------------------

    async def conversations(self, before: int | None = None, limit: int = 50) -> ConversationPage:
        parameters = _page(before=before, limit=limit)
        return await self._get("/v2/conversations", ConversationPage, parameters)

    async def conversation(self, conversation_id: str) -> ConversationView:
        return await self._get(f"/v2/conversations/{conversation_id}", ConversationView)

    async def events(self, conversation_id: str, after: int = 0, limit: int = 100) -> EventPage:
        path = f"/v2/conversations/{conversation_id}/events"
        return await self._get(path, EventPage, _page(after=after, limit=limit))

    async def reply(self, conversation_id: str, request: ReplyRequest) -> ReplyView:
        """A reply by a person or a program, who may take the conversation over with it."""
        return await self._post(f"/v2/conversations/{conversation_id}/replies", request, ReplyView)

    async def set_owner(self, conversation_id: str, request: OwnerRequest) -> OwnerView:
        return await self._post(f"/v2/conversations/{conversation_id}/owner", request, OwnerView)

    async def stream(self, conversation_id: str, after: int = 0) -> AsyncIterator[StreamItem]:
        """What is there above `after`, then what comes, until the server closes the stream.

        At least once and in order: resume with the highest `seq` seen. Raises Unavailable when the
        connection breaks.
        """
        path = f"/v2/conversations/{conversation_id}/stream"
        timeout = httpx.Timeout(10.0, read=STREAM_SILENCE_S)
        try:
            async with self._http.stream(
                "GET", path, params=_page(after=after), timeout=timeout
            ) as response:
                if response.status_code >= 400:
                    await response.aread()
                    _checked(response)
                async for line in response.aiter_lines():
                    if line.startswith("data:"):
                        yield _decode(line[5:].encode(), _Streamed).item()
        except httpx.HTTPError as error:
            raise _unreachable(self.url, error) from None

    async def follow(self, conversation_id: str, after: int = 0) -> AsyncIterator[StreamItem]:
        """`stream` for ever: it waits for a conversation that has not begun, and when the
        connection breaks it goes on where it ended."""
        while True:
            pause_s = RECONNECT_S
            try:
                async for item in self.stream(conversation_id, after):
                    if item.seq > after:
                        after = item.seq
                        yield item
            except Unavailable:
                pass  # the server restarts: what was missed comes first when it is back
            except NotFound:
                pause_s = BEGIN_S  # its first message has a receipt, but was not handled yet
            await asyncio.sleep(pause_s)

    # -- dead letters -------------------------------------------------------------------------

    async def dead_letters(
        self, before: int | None = None, limit: int = 50, status: str = "dead"
    ) -> DeadLetterPage:
        parameters = _page(before=before, limit=limit, status=status)
        return await self._get("/v2/dead-letters", DeadLetterPage, parameters)

    async def dead_letter(self, number: int) -> DeadLetterView:
        return await self._get(f"/v2/dead-letters/{number}", DeadLetterView)

    async def retry_dead_letters(
        self, numbers: list[int] | None, conversation_id: str | None = None
    ) -> list[int]:
        """Those numbers, else all of one conversation; returns the numbers retried, in order."""
        body = {"numbers": numbers, "conversation_id": conversation_id}
        return (await self._post("/v2/dead-letters/retry", body, _Numbers)).numbers

    async def discard_dead_letters(self, numbers: list[int]) -> list[int]:
        body = {"numbers": numbers}
        return (await self._post("/v2/dead-letters/discard", body, _Numbers)).numbers

    # -- operation ----------------------------------------------------------------------------

    async def keys(self) -> list[KeyView]:
        return (await self._get("/v2/keys", _Keys)).keys

    async def create_key(
        self, name: str, scopes: list[str], expires_at: str | None = None
    ) -> NewKey:
        body = {"name": name, "scopes": scopes, "expires_at": expires_at}
        return await self._post("/v2/keys", body, NewKey)

    async def revoke_key(self, key_id: str) -> None:
        _checked(await self._request("DELETE", f"/v2/keys/{key_id}"))

    async def ready(self) -> bool:
        """Does the server answer, and does it take messages?"""
        try:
            return (await self._request("GET", "/ready")).status_code == 200
        except Unavailable:
            return False

    async def health(self) -> dict[str, Any]:
        """The full report: score, state, signals, tasks."""
        return await self._get("/v2/health", dict[str, Any])

    # -- the wire -----------------------------------------------------------------------------

    async def _get(self, path: str, kind: type[T], parameters: dict[str, Any] | None = None) -> T:
        response = await self._request("GET", path, params=parameters)
        return _decode(_checked(response).content, kind)

    async def _post(
        self, path: str, body: Any, kind: type[T], parameters: dict[str, Any] | None = None
    ) -> T:
        response = await self._request("POST", path, content=encode(body), params=parameters)
        return _decode(_checked(response).content, kind)

    async def _request(self, method: str, path: str, **options: Any) -> httpx.Response:
        if "content" in options:
            options["headers"] = {"content-type": "application/json"}
        try:
            return await self._http.request(method, path, **options)
        except httpx.HTTPError as error:
            raise _unreachable(self.url, error) from None


def error_of(problem: dict[str, Any]) -> ColloquyError:
    """The error that an RFC 9457 problem document stands for."""
    code = problem.get("code", "")
    kind = _BY_CODE.get(code, ColloquyError)
    known = ("type", "title", "status", "code", "detail", "field", "retry_after_s")
    error = kind(
        str(problem.get("detail") or problem.get("title") or "the server refused the request"),
        field=problem.get("field"),
        retry_after_s=problem.get("retry_after_s"),
        **{name: value for name, value in problem.items() if name not in known},
    )
    if kind is ColloquyError and code:
        error.code = code  # type: ignore[misc]  # of a newer server: kept as it came
        error.status = problem.get("status", 500)  # type: ignore[misc]
    return error


def _kinds(base: type[ColloquyError]) -> dict[str, type[ColloquyError]]:
    found = {base.code: base}
    for kind in base.__subclasses__():
        # A subclass without a code of its own is the same error to a client.
        found = {**_kinds(kind), **found}
    return found


_BY_CODE = _kinds(ColloquyError)


def _checked(response: httpx.Response) -> httpx.Response:
    if response.status_code < 400:
        return response
    try:
        problem = msgspec.json.decode(response.content, type=dict[str, Any])
    except msgspec.DecodeError:
        problem = {"detail": f"the server answered {response.status_code}"}
    raise error_of(problem)


def _decode(body: bytes, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(body, type=kind)
    except msgspec.DecodeError as error:
        raise ColloquyError(f"the server's answer was not understood: {error}") from None


def _page(**parameters: Any) -> dict[str, Any]:
    return {name: value for name, value in parameters.items() if value is not None}


def _unreachable(url: str, error: httpx.HTTPError) -> Unavailable:
    return Unavailable(f"no answer from {url}: {error or type(error).__name__}")
