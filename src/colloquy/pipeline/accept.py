"""Accept: a message gets its receipt only after it is durable (engine decisions 12, 21-24).

Requests that wait at the same time become one group and one transaction. When the database cannot
be written, the group and everything after it goes to the spool, in order, until the spool has been
drained again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

import msgspec

from ..flags import Flags
from ..model import ids
from ..model.errors import (
    ColloquyError,
    InvalidInput,
    InvalidUnicode,
    MessageIdReused,
    StoreUnavailable,
    Unavailable,
)
from ..model.message import Message, encode
from ..model.times import Clock, now_us
from ..model.views import Receipt
from ..settings import Settings
from ..storage.spool import Spool
from ..storage.store import InboxHeader, Store
from ..storage.write_set import KIND_MESSAGE, KIND_RECORD, Accepted, AcceptRow
from ..telemetry.log import get_logger
from .admission import Admission

log = get_logger(__name__)

ROW_OVERHEAD = 128
"""Bytes a waiting message is counted with besides its payload."""
DRAIN_BATCH = 512
DRAIN_PAUSE_S = 0.1
LEAST_WAIT_S = 1.0
"""A database elsewhere may take this long before it counts as away."""

_spool_decoder = msgspec.msgpack.Decoder(AcceptRow)
_spool_encoder = msgspec.msgpack.Encoder()


class _Group(NamedTuple):
    rows: list[AcceptRow]
    future: asyncio.Future[list[Accepted] | None]


class Acceptor:
    """Takes validated messages, makes them durable, hands them to the scheduler.

    `stored` is called in the event loop with the headers of new messages, in inbox order.
    """

    def __init__(
        self,
        store: Store,
        settings: Settings,
        flags: Flags,
        admission: Admission,
        spool: Spool,
        stored: Callable[[list[InboxHeader]], None],
        clock: Clock = now_us,
    ) -> None:
        self._store = store
        self._settings = settings
        self._flags = flags
        self._admission = admission
        self._spool = spool
        self._stored = stored
        self._clock = clock
        self._groups: list[_Group] = []
        self._work = asyncio.Event()
        self._taken: list[_Group] = []
        """The groups of the transaction under way."""
        self._unanswered: set[asyncio.Future[list[Accepted] | None]] = set()
        self._spooling = False
        self.spooled = 0
        """Messages that went to the spool since the start."""
        self._waiting_in_spool: set[bytes] = set()
        self._drained: dict[Path, int] = {}
        """Records of a file that are in the inbox already, while its rest is not."""
        self._inherited: set[Path] = set()
        """Files of an earlier process: their messages are not counted as waiting yet."""
        self.closed = False

    # -- the door -----------------------------------------------------------------------------

    async def accept(
        self,
        items: Sequence[Message | ColloquyError],
        *,
        kind: int = KIND_MESSAGE,
    ) -> list[Receipt | ColloquyError]:
        """A receipt or an error for each item, in order.

        An error among `items` (an item that failed validation) keeps its place. Raises Overloaded
        or Unavailable for the whole request, after which nothing was stored.
        """
        if self.closed:
            raise Unavailable("the server is stopping", retry_after_s=2.0)
        now = self._clock()
        rows: list[AcceptRow] = []
        results: list[Receipt | ColloquyError | None] = []
        shown: list[tuple[int, str | None]] = []
        new: dict[bytes, int] = {}
        size = 0
        for item in items:
            if isinstance(item, ColloquyError):
                results.append(item)
                continue
            try:
                row = self._row(item, now, kind)
            except UnicodeEncodeError:
                results.append(InvalidUnicode("the message has a lone surrogate"))
                continue
            except TypeError as error:
                results.append(InvalidInput(f"the message is not JSON: {error}"))
                continue
            count = new.get(row.conversation, 0) + 1
            crowded = (
                None
                if kind == KIND_RECORD
                else self._admission.check_conversation(row.conversation, count)
            )
            if crowded is not None:
                results.append(crowded)
                continue
            new[row.conversation] = count
            shown.append((len(results), item.id))
            results.append(None)
            rows.append(row)
            size += len(row.payload) + ROW_OVERHEAD
        if not rows:
            return [result for result in results if result is not None]
        self._admission.check(size, now)
        # Counted before it is stored, so that requests waiting together share the bound.
        self._admission.add(len(rows), size)
        # Shielded: whoever stops waiting, the messages are stored and counted all the same.
        outcomes = await asyncio.shield(self._submit(rows))
        for index, row in enumerate(rows):
            place, own_id = shown[index]
            status = "spooled" if outcomes is None else outcomes[index].status
            if status == "reused":
                results[place] = MessageIdReused(
                    "another message came with this id before", field="id"
                )
            elif status == "refused":
                results[place] = InvalidInput("the database cannot hold this message")
            else:
                results[place] = Receipt(
                    message_id=row.message_id.hex(),
                    conversation_id=row.conversation.hex(),
                    status=status,  # type: ignore[arg-type]
                    id=own_id,
                )
        return [result for result in results if result is not None]

    def _row(self, message: Message, now: int, kind: int) -> AcceptRow:
        conversation = ids.conversation_id(
            message.channel, message.account, message.conversation, message.thread
        )
        if message.id is None:
            message = msgspec.structs.replace(message, id=ids.uuid7().hex())
        assert message.id is not None
        payload = encode(message)
        state, due = "ready", 0
        if kind == KIND_MESSAGE and not message.urgent:
            quiet = self._settings.channel(message.channel).quiet_s
            if quiet and self._flags.enabled("enable_bursts"):
                state, due = "quiet", now + int(quiet * 1e6)
        stream = None
        if message.stream is not None:
            stream = f"{message.sender_id}\x1f{message.stream}"
        return AcceptRow(
            ids.message_id(conversation, message.id),
            ids.body_hash(payload),
            conversation,
            ids.partition_of(conversation),
            state,
            due,
            now,
            stream,
            message.sequence,
            payload,
            kind,
        )

    def _submit(self, rows: list[AcceptRow]) -> asyncio.Future[list[Accepted] | None]:
        future: asyncio.Future[list[Accepted] | None] = asyncio.get_running_loop().create_future()
        future.add_done_callback(partial(self._answered, rows))
        self._groups.append(_Group(rows, future))
        self._unanswered.add(future)
        self._work.set()
        return future

    def _answered(
        self, rows: list[AcceptRow], future: asyncio.Future[list[Accepted] | None]
    ) -> None:
        """Takes back what was counted for rows that do not wait after all."""
        self._unanswered.discard(future)
        if future.cancelled() or future.exception() is not None:
            gone = rows
        else:
            outcomes = future.result()
            if outcomes is None:
                return
            gone = [
                row
                for row, outcome in zip(rows, outcomes, strict=True)
                if outcome.status != "stored"
            ]
        if gone:
            self._admission.remove(len(gone), sum(len(row.payload) + ROW_OVERHEAD for row in gone))

    # -- the background task ------------------------------------------------------------------

    async def run(self) -> None:
        """Makes groups durable, one transaction after the other, until cancelled."""
        try:
            await self._run()
        finally:
            # Whether these are stored is not known; sent again they are stored or duplicates.
            _fail(self._taken, Unavailable("the server did not finish", retry_after_s=2.0))
            if self.closed:
                _fail(self._groups, Unavailable("the server is stopping", retry_after_s=2.0))

    async def _run(self) -> None:
        limit = self._settings.accept.group_limit
        if not self._spool.is_empty:
            self._spooling = True
            self._inherited = set(self._spool.files())
        while True:
            if self._spooling:
                await self._spool_round()
                continue
            if not self._groups:
                self._work.clear()
                await self._work.wait()
            group = self._take(limit)
            rows = [row for part in group for row in part.rows]
            if not rows:
                continue
            try:
                accepted = await self._store_rows(rows)
            except StoreUnavailable as error:
                log.warning("database_away", detail=error.detail)
                self._spooling = True
                await self._to_spool(group)
                continue
            except Exception as error:
                _fail(group, error)
                log.error("accept_failed", exc_info=error)
                continue
            self._announce(rows, accepted)
            start = 0
            for part in group:
                if not part.future.done():
                    part.future.set_result(accepted[start : start + len(part.rows)])
                start += len(part.rows)

    async def _store_rows(self, rows: list[AcceptRow]) -> list[Accepted]:
        """Raises StoreUnavailable, also when a shared database only keeps us waiting: senders wait
        too. Should it store the rows after all, the drain finds them there."""
        limit = max(LEAST_WAIT_S, 4 * self._settings.accept.lock_wait_s)
        try:
            async with asyncio.timeout(limit if self._store.shared else None):
                return await self._store.accept(rows)
        except TimeoutError:
            raise StoreUnavailable(f"the database did not answer within {limit:g} s") from None

    def _take(self, limit: int) -> list[_Group]:
        taken: list[_Group] = []
        total = 0
        while self._groups and (not taken or total + len(self._groups[0].rows) <= limit):
            part = self._groups.pop(0)
            total += len(part.rows)
            if not part.future.cancelled():
                taken.append(part)
        self._taken = taken
        return taken

    def _announce(self, rows: list[AcceptRow], accepted: list[Accepted]) -> None:
        self._stored(
            [
                InboxHeader(
                    result.inbox_id,
                    row.message_id,
                    row.conversation,
                    row.partition,
                    row.kind,
                    row.state,
                    row.due_at,
                    row.received_at,
                    row.stream,
                    row.sequence,
                    0,
                    0,
                    len(row.payload),
                    None,
                )
                for row, result in zip(rows, accepted, strict=True)
                if result.status == "stored"
            ]
        )

    # -- the spool ----------------------------------------------------------------------------

    async def _to_spool(self, group: list[_Group]) -> None:
        records = [_spool_encoder.encode(row) for part in group for row in part.rows]
        if not records:
            return
        try:
            await asyncio.to_thread(self._spool.append, records)
        except ColloquyError as error:
            _fail(group, error)
            return
        self.spooled += len(records)
        self._waiting_in_spool.update(row.message_id for part in group for row in part.rows)
        for part in group:
            if not part.future.done():
                part.future.set_result(None)

    async def _spool_round(self) -> None:
        """One round while the database is away: new groups to the spool, then try to drain."""
        while self._groups:
            await self._to_spool(self._take(self._settings.accept.group_limit))
        if await self._drain():
            self._spooling = False
            log.info("spool_drained", spooled=self.spooled)
        elif not self._groups:
            self._work.clear()
            try:
                # Not `wait_for`, which on Python 3.11 can swallow a cancellation.
                async with asyncio.timeout(DRAIN_PAUSE_S):
                    await self._work.wait()
            except TimeoutError:
                return

    async def _drain(self) -> bool:
        """Moves the spool into the inbox, file by file. False when the database is still away.

        Files that messages may still go to are closed first, so a file is removed whole. New groups
        wait meanwhile: they must not overtake. When it ends well they take the usual way.
        """
        self._spool.abandon()
        for path in self._spool.files():
            records = await asyncio.to_thread(self._spool.read, path)
            rows = [_spool_decoder.decode(record) for record in records]
            refused = False
            for start in range(self._drained.get(path, 0), len(rows), DRAIN_BATCH):
                part = rows[start : start + DRAIN_BATCH]
                try:
                    accepted = await self._store_rows(part)
                except StoreUnavailable:
                    return False
                self._drained[path] = start + len(part)
                self._waiting_in_spool.difference_update(row.message_id for row in part)
                self._announce(part, accepted)
                refused = refused or any(result.status == "refused" for result in accepted)
                for row, result in zip(part, accepted, strict=True):
                    size = len(row.payload) + ROW_OVERHEAD
                    if path in self._inherited:
                        if result.status == "stored":
                            self._admission.add(1, size)
                    elif result.status != "stored":
                        self._admission.remove(1, size)
            self._drained.pop(path, None)
            if refused:
                # A receipt was given for it: it must not vanish. An operator finds the file.
                log.error("spool_refused", file=path.name)
                await asyncio.to_thread(self._spool.set_aside, path)
            else:
                await asyncio.to_thread(self._spool.remove, path)
        return True

    def in_spool(self, message_id: bytes) -> bool:
        """Whether a message waits in the spool (since this process started)."""
        return message_id in self._waiting_in_spool

    @property
    def is_spooling(self) -> bool:
        return self._spooling

    async def settle(self) -> None:
        """Waits until every request that is in has its answer."""
        self.closed = True
        if self._unanswered:
            await asyncio.wait(self._unanswered)


def _fail(group: Iterable[_Group], error: Exception) -> None:
    for part in group:
        if not part.future.done():
            part.future.set_exception(error)
