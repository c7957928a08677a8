"""The store: what the database can do, one method per need. SQLite and PostgreSQL implement the
primitives at the end; everything else exists once."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Generator, Iterable, Sequence
from typing import Any, NamedTuple, TypeVar

import msgspec

from ..model.errors import NotFound, StaleLease, StoreUnavailable, Unavailable
from ..model.session import Event, Session
from ..model.times import rfc3339
from .commit import Rows, Steps, accept_steps, commit_steps
from .vectors import VectorIndex
from .write_set import Accepted, AcceptRow, Outcome, Verdict, WriteSet

_state_decoder = msgspec.json.Decoder(dict[str, Any])
_streams_decoder = msgspec.json.Decoder(dict[str, int])

T = TypeVar("T")
Reading = Generator[tuple[str, Sequence[Any]], Rows, T]
"""Yields (text of a query, parameters), is sent its rows, and returns what came of them."""


class InboxHeader(NamedTuple):
    """An unfinished message without its payload: what the scheduler keeps in memory."""

    id: int
    message_id: bytes
    conversation: bytes
    partition: int
    kind: int
    state: str
    due_at: int
    received_at: int
    stream: str | None
    sequence: int | None
    attempts: int
    recorded: int
    size: int
    note: bytes | None


class OutboxItem(NamedTuple):
    """A reply waiting to be sent."""

    session: int
    seq: int
    reply_id: bytes
    channel: str
    account: str
    automatic: int
    owner_epoch: int
    priority: int
    state: str
    due_at: int
    attempts: int
    note: bytes | None
    made: bytes | None = None
    """What it was made with (`delivery.made`)."""
    conversation: bytes = b""
    key: str = ""
    thread: str = ""


class DeadLetter(NamedTuple):
    """A message that could not be handled, with its cause and every attempt (in `note`)."""

    id: int
    message_id: bytes
    conversation: bytes
    kind: int
    received_at: int
    dead_at: int
    stream: str | None
    sequence: int | None
    recorded: int
    cause: str
    detail: str
    status: str
    payload: bytes
    note: bytes | None


class ChangeRow(NamedTuple):
    """A row of the ledger."""

    position: int
    at: int
    actor: str
    session: int | None
    operation: str
    collection: str
    key: str
    after: bytes | None
    previous: int | None
    origin: str | None = None


class ApiKeyRow(NamedTuple):
    id: str
    hash: bytes
    name: str
    scopes: str
    created_at: int
    expires_at: int | None
    revoked_at: int | None


class Effect(NamedTuple):
    """The record of an outside effect; `state` is intent, done or uncertain."""

    key: bytes
    name: str
    state: str
    at: int
    result: bytes | None


class StoreEvent(NamedTuple):
    """An event with its session's number, as rows come from the store."""

    session: int
    position: int
    seq: int
    kind: str
    at: int
    turn_id: bytes | None
    body: bytes

    @property
    def reply_id(self) -> str:
        """Of an event about a reply."""
        found: str = msgspec.json.decode(self.body)["reply_id"]
        return found

    def public(self) -> Event:
        return Event(
            position=self.position,
            seq=self.seq,
            kind=self.kind,
            at=rfc3339(self.at),
            turn_id=self.turn_id.hex() if self.turn_id else None,
            body=msgspec.Raw(self.body),
        )


def session_from(row: Sequence[Any]) -> Session:
    """A row of `sessions_by_id` (or a query of the same columns) as a struct."""
    return Session(
        number=row[0], id=row[1], channel=row[2], account=row[3], key=row[4], thread=row[5],
        status=row[6], owner=row[7], owner_id=row[8], owner_epoch=row[9], version=row[10],
        last_seq=row[11], state=_state_decoder.decode(row[12]),
        streams=_streams_decoder.decode(row[13]), created_at=row[14], updated_at=row[15],
        name=row[16], preview=row[17], intent=row[18], feeling=row[19], said_seq=row[20],
        read_seq=row[21],
    )  # fmt: skip


class Store(ABC):
    """Durable state. All methods may raise StoreUnavailable, after which nothing was written."""

    dialect: str
    shared: bool
    """True when other processes may write to the same database."""

    # -- life ---------------------------------------------------------------------------------

    @abstractmethod
    async def open(self) -> None:
        """Connects, brings the schema up to date, takes what ownership the engine needs."""

    @abstractmethod
    async def close(self) -> None:
        """Finishes what was handed in, then lets go. May be called twice."""

    # -- writing ------------------------------------------------------------------------------

    async def accept(self, rows: list[AcceptRow]) -> list[Accepted]:
        """Stores messages durably, each once; answers in the order of `rows`.

        A row that the database refuses also when it is alone is answered `refused`; the others are
        stored all the same.
        """
        if not rows:
            return []
        try:
            result: list[Accepted] = await self._write(
                lambda ids: accept_steps(rows, ids), inbox_numbers=len(rows)
            )
            return result
        except self.refusals:
            if len(rows) == 1:
                return [Accepted("refused", 0)]
            half = len(rows) // 2
            return await self.accept(rows[:half]) + await self.accept(rows[half:])

    async def commit(self, write_set: WriteSet) -> list[Outcome]:
        """Commits a write set as one transaction; an outcome per unit, in order.

        Raises StaleLease when a lease in it is not current. A unit that the database refuses also
        when it is alone comes back as FAILED; the others are committed all the same.
        """
        if write_set.is_empty:
            return []
        return await self._commit(write_set)

    async def _commit(self, write_set: WriteSet) -> list[Outcome]:
        try:
            result: list[Outcome] = await self._write(
                lambda excluded: commit_steps(write_set, excluded)
            )
            return result
        except self.refusals as error:
            units = write_set.units
            if len(units) == 1:
                return [Outcome(Verdict.FAILED, error=error)]
            half = len(units) // 2
            outcomes = await self._commit(msgspec.structs.replace(write_set, units=units[:half]))
            rest = msgspec.structs.replace(write_set, units=units[half:])
            try:
                return outcomes + await self._commit(rest)
            except (StaleLease, StoreUnavailable):
                # Raising means that nothing was written, which no longer holds: the rest is to be
                # redone, and will meet the same error then if it lasts.
                if all(outcome.verdict is not Verdict.COMMITTED for outcome in outcomes):
                    raise
                return outcomes + [Outcome(Verdict.CONFLICT)] * len(rest.units)

    async def change(self, name: str, rows: Rows) -> Rows:
        """Runs one named statement over `rows` in a transaction; returns what it returned."""

        def steps(_: Any) -> Steps:
            return (yield name, rows)

        result: Rows = await self._write(steps)
        return result

    async def change_one(self, query: str, *parameters: Any) -> Rows:
        """Runs one small named write of `queries.py`."""

        def steps(_: Any) -> Steps:
            return (yield query, [parameters])

        result: Rows = await self._write(steps)
        return result

    async def transact(self, steps: Callable[[], Steps]) -> Any:
        """Runs steps as one transaction and returns their result; what they raise undoes it.

        They are made anew when the transaction has to run again.
        """
        return await self._write(lambda _: steps())

    # -- reading ------------------------------------------------------------------------------

    async def sessions(self, ids: Iterable[bytes]) -> dict[bytes, Session]:
        """The sessions of these conversations, those that exist."""
        rows = await self.read("sessions_by_id", [(key,) for key in ids])
        return {row[1]: session_from(row) for row in rows}

    async def session(self, conversation: bytes) -> Session:
        """Raises NotFound."""
        found = await self.sessions([conversation])
        if not found:
            raise NotFound(f"no conversation {conversation.hex()}")
        return found[conversation]

    async def sessions_by_number(self, numbers: Iterable[int]) -> dict[int, Session]:
        """Number → session, of those that exist."""
        rows = await self.read("sessions_by_number", [(number,) for number in numbers])
        return {row[0]: session_from(row) for row in rows}

    async def unsent(self, session: int, after: int, *, far: bool = False) -> dict[str, str]:
        """Reply id → kind of the event after `after` that says that it was not sent. What has
        neither such an event nor a row in the outbox was sent, if the outbox was read first.

        `far`: thousands of events may come after.
        """
        rows = await (self.scan if far else self.query)("unsent_after", session, after)
        return {msgspec.json.decode(body)["reply_id"]: kind for kind, body in rows}

    async def events(self, session: int, after: int, limit: int) -> list[StoreEvent]:
        """Events with a sequence number above `after`, oldest first."""
        return [StoreEvent(*row) for row in await self.query("events_page", session, after, limit)]

    async def events_before(self, session: int, before: int, limit: int) -> list[StoreEvent]:
        """The last `limit` events below `before`, oldest first."""
        rows = await self.query("events_before", session, before, limit)
        return [StoreEvent(*row) for row in reversed(rows)]

    async def events_at(self, places: Iterable[tuple[int, int]]) -> list[StoreEvent]:
        """The events at these (session, seq)."""
        return [StoreEvent(*row) for row in await self.read("events_at", list(places))]

    async def inbox_headers(self, after: int, limit: int) -> list[InboxHeader]:
        """Unfinished messages above an inbox number, in order."""
        return [InboxHeader(*row) for row in await self.query("inbox_headers", after, limit)]

    async def payloads(self, ids: Iterable[int]) -> dict[int, tuple[bytes, bytes | None]]:
        """Inbox number → (payload, note), of those still there."""
        rows = await self.read("inbox_payloads", [(key,) for key in ids])
        return {row[0]: (row[1], row[2]) for row in rows}

    async def outbox(
        self, after: tuple[int, int] = (-1, -1), limit: int = 1000
    ) -> list[OutboxItem]:
        """Unsent replies after (session, seq), in that order."""
        return [OutboxItem(*row) for row in await self.query("outbox_pending", *after, limit)]

    async def outbox_of(self, session: int) -> list[OutboxItem]:
        return [OutboxItem(*row) for row in await self.query("outbox_of_session", session)]

    async def dead_letters(
        self,
        before: int | None = None,
        limit: int = 100,
        status: str = "dead",
        conversation: bytes | None = None,
    ) -> list[DeadLetter]:
        """Newest first."""
        first = 2**62 if before is None else before
        if conversation is None:
            rows = await self.query("dead_page", first, status, limit)
        else:
            rows = await self.query("dead_page_of", first, status, conversation, limit)
        return [DeadLetter(*row) for row in rows]

    async def dead_letter(self, number: int) -> DeadLetter:
        """Raises NotFound."""
        rows = await self.query("dead_by_id", number)
        if not rows:
            raise NotFound(f"no dead letter {number}")
        return DeadLetter(*rows[0])

    async def dead_letters_of(self, conversation: bytes) -> list[DeadLetter]:
        """Of one conversation, in the order in which they were received."""
        return [DeadLetter(*row) for row in await self.query("dead_of_conversation", conversation)]

    async def changes_of(self, collection: str, key: str) -> list[ChangeRow]:
        """Every change of one key, oldest first."""
        return [ChangeRow(*row) for row in await self.query("changes_of_key", collection, key)]

    async def changes(self, after: int = 0, limit: int = 500) -> list[ChangeRow]:
        return [ChangeRow(*row) for row in await self.query("changes_page", after, limit)]

    async def effect(self, key: bytes) -> Effect | None:
        rows = await self.read("effects_by_key", [(key,)])
        return Effect(*rows[0]) if rows else None

    async def api_keys(self) -> list[ApiKeyRow]:
        return [ApiKeyRow(*row) for row in await self.query("api_keys")]

    async def meta(self, name: str) -> str | None:
        rows = await self.query("meta_get", name)
        return rows[0][0] if rows else None

    async def set_meta(self, name: str, value: str) -> None:
        await self.change_one("meta_set", name, value)

    # -- what an engine implements ------------------------------------------------------------

    refusals: tuple[type[Exception], ...]
    """Exceptions by which the database says that a row can never be written as it is."""

    @abstractmethod
    async def read(self, name: str, rows: Rows) -> Rows:
        """Runs a reading statement of `statements.py`."""

    @abstractmethod
    async def query(self, name: str, *parameters: Any) -> Rows:
        """Runs a reading query of `queries.py`."""

    async def scan(self, name: str, *parameters: Any) -> Rows:
        """Runs a query that may look at thousands of rows: it does not hold up the event loop."""
        return await self.query(name, *parameters)

    @abstractmethod
    async def select(self, sql: str, *parameters: Any) -> Rows:
        """Runs a reading query that a builder of ours made; parameters as in `queries.py`.

        It may look at thousands of rows: it does not hold up the event loop. Whatever comes from
        outside is a parameter, never part of the text.
        """

    async def explore(self, reading: Reading[T]) -> T:
        """Drives queries of which one follows from the other; each as in `select`.

        SQLite runs all of it in one go, beside the event loop.
        """
        try:
            sql, parameters = next(reading)
            while True:
                sql, parameters = reading.send(await self.select(sql, *parameters))
        except StopIteration as done:
            result: T = done.value
            return result

    async def own_vectors(self, model: str, dimensions: int) -> VectorIndex:
        """The vectors of a model as the database itself keeps and searches them. Raises Unavailable
        where it cannot, and says why."""
        raise Unavailable("the database has no index of vectors")

    @abstractmethod
    async def _write(self, make: Callable[[Any], Steps], inbox_numbers: int = 0) -> Any:
        """Drives steps in one durable transaction and returns their result.

        `make` gets `inbox_numbers` new inbox numbers in growing order, or, when none are asked for,
        the units to leave out (empty at first, filled from Redo when the steps raise it). A step's
        name is looked up among the statements, then among the queries.
        """

    @abstractmethod
    async def new_session_numbers(self, count: int) -> list[int]:
        """Numbers that no session has or will get from anybody else."""

    @abstractmethod
    async def new_inbox_numbers(self, count: int) -> list[int]:
        """Numbers for inbox rows that a commit writes itself (timers, revived dead letters)."""

    @abstractmethod
    async def hold_leases(self, owner: str, lease_s: float) -> dict[int, int]:
        """Takes and renews partitions; returns those held now, partition → epoch.

        Call it every third of `lease_s`. On SQLite the owner of the file holds all of them.
        """

    def draining(self, owner: str) -> frozenset[int]:
        """Partitions that the next `hold_leases` gives up, because another worker came: a worker
        that begins no new work on them loses no batch to StaleLease."""
        return frozenset()

    @abstractmethod
    async def drop_leases(self, owner: str) -> None:
        """Gives the partitions back at once, so that another worker need not wait."""

    @abstractmethod
    def stats(self) -> dict[str, float]:
        """Figures for the metrics: wal_bytes, write_queue, commits, commit_seconds, …; where other
        processes use the database, also signals_away_s and the counts of signals."""

    @abstractmethod
    def listen(self, callback: Callable[[str, str], None]) -> None:
        """Calls back in the event loop with (topic, text) for signals of other processes.

        The store itself sends `inbox` (comma-separated partitions) when inbox rows were written and
        `events` (comma-separated session numbers) when events were. `missed`: some may have been
        lost, look at everything.
        """

    @abstractmethod
    async def signal(self, topic: str, text: str) -> None:
        """Tells the other processes on this database. Lossy: everybody also polls."""

    @abstractmethod
    def hint(self, topic: str, text: str) -> None:
        """Like `signal`, for what loses its worth at once: it is dropped first when much waits."""
