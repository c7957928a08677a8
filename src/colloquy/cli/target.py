"""Where an administrative command reaches the data: one interface, two ways.

On SQLite one process writes (engine decision 2). While a server holds the database's lock file the
command goes through that server's HTTP API, with the address and token the server left in the
file; else it opens the database itself, in this process and without a worker.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from ..model.errors import ColloquyError, Conflict, InvalidInput, NotFound
from ..model.message import Message
from ..model.session import Event
from ..model.views import (
    ConversationView,
    DeadLetterPage,
    DeadLetterView,
    KeyView,
    MessageState,
    NewKey,
    Receipt,
    StreamItem,
    Trace,
)
from ..settings import Settings
from .app import load_app
from .options import Reach, settings_of

if TYPE_CHECKING:
    from ..client import Address, Answer, AsyncClient
    from ..runtime import Runtime

ACTOR = "cli"
SETTLE_POLL_S = 0.02


class Local:
    """A database opened in this process; the methods of `AsyncClient` that commands use."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime

    @property
    def runtime(self) -> Runtime:
        """The engine, for what has methods of its own."""
        return self._runtime

    async def send(self, message: Message, wait_s: float = 0.0) -> Answer:
        from ..client import Answer

        result = (await self._runtime.accept([message]))[0]
        if isinstance(result, ColloquyError):
            raise result
        replies = None
        if wait_s > 0:
            replies = await self._runtime.wait(result.message_id, wait_s)
        return Answer(result, replies)

    async def stream(self, conversation_id: str, after: int = 0) -> AsyncIterator[StreamItem]:
        async for item in self._runtime.stream(conversation_id, after):
            if item is not None:
                yield item

    async def import_messages(self, messages: Sequence[Message]) -> list[Receipt | ColloquyError]:
        return await self._runtime.import_messages(list(messages))

    async def message(self, message_id: str) -> MessageState:
        return await self._runtime.message(message_id)

    async def trace(self, message_id: str) -> Trace:
        return await self._runtime.trace(message_id)

    async def conversations(self, limit: int = 50) -> AsyncIterator[ConversationView]:
        cursor: str | None = None
        while True:
            page = await self._runtime.conversations(cursor=cursor, limit=limit)
            for view in page.conversations:
                yield view
            cursor = page.next
            if cursor is None:
                return

    async def conversation(self, conversation_id: str) -> ConversationView:
        return await self._runtime.conversation(conversation_id)

    async def events(
        self, conversation_id: str, after: int = 0, limit: int = 100
    ) -> AsyncIterator[Event]:
        following: int | None = after
        while following is not None:
            page = await self._runtime.events(conversation_id, following, limit)
            for event in page.events:
                yield event
            following = page.next

    async def dead_letter_page(
        self,
        cursor: str | None = None,
        limit: int = 50,
        status: str = "dead",
        conversation_id: str | None = None,
    ) -> DeadLetterPage:
        return await self._runtime.dead_letters(cursor, limit, status, conversation_id)

    async def dead_letter(self, number: int) -> DeadLetterView:
        return await self._runtime.dead_letter(number)

    async def retry_dead_letters(
        self, numbers: list[int] | None, conversation_id: str | None = None
    ) -> list[int]:
        return await self._runtime.retry_dead_letters(numbers, conversation_id, ACTOR)

    async def discard_dead_letters(self, numbers: list[int]) -> list[int]:
        return await self._runtime.discard_dead_letters(numbers, ACTOR)

    async def keys(self) -> list[KeyView]:
        return await self._runtime.list_keys()

    async def create_key(
        self, name: str, scopes: list[str], expires_at: datetime | None = None
    ) -> NewKey:
        return await self._runtime.create_key(name, scopes, expires_at)

    async def revoke_key(self, key_id: str) -> None:
        await self._runtime.revoke_key(key_id)


@contextlib.asynccontextmanager
async def reached(
    reach: Reach, *, create: bool = False, server_only: bool = False
) -> AsyncIterator[Local | AsyncClient]:
    """The data that `reach` means, for the length of a command.

    Raises NotFound when there is no database (unless `create`), or no server if only that would
    do; StoreLocked when a process holds the database that is no server.
    """
    from ..client import AsyncClient

    address = await address_of(reach)
    if address is not None:
        async with AsyncClient(*address) as client:
            yield client
    elif server_only:
        raise NotFound("no server is running on this database")
    else:
        async with _opened(settings_of(reach).settings, create) as local:
            yield local


@contextlib.asynccontextmanager
async def _opened(settings: Settings, create: bool) -> AsyncIterator[Local]:
    from ..app import Colloquy
    from ..runtime import Runtime

    file = settings.sqlite_file
    if file is not None and not create and not file.exists():
        raise NotFound(f"there is no database at {file}; name one with --database-url")
    async with running(Runtime(Colloquy(), settings, worker=False)) as runtime:
        yield Local(runtime)


@contextlib.asynccontextmanager
async def recording(reach: Reach, app: str | None) -> AsyncIterator[Local | AsyncClient]:
    """Where history is written: a running server, else an engine here that has taken it all in
    before this ends.

    An engine of our own answers nobody: Raises Conflict when messages, timers or replies wait in
    the database, unless `app` names the assistant that they wait for.
    """
    from ..app import Colloquy
    from ..client import AsyncClient
    from ..runtime import Runtime

    address = await address_of(reach)
    if address is not None:
        async with AsyncClient(*address) as client:
            yield client
        return
    if app is not None:
        loaded = load_app(app)
        settings = settings_of(reach).settings
    else:
        loaded = Colloquy()
        settings = settings_of(reach, workers=0, pack="").settings
        async with running(Runtime(loaded, settings, worker=False)) as idle:
            waiting = await idle.store.query("inbox_headers", 0, 1)
            ((unsent,),) = await idle.store.query("outbox_count")
        if waiting or unsent:
            raise Conflict(
                "messages, timers or replies wait in this database for their assistant; import "
                "while its server runs, or name it with --app"
            )
    async with running(Runtime(loaded, settings)) as runtime:
        yield Local(runtime)
        while runtime.stats()["pending"]:  # noqa: ASYNC110  # only a figure says when it is idle
            await asyncio.sleep(SETTLE_POLL_S)


@contextlib.asynccontextmanager
async def running(runtime: Runtime) -> AsyncIterator[Runtime]:
    """The engine, started and stopped, with only its warnings in the log."""
    from ..telemetry import configure

    configure("warning")
    await runtime.start()
    try:
        yield runtime
    finally:
        await runtime.stop()


async def address_of(reach: Reach) -> Address | None:
    """The server that was named, else the one that holds the database; None when there is none."""
    from ..client import Address, server_of

    named = reach.server()
    if named is not None:
        return Address(*named)
    file = settings_of(reach).settings.sqlite_file
    return await server_of(file) if file is not None else None


def parse_moment(text: str, field: str) -> datetime:
    """An RFC 3339 time. Raises InvalidInput."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise InvalidInput(f"{text!r} is no RFC 3339 time", field=field) from None
    if moment.tzinfo is None:
        raise InvalidInput("a time needs a zone, such as Z or +02:00", field=field)
    return moment
