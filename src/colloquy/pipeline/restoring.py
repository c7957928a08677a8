"""The ledger collection `session_state`: how a rollback brings a conversation's state back.

What was said stays said: the log gets a `state_restored` event with the state, so that replaying it
still yields the live one, and automatic replies that are not sent yet are withdrawn (engine
decision 31). Who owns the conversation changes only when the collection, or the conversation, is
named; the owner's epoch never goes back.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec
from msgspec import Struct

from ..ledger.collections import Collection, Steps, Write, check_shape, decode_value
from ..ledger.merge import MISSING, Missing, Resolvers, largest, rule
from ..ledger.values import Value, same
from ..model.message import encode
from ..model.session import Owner, SessionStatus
from ..storage.store import Store

COLLECTION = "session_state"

_OWNERSHIP = ("status", "owner", "owner_id", "owner_epoch")
_INITIAL: dict[str, Any] = {}


class _Live(NamedTuple):
    """A session's row while it is locked, as statement `sessions_lock` returns it."""

    number: int
    id: bytes
    version: int
    last_seq: int
    status: str
    owner: str
    owner_id: str | None
    owner_epoch: int


class _Value(Struct, frozen=True, forbid_unknown_fields=True):
    """What a record is, as `pipeline.writes.state_change` writes it."""

    status: SessionStatus
    owner: Owner
    owner_id: str | None
    owner_epoch: int
    state: dict[str, Any]


class SessionStates(Collection):
    """State of conversations, by conversation id. `moved` is told of each that was restored: what
    is known of it in memory is old."""

    plain = False
    resolvers = Resolvers([rule("/owner_epoch", largest)])

    def __init__(self, store: Store, moved: Callable[[bytes], None]) -> None:
        super().__init__(COLLECTION)
        self._store = store
        self._moved = moved

    def compose(
        self, key: str, now: Value | Missing, then: Value | Missing, named: bool
    ) -> Value | Missing:
        if now is MISSING or then is MISSING:
            return then
        kept = {name: now[name] for name in _OWNERSHIP}
        if named and then["owner"] != now["owner"]:
            kept = {name: then[name] for name in _OWNERSHIP}
            kept["owner_epoch"] = now["owner_epoch"] + 1
        return {**then, **kept}

    def check(self, key: str, now: Value | Missing, then: Value | Missing) -> None:
        if then is not MISSING:
            check_shape(then, _Value)

    def lock(self, keys: Sequence[str]) -> Steps:
        """The sessions, then the counter of events: in the order in which turns take them."""
        if keys:
            yield "sessions_lock", [(bytes.fromhex(key),) for key in keys]
            yield "counter_add", [("events", 0)]

    def apply(self, writes: Sequence[Write]) -> Steps:
        """Moves the rows of conversations to what a rollback wrote; turns move their own."""
        restored = {
            bytes.fromhex(write.change.key): write
            for write in writes
            if write.change.origin is not None
        }
        if not restored:
            return
        found = yield "sessions_lock", [(id_,) for id_ in sorted(restored)]
        sessions = [_Live(*row) for row in found]
        states, touches, events = [], [], []
        unsent = yield "outbox_unsent_automatic", [(one.number,) for one in sessions]
        if unsent:
            gone = yield "outbox_withdraw", [(session, seq) for session, seq, _ in unsent]
            unsent = [row for row in unsent if (row[0], row[1]) in set(gone)]
        for live in sessions:
            write = restored[live.id]
            at = write.change.at
            row = _row_of(live, write.change.after)
            states.append(row)
            told: list[tuple[str, bytes]] = [
                ("reply_withdrawn", encode({"reply_id": reply.hex(), "seq": seq}))
                for session, seq, reply in unsent
                if session == live.number
            ]
            body = {
                "operation": write.change.origin,
                "position": write.position,
                "actor": write.change.actor,
                "status": row[1],
                "owner": row[2],
                "owner_id": row[3],
                "owner_epoch": row[4],
                "state": msgspec.Raw(row[6]),
            }
            told.append(("state_restored", encode(body)))
            events += [
                (live.number, live.last_seq + offset, kind, at, None, None, text)
                for offset, (kind, text) in enumerate(told, 1)
            ]
            last = live.last_seq + len(told)
            touches.append((live.number, last, at, None, None, None, None, None, None))
        yield "session_touch", touches
        yield "session_state", states
        yield "event_insert", events

    async def verify(self, records: Mapping[str, bytes | None]) -> list[str]:
        sessions = await self._store.sessions([bytes.fromhex(key) for key in records])
        wrong = []
        for key, body in records.items():
            session = sessions.get(bytes.fromhex(key))
            wanted = _INITIAL if body is None else decode_value(body)["state"]
            if session is None or not same(session.state, wanted):
                wrong.append(key)
        return wrong

    async def settle(self, keys: Sequence[str]) -> None:
        for key in keys:
            self._moved(bytes.fromhex(key))


def _row_of(live: _Live, after: bytes | None) -> tuple[Any, ...]:
    """For statement `session_state`; without a value the state is as it was at the beginning."""
    if after is None:
        return (live.number, live.status, live.owner, live.owner_id, live.owner_epoch,
                live.version + 1, encode(_INITIAL))  # fmt: skip
    value = decode_value(after)
    return (live.number, value["status"], value["owner"], value["owner_id"], value["owner_epoch"],
            live.version + 1, encode(value["state"]))  # fmt: skip
